"""Fixtures for real servers, and a loud count of what could not be run."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.needed import missing
from support.processes import Neocortex


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says what was left out, so that a green run fools nobody."""
    if missing:
        terminalreporter.section("NOT RUN", red=True)
        terminalreporter.line(f"{len(missing)} tests did not run for want of: {', '.join(sorted(set(missing)))}")


@pytest.fixture
def neocortex(tmp_path: Path) -> Iterator[Neocortex]:
    """A running Neocortex with authentication on and empty folders."""
    with Neocortex(tmp_path) as server:
        yield server
