"""The native pool: futures of the event loop that its threads complete."""

import asyncio
import gc
import threading
import time
import weakref
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import uvloop

from neocortex import _native
from neocortex.querier.dialect import CORTEX
from support.remote_write import encode_v1

if TYPE_CHECKING:
    from collections.abc import Awaitable

NOTHING = _native.Selectors.parse([])
UNLIMITED = _native.Fetch(max_series=0, max_chunks=0, max_chunk_bytes=0, max_data_bytes=0, exact=False)
LONG = "sum_over_time(quantile_over_time(0.5, (vector(time()) % 977)[12h:1s])[12h:1s])"
"""Half a day of windows of half a day: takes minutes when nobody stops it."""


def evaluate(
    pool: _native.Pool, text: str, cancellation: _native.Cancellation, *, max_samples: int = 50_000_000
) -> asyncio.Future[_native.Evaluated]:
    """An instant query at the epoch, on no data."""
    return _native.Query.parse(text, CORTEX).evaluate(
        pool,
        None,
        cancellation,
        UNLIMITED,
        start_ms=0,
        end_ms=0,
        step_ms=0,
        visible_ms=(0, 0),
        lookback_ms=300_000,
        default_step_ms=60_000,
        max_samples=max_samples,
        stats=False,
        per_step_stats=False,
    )


def quick(pool: _native.Pool) -> asyncio.Future[bytes]:
    """A job that is done at once."""
    return _native.label_names(pool, None, NOTHING, 0)


async def test_results_come_to_those_who_asked(pool: _native.Pool) -> None:
    texts = [str(number) for number in range(12)]
    never = _native.Cancellation(60)
    answers = await asyncio.gather(*(evaluate(pool, text, never) for text in texts))
    for text, answer in zip(texts, answers, strict=True):
        expected = f'{{"status":"success","data":{{"resultType":"scalar","result":[0,"{text}"]}}}}'
        assert answer.body == expected.encode()


async def test_a_future_is_one_of_the_loops(pool: _native.Pool) -> None:
    future = quick(pool)
    assert isinstance(future, asyncio.Future)
    assert future.get_loop() is asyncio.get_running_loop()
    assert not future.done()
    seen: list[int] = []
    future.add_done_callback(lambda _: seen.append(threading.get_ident()))
    await future
    await asyncio.sleep(0)
    assert seen == [threading.get_ident()], "callbacks run on the event loop"


async def test_exceptions_have_their_class(
    pool: _native.Pool, tmp_path: Path, tsdb_options: _native.TsdbOptions
) -> None:
    never = _native.Cancellation(60)
    cancelled = _native.Cancellation(60)
    cancelled.cancel()
    obstacle = tmp_path / "file"
    obstacle.touch()
    jobs: list[tuple[Awaitable[object], type[_native.NativeError], str]] = [
        (
            evaluate(pool, "vector(1)[1h:1s]", never, max_samples=10),
            _native.ExecutionError,
            "query processing would load too many samples into memory in query execution",
        ),
        (evaluate(pool, LONG, cancelled), _native.QueryCanceledError, "query was canceled in expression evaluation"),
        (
            evaluate(pool, LONG, _native.Cancellation(0)),
            _native.QueryTimeoutError,
            "query timed out in expression evaluation",
        ),
        (_native.WriteRequest.decode(pool, b"x", 1, 1000), _native.DecodeError, "snappy: corrupt input"),
        (_native.Tsdb.open(pool, str(obstacle), tsdb_options), _native.StorageFailedError, str(obstacle)),
    ]
    for future, kind, text in jobs:
        with pytest.raises(kind) as raised:
            await future
        assert type(raised.value) is kind
        assert isinstance(raised.value, _native.NativeError)
        assert text in str(raised.value)


def test_all_errors_are_one_family() -> None:
    kinds = [kind for kind in vars(_native).values() if isinstance(kind, type) and issubclass(kind, BaseException)]
    assert len(kinds) > 8
    assert all(issubclass(kind, _native.NativeError) for kind in kinds)
    assert issubclass(_native.NativeError, Exception), "one request fails, not the process"


async def test_a_cancelled_future_is_dropped(pool: _native.Pool) -> None:
    cancellation = _native.Cancellation(0.1)
    futures = [evaluate(pool, LONG, cancellation) for _ in range(4)]
    for future in futures:
        future.cancel()
    assert await quick(pool) == b'{"status":"success","data":[]}'
    assert all(future.cancelled() for future in futures)


async def test_what_a_future_held_is_freed(pool: _native.Pool) -> None:
    class Holder:
        """Something that can be watched."""

    def keep(holder: Holder, future: asyncio.Future[bytes]) -> None:
        pass

    async def ask() -> weakref.ref[Holder]:
        holder = Holder()
        future = quick(pool)
        future.add_done_callback(partial(keep, holder))
        future.cancel()
        return weakref.ref(holder)

    watched = await ask()
    await quick(pool)
    await quick(pool)
    gc.collect()
    assert watched() is None


async def test_a_full_queue_refuses_at_once_all_but_figures() -> None:
    pool = _native.Pool(asyncio.get_running_loop(), 1, 2, "small")
    cancellation = _native.Cancellation(60)
    running = [evaluate(pool, LONG, cancellation)]
    assert await becomes(pool, 0), "the thread has taken it"
    running += [evaluate(pool, LONG, cancellation) for _ in range(2)]
    assert await becomes(pool, 2)
    with pytest.raises(_native.OverloadedError, match=r"^too many requests are queued$"):
        quick(pool)
    assert await _native.stats_of(pool, []) == []
    cancellation.cancel()
    ends = await asyncio.gather(*running, return_exceptions=True)
    assert [type(end) for end in ends] == [_native.QueryCanceledError] * 3
    assert await quick(pool) == b'{"status":"success","data":[]}'
    pool.close()


async def becomes(pool: _native.Pool, queued: int) -> bool:
    """Whether so many jobs wait, within five seconds."""
    for _ in range(5000):
        if pool.queued == queued:
            return True
        await asyncio.sleep(0.001)
    return False


async def test_close_waits_for_what_is_queued(tmp_path: Path, tsdb_options: _native.TsdbOptions) -> None:
    pool = _native.Pool(asyncio.get_running_loop(), 1, 64, "closing")
    futures = [_native.Tsdb.open(pool, str(tmp_path / str(i)), tsdb_options) for i in range(20)]
    pool.close()
    assert all(future.done() for future in futures), "outcomes are set when it returns"
    assert len({id(future.result()) for future in futures}) == 20
    assert pool.queued == 0
    for future in futures:
        with pytest.raises(_native.ClosedError, match=r"^the worker pool is closed$"):
            future.result().close(pool)
    with pytest.raises(_native.ClosedError, match=r"^the worker pool is closed$"):
        quick(pool)
    pool.close()


async def test_its_threads_end_with_it() -> None:
    def threads() -> int:
        return len(list(Path("/proc/self/task").iterdir()))

    before = threads()
    pool = _native.Pool(asyncio.get_running_loop(), 3, 4, "mortal")
    assert threads() == before + 3
    await quick(pool)
    pool.close()
    for _ in range(1000):
        if threads() == before:
            return
        await asyncio.sleep(0.001)
    pytest.fail(f"{threads() - before} threads are left")


async def test_the_loop_goes_on_while_it_works(pool: _native.Pool) -> None:
    gaps: list[float] = []

    async def heartbeat() -> None:
        last = time.monotonic()
        while True:
            await asyncio.sleep(0.005)
            now = time.monotonic()
            gaps.append(now - last)
            last = now

    beating = asyncio.create_task(heartbeat())
    ends = await asyncio.gather(
        *(evaluate(pool, LONG, _native.Cancellation(0.4)) for _ in range(2)), return_exceptions=True
    )
    beating.cancel()
    assert [type(end) for end in ends] == [_native.QueryTimeoutError] * 2
    assert len(gaps) >= 10
    assert sorted(gaps)[len(gaps) // 2] < 0.05


async def test_other_threads_of_python_go_on_while_it_works(pool: _native.Pool) -> None:
    """A job holds no lock of the interpreter's."""
    counted = 0
    stop = threading.Event()

    def count() -> None:
        nonlocal counted
        while not stop.is_set():
            counted += 1
            time.sleep(0.001)

    thread = threading.Thread(target=count)
    thread.start()
    with pytest.raises(_native.QueryTimeoutError):
        await evaluate(pool, LONG, _native.Cancellation(0.3))
    stop.set()
    thread.join()
    assert counted > 10


async def test_two_pools_on_one_loop(pool: _native.Pool) -> None:
    other = _native.Pool(asyncio.get_running_loop(), 1, 4, "other")
    answers = await asyncio.gather(*(quick(one) for one in (pool, other) for _ in range(4)))
    assert set(answers) == {b'{"status":"success","data":[]}'}
    other.close()
    assert await quick(pool) == b'{"status":"success","data":[]}'


def test_it_works_on_uvloop() -> None:
    async def main() -> list[bytes]:
        pool = _native.Pool(asyncio.get_running_loop(), 2, 64, "uv")
        answers = await asyncio.gather(*(quick(pool) for _ in range(40)))
        pool.close()
        return answers

    assert set(uvloop.run(main())) == {b'{"status":"success","data":[]}'}


async def test_a_request_is_written_and_read_back(
    pool: _native.Pool, tmp_path: Path, tsdb_options: _native.TsdbOptions
) -> None:
    tsdb = await _native.Tsdb.open(pool, str(tmp_path / "t"), tsdb_options)
    request = await _native.WriteRequest.decode(pool, encode_v1([({"__name__": "a"}, [(1000, 1.5)])]), 1, 1 << 20)
    assert (request.samples, request.histograms, request.exemplars, request.metadata) == (1, 0, 0, 0)
    limits = _native.SeriesLimits(
        series_per_user=(0, 0, 0),
        series_per_metric=(0, 0, 0),
        histogram_series_per_user=(0, 0, 0),
        series_per_label_set=[],
        metadata_per_user=(0, 0, 0),
        metadata_per_metric=(0, 0, 0),
        max_exemplars=0,
        native_histograms=False,
        out_of_order_window_ms=0,
        admin_message="",
    )
    appended = await tsdb.append(pool, request, limits)
    assert (appended.samples, appended.failed_samples, appended.error) == (1, 0, None)
    (stats,) = await _native.stats_of(pool, [tsdb])
    assert (stats.series, stats.blocks) == (1, 0)
    assert await _native.label_values(pool, tsdb, "__name__", NOTHING, 0) == b'{"status":"success","data":["a"]}'
    await tsdb.close(pool)
    with pytest.raises(_native.ClosedError):
        await tsdb.append(pool, request, limits)
