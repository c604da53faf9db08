"""A directory as a Prometheus leaves it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import neocortex
from support.processes import REPOSITORY

WAL = REPOSITORY / "native" / "crates" / "tsdb" / "tests" / "data" / "prometheus-2.42-wal"


@pytest.fixture
def prometheus_dir(tmp_path: Path) -> Path:
    """The log that a Prometheus 2.42 wrote until it was killed: 150 scrapes of floats and native histograms."""
    shutil.copytree(WAL, tmp_path / "data" / "wal")
    return tmp_path / "data"


@pytest.fixture
def database(prometheus_dir: Path) -> Iterator[neocortex.Database]:
    with neocortex.open(prometheus_dir) as database:
        yield database
