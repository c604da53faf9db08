"""What a start costs that replays the log: CPU for a million samples, and time until ready; beside Prometheus.

Neocortex is filled and killed, and both start on copies of the log that it left, so that they read the same bytes. CPU
and time are those of the start less those of a start without data.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

import pytest

from bench.load import push_all
from bench.peers import NeocortexPeer, PrometheusPeer
from bench.usage import cpu_seconds, resident_bytes
from bench.workload import bodies, label_sets

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.peers import Peer
    from bench.report import Table

PER_REQUEST = 2000
STEP_MS = 15_000
STARTS = 3

QUESTION = "replay of the log at a start; medians"
COLUMNS = (
    "server",
    "series",
    "M samples",
    "CPU s per M samples",
    "M samples per CPU s",
    "s to ready",
    "CPU s to ready",
    "resident MiB",
)


@dataclass(frozen=True)
class Start:
    """What one start took."""

    wall_s: float
    cpu_s: float
    resident: int


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    ("series", "samples"),
    [
        pytest.param(100_000, 40),
        pytest.param(100_000, 120),
        pytest.param(1_000_000, 4),
        pytest.param(1_000_000, 60, marks=pytest.mark.long),
    ],
)
def test_replay(table: Callable[..., Table], tmp_path: Path, series: int, samples: int) -> None:
    """Every start is a start after a crash."""
    filled = NeocortexPeer(tmp_path / "filled")
    start_ms = int(time.time() * 1000) - samples * STEP_MS
    with filled:
        push_all(filled, bodies(label_sets(series), samples, PER_REQUEST, start_ms, STEP_MS))
    log = filled.data / "wal"
    for peer in (NeocortexPeer, PrometheusPeer):
        empty = [one_start(peer(tmp_path / f"empty-{peer.name}-{i}")) for i in range(STARTS)]
        full = [one_start(with_log(peer(tmp_path / f"full-{peer.name}-{i}"), log)) for i in range(STARTS)]
        cpu_s = median(start.cpu_s for start in full) - median(start.cpu_s for start in empty)
        wall_s = median(start.wall_s for start in full) - median(start.wall_s for start in empty)
        million = series * samples / 1e6
        resident = median(start.resident for start in full) / 2**20
        row = (peer.name, series, million, cpu_s / million, million / cpu_s, wall_s, cpu_s, resident)
        table(QUESTION, COLUMNS).add(*row)


def with_log(peer: Peer, log: Path) -> Peer:
    """Gives it a copy of a log."""
    shutil.copytree(log, peer.data / "wal")
    return peer


def one_start(peer: Peer) -> Start:
    """Starts it, kills it, removes what it has."""
    begin = time.perf_counter()
    with peer:
        start = Start(time.perf_counter() - begin, cpu_seconds(peer.pid), resident_bytes(peer.pid))
    shutil.rmtree(peer.folder)
    return start
