"""The databases of tenants that write no more are closed and removed, under all of Cortex's conditions."""

import asyncio
import time
from pathlib import Path

import pytest

from neocortex import _native
from neocortex.ingester.database import Database
from neocortex.ingester.idle import IdleClosing, checks_family
from neocortex.ingester.tenants import Tenants
from neocortex.ingester.tsdbmetrics import register_tsdb_metrics
from neocortex.observe import Registry
from support.scrape import scrape
from support.shipping import START_MS, append, filesystem_bucket, make_blocks, shipping

AFTER_S = 3600.0
SOON_S = -3600.0
"""A timeout that has always passed."""


@pytest.fixture
def tenants(tmp_path: Path, pool: _native.Pool, tsdb_options: _native.TsdbOptions) -> Tenants:
    return Tenants(tmp_path / "tsdb", pool, tsdb_options)


class Check:
    """Runs one round and tells its result."""

    def __init__(self, tenants: Tenants, pool: _native.Pool) -> None:
        self._tenants = tenants
        self._pool = pool

    async def result(self, timeout_s: float = SOON_S, *, ships: bool = True) -> str:
        registry = Registry()
        await IdleClosing(self._tenants, self._pool, checks_family(registry), timeout_s=timeout_s, ships=ships).run()
        prefix = "cortex_ingester_idle_tsdb_checks_total{"
        lines = [line for line in (await scrape(registry)).splitlines() if line.startswith(prefix)]
        assert len(lines) == 10
        (counted,) = [line for line in lines if line.endswith(" 1")]
        return counted.split('"')[1]


async def test_one_condition_after_the_other(tmp_path: Path, pool: _native.Pool, tenants: Tenants) -> None:
    check = Check(tenants, pool)
    told: list[str] = []
    tenants.when_removed(told.append)
    tsdb = await tenants.get_or_open("t")
    await append(pool, tsdb, [START_MS])
    assert await check.result(ships=False) == "shipping_disabled"
    assert await check.result(AFTER_S) == "not_idle"
    assert await check.result() == "not_compacted"
    await tsdb.flush(pool)
    assert await check.result() == "not_shipped"
    await shipping(tenants, filesystem_bucket(tmp_path / "bucket", pool)).run()
    ((_, database),) = tenants.databases()
    async with database.busy:
        assert await check.result() == "not_active"
    assert told == []
    assert await check.result() == "idle_closed"
    assert told == ["t"]
    assert len(tenants) == 0
    assert tenants.get("t") is None
    assert not (tmp_path / "tsdb/t").exists()
    assert len(list((tmp_path / "bucket/t").iterdir())) == 1
    with pytest.raises(_native.ClosedError):
        await append(pool, tsdb, [START_MS + 1])
    # A later write opens a new one.
    again = await tenants.get_or_open("t")
    assert again is not tsdb
    await append(pool, again, [START_MS + 1])
    assert tenants.series == 1
    await tenants.close()


async def test_a_tenant_that_is_to_be_deleted_goes_with_all_it_has(
    tmp_path: Path, pool: _native.Pool, tenants: Tenants
) -> None:
    tsdb = await tenants.get_or_open("t")
    await make_blocks(pool, tsdb, 1)
    await append(pool, tsdb, [START_MS + 24 * 3_600_000])
    bucket = filesystem_bucket(tmp_path / "bucket", pool)
    await bucket.put("__markers__/t/tenant-deletion-mark.json", b"{}")
    await shipping(tenants, bucket).run()
    assert await Check(tenants, pool).result(AFTER_S) == "tenant_marked_for_deletion"
    assert not (tmp_path / "tsdb/t").exists()
    assert not (tmp_path / "bucket/t").exists()


async def test_a_write_under_way_is_waited_for_and_keeps_the_database(
    tmp_path: Path, pool: _native.Pool, tenants: Tenants
) -> None:
    tsdb = await tenants.get_or_open("t")
    database = await tenants.begin_write("t")
    assert database.tsdb is tsdb
    checking = asyncio.create_task(Check(tenants, pool).result())
    await removal_begins(database)
    assert not checking.done()
    waiting = asyncio.create_task(write_once(pool, tenants))
    await append(pool, database.tsdb, [START_MS])
    database.end_write()
    assert await checking == "not_compacted"
    assert await waiting is tsdb
    await tenants.close()


async def removal_begins(database: Database) -> None:
    """Returns in the turn of the event loop in which it began, or in the next one."""
    async with asyncio.timeout(10):
        while database.removal is None:  # noqa: ASYNC110 - nobody tells of it
            await asyncio.sleep(0)


async def write_once(pool: _native.Pool, tenants: Tenants) -> _native.Tsdb:
    database = await tenants.begin_write("t")
    await append(pool, database.tsdb, [START_MS + 1])
    database.end_write()
    return database.tsdb


async def test_a_write_during_the_removal_goes_to_a_new_database(
    tmp_path: Path, pool: _native.Pool, tenants: Tenants
) -> None:
    tsdb = await tenants.get_or_open("t")
    ((_, database),) = tenants.databases()
    checking = asyncio.create_task(Check(tenants, pool).result())
    await removal_begins(database)
    written = await write_once(pool, tenants)
    assert await checking == "idle_closed"
    assert written is not tsdb
    assert tenants.series == 1
    assert tenants.get("t") is written
    await tenants.close()


async def test_what_cannot_be_removed_is_closed_and_opens_again(
    tmp_path: Path, pool: _native.Pool, tenants: Tenants
) -> None:
    await tenants.get_or_open("t")
    (tmp_path / "tsdb/t/wal").rename(tmp_path / "tsdb/t/elsewhere")
    assert await Check(tenants, pool).result() == "data_removal_failed"
    assert len(tenants) == 0
    (tmp_path / "tsdb/t/elsewhere").rename(tmp_path / "tsdb/t/wal")
    await write_once(pool, tenants)
    await tenants.close()


async def test_what_cannot_be_closed_keeps_its_files_and_opens_again(
    tmp_path: Path, pool: _native.Pool, tenants: Tenants
) -> None:
    """A full chunk has nowhere to go when the database is closed."""
    tsdb = await tenants.get_or_open("t")
    ((_, database),) = tenants.databases()
    await append(pool, tsdb, [START_MS + i * 1000 for i in range(300)])
    database.deletion_mark_found = True
    in_the_way = tmp_path / "tsdb/t/chunks_head"
    in_the_way.touch()
    assert await Check(tenants, pool).result() == "close_failed"
    assert len(tenants) == 0
    in_the_way.unlink()
    (stats,) = await _native.stats_of(pool, [await tenants.get_or_open("t")])
    assert stats.series == 1
    await tenants.close()


async def test_the_counters_of_removed_databases_stay_in_the_sums(
    tmp_path: Path, pool: _native.Pool, tenants: Tenants
) -> None:
    registry = Registry()
    register_tsdb_metrics(registry, tenants, pool)

    async def shown() -> dict[str, str]:
        lines = (await scrape(registry)).splitlines()
        return dict(line.rsplit(" ", 1) for line in lines if line[0] != "#")

    tsdb = await tenants.get_or_open("t")
    await make_blocks(pool, tsdb, 1)
    await shipping(tenants, filesystem_bucket(tmp_path / "bucket", pool)).run()
    before = await shown()
    assert before['cortex_ingester_memory_series_created_total{user="t"}'] == "1"
    assert before["cortex_ingester_tsdb_blocks_loaded"] == "1"
    assert await Check(tenants, pool).result() == "idle_closed"
    after = await shown()
    assert 'user="t"' not in "".join(after)
    assert after["cortex_ingester_tsdb_blocks_loaded"] == after["cortex_ingester_memory_users"] == "0"
    for name in (
        "compactions_total",
        "head_truncations_total",
        "wal_page_flushes_total",
        "compaction_duration_seconds_count",
    ):
        assert after[f"cortex_ingester_tsdb_{name}"] == before[f"cortex_ingester_tsdb_{name}"] != "0"
    await make_blocks(pool, await tenants.get_or_open("t"), 1)
    assert (await shown())["cortex_ingester_tsdb_compactions_total"] == "2"
    await tenants.close()


async def test_since_when_a_database_is_idle(tmp_path: Path, pool: _native.Pool, tenants: Tenants) -> None:
    async def stats_of(database: Database) -> _native.TsdbStats:
        (stats,) = await _native.stats_of(pool, [database.tsdb])
        return stats

    now_ms = time.time_ns() // 1_000_000
    await tenants.get_or_open("t")
    ((_, empty),) = tenants.databases()
    assert abs(empty.last_update_ms(await stats_of(empty)) - now_ms) < 60_000
    await append(pool, empty.tsdb, [START_MS])
    assert abs(empty.last_update_ms(await stats_of(empty)) - now_ms) < 60_000
    await tenants.close()
    # After a start the newest sample tells, so that what was idle before is idle still.
    await tenants.open_existing(2)
    ((_, reopened),) = tenants.databases()
    assert reopened.last_update_ms(await stats_of(reopened)) == START_MS
    assert reopened.is_idle(await stats_of(reopened), now_ms, AFTER_S)
    await append(pool, reopened.tsdb, [START_MS + 1])
    assert not reopened.is_idle(await stats_of(reopened), now_ms, AFTER_S)
    await tenants.close()
