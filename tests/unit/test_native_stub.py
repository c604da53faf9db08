"""The stub of the native core says what the built module has: names, parameters, getters, in both directions."""

import os
import subprocess
import sysconfig
from pathlib import Path

import neocortex

PACKAGE = Path(neocortex.__file__).parent
STUBTEST = Path(sysconfig.get_path("scripts")) / "stubtest"

EXPECTED = {
    "neocortex._native.__all__ is not present in stub",
    "neocortex._native.not_in_the_module is not present at runtime",
}
"""PyO3 adds `__all__`; the function is the proof that the comparison takes place."""


def test_the_stub_is_that_of_the_module(tmp_path: Path) -> None:
    package = tmp_path / "neocortex"
    package.mkdir()
    (package / "__init__.pyi").touch()
    stub = (PACKAGE / "_native.pyi").read_text()
    (package / "_native.pyi").write_text(f"{stub}\ndef not_in_the_module() -> None: ...\n")
    done = subprocess.run(
        [STUBTEST, "neocortex._native", "--concise", "--ignore-disjoint-bases"],
        env=os.environ | {"MYPYPATH": str(tmp_path), "PYTHONPATH": str(PACKAGE.parent)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    assert set(done.stdout.splitlines()) == EXPECTED
