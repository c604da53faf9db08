"""Heads become blocks while the process runs, and queries see no difference."""

import json
import time
from pathlib import Path

from support.in_process import running
from support.remote_write import encode_v1
from support.scrape import scrape
from support.waiting import eventually

HOUR_MS = 3_600_000


def blocks(folder: Path) -> int:
    return len(list(folder.rglob("meta.json")))


def chunk_file_bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("chunks_head/*"))


def forget_log(folder: Path) -> None:
    """Makes zeros of it."""
    (segment,) = folder.rglob("wal/0*")
    segment.write_bytes(bytes(segment.stat().st_size))


def tear_snapshot(folder: Path) -> None:
    (snapshot,) = folder.rglob("chunk_snapshot.*/0*")
    snapshot.write_bytes(snapshot.read_bytes()[:-1])


async def test_a_head_becomes_a_block_and_answers_stay_the_same(tmp_path: Path) -> None:
    """Five hours of samples: more than one and a half ranges of two hours."""
    now_ms = int(time.time() * 1000)
    samples = [(now_ms - 5 * HOUR_MS + i * 60_000, float(i)) for i in range(300)]
    flags = ("-blocks-storage.tsdb.head-compaction-interval=50ms",)

    async def has_block() -> bool:
        return blocks(tmp_path) > 0

    async with running(tmp_path, *flags) as server:
        for t, v in samples:
            assert (await server.push(encode_v1([({"__name__": "a"}, [(t, v)])]))).status == 200
        await eventually(has_block)
        assert "cortex_ingester_tsdb_compactions_failed_total 0" in (await scrape(server.process.registry))

        async def stored() -> list[list[object]]:
            answer = await server.api("query", {"query": "a[6h]", "time": f"{now_ms / 1000}"})
            (row,) = json.loads(answer.body)["data"]["result"]
            values: list[list[object]] = row["values"]
            return values

        before = await stored()
        assert [(round(float(str(t)) * 1000), float(str(v))) for t, v in before] == samples
    async with running(tmp_path, *flags) as server:
        answer = await server.api("query", {"query": "count_over_time(a[6h])", "time": f"{now_ms / 1000}"})
        assert json.loads(answer.body)["data"]["result"][0]["value"][1] == "300"


async def test_full_chunks_go_to_files_and_answers_stay_the_same(tmp_path: Path) -> None:
    """An hour of samples: two full chunks."""
    now_ms = int(time.time() * 1000)
    samples = [(now_ms - HOUR_MS + i * 12_000, float(i)) for i in range(300)]
    flags = ("-blocks-storage.tsdb.head-compaction-interval=50ms",)

    async def in_files() -> bool:
        return chunk_file_bytes(tmp_path) > 8

    for is_restarted in (False, True):
        async with running(tmp_path, *flags) as server:
            if not is_restarted:
                for t, v in samples:
                    assert (await server.push(encode_v1([({"__name__": "a"}, [(t, v)])]))).status == 200
                await eventually(in_files)
                page = await scrape(server.process.registry)
                assert "cortex_ingester_tsdb_mmap_chunks_total 0" not in page
            page = await scrape(server.process.registry)
            assert "cortex_ingester_tsdb_mmap_chunk_corruptions_total 0" in page
            answer = await server.api("query", {"query": "a[2h]", "time": f"{now_ms / 1000}"})
            (row,) = json.loads(answer.body)["data"]["result"]
            assert [(round(float(t) * 1000), float(v)) for t, v in row["values"]] == samples


async def test_a_snapshot_is_written_on_stopping_and_used_when_it_is_whole(tmp_path: Path) -> None:
    """A log that lost what the snapshot has is replaced by it, and is gone through when the snapshot is torn."""
    now_ms = int(time.time() * 1000)
    samples = [(now_ms - HOUR_MS + i * 12_000, float(i)) for i in range(300)]
    flags = ("-blocks-storage.tsdb.memory-snapshot-on-shutdown=true",)
    async with running(tmp_path, *flags) as server:
        for t, v in samples:
            assert (await server.push(encode_v1([({"__name__": "a"}, [(t, v)])]))).status == 200
    forget_log(tmp_path)
    for failures in (0, 1):
        async with running(tmp_path, *flags) as server:
            found = f"cortex_ingester_tsdb_snapshot_replay_error_total {failures}"
            assert found in (await scrape(server.process.registry))
            answer = await server.api("query", {"query": "a[2h]", "time": f"{now_ms / 1000}"})
            (row,) = json.loads(answer.body)["data"]["result"]
            assert [(round(float(t) * 1000), float(v)) for t, v in row["values"]] == samples
        tear_snapshot(tmp_path)
