"""Does the event loop go on while heads are cut into blocks and heavy queries run, with pushes all the time?

Only Neocortex: the others have no event loop. What counts is the column of the longest stall, beside that of the server
that does nothing.
"""

from __future__ import annotations

import http.client
import itertools
import threading
import time
import urllib.parse
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from bench.load import push_all
from bench.peers import NeocortexPeer
from bench.stalls import COLUMNS, QUESTION, Watch
from bench.workload import bodies, label_sets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bench.peers import Peer
    from bench.report import Table

PER_REQUEST = 2000
HEAD_MS = 3 * 3_600_000
"""What a head must span before it is cut."""

COMPACTED_WITHIN_S = 600
QUERYING_S = 20

HEAVY = (
    'sum by (pod) (rate({__name__=~".+"}[30m]))',
    'topk(10, max_over_time({__name__=~"container_.+"}[1h]))',
    "count by (namespace, node) (http_requests_total)",
)
SIZES = [pytest.param(100_000, 12), pytest.param(1_000_000, 12, marks=pytest.mark.long)]


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("series", "samples"), SIZES)
def test_while_a_head_becomes_a_block(table: Callable[..., Table], tmp_path: Path, series: int, samples: int) -> None:
    """The last rounds of samples come while the head that the ones before them filled is cut."""
    step_ms = HEAD_MS // (samples - 2)
    start_ms = int(time.time() * 1000) - samples * step_ms
    rounds = bodies(label_sets(series), samples, PER_REQUEST, start_ms, step_ms)
    figures = table(QUESTION, COLUMNS)
    with NeocortexPeer(tmp_path, ["-blocks-storage.tsdb.head-compaction-interval=1s"]) as server:
        push_all(server, itertools.islice(rounds, (samples - 2) * series // PER_REQUEST))
        with Watch(server, tmp_path, figures, f"cutting a head of {series:,} series"):
            push_all(server, rounds)
            wait_for_checkpoint(server)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("series", "samples"), SIZES)
def test_while_heavy_queries_run(table: Callable[..., Table], tmp_path: Path, series: int, samples: int) -> None:
    """Three clients ask for all series over an hour, one after another, while samples come."""
    step_ms = 300_000
    end_ms = int(time.time() * 1000)
    start_ms = end_ms - 2 * samples * step_ms
    rounds = bodies(label_sets(series), 2 * samples, PER_REQUEST, start_ms, step_ms)
    figures = table(QUESTION, COLUMNS)
    with NeocortexPeer(tmp_path) as server:
        push_all(server, itertools.islice(rounds, samples * series // PER_REQUEST))
        with Watch(server, tmp_path, figures, f"pushing {series:,} series"):
            push_all(server, itertools.islice(rounds, 2 * series // PER_REQUEST))
        with (
            Watch(server, tmp_path, figures, f"pushing and querying {series:,} series"),
            asking(server, start_ms / 1000, start_ms / 1000 + 3600),
        ):
            end = time.monotonic() + QUERYING_S
            push_all(server, itertools.takewhile(lambda _: time.monotonic() < end, rounds))


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("series", "samples"), SIZES)
def test_while_flushes_and_heavy_queries_run(
    table: Callable[..., Table], tmp_path: Path, series: int, samples: int
) -> None:
    """Heads are written to blocks on demand, twice, while three clients ask for all series, of heads and of blocks."""
    step_ms = 300_000
    start_ms = int(time.time() * 1000) - samples * step_ms
    rounds = bodies(label_sets(series), samples, PER_REQUEST, start_ms, step_ms)
    figures = table(QUESTION, COLUMNS)
    with (
        NeocortexPeer(tmp_path) as server,
        Watch(server, tmp_path, figures, f"flushing and querying {series:,} series"),
        asking(server, start_ms / 1000, start_ms / 1000 + 3600),
    ):
        for _ in range(2):
            push_all(server, itertools.islice(rounds, samples // 2 * series // PER_REQUEST))
            flush(server)


def flush(server: Peer) -> None:
    """Returns when the heads are in blocks and these in the bucket."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=COMPACTED_WITHIN_S)
    connection.request("POST", "/ingester/flush?wait=true")
    assert connection.getresponse().status == http.client.NO_CONTENT
    connection.close()


def wait_for_checkpoint(server: Peer) -> None:
    """The log is cut short when all else is done."""
    end = time.monotonic() + COMPACTED_WITHIN_S
    while not any(server.data.glob("*/meta.json")):
        assert time.monotonic() < end, f"no block within {COMPACTED_WITHIN_S} s"
        time.sleep(0.1)
    time.sleep(5)


@contextmanager
def asking(server: Peer, start_s: float, end_s: float) -> Iterator[None]:
    """Heavy range queries at a step of a minute while the context lasts, each on a connection of its own."""
    done = threading.Event()
    errors: list[str] = []

    def ask(query: str) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=300)
        form = {"query": query, "start": f"{start_s:.3f}", "end": f"{end_s:.3f}", "step": "60"}
        path = f"{server.query_path}?{urllib.parse.urlencode(form)}"
        while not done.is_set():
            connection.request("GET", path, headers={"X-Scope-OrgID": "bench"})
            response = connection.getresponse()
            text = response.read()
            if response.status != http.client.OK:
                errors.append(f"{query}: {response.status} {text[:200]!r}")
                break
        connection.close()

    threads = [threading.Thread(target=ask, args=(query,)) for query in HEAVY]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert not errors, errors
