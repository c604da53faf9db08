"""What a tenant costs that has a few series and sends nothing: memory, file descriptors, and time at a start.

Only Neocortex, because the others know no tenants.
"""

from __future__ import annotations

import dataclasses
import os
import time
import urllib.request
from typing import TYPE_CHECKING

import pytest

from bench.load import Post, post_all
from bench.peers import NeocortexPeer
from bench.stalls import COLUMNS as STALL_COLUMNS
from bench.stalls import QUESTION as STALL_QUESTION
from bench.stalls import Watch
from bench.usage import cpu_seconds, heap_bytes, mappings, open_files, resident_bytes
from bench.workload import bodies, label_sets, spread_body

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bench.report import Table

TENANTS = int(os.environ.get("NEOCORTEX_BENCH_TENANTS", "10000"))
SERIES = 5
FETCHES = 3
HOUR_MS = 3_600_000
COMPACTED_WITHIN_S = 1500

QUESTION = f"an idle tenant of {SERIES} series, {TENANTS} tenants in one process; KiB a tenant"
COLUMNS = ("after", "resident", "without files", "files open", "mappings", "s to ready", "CPU s")
NO_FIGURE = "-"


@dataclasses.dataclass(frozen=True)
class Idle:
    """A process without tenants."""

    resident: int
    heap: int
    cpu_s: float


@pytest.mark.timeout(1800)
def test_idle_tenants(table: Callable[..., Table], tmp_path: Path) -> None:
    """Pushed once, then a crash and a start, which replays as many logs."""
    with NeocortexPeer(tmp_path) as server:
        idle = Idle(resident_bytes(server.pid), heap_bytes(server.pid), cpu_seconds(server.pid))
        body = next(bodies(label_sets(SERIES), 1, SERIES, int(time.time() * 1000) - 60_000, 1))
        post_all(server, pushes(body))
        figures = table(QUESTION, COLUMNS)
        figures.add("pushes", *footprint(server, idle), NO_FIGURE, cpu_seconds(server.pid) - idle.cpu_s)
        watched = table(STALL_QUESTION, STALL_COLUMNS)
        for path in ("/metrics", "/ingester/all_user_stats"):
            with Watch(server, tmp_path, watched, f"GET {path} of {TENANTS:,} tenants"):
                fetch_in_between(server, path)
        server.kill()
        restart(server, idle, figures, "a start")


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_idle_tenants_with_blocks(table: Callable[..., Table], tmp_path: Path) -> None:
    """Eight hours of samples have become four blocks a tenant."""
    flags = ["-blocks-storage.tsdb.retention-period=12h", "-blocks-storage.tsdb.head-compaction-interval=5s"]
    with NeocortexPeer(tmp_path, flags) as server:
        idle = Idle(resident_bytes(server.pid), heap_bytes(server.pid), cpu_seconds(server.pid))
        now_ms = int(time.time() * 1000)
        body = spread_body(label_sets(SERIES), [now_ms - hours * HOUR_MS for hours in (9, 7, 5, 3, 1)])
        post_all(server, pushes(body))
        wait_for_blocks(server)
        figures = table(QUESTION, COLUMNS)
        figures.add("compaction", *footprint(server, idle), NO_FIGURE, cpu_seconds(server.pid) - idle.cpu_s)
        server.kill()
        restart(server, idle, figures, "a start with blocks")


def fetch_in_between(server: NeocortexPeer, path: str) -> None:
    """Some answers, a second before and after each, so that the probes see every one of them."""
    for _ in range(FETCHES):
        time.sleep(1)
        urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=60).read()
    time.sleep(1)


def pushes(body: bytes) -> Iterator[Post]:
    """The same samples for every tenant."""
    return (Post(body, f"tenant-{i:05d}") for i in range(TENANTS))


def footprint(server: NeocortexPeer, idle: Idle) -> tuple[float, float, int, int]:
    """The first four figures of a row."""
    return (
        (resident_bytes(server.pid) - idle.resident) / TENANTS / 1024,
        (heap_bytes(server.pid) - idle.heap) / TENANTS / 1024,
        open_files(server.pid),
        mappings(server.pid),
    )


def restart(server: NeocortexPeer, idle: Idle, figures: Table, name: str) -> None:
    """Starts it on what is there."""
    begin = time.perf_counter()
    server.start()
    ready_s = time.perf_counter() - begin
    figures.add(name, *footprint(server, idle), ready_s, cpu_seconds(server.pid) - idle.cpu_s)


def wait_for_blocks(server: NeocortexPeer) -> None:
    """Until the last tenant has a block; they are cut in the order in which they came."""
    end = time.monotonic() + COMPACTED_WITHIN_S
    newest = server.folder / "tsdb" / f"tenant-{TENANTS - 1:05d}"
    while not any(newest.glob("*/meta.json")):
        assert time.monotonic() < end, f"no block within {COMPACTED_WITHIN_S} s"
        time.sleep(1)
