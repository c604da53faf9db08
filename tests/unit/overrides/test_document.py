"""The runtime file's content."""

from pathlib import Path

import pytest

from neocortex.config import Config
from neocortex.overrides.document import InvalidRuntimeConfig, read_document
from neocortex.overrides.page import NO_FILE, runtime_config_page

DATA = Path(__file__).parent / "data"


@pytest.fixture
def config() -> Config:
    config = Config()
    config.limits.ingestion_rate = 7.0
    return config


def test_a_tenant_starts_from_the_defaults(config: Config) -> None:
    values = read_document(b"overrides:\n  a:\n    max_series_per_user: 5\n  b:\n", config)
    assert values.overrides["a"].max_series_per_user == 5
    assert values.overrides["a"].ingestion_rate == 7.0
    assert values.overrides["b"] == config.limits
    assert config.limits.max_series_per_user == 5_000_000


def test_every_other_key(config: Config) -> None:
    values = read_document(
        b"""
multi_kv_config: {primary: etcd, mirror_enabled: true}
ingester_stream_chunks_when_using_blocks: true
ingester_limits: {max_series: 9}
hard_overrides: {a: {max_exemplars: 3}}
api_allowed_limits: [ingestion_rate]
""",
        config,
    )
    assert (values.multi_kv_config.primary, values.multi_kv_config.mirror_enabled) == ("etcd", True)
    assert values.ingester_stream_chunks_when_using_blocks is True
    assert values.ingester_limits is not None
    assert values.ingester_limits.max_series == 9
    assert values.hard_overrides["a"].max_exemplars == 3
    assert values.api_allowed_limits == ["ingestion_rate"]


@pytest.mark.parametrize("content", [b"", b"# nothing\n", b"~\n", b"overrides:\n"])
def test_empty_files(content: bytes, config: Config) -> None:
    values = read_document(content, config)
    assert values.overrides == {}
    assert values.ingester_limits is None


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"foo: 1\n", "line 1: field foo not found in type runtimeconfig.RuntimeConfigValues"),
        (b"overrides:\n  a:\n    foo: 1\n", "line 3: field foo not found in type validation.plain"),
        (b"overrides:\n  a: {}\n  a: {}\n", 'line 3: key "a" already set in map'),
        (b"ingester_limits:\n  foo: 1\n", "line 2: field foo not found in type ingester.plain"),
        (b"overrides:\n  a:\n    max_exemplars: x\n", "line 3: cannot unmarshal !!str `x` into int"),
        (b"overrides: [a]\n", "line 1: cannot unmarshal !!seq into map[string]*validation.Limits"),
        (b"{}\n---\n{}\n", "the provided runtime configuration contains multiple documents"),
        (b"overrides: {a: {max_query_length: 1x}}\n", 'unknown unit "x" in duration "1x"'),
        (
            b"overrides: {a: {max_global_series_per_user: 1}}\n",
            "the ingester.max-global-series-per-user limit is unsupported",
        ),
    ],
)
def test_refuses(content: bytes, problem: str, config: Config) -> None:
    with pytest.raises(InvalidRuntimeConfig) as error:
        read_document(content, config)
    assert problem in str(error.value)


def test_limits_are_not_checked_for_other_targets(config: Config) -> None:
    config.target = ["store-gateway"]
    assert read_document(b"overrides: {a: {max_global_series_per_user: 1}}\n", config).overrides


def test_pages(config: Config) -> None:
    values = read_document(b"overrides: {b: {max_exemplars: 3}, a: {}}\n", config)
    assert runtime_config_page(values, config.limits, "diff") == "overrides:\n  b:\n    max_exemplars: 3\n"
    page = runtime_config_page(values, config.limits)
    assert page.startswith("overrides:\n  a:\n    ingestion_rate: 7\n")
    assert page.endswith("ingester_stream_chunks_when_using_blocks: null\ningester_limits: null\n")
    assert runtime_config_page(None, config.limits) == NO_FILE


@pytest.mark.parametrize(("mode", "page"), [("", "page.yaml"), ("diff", "page-diff.yaml")])
def test_pages_are_those_that_cortex_showed_for_the_same_file(mode: str, page: str) -> None:
    """Recorded in `data/`, without the keys of compiled expressions that Cortex shows by accident."""
    config = Config()
    values = read_document((DATA / "runtime.yaml").read_bytes(), config)
    assert runtime_config_page(values, config.limits, mode) == (DATA / page).read_text()
