"""Queries over HTTP on 10,000 series of an hour at 15 s."""

from __future__ import annotations

import http.client
import time
import urllib.parse
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from bench.load import push_all
from bench.peers import NeocortexPeer
from bench.usage import cpu_seconds
from bench.workload import bodies, label_sets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_benchmark.fixture import BenchmarkFixture

SERIES = 10_000
SAMPLES = 240
STEP_MS = 15_000

QUERIES = {
    "instant, one metric": "sum(go_goroutines)",
    "sum of rates": "sum by (namespace) (rate(http_requests_total[5m]))",
    "rate, all series of a metric": "rate(container_cpu_usage_seconds_total[5m])",
    "max over time": "max by (cluster) (max_over_time(process_resident_memory_bytes[10m]))",
    "topk": "topk(5, sum by (pod) (rate(container_network_receive_bytes_total[5m])))",
    "join": "sum by (node) (go_goroutines / on (pod, id) group_left () go_goroutines)",
    "regex": 'count({__name__=~"container_.+", namespace=~"team-1.|team-2."})',
}


@dataclass
class Loaded:
    server: NeocortexPeer
    start_s: float
    end_s: float


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    end = time.time() - 30
    start = end - SAMPLES * STEP_MS / 1000
    requests = list(bodies(label_sets(SERIES), SAMPLES, 2000, int(start * 1000), STEP_MS))
    with NeocortexPeer(tmp_path_factory.mktemp("query")) as server:
        push_all(server, requests, connections=1)
        yield Loaded(server, start, end)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", QUERIES)
def test_range_query(benchmark: BenchmarkFixture, loaded: Loaded, name: str) -> None:
    """An hour at a step of 15 s."""
    params = {"query": QUERIES[name], "start": f"{loaded.start_s:.3f}", "end": f"{loaded.end_s:.3f}", "step": "15"}
    path = "/prometheus/api/v1/query_range?" + urllib.parse.urlencode(params)
    connection = http.client.HTTPConnection("127.0.0.1", loaded.server.port, timeout=60)

    def ask() -> None:
        connection.request("GET", path, headers={"X-Scope-OrgID": "bench"})
        response = connection.getresponse()
        body = response.read()
        assert response.status == http.client.OK, body
        assert b'"values"' in body

    pid = loaded.server.pid
    before, asked = cpu_seconds(pid), 0

    def counted() -> None:
        nonlocal asked
        ask()
        asked += 1

    benchmark.pedantic(counted, rounds=10, warmup_rounds=1)
    benchmark.extra_info["cpu_ms_per_query"] = (cpu_seconds(pid) - before) * 1000 / asked
    connection.close()
