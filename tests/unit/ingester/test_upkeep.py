"""When what is done, and what the configuration turns on."""

import asyncio
import json
import time
from pathlib import Path

import pytest

from neocortex.errors import StartError
from neocortex.ingester.upkeep import first_compaction_s, fnv1_32, with_idle_jitter
from neocortex.service import State
from support.in_process import InProcess, running
from support.remote_write import encode_v1
from support.scrape import scrape
from support.shipping import complete_blocks
from support.waiting import eventually

HOUR_MS = 3_600_000


def now_ms() -> int:
    return int(time.time() * 1000)


async def push(server: InProcess, tenant: str = "t", t_ms: int | None = None) -> None:
    body = encode_v1([({"__name__": "a"}, [(t_ms or now_ms(), 1.0)])])
    answer = await server.push(body, tenant)
    assert answer.status == 200, answer.body


async def value(server: InProcess, tenant: str = "t") -> str | None:
    answer = await server.api("query", {"query": "count_over_time(a[1d])", "time": str(time.time() + 1)}, tenant)
    result = json.loads(answer.body)["data"]["result"]
    return str(result[0]["value"][1]) if result else None


def bucket(tmp_path: Path, tenant: str = "t") -> list[str]:
    return complete_blocks(tmp_path / "blocks" / tenant, tmp_path / "tsdb" / tenant)


async def metric(server: InProcess, line: str) -> bool:
    return f"\n{line}\n" in (await scrape(server.process.registry))


def test_ingesters_take_turns_within_a_period() -> None:
    # From the page of the hash's authors.
    assert fnv1_32(b"") == 0x811C9DC5
    assert fnv1_32(b"a") == 0x050C5D7E
    slot = fnv1_32(b"a") % 10
    assert first_compaction_s("a", 60, 6000.0, 0) == slot * 6
    assert first_compaction_s("a", 60, 6000.0 + slot * 6, 0.5) == 3
    assert first_compaction_s("a", 60, 6001.0 + slot * 6, 0) == 59
    assert with_idle_jitter(100, 0) == 100
    assert with_idle_jitter(100, 1) == 125
    assert with_idle_jitter(0, 1) == 0


async def test_a_flush_ships_the_heads(tmp_path: Path) -> None:
    async with running(tmp_path) as server:
        await push(server)
        await push(server, "other")
        for path in ("/ingester/flush?wait=true&tenant=t", "/flush?wait=true&tenant=t&tenant=nobody"):
            answer = await server.call("POST", path)
            assert (answer.status, answer.body) == (204, b"")
        assert len(bucket(tmp_path)) == 1
        assert bucket(tmp_path, "other") == []
        assert await metric(server, "cortex_ingester_tsdb_blocks_loaded 1")
        assert await metric(server, "cortex_ingester_oldest_unshipped_block_timestamp_seconds 0")
        assert await value(server) == "1"
        stats = await server.call("GET", "/ingester/all_user_stats", headers={"accept": "application/json"})
        assert {row["userID"]: row["loadedBlocks"] for row in json.loads(stats.body)} == {"t": 1, "other": 0}
        body = b"tenant=other&wait=true"
        form = {"content-type": "application/x-www-form-urlencoded"}
        assert (await server.call("POST", "/ingester/flush", body, form)).status == 204
        assert len(bucket(tmp_path, "other")) == 1
        await push(server)
        assert await value(server) == "2"
        assert (await server.call("PUT", "/ingester/flush")).status == 405
        assert (await server.call("GET", "/ingester/flush?tenant=%zz&wait=true")).status == 400


async def test_a_flush_that_nobody_waits_for(tmp_path: Path) -> None:
    async with running(tmp_path) as server:
        await push(server)
        assert (await server.call("GET", "/ingester/flush")).status == 204

        async def shipped() -> bool:
            return len(bucket(tmp_path)) == 1

        await eventually(shipped)
        await push(server)
        assert (await server.call("GET", "/ingester/flush")).status == 204
        # The stop waits for it.
    assert len(bucket(tmp_path)) == 2


async def test_a_stopped_ingester_flushes_nothing(tmp_path: Path) -> None:
    async with running(tmp_path) as server:
        await push(server)
        await server.process.ingester.stop()
        assert (await server.call("POST", "/ingester/flush?wait=true")).status == 204
    assert bucket(tmp_path) == []


@pytest.mark.parametrize(("flag", "blocks"), [("true", 1), ("false", 0)])
async def test_a_stop_flushes_if_it_shall(tmp_path: Path, flag: str, blocks: int) -> None:
    async with running(tmp_path, f"-blocks-storage.tsdb.flush-blocks-on-shutdown={flag}") as server:
        await push(server)
    assert len(bucket(tmp_path)) == blocks


async def test_the_shutdown_page_always_flushes(tmp_path: Path) -> None:
    async with running(tmp_path) as server:
        await push(server)
        assert (await server.call("POST", "/ingester/shutdown")).status == 204
        assert server.process.ingester.state is State.TERMINATED
        assert len(bucket(tmp_path)) == 1


async def test_an_idle_head_is_compacted_and_shipped_by_itself(tmp_path: Path) -> None:
    flags = [
        "-blocks-storage.tsdb.head-compaction-interval=50ms",
        "-blocks-storage.tsdb.head-compaction-idle-timeout=100ms",
        "-blocks-storage.tsdb.ship-interval=50ms",
    ]
    async with running(tmp_path, *flags) as server:
        await push(server)

        async def shipped() -> bool:
            return len(bucket(tmp_path)) == 1

        await eventually(shipped)
        assert await metric(server, "cortex_ingester_memory_series 0")
        assert await value(server) == "1"


async def test_an_idle_tenant_is_forgotten_and_comes_back(tmp_path: Path) -> None:
    async with running(tmp_path, "-blocks-storage.tsdb.close-idle-tsdb-timeout=1ms") as server:
        for tenant in ("t", "other"):
            await push(server, tenant)
        await server.process.ingester._update_active_series()
        await server.call("POST", "/ingester/flush?wait=true&tenant=t")
        await asyncio.sleep(0.01)
        closing = server.process.ingester._upkeep.closing
        assert closing is not None
        await closing.run()
        page = await scrape(server.process.registry)
        assert 'cortex_ingester_idle_tsdb_checks_total{result="idle_closed"} 1' in page
        assert 'cortex_ingester_idle_tsdb_checks_total{result="not_compacted"} 1' in page
        mentioned = [line for line in page.splitlines() if line.startswith("cortex_ingester_") and 'user="t"' in line]
        assert mentioned == []
        assert any('user="other"' in line for line in page.splitlines())
        assert await metric(server, "cortex_ingester_memory_users 1")
        assert not (tmp_path / "tsdb/t").exists()
        await push(server)
        assert await value(server) == "1"
        assert await metric(server, "cortex_ingester_memory_users 2")


async def test_without_shipping_nothing_is_shipped(tmp_path: Path) -> None:
    async with running(tmp_path, "-blocks-storage.tsdb.ship-interval=0s") as server:
        await push(server)
        await server.call("POST", "/ingester/flush?wait=true")
        assert len(list((tmp_path / "tsdb/t").glob("*/meta.json"))) == 1
        assert not (tmp_path / "blocks/t").exists()
        assert "cortex_ingester_shipper_uploads_total" not in (await scrape(server.process.registry))


async def test_a_store_without_a_client_keeps_blocks_here(tmp_path: Path) -> None:
    flags = ["-blocks-storage.backend=s3", "-blocks-storage.tsdb.retention-period=1ms"]
    async with running(tmp_path, *flags) as server:
        await push(server, t_ms=now_ms() - HOUR_MS)
        await server.call("POST", "/ingester/flush?wait=true")
        assert server.process.ingester._upkeep.retention is None
        assert len(list((tmp_path / "tsdb/t").glob("*/meta.json"))) == 1
        assert await value(server) == "1"


async def test_a_bucket_that_cannot_be_used_ends_the_start(tmp_path: Path) -> None:
    (tmp_path / "blocks").touch()
    with pytest.raises(StartError, match="bucket client"):
        async with running(tmp_path):
            pytest.fail("it started")
