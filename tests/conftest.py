"""Fixtures for real servers, and a loud count of what could not be run."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.processes import SHARED, Neocortex, program

_missing: list[str] = []


def need_program(name: str) -> str:
    """The path of a real server that a test starts. In CI a missing one is a failure, elsewhere a loud skip."""
    path = program(name)
    if path is not None:
        return path
    if os.environ.get("CI"):
        pytest.fail(f"{name} is not installed, and this is CI: run tests/install-servers")
    _missing.append(name)
    pytest.skip(f"{name} is not installed (tests/install-servers, as root)")


def need_shared(name: str) -> Path:
    """A folder of recorded data beside the repository. In CI a missing one is a failure, elsewhere a loud skip."""
    path = SHARED / name
    if path.is_dir():
        return path
    if os.environ.get("CI"):
        pytest.fail(f"{path} is missing, and this is CI")
    _missing.append(str(path))
    pytest.skip(f"{path} is missing (set NEOCORTEX_SHARED)")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says what was left out, so that a green run fools nobody."""
    if _missing:
        terminalreporter.section("NOT RUN", red=True)
        terminalreporter.line(f"{len(_missing)} tests did not run for want of: {', '.join(sorted(set(_missing)))}")


@pytest.fixture
def neocortex(tmp_path: Path) -> Iterator[Neocortex]:
    """A running Neocortex with authentication on and empty folders."""
    with Neocortex(tmp_path) as server:
        yield server
