"""The schema against the list of every option of Cortex 1.21.1 (`../shared/spec/config-reference.tsv`)."""

import csv
from collections.abc import Iterator

import pytest

from neocortex.config import Config
from neocortex.config.duration import parse_go_duration
from neocortex.config.flags import COMMAND_FLAGS, DEPRECATED_FLAGS, UNUSED_FLAGS
from neocortex.config.lists import CommaDurations
from neocortex.config.option import Nested, Section
from neocortex.config.registry import Entry, entries, flag_index
from neocortex.config.scalars import GoDuration
from neocortex.config.status import name_of
from support.needed import need_shared

OWN_FLAGS = {"config.unsupported", "querier.promql-features"}
OWN_PATHS = {"querier.promql_features"}
FURTHER_ALIASES = {"experimental.alertmanager.enable-api"}

Row = dict[str, str]


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    with (need_shared("spec") / "config-reference.tsv").open(newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


@pytest.fixture(scope="module")
def by_path() -> dict[str, Entry]:
    return {name_of(entry): entry for entry in entries(Config)}


def test_list_is_whole(rows: list[Row]) -> None:
    assert len(rows) == 1723


def test_same_paths(rows: list[Row], by_path: dict[str, Entry]) -> None:
    listed = {row["yaml_path"] for row in rows if row["yaml_path"]}
    ours = {path for path, entry in by_path.items() if entry.path or path.startswith("api.")}
    assert ours - OWN_PATHS == listed - {"prealloc"}
    assert Config.by_yaml["prealloc"].hidden


def test_same_flags(rows: list[Row], by_path: dict[str, Entry]) -> None:
    listed = {row["cli_flag"].removeprefix("-") for row in rows if row["cli_flag"]}
    ours = {*flag_index(), *COMMAND_FLAGS, *DEPRECATED_FLAGS, *UNUSED_FLAGS, "config.file"}
    assert ours == listed | OWN_FLAGS | FURTHER_ALIASES
    for row in rows:
        if row["yaml_path"] and row["cli_flag"] and row["yaml_path"] != "querier.ingester_streaming":
            assert f"-{by_path[row['yaml_path']].flag}" == row["cli_flag"], row["yaml_path"]


def test_same_types(rows: list[Row], by_path: dict[str, Entry]) -> None:
    # The list names the scheme by its Go kind, an integer, although it is written as a text.
    typed = [row for row in rows if row["yaml_path"] and row["type"] and row["yaml_path"] != "name_validation_scheme"]
    assert len(typed) > 1600
    for row in typed:
        assert by_path[row["yaml_path"]].option.kind.doc == row["type"], row["yaml_path"]


def test_same_defaults(rows: list[Row], by_path: dict[str, Entry]) -> None:
    compared = 0
    for row in rows:
        if not row["yaml_path"] or row["yaml_path"] == "prealloc":
            continue
        entry, want = by_path[row["yaml_path"]], row["default"]
        kind = entry.option.kind
        if isinstance(kind, GoDuration):
            assert entry.default.ns == parse_go_duration(want).ns, row["yaml_path"]
        elif isinstance(kind, CommaDurations):
            assert kind.text(entry.default) == kind.text(kind.parse(want, [])), row["yaml_path"]
        elif kind.doc.startswith("map of string (labelName)"):
            assert (entry.default, want) == ({}, "[]"), row["yaml_path"]
        elif callable(entry.option.default):
            assert want in ("<hostname>", "vm", ""), row["yaml_path"]
        else:
            assert kind.text(entry.default) == want, row["yaml_path"]
        compared += 1
    assert compared > 1600


def test_an_instance_holds_the_default_of_every_place() -> None:
    config = Config()
    for entry in entries(Config):
        assert entry.value(config) == entry.default, name_of(entry)


def sections(cls: type[Section]) -> Iterator[type[Section]]:
    yield cls
    for member in cls.members:
        if isinstance(member, Nested):
            yield from sections(member.cls)


def test_every_section_says_what_it_is() -> None:
    for cls in sections(Config):
        assert cls.__doc__, cls
        assert cls.go, cls


def test_copies_share_nothing() -> None:
    config = Config()
    twin = config.copy()
    assert twin == config
    twin.memberlist.join_members.append("a")
    twin.limits.alertmanager_notification_rate_limit_per_integration["email"] = 1.0
    assert config.memberlist.join_members == []
    assert config.limits.alertmanager_notification_rate_limit_per_integration == {}
