"""What Cortex 1.21.1 answered to wrong and to odd configurations, recorded in `data/`."""

import difflib
import json
import socket
from pathlib import Path
from typing import Any

import pytest

from neocortex.config import Exit, load

DATA = Path(__file__).parent / "data"


def recorded(name: str) -> list[Any]:
    """The cases of a file, named for pytest."""
    return [pytest.param(case, id=case["name"]) for case in json.loads((DATA / name).read_text())]


def answer(case: dict[str, Any], folder: Path, monkeypatch: pytest.MonkeyPatch) -> Exit:
    """How the command ends."""
    monkeypatch.chdir(folder)
    if "yaml" in case:
        Path("cfg.yaml").write_text(case["yaml"])
    with pytest.raises(Exit) as end:
        load(case["args"], {})
    return end.value


@pytest.mark.parametrize("case", recorded("refusals.json"))
def test_refusal_has_the_same_text_and_exit_code(
    case: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = answer(case, tmp_path, monkeypatch)
    assert (end.code, end.stdout, end.stderr) == (case["code"], "", case["stderr"])


@pytest.mark.parametrize("case", recorded("prints.json"))
def test_printed_configuration_differs_from_the_default_in_the_same_lines(
    case: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = answer(case, tmp_path, monkeypatch)
    printed = end.stdout.replace(f": {socket.gethostname()}\n", ": <hostname>\n").split("\n")
    default = (DATA / "defaults.yaml").read_text().split("\n")
    changed = [line for line in difflib.ndiff(default, printed) if line[:2] in ("- ", "+ ")]
    assert end.code == 0
    assert changed == case["changed"]
