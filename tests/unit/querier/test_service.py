"""One evaluation: its time, its cancellation, how many run at once; the event loop goes on meanwhile."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from neocortex import _native
from neocortex.observe import Registry
from neocortex.querier.active import ActiveQueries
from neocortex.querier.dialect import CORTEX
from neocortex.querier.metrics import EngineMetrics
from neocortex.querier.queue import QueryQueue
from neocortex.querier.service import EngineOptions, Evaluation, Querier
from neocortex.querier.stats import QueryStats
from support.in_process import InProcess, running

LONG = "sum_over_time(quantile_over_time(0.5, (vector(time()) % 977)[12h:1s])[12h:1s])"
"""Half a day of windows of half a day: takes minutes when nobody stops it."""


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[InProcess]:
    async with running(tmp_path) as process:
        yield process


def querier(
    server: InProcess, pool: _native.Pool, *, timeout_s: float = 60, turns: int = 4, active: ActiveQueries | None = None
) -> Querier:
    """A querier with options and threads of its own."""
    options = EngineOptions(
        lookback_delta_ms=300_000,
        default_evaluation_interval_ms=60_000,
        max_samples=1 << 50,
        timeout_s=timeout_s,
        max_into_future_ms=0,
        ignore_max_query_length=False,
        dialect=CORTEX,
        per_step_stats=False,
        exact_figures=False,
    )
    process = server.process
    return Querier(
        process.ingester_ring,
        process.ingester,
        pool,
        process.overrides,
        options,
        queue=QueryQueue(turns, lambda _: 100, Registry()),
        active=active,
        metrics=EngineMetrics(Registry(), -1),
    )


async def evaluate(service: Querier, text: str, *, tenant: str = "t", timeout_s: float | None = None) -> bytes:
    """An instant query at the begin of time."""
    asked = Evaluation(service.parse(text), 0, 0, timeout_s=timeout_s)
    return await service.evaluate(tenant, asked, QueryStats())


async def threads_are_free(pool: _native.Pool) -> None:
    """Returns when both threads of the pool take jobs again."""
    empty = _native.Selectors.parse([])
    async with asyncio.timeout(5):
        await asyncio.gather(*(_native.label_names(pool, None, empty, 0) for _ in range(8)))


async def test_cancelling_the_handler_ends_the_evaluation(server: InProcess, pool: _native.Pool) -> None:
    service = querier(server, pool)
    handlers = [asyncio.create_task(evaluate(service, LONG)) for _ in range(2)]
    await asyncio.sleep(0.05)
    for handler in handlers:
        handler.cancel()
        with pytest.raises(asyncio.CancelledError):
            await handler
    await threads_are_free(pool)


async def test_a_handler_that_waits_for_its_turn_can_be_cancelled(server: InProcess, pool: _native.Pool) -> None:
    service = querier(server, pool, turns=1)
    first = asyncio.create_task(evaluate(service, LONG))
    await asyncio.sleep(0.01)
    second = asyncio.create_task(evaluate(service, "1"))
    third = asyncio.create_task(evaluate(service, "1"))
    await asyncio.sleep(0.01)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    assert not third.done()
    first.cancel()
    assert b'"success"' in await asyncio.wait_for(third, 5)


@pytest.mark.parametrize(("timeout_s", "asked"), [(0.05, None), (60, 0.05), (0.05, 60)])
async def test_the_shorter_time_ends_it(
    server: InProcess, pool: _native.Pool, timeout_s: float, asked: float | None
) -> None:
    service = querier(server, pool, timeout_s=timeout_s)
    started = time.monotonic()
    with pytest.raises(_native.QueryTimeoutError, match=r"^query timed out in expression evaluation$"):
        await evaluate(service, LONG, timeout_s=asked)
    assert time.monotonic() - started < 2


async def test_time_spent_waiting_for_others_counts(server: InProcess, pool: _native.Pool, tmp_path: Path) -> None:
    active = ActiveQueries(tmp_path / "active", 1)
    active.open()
    service = querier(server, pool, active=active)
    first = asyncio.create_task(evaluate(service, LONG))
    await asyncio.sleep(0)
    with pytest.raises(_native.ExecutionError, match=r"^context deadline exceeded$"):
        await evaluate(service, "1", timeout_s=0.05)
    waiting = asyncio.create_task(evaluate(service, "1"))
    await asyncio.sleep(0)
    first.cancel()
    assert b'"success"' in await asyncio.wait_for(waiting, 5)


async def test_time_in_the_queue_does_not_count(server: InProcess, pool: _native.Pool) -> None:
    service = querier(server, pool, turns=1, timeout_s=0.1)
    first = asyncio.create_task(evaluate(service, LONG))
    await asyncio.sleep(0)
    assert b'"success"' in await evaluate(service, "1")
    with pytest.raises(_native.QueryTimeoutError):
        await first


async def test_no_more_than_the_limit_run_at_once(server: InProcess, pool: _native.Pool) -> None:
    service = querier(server, pool, turns=3)
    handlers = [asyncio.create_task(evaluate(service, LONG)) for _ in range(8)]
    await asyncio.sleep(0.1)
    assert pool.queued == 1, "two run, one waits for a thread, five for their turn"
    for handler in handlers:
        handler.cancel()
    assert all(
        isinstance(end, asyncio.CancelledError) for end in await asyncio.gather(*handlers, return_exceptions=True)
    )
    await threads_are_free(pool)


async def test_the_event_loop_goes_on(server: InProcess, pool: _native.Pool) -> None:
    service = querier(server, pool, timeout_s=0.5)
    beats = 0

    async def heartbeat() -> None:
        nonlocal beats
        while True:
            await asyncio.sleep(0.005)
            beats += 1

    beating = asyncio.create_task(heartbeat())
    with pytest.raises(_native.QueryTimeoutError):
        await evaluate(service, LONG)
    beating.cancel()
    # A loop that waits for the evaluation gets to one beat; a free one on a busy machine to many of the hundred.
    assert beats >= 5


async def test_an_unknown_tenant_has_no_series(server: InProcess, pool: _native.Pool) -> None:
    service = querier(server, pool)
    answer = await evaluate(service, "up", tenant="nobody")
    assert answer == b'{"status":"success","data":{"resultType":"vector","result":[]}}'
    names = await service.label_names("nobody", service.selectors([]), 0, QueryStats())
    assert names == b'{"status":"success","data":[]}'
    assert len(server.process.tenants) == 0


async def test_experimental_functions_are_off(server: InProcess, pool: _native.Pool) -> None:
    service = querier(server, pool)
    with pytest.raises(_native.ParseError, match=r"function \"sort_by_label\" is not enabled"):
        service.parse("sort_by_label(up, 'job')")
