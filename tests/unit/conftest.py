"""Fixtures of the native core."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from neocortex import _native


@pytest.fixture
async def pool() -> AsyncIterator[_native.Pool]:
    """Two threads with room for 16 waiting jobs."""
    pool = _native.Pool(asyncio.get_running_loop(), 2, 16, "test")
    yield pool
    pool.close()


@pytest.fixture
def tsdb_options() -> _native.TsdbOptions:
    return _native.TsdbOptions(
        wal_compression="snappy",
        wal_segment_size_bytes=1 << 20,
        block_range_ms=7_200_000,
        max_block_range_ms=7_200_000,
        samples_per_chunk=120,
        retention_ms=0,
        out_of_order_cap=32,
        chunk_write_buffer_bytes=1 << 20,
        snapshot_on_close=False,
    )
