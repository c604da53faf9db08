"""Local blocks go when they are old enough and, where blocks are shipped, in the bucket."""

from pathlib import Path

from neocortex import _native
from neocortex.ingester.retain import Retention
from neocortex.ingester.tenants import Tenants
from support.faulty_bucket import Fault, FaultyBucket
from support.shipping import filesystem_bucket, make_blocks, shipping


def options(retention_ms: int) -> _native.TsdbOptions:
    return _native.TsdbOptions(
        wal_compression="",
        wal_segment_size_bytes=1 << 20,
        block_range_ms=7_200_000,
        max_block_range_ms=7_200_000,
        samples_per_chunk=120,
        retention_ms=retention_ms,
        out_of_order_cap=32,
        chunk_write_buffer_bytes=1 << 20,
        snapshot_on_close=False,
    )


def local(tmp_path: Path) -> list[str]:
    return sorted(path.parent.name for path in (tmp_path / "tsdb/t").glob("*/meta.json"))


async def test_what_was_not_shipped_stays(tmp_path: Path, pool: _native.Pool) -> None:
    """All blocks are of years ago."""
    tenants = Tenants(tmp_path / "tsdb", pool, options(retention_ms=3_600_000))
    blocks = await make_blocks(pool, await tenants.get_or_open("t"), 3)
    retention = Retention(tenants, pool, only_shipped=True)
    await retention.run()
    assert local(tmp_path) == sorted(blocks)
    # The second block, after two marks, the status of the index and four calls for the first.
    bucket = FaultyBucket(filesystem_bucket(tmp_path / "bucket", pool), 2 + 1 + 4 + 1, Fault.BEFORE)
    ship = shipping(tenants, bucket)
    await ship.run()
    await retention.run()
    assert local(tmp_path) == [blocks[1]]
    await ship.run()
    await retention.run()
    assert local(tmp_path) == []
    await tenants.close()


async def test_a_start_knows_what_was_shipped(tmp_path: Path, pool: _native.Pool) -> None:
    tenants = Tenants(tmp_path / "tsdb", pool, options(retention_ms=3_600_000))
    await make_blocks(pool, await tenants.get_or_open("t"), 2)
    await shipping(tenants, filesystem_bucket(tmp_path / "bucket", pool)).run()
    await tenants.close()
    await tenants.open_existing(2)
    await Retention(tenants, pool, only_shipped=True).run()
    assert local(tmp_path) == []
    await tenants.close()


async def test_without_shipping_age_alone_counts(tmp_path: Path, pool: _native.Pool) -> None:
    tenants = Tenants(tmp_path / "tsdb", pool, options(retention_ms=3_600_000))
    await make_blocks(pool, await tenants.get_or_open("t"), 2)
    await Retention(tenants, pool, only_shipped=False).run()
    assert local(tmp_path) == []
    await tenants.close()


async def test_a_database_that_is_busy_waits_for_the_next_round(tmp_path: Path, pool: _native.Pool) -> None:
    tenants = Tenants(tmp_path / "tsdb", pool, options(retention_ms=3_600_000))
    blocks = await make_blocks(pool, await tenants.get_or_open("t"), 1)
    retention = Retention(tenants, pool, only_shipped=False)
    ((_, database),) = tenants.databases()
    async with database.busy:
        await retention.run()
        assert local(tmp_path) == blocks
    await retention.run()
    assert local(tmp_path) == []
    await tenants.close()
