"""The table of modules."""

import pytest

from neocortex.errors import StartError
from neocortex.modules import MODULES, describe, ordered


def test_every_need_is_a_module() -> None:
    assert {need for module in MODULES.values() for need in module.needs} <= MODULES.keys()


def test_needs_come_first_and_once() -> None:
    names = ordered(["all", "api"])
    assert len(names) == len(set(names))
    for position, name in enumerate(names):
        assert set(MODULES[name].needs) <= set(names[:position])


def test_an_unknown_target() -> None:
    with pytest.raises(StartError, match=r"^unrecognised module name: nope$"):
        ordered(["api", "nope"])


def test_describe() -> None:
    lines = describe().splitlines()
    assert lines[-2:] == ["", "Modules marked with * are included in target All."]
    assert "all" in lines
    assert lines[:-2] == sorted(lines[:-2])
    assert not any(line.startswith(("server", "api ")) for line in lines)
