"""What a room may import, and that each says what it is."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import neocortex

ROOT = Path(neocortex.__file__).parent
SOURCES = sorted(path for path in ROOT.rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    """Top-level names of everything that a file imports, in functions too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None and node.level == 0:
            yield node.module.partition(".")[0]


@pytest.mark.parametrize(("package", "room"), [("granian", "http"), ("jinja2", "http"), ("uvloop", "__main__.py")])
def test_a_library_is_imported_by_one_room(package: str, room: str) -> None:
    found = {path.relative_to(ROOT).parts[0] for path in SOURCES if package in imports(path)}
    assert found == {room}


def test_every_room_says_what_it_does() -> None:
    rooms = [path for path in SOURCES if path.name == "__init__.py"]
    assert len(rooms) > 5
    for path in rooms:
        text = ast.get_docstring(ast.parse(path.read_text()))
        assert text, f"{path} has no docstring"
        assert "TODO" not in text, path
