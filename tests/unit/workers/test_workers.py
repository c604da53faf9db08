"""Writes and queries do not wait for each other, and what is queued at the end is done."""

import asyncio

import pytest

from neocortex import _native
from neocortex.querier.dialect import CORTEX
from neocortex.service import State
from neocortex.workers import QUEUED_WRITES, Workers

NOTHING = _native.Selectors.parse([])
UNLIMITED = _native.Fetch(max_series=0, max_chunks=0, max_chunk_bytes=0, max_data_bytes=0, exact=False)


async def test_a_full_query_pool_leaves_the_writes_theirs() -> None:
    workers = Workers(max_concurrent_queries=2, max_concurrent_compactions=1)
    await workers.start()
    query = _native.Query.parse(
        "sum_over_time(quantile_over_time(0.5, (vector(time()) % 977)[12h:1s])[12h:1s])", CORTEX
    )
    cancellation = _native.Cancellation(30)
    evaluations = [
        query.evaluate(
            workers.query,
            None,
            cancellation,
            UNLIMITED,
            start_ms=0,
            end_ms=0,
            step_ms=0,
            visible_ms=(0, 0),
            lookback_ms=0,
            default_step_ms=60_000,
            max_samples=1 << 40,
            stats=False,
            per_step_stats=False,
        )
        for _ in range(200)
    ]
    assert workers.query.queued > 100
    async with asyncio.timeout(5):
        assert await _native.label_names(workers.write, None, NOTHING, 0) == b'{"status":"success","data":[]}'
    assert workers.query.queued > 100
    cancellation.cancel()
    ends = await asyncio.gather(*evaluations, return_exceptions=True)
    assert {type(end) for end in ends} == {_native.QueryCanceledError}
    await workers.stop()


async def test_the_end() -> None:
    workers = Workers(max_concurrent_queries=2, max_concurrent_compactions=1)
    await workers.start()
    pools = (workers.write, workers.query)
    waiting = [_native.label_names(pool, None, NOTHING, 0) for pool in pools for _ in range(500)]
    await workers.stop()
    assert workers.state is State.TERMINATED
    assert all(future.done() and future.exception() is None for future in waiting)
    for pool in pools:
        with pytest.raises(_native.ClosedError):
            _native.label_names(pool, None, NOTHING, 0)


async def test_every_query_that_may_run_has_room() -> None:
    workers = Workers(max_concurrent_queries=QUEUED_WRITES, max_concurrent_compactions=1)
    waiting = [_native.label_names(workers.query, None, NOTHING, 0) for _ in range(QUEUED_WRITES)]
    assert len(await asyncio.gather(*waiting)) == QUEUED_WRITES
    await workers.stopping()
