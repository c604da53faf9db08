"""Pushes: in process (decode, validate, append) and over HTTP.

`NEOCORTEX_BENCH_SERIES` series of 10 to 13 labels, 2,000 samples a request.
"""

from __future__ import annotations

import asyncio
import os
import time
from typing import TYPE_CHECKING

import pytest

from bench.load import push_all
from bench.peers import NeocortexPeer
from bench.workload import bodies, label_sets
from neocortex import _native

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_benchmark.fixture import BenchmarkFixture

SERIES = int(os.environ.get("NEOCORTEX_BENCH_SERIES", "100000"))
PER_REQUEST = 2000
ROUNDS = 10
STEP_MS = 15_000


def start_ms() -> int:
    return int(time.time() * 1000) - 3_000_000


def no_limits() -> tuple[_native.ValidationLimits, _native.SeriesLimits]:
    validation = _native.ValidationLimits(
        generation=1,
        enforce_metric_name=True,
        utf8_names=False,
        max_label_names_per_series=30,
        max_label_name_length=1024,
        max_label_value_length=2048,
        max_labels_size_bytes=0,
        reject_old_samples=False,
        reject_old_samples_max_age_ms=0,
        creation_grace_period_ms=600_000,
        enforce_metadata_metric_name=True,
        max_metadata_length=1024,
        max_native_histogram_buckets=0,
        max_native_histogram_sample_size_bytes=0,
        drop_labels=[],
        remove_replica_label=None,
    )
    none = (0, 0, 0)
    series = _native.SeriesLimits(
        series_per_user=none,
        series_per_metric=none,
        histogram_series_per_user=none,
        series_per_label_set=[],
        metadata_per_user=none,
        metadata_per_metric=none,
        max_exemplars=0,
        native_histograms=True,
        out_of_order_window_ms=0,
        admin_message="",
    )
    return validation, series


async def push_in_process(folder: Path, requests: list[bytes], warm: int) -> tuple[float, int]:
    """CPU seconds of the requests after the first `warm` ones, and bytes in memory afterwards."""
    pool = _native.Pool(asyncio.get_running_loop(), 1, 64, "bench")
    options = _native.TsdbOptions(
        wal_compression="",
        wal_segment_size_bytes=128 << 20,
        block_range_ms=7_200_000,
        max_block_range_ms=7_200_000,
        samples_per_chunk=120,
        retention_ms=0,
        out_of_order_cap=32,
        chunk_write_buffer_bytes=4 << 20,
        snapshot_on_close=False,
    )
    validation, series = no_limits()
    tsdb = await _native.Tsdb.open(pool, str(folder), options)
    now_ms = int(time.time() * 1000)
    begin = 0.0
    for i, body in enumerate(requests):
        if i == warm:
            begin = time.process_time()
        request = await _native.WriteRequest.decode(pool, body, 1, 100 << 20)
        await request.validate(pool, validation, tsdb, now_ms)
        appended = await tsdb.append(pool, request, series)
        assert appended.error is None
    used = time.process_time() - begin
    (stats,) = await _native.stats_of(pool, [tsdb])
    await tsdb.close(pool)
    pool.close()
    return used, stats.memory_bytes


@pytest.mark.timeout(600)
def test_push_in_process(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    """Known series: the first round of samples makes them, the others are measured."""
    requests = list(bodies(label_sets(SERIES), ROUNDS, PER_REQUEST, start_ms(), STEP_MS))
    warm = len(requests) // ROUNDS
    results: list[tuple[float, int]] = []

    def run() -> None:
        folder = tmp_path / str(len(results))
        results.append(asyncio.run(push_in_process(folder, requests, warm)))

    benchmark.pedantic(run, rounds=3)
    samples = SERIES * (ROUNDS - 1)
    cpu = sorted(used for used, _ in results)[len(results) // 2] * 1e6 / samples
    memory = results[-1][1] / SERIES
    benchmark.extra_info.update(cpu_s_per_million_samples=cpu, head_bytes_per_series=memory)
    print(f"\nin process: {cpu:.3f} CPU s per million samples of known series; head {memory:.0f} bytes a series")


@pytest.mark.timeout(600)
def test_push_over_http(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    """The whole path, HTTP to log: 5 connections, every series once a round."""
    requests = list(bodies(label_sets(SERIES), ROUNDS, PER_REQUEST, start_ms(), STEP_MS))
    with NeocortexPeer(tmp_path) as server:
        load = benchmark.pedantic(lambda: push_all(server, requests), rounds=1)
    samples = SERIES * ROUNDS
    info = {
        "samples_per_s": samples / load.wall_s,
        "cpu_s_per_million_samples": load.cpu_s * 1e6 / samples,
        "p50_ms": load.percentile(0.5) * 1e3,
        "p99_ms": load.percentile(0.99) * 1e3,
    }
    # The event loop runs on the main thread, `write` are the native workers, the others the web server's.
    info |= {f"cpu_s_per_million_samples_{name}": used * 1e6 / samples for name, used in load.thread_cpu_s.items()}
    benchmark.extra_info.update(info)
    print("\nover HTTP: " + ", ".join(f"{name} {value:,.3f}" for name, value in info.items()))
