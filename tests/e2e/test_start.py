"""Start-up: time to ready and idle memory of a process on empty folders."""

import time
from pathlib import Path

import pytest

from bench.usage import resident_bytes
from support.processes import Neocortex

pytestmark = pytest.mark.e2e


def test_starts_ready_and_small(tmp_path: Path) -> None:
    """The budgets are 1 s and 80 MiB on an idle machine; a busy one gets slack in time, none in memory."""
    seconds = []
    resident = []
    for i in range(3):
        folder = tmp_path / str(i)
        folder.mkdir()
        begin = time.monotonic()
        with Neocortex(folder) as server:
            seconds.append(time.monotonic() - begin)
            resident.append(resident_bytes(server.running.pid) / 2**20)
    print(f"\nstart to ready: {sorted(seconds)[1]:.2f} s; idle: {sorted(resident)[1]:.0f} MiB (medians of 3)")
    assert max(resident) < 80
    assert min(seconds) < 5


def test_stops_cleanly_on_sigterm(neocortex: Neocortex) -> None:
    assert neocortex.stop() == 0
