"""Who may import whom: rooms, libraries and crates. A new dependency is a decision, made in the tables below."""

import ast
import graphlib
import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.processes import REPOSITORY

PACKAGE = REPOSITORY / "python" / "neocortex"
CRATES = REPOSITORY / "native" / "crates"
SOURCES = sorted(PACKAGE.rglob("*.py"))

WIRING = {"__main__", "modules", "process"}
"""Builds the rooms and may import all of them; no room imports it."""

ROOMS: dict[str, set[str]] = {
    "config": set(),
    "errors": set(),
    "observe": {"turns"},
    "turns": set(),
    "tenant": {"errors"},
    "service": {"observe"},
    "workers": {"_native", "service"},
    "http": {"config", "errors", "observe", "service", "turns"},
    "overrides": {"config", "errors", "http", "observe", "service"},
    "ring": {"http", "observe"},
    "objstore": {"_native", "config", "errors", "observe"},
    "blocks": {"_native", "errors", "objstore"},
    "ingester": {
        "_native",
        "blocks",
        "config",
        "errors",
        "http",
        "objstore",
        "observe",
        "overrides",
        "ring",
        "service",
        "tenant",
        "turns",
    },
    "distributor": {"_native", "config", "errors", "http", "ingester", "observe", "overrides", "ring", "service"},
    "library": {"_native"},
    "querier": {"_native", "config", "errors", "http", "ingester", "observe", "overrides", "ring", "service"},
}
"""What each room imports of the others. A push goes distributor, ring, ingester; a query querier, ring, ingester."""

LIBRARIES = {"granian": {"http"}, "jinja2": {"http"}, "uvloop": {"__main__"}, "yaml": {"config"}}
"""The only room that knows each library."""

CRATE_NEEDS = {
    "model": set[str](),
    "arrow": {"model"},
    "wire": {"model"},
    "tsdb": {"model"},
    "promql": {"model"},
    "bucket": set[str](),
    "fuzzed": {"model", "wire", "tsdb", "promql"},
    "py": {"arrow", "model", "wire", "tsdb", "promql", "bucket"},
}

NO_SUBJECT = {"util", "utils", "helper", "helpers", "common", "misc", "shared", "base"}
"""Names that say nothing about what is inside."""


@dataclass(frozen=True, slots=True)
class Import:
    """A name that a file imports, in functions and for type checking too."""

    file: Path
    module: str
    name: str

    @property
    def room(self) -> str:
        """The importer's room."""
        return self.file.relative_to(PACKAGE).parts[0].removesuffix(".py")

    @property
    def target(self) -> str:
        """The room that is imported, or the library."""
        parts = self.module.split(".")
        if parts[0] != "neocortex":
            return parts[0]
        return parts[1] if len(parts) > 1 else self.name

    @property
    def is_ours(self) -> bool:
        return self.module.split(".")[0] == "neocortex"


def imports() -> Iterator[Import]:
    """Everything that the package imports."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from (Import(path, alias.name, "") for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path}: relative import"
                yield from (Import(path, node.module or "", alias.name) for alias in node.names)


IMPORTS = list(imports())


def test_there_is_something_to_check() -> None:
    assert len(SOURCES) > 50
    assert len(IMPORTS) > 300


def test_rooms_import_what_the_table_says() -> None:
    found: dict[str, set[str]] = {name: set() for name in ROOMS}
    for one in IMPORTS:
        if one.is_ours and one.target not in (one.room, "__version__") and one.room not in WIRING:
            found.setdefault(one.room, set()).add(one.target)
    found.pop("__init__", None)
    assert found == ROOMS


def test_no_rooms_import_each_other() -> None:
    list(graphlib.TopologicalSorter(ROOMS).static_order())


def test_every_room_is_in_the_table_and_in_the_architecture() -> None:
    rooms = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    assert rooms <= ROOMS.keys()
    page = (REPOSITORY / "ARCHITECTURE.md").read_text()
    assert [room for room in rooms if f"\n  {room}/" not in page] == []
    assert [crate for crate in CRATE_NEEDS if f"\n  {crate}/" not in page] == []


def test_nobody_reaches_into_another_room() -> None:
    reaching = [
        f"{one.file.name}: {one.module}.{one.name}"
        for one in IMPORTS
        if one.is_ours
        and one.target != one.room
        and any(part.startswith("_") for part in (*one.module.split(".")[2:], one.name))
        and one.name not in ("_native", "__version__")
    ]
    assert reaching == []


def test_libraries_are_known_to_their_room_alone() -> None:
    found: dict[str, set[str]] = {}
    for one in IMPORTS:
        if not one.is_ours and one.target not in sys.stdlib_module_names:
            found.setdefault(one.target, set()).add(one.room)
    assert found == LIBRARIES


def test_every_room_says_what_it_does() -> None:
    for path in SOURCES:
        text = ast.get_docstring(ast.parse(path.read_text()))
        assert text, f"{path} has no docstring"
        assert "TODO" not in text, path


@pytest.mark.parametrize("folder", [PACKAGE, CRATES, REPOSITORY / "tests"])
def test_every_module_has_a_subject(folder: Path) -> None:
    nameless = [path for path in folder.rglob("*") if path.stem in NO_SUBJECT and path.suffix in ("", ".py", ".rs")]
    assert nameless == []


def needs(crate: str) -> set[str]:
    """Names of the packages that a crate is built with; those of its tests aside."""
    manifest = tomllib.loads((CRATES / crate / "Cargo.toml").read_text())
    tables = [manifest, *manifest.get("target", {}).values()]
    return {name for table in tables for kind in ("dependencies", "build-dependencies") for name in table.get(kind, {})}


def test_crates_need_what_the_table_says() -> None:
    assert {path.parent.name for path in CRATES.glob("*/Cargo.toml")} == CRATE_NEEDS.keys()
    for crate, expected in CRATE_NEEDS.items():
        ours = {name.removeprefix("neocortex-") for name in needs(crate) if name.startswith("neocortex-")}
        assert ours == expected, crate


def test_one_crate_knows_python() -> None:
    assert [crate for crate in CRATE_NEEDS if any(name.startswith("pyo3") for name in needs(crate))] == ["py"]
    knowing = [path for path in CRATES.rglob("*.rs") if re.search(r"\bpyo3\b", path.read_text())]
    assert {path.relative_to(CRATES).parts[0] for path in knowing} == {"py"}


def test_the_disk_is_known_in_two_places() -> None:
    """The databases' door to it, and the bucket's directory and the files that are uploaded."""
    sources = [path for path in CRATES.glob("*/src/**/*.rs") if re.search(r"\b(std|tokio)::fs\b", path.read_text())]
    knowing = {str(path.relative_to(CRATES)) for path in sources if path.name != "tests.rs"}
    assert knowing >= {"tsdb/src/fs/real.rs", "bucket/src/local.rs"}
    assert {name for name in knowing if not name.startswith("tsdb/src/fs/")} == {"bucket/src/local.rs"}


def test_one_crate_knows_object_stores() -> None:
    assert [crate for crate in CRATE_NEEDS if "object_store" in needs(crate)] == ["bucket"]
