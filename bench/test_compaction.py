"""Blocks of two hours: bytes a sample, and the CPU of making one from a head; beside Prometheus.

VictoriaMetrics has no blocks; of it, all that is on disk once everything was merged.
"""

from __future__ import annotations

import json
import os
import time
import urllib.request
from itertools import islice
from typing import TYPE_CHECKING

import pytest

from bench.load import push_all
from bench.peers import NeocortexPeer, PrometheusPeer, VictoriaMetricsPeer
from bench.usage import cpu_seconds, folder_bytes
from bench.workload import bodies, constants, counters, gauges, label_sets, random_walks

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.peers import Peer
    from bench.report import Table
    from bench.workload import Shape

SERIES = int(os.environ.get("NEOCORTEX_BENCH_BLOCK_SERIES", "2000"))
PER_REQUEST = 400
REQUESTS_A_ROUND = SERIES // PER_REQUEST
STEP_MS = 15_000
BLOCK_MS = 7_200_000
BLOCK_SAMPLES = BLOCK_MS // STEP_MS
HEAD_SAMPLES = 3 * BLOCK_SAMPLES // 2 + 2
"""A head is cut when it spans more than one and a half blocks, which it does with the last of these."""

COMPACTED_WITHIN_S = 300
QUIET_S = 3

QUESTION = f"a block of two hours of {SERIES} series at 15 s; bytes a sample"
COLUMNS = ("server", "values", "chunks", "index", "all", "CPU s per M samples")
NO_FIGURE = "-"

SHAPES = (gauges, counters, constants, random_walks)
BLOCK_MAKERS = (NeocortexPeer, PrometheusPeer)


def first_time_ms() -> int:
    """The beginning of a block's time range, so long ago that a whole head lies in the past."""
    now_ms = int(time.time() * 1000)
    return (now_ms - HEAD_SAMPLES * STEP_MS) // BLOCK_MS * BLOCK_MS


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("peer", BLOCK_MAKERS, ids=lambda peer: peer.name)
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_block_of_the_head(table: Callable[..., Table], tmp_path: Path, peer: type[Peer], shape: Shape) -> None:
    """CPU is that of the process from the request that fills the head to the end of all that follows the block."""
    head = bodies(label_sets(SERIES), HEAD_SAMPLES, PER_REQUEST, first_time_ms(), STEP_MS, shape=shape)
    with block_maker(peer, tmp_path) as server:
        push_all(server, islice(head, (HEAD_SAMPLES - 1) * REQUESTS_A_ROUND))
        wait_until_quiet(server)
        filled_cpu_s = cpu_seconds(server.pid)
        push_all(server, islice(head, 1))
        block = wait_for_block(server)
        wait_until_quiet(server)
        cpu_s = cpu_seconds(server.pid) - filled_cpu_s
        samples = json.loads((block / "meta.json").read_text())["stats"]["numSamples"]
        assert samples == SERIES * BLOCK_SAMPLES
        chunks, index, all_files = folder_bytes(block / "chunks"), (block / "index").stat().st_size, folder_bytes(block)
    row = (chunks / samples, index / samples, all_files / samples, cpu_s * 1e6 / samples)
    table(QUESTION, COLUMNS).add(peer.name, shape.__name__, *row)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_merged_victoria_metrics(table: Callable[..., Table], tmp_path: Path, shape: Shape) -> None:
    """As many samples as a block has, in a store of their own."""
    samples = SERIES * BLOCK_SAMPLES
    with VictoriaMetricsPeer(tmp_path) as server:
        push_all(server, bodies(label_sets(SERIES), BLOCK_SAMPLES, PER_REQUEST, first_time_ms(), STEP_MS, shape=shape))
        for command in ("force_flush", "force_merge"):
            urllib.request.urlopen(f"http://127.0.0.1:{server.port}/internal/{command}").close()
        wait_until_quiet(server)
        values, index = folder_bytes(server.data / "data"), folder_bytes(server.data / "indexdb")
    row = (values / samples, index / samples, (values + index) / samples, NO_FIGURE)
    table(QUESTION, COLUMNS).add(server.name, shape.__name__, *row)


def block_maker(peer: type[Peer], folder: Path) -> Peer:
    """Prometheus cuts a head when a push has filled it, Neocortex from time to time."""
    if peer is NeocortexPeer:
        return NeocortexPeer(folder, ["-blocks-storage.tsdb.head-compaction-interval=1s"])
    return peer(folder)


def wait_for_block(server: Peer) -> Path:
    """The only block, once it has its name."""
    end = time.monotonic() + COMPACTED_WITHIN_S
    while True:
        blocks = [path.parent for path in server.data.glob("*/meta.json") if "." not in path.parent.name]
        if blocks:
            (block,) = blocks
            return block
        assert time.monotonic() < end, f"{server.name}: no block within {COMPACTED_WITHIN_S} s"
        time.sleep(0.1)


def wait_until_quiet(server: Peer) -> None:
    """Until the process uses less than a tenth of a core for some seconds."""
    while True:
        before = cpu_seconds(server.pid)
        time.sleep(QUIET_S)
        if cpu_seconds(server.pid) - before < 0.1 * QUIET_S:
            return
