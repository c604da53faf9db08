"""Figures of many databases in one call."""

import asyncio
from pathlib import Path

import pytest

from neocortex import _native
from support.remote_write import encode_v1
from support.shipping import NO_LIMITS, START_MS, append, make_blocks


@pytest.fixture
async def tsdbs(pool: _native.Pool, tmp_path: Path, tsdb_options: _native.TsdbOptions) -> list[_native.Tsdb]:
    return [await _native.Tsdb.open(pool, str(tmp_path / name), tsdb_options) for name in ("empty", "head", "blocks")]


async def test_figures_come_in_the_order_of_the_databases(pool: _native.Pool, tsdbs: list[_native.Tsdb]) -> None:
    _, head, blocks = tsdbs
    await append(pool, head, [START_MS, START_MS + 1])
    await make_blocks(pool, blocks, 2)
    for order in ([0, 1, 2], [2, 0, 1], [1]):
        stats = await _native.stats_of(pool, [tsdbs[i] for i in order])
        expected = [[(0, 0, 0), (1, 2, 0), (0, 24, 2)][i] for i in order]
        assert [(one.series, one.float_samples_appended, one.blocks) for one in stats] == expected
    assert await _native.active_series_of(pool, tsdbs, 0) == [(0, 0), (1, 0), (0, 0)]
    assert await _native.stats_of(pool, []) == []


async def test_a_closed_pool_gives_none(tsdbs: list[_native.Tsdb]) -> None:
    pool = _native.Pool(asyncio.get_running_loop(), 1, 1, "closed")
    pool.close()
    with pytest.raises(_native.ClosedError):
        await _native.stats_of(pool, tsdbs)


async def test_databases_of_the_same_options_count_their_series_together(
    pool: _native.Pool, tmp_path: Path, tsdbs: list[_native.Tsdb], tsdb_options: _native.TsdbOptions
) -> None:
    empty, head, blocks = tsdbs
    await append(pool, head, [START_MS])
    await append(pool, blocks, [START_MS])
    assert tsdb_options.series == 2
    body = encode_v1([({"__name__": name}, [(START_MS, 1.0)]) for name in ("b", "c")])
    two = await _native.WriteRequest.decode(pool, body, 1, 1 << 20)
    with pytest.raises(_native.LimitError):
        await empty.append(pool, two, NO_LIMITS, 3)
    assert tsdb_options.series == 2
    await blocks.flush(pool)
    assert tsdb_options.series == 1
    await empty.append(pool, two, NO_LIMITS, 3)
    assert tsdb_options.series == 3
