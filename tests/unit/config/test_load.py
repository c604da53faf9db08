"""Order of sources, variables, the command's own flags, samples that must load as they are."""

import shutil
from pathlib import Path

import pytest

from neocortex.config import Config, Exit, load
from neocortex.config.load import expand_env, read_text
from support.needed import need_shared

REPOSITORY = Path(__file__).parents[3]


def file_of(folder: Path, text: str) -> str:
    path = folder / "c.yaml"
    path.write_text(text)
    return f"-config.file={path}"


def test_flags_win_over_the_file_wherever_they_stand(tmp_path: Path) -> None:
    file = file_of(tmp_path, "server: {http_listen_port: 1, grpc_listen_port: 2}\n")
    for args in ([file, "-server.http-listen-port=3"], ["-server.http-listen-port=3", file]):
        server = load(args).config.server
        assert (server.http_listen_port, server.grpc_listen_port) == (3, 2)


def test_two_dashes_separate_values_and_bare_booleans() -> None:
    loaded = load(["--server.http-listen-port", "5", "-server.log-request-headers", "-auth.enabled=f", "rest", "-x"])
    assert loaded.config.server.http_listen_port == 5
    assert loaded.config.server.log_request_headers
    assert not loaded.config.auth_enabled


def test_list_flags_add_to_the_file(tmp_path: Path) -> None:
    loaded = load([file_of(tmp_path, "memberlist: {join_members: [a]}\n"), "-memberlist.join=b", "-memberlist.join=c"])
    assert loaded.config.memberlist.join_members == ["a", "b", "c"]


def test_older_names() -> None:
    config = load(["-experimental.ruler.enable-api", "-experimental.alertmanager.enable-api"]).config
    assert config.ruler.enable_api
    assert config.alertmanager.enable_api


def test_deprecated_flags_are_reported() -> None:
    assert load(["-ruler.num-workers=3", "-querier.iterators=x"]).command.deprecated_flags == [
        "ruler.num-workers",
        "querier.iterators",
    ]


def test_command_flags() -> None:
    command = load(["-modules", "-event.sample-rate=3", "-debug.mutex-profile-fraction=4"]).command
    assert command.modules
    assert (command.event_sample_rate, command.mutex_profile_fraction) == (3, 4)


def test_version_ends_well() -> None:
    with pytest.raises(Exit) as end:
        load(["-version"])
    assert end.value.code == 0
    assert end.value.stdout.startswith("Neocortex, version ")


def test_help_lists_every_flag_on_stdout() -> None:
    with pytest.raises(Exit) as end:
        load(["-help"])
    assert end.value.code == 2
    assert "  -server.http-listen-port int\n" in end.value.stdout
    assert end.value.stdout.count("\n  -") > 1690


def test_hash_is_of_the_file_before_its_variables(tmp_path: Path) -> None:
    file = file_of(tmp_path, "http_prefix: ${P}\n")
    hashes = {load([file, "-config.expand-env=true"], {"P": prefix}).file_sha256 for prefix in ("/a", "/b")}
    assert len(hashes) == 1


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("$A ${A} ${B:x} ${A:x}", "1 1 x 1"),
        ("${EMPTY:d} ${NONE}|", "d |"),
        ("$A_ $A-", " 1-"),
        ("100$ a$ $.", "100$ a$ $."),
        ("${} ${A", " A"),
        ("${A:b:c}${N:b:c}", "1b:c"),
    ],
)
def test_variables(text: str, expanded: str) -> None:
    assert expand_env(text, {"A": "1", "EMPTY": ""}) == expanded


def test_secrets_stay_out_of_pages_and_tracebacks() -> None:
    config = Config()
    read_text("blocks_storage: {s3: {secret_access_key: hunter2}}\n", config)
    assert config.blocks_storage.s3.secret_access_key.value == "hunter2"
    assert "hunter2" not in repr(config.blocks_storage.s3.secret_access_key)
    assert config.blocks_storage.shown()["s3"]["secret_access_key"] == "********"


def test_recorded_configurations_load() -> None:
    folder = need_shared("golden") / "config"
    environ = {f"GOLDEN_{name}_PORT": str(port) for port, name in enumerate(("HTTP", "GRPC", "GOSSIP", "CLUSTER"), 1)}
    for name in ("single", "configs", "overrides"):
        loaded = load([f"-config.file={folder / name}.yaml", "-config.expand-env"], environ | {"GOLDEN_DIR": "/x"})
        assert loaded.config.server.http_listen_port == 1


@pytest.mark.parametrize("path", sorted((REPOSITORY / "docs" / "examples").glob("*.yaml")), ids=lambda path: path.stem)
def test_examples_load(path: Path, tmp_path: Path) -> None:
    copy = shutil.copy(path, tmp_path)
    assert load([f"-config.file={copy}"], {}).config.target == ["all"]
