"""Heads become blocks while the process runs, and queries see no difference."""

import json
import time
from pathlib import Path

from support.in_process import running
from support.remote_write import encode_v1
from support.waiting import eventually

HOUR_MS = 3_600_000


def blocks(folder: Path) -> int:
    return len(list(folder.rglob("meta.json")))


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
        assert "cortex_ingester_tsdb_compactions_failed_total 0" in (await server.process.registry.render()).decode()

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
