"""Benchmarks refuse a debug core, say on what they ran, and end with tables of their figures.

`NEOCORTEX_BENCH_LONG=1` runs those marked `long` too, which take a quarter of an hour each.
"""

from __future__ import annotations

import os
import platform
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from bench.report import Table
from neocortex import _native

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

TABLES = pytest.StashKey[dict[str, Table]]()


def pytest_configure(config: pytest.Config) -> None:
    if _native.PROFILE != "release":
        raise pytest.UsageError("the native core is a debug build; figures of it would mislead (make build)")
    config.addinivalue_line("markers", "long: runs with NEOCORTEX_BENCH_LONG=1 only")
    config.stash[TABLES] = {}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not os.environ.get("NEOCORTEX_BENCH_LONG"):
        for item in items:
            if item.get_closest_marker("long"):
                item.add_marker(pytest.mark.skip(reason="long: set NEOCORTEX_BENCH_LONG=1"))


def pytest_report_header(config: pytest.Config) -> str:
    with open("/proc/cpuinfo") as f:  # noqa: PTH123 - a pseudo file
        model = next((line.split(":", 1)[1].strip() for line in f if line.startswith("model name")), "unknown")
    return f"machine: {os.cpu_count()} x {model}, Python {platform.python_version()}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for table in config.stash[TABLES].values():
        terminalreporter.write_line("")
        for line in table.lines():
            terminalreporter.write_line(line)


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A folder that is gone after the test, whatever became of it: databases are large."""
    with TemporaryDirectory(prefix="neocortex-bench-") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def table(pytestconfig: pytest.Config) -> Callable[[str, Sequence[str]], Table]:
    """Gives the table of a question, the same one for all who ask with these words."""
    tables = pytestconfig.stash[TABLES]

    def of(question: str, columns: Sequence[str]) -> Table:
        return tables.setdefault(question, Table(question, columns))

    return of
