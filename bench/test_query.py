"""Queries of dashboards and alerts on 10,000 series of six hours at 15 s; beside Prometheus and VictoriaMetrics.

Every server is filled with the same samples, and asked each query several times over one connection, first those that
do not count. VictoriaMetrics is asked not to answer from its cache of results; the others have none.
"""

from __future__ import annotations

import http.client
import json
import time
import urllib.parse
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

import pytest

from bench.load import push_all
from bench.peers import ALL, NeocortexPeer, PrometheusPeer
from bench.queries import NOW, QUERIES, label_sets, values
from bench.usage import thread_cpu_seconds
from bench.workload import bodies

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.peers import Peer
    from bench.queries import Shape
    from bench.report import Table

SAMPLES = 6 * 240
STEP_MS = 15_000
PER_REQUEST = 2000

WARMUPS = 2
ROUNDS = 10
SETTLE_S = 35
"""VictoriaMetrics shows samples once they are 30 s old."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One query: mean of CPU and median of latency in milliseconds; series and samples of the answer."""

    cpu_ms: float
    latency_ms: float
    answer: tuple[int, int]


@pytest.mark.timeout(3600)
def test_queries(table: Callable[..., Table], tmp_path: Path) -> None:
    """The answers of Neocortex and Prometheus are about as large; what they are is compared in tests/parity."""
    end_ms = int(time.time() * 1000) // STEP_MS * STEP_MS
    asked: dict[str, list[Asked]] = {}
    for peer in ALL:
        with peer(tmp_path / peer.name) as server:
            fill(server, end_ms)
            time.sleep(SETTLE_S)
            asked[peer.name] = [ask(server, shape, query, end_ms) for shape, query in QUERIES]
    shown = table("queries on 10,000 series, CPU ms and latency ms; VictoriaMetrics without its cache", columns())
    for i, (shape, query) in enumerate(QUERIES):
        results = [asked[peer.name][i] for peer in ALL]
        shown.add(shape.name, query, *(figure for it in results for figure in (it.cpu_ms, it.latency_ms)))
    sums = [(sum(it.cpu_ms for it in results), sum(it.latency_ms for it in results)) for results in asked.values()]
    shown.add("", "all", *(figure for pair in sums for figure in pair))
    for (_, query), ours, theirs in zip(QUERIES, asked[NeocortexPeer.name], asked[PrometheusPeer.name], strict=True):
        # Debian's Prometheus counts the sample at a window's beginning, so that a few series more or less are the best.
        assert 0.8 < (ours.answer[0] + 1) / (theirs.answer[0] + 1) < 1.25, query


def columns() -> list[str]:
    """Two for each server."""
    return ["range", "query", *(f"{peer.name} {figure}" for peer in ALL for figure in ("CPU", "latency"))]


def fill(server: Peer, end_ms: int) -> None:
    """Six hours of samples up to a time."""
    first_ms = end_ms - (SAMPLES - 1) * STEP_MS
    push_all(server, bodies(label_sets(), SAMPLES, PER_REQUEST, first_ms, STEP_MS, shape=values))


def ask(server: Peer, shape: Shape, query: str, end_ms: int) -> Asked:
    """Asks several times."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
    path = target(server, shape, query, end_ms)
    for _ in range(WARMUPS):
        body = answer(connection, path)
    latencies_s = []
    before = sum(thread_cpu_seconds(server.pid).values())
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        answer(connection, path)
        latencies_s.append(time.perf_counter() - begin)
    cpu_s = sum(thread_cpu_seconds(server.pid).values()) - before
    connection.close()
    return Asked(cpu_s * 1e3 / ROUNDS, median(latencies_s) * 1e3, size_of(body))


def target(server: Peer, shape: Shape, query: str, end_ms: int) -> str:
    """Path and parameters of a query that ends with the data."""
    end = end_ms / 1000
    times: dict[str, object] = {"start": end - shape.range_s, "end": end, "step": shape.step_s}
    path = server.query_path
    if shape is NOW:
        times = {"time": end}
        path = path.removesuffix("_range")
    return f"{path}?{urllib.parse.urlencode({'query': query, **times, 'nocache': 1})}"


def answer(connection: http.client.HTTPConnection, path: str) -> bytes:
    """The body of a successful answer."""
    connection.request("GET", path, headers={"X-Scope-OrgID": "bench"})
    response = connection.getresponse()
    body = response.read()
    assert response.status == http.client.OK, body
    return body


def size_of(body: bytes) -> tuple[int, int]:
    """Series and samples."""
    result = json.loads(body)["data"]["result"]
    return len(result), sum(len(series.get("values", (1,))) for series in result)
