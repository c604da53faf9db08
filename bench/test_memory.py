"""How much resident memory an active series takes, all in, beside Prometheus and VictoriaMetrics.

Resident memory after the pushes less that of the idle process, by the number of series. Settled a while: Go's heap
shrinks late, so its peak is shown beside it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from bench.load import push_all
from bench.peers import ALL
from bench.usage import heap_bytes, peak_bytes, resident_bytes
from bench.workload import bodies, label_sets

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.peers import Peer
    from bench.report import Table

PER_REQUEST = 2000
STEP_MS = 15_000
SETTLE_S = 10

QUESTION = "memory per active series of 10 to 13 labels, bytes"
COLUMNS = ("server", "series", "samples each", "resident", "without files", "peak", "idle MiB", "CPU s per M samples")

CASES = [
    pytest.param(100_000, 4),
    pytest.param(100_000, 130),
    pytest.param(1_000_000, 4),
    pytest.param(1_000_000, 130, marks=pytest.mark.long),
]


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("peer", ALL, ids=lambda peer: peer.name)
@pytest.mark.parametrize(("series", "samples"), CASES)
def test_memory_of_series(
    table: Callable[..., Table], tmp_path: Path, peer: type[Peer], series: int, samples: int
) -> None:
    """Every series gets `samples` samples, the last one just now."""
    start_ms = int(time.time() * 1000) - samples * STEP_MS
    with peer(tmp_path) as server:
        idle, idle_heap = resident_bytes(server.pid), heap_bytes(server.pid)
        load = push_all(server, bodies(label_sets(series), samples, PER_REQUEST, start_ms, STEP_MS))
        time.sleep(SETTLE_S)
        resident, heap, peak = resident_bytes(server.pid), heap_bytes(server.pid), peak_bytes(server.pid)
    table(QUESTION, COLUMNS).add(
        peer.name,
        series,
        samples,
        (resident - idle) / series,
        (heap - idle_heap) / series,
        (peak - idle) / series,
        idle / 2**20,
        load.cpu_s * 1e6 / (series * samples),
    )
