"""Who waits for whom."""

import asyncio

import pytest

from neocortex.observe import Registry
from neocortex.querier.queue import QueryQueue, TooManyOutstanding
from support.scrape import scrape


class Line:
    """Requests at a queue, and the order in which they got their turn."""

    def __init__(self, queue: QueryQueue) -> None:
        self.queue = queue
        self.began: list[str] = []
        self._leave: dict[str, asyncio.Event] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def join(self, name: str, tenant: str, priority: int = 0) -> None:
        """One more request, which is at the queue when this returns."""

        async def request() -> None:
            async with self.queue.turn(tenant, priority):
                self.began.append(name)
                await self._leave[name].wait()

        self._leave[name] = asyncio.Event()
        self._tasks[name] = asyncio.create_task(request())
        await asyncio.sleep(0)

    async def leave(self, name: str) -> None:
        """A request is done."""
        self._leave[name].set()
        await self._tasks[name]
        await asyncio.sleep(0)

    async def give_up(self, name: str) -> None:
        """The client of a request is gone."""
        self._tasks[name].cancel()
        with pytest.raises(asyncio.CancelledError):
            await self._tasks[name]
        await asyncio.sleep(0)


def line(turns: int, max_waiting: int = 100) -> Line:
    return Line(QueryQueue(turns, lambda _: max_waiting, Registry()))


async def test_tenants_take_turns_and_each_keeps_its_order() -> None:
    at = line(1)
    for name in ("a1", "a2", "a3", "b1", "c1", "b2"):
        await at.join(name, name[0])
    for name in ("a1", "a2", "b1", "c1", "a3", "b2"):
        assert at.began[-1] == name
        await at.leave(name)
    assert at.began == ["a1", "a2", "b1", "c1", "a3", "b2"]


async def test_the_greater_priority_of_a_tenant_goes_first() -> None:
    at = line(1)
    await at.join("first", "t")
    for name, priority in (("low", -1), ("plain", 0), ("high", 5), ("higher", 7), ("high again", 5)):
        await at.join(name, "t", priority)
    for name in ("first", "higher", "high", "high again", "plain", "low"):
        assert at.began[-1] == name
        await at.leave(name)


async def test_as_many_run_as_there_are_turns() -> None:
    at = line(3)
    for name in "abcde":
        await at.join(name, "t")
    assert at.began == ["a", "b", "c"]
    await at.leave("b")
    assert at.began == ["a", "b", "c", "d"]


async def test_at_the_limit_of_those_that_wait_and_above() -> None:
    at = line(1, max_waiting=2)
    for name in ("runs", "waits", "waits too"):
        await at.join(name, "t")
    with pytest.raises(TooManyOutstanding, match=r"^too many outstanding requests$"):
        async with at.queue.turn("t"):
            pytest.fail("it was taken")
    await at.join("of another tenant", "u")
    await at.leave("runs")
    await at.join("fits again", "t")
    assert at.began == ["runs", "waits"]


async def test_none_may_wait() -> None:
    at = line(1, max_waiting=0)
    with pytest.raises(TooManyOutstanding):
        async with at.queue.turn("t"):
            pytest.fail("it was taken")


async def test_those_that_give_up_are_passed_over() -> None:
    at = line(1, max_waiting=2)
    for name in ("runs", "gone", "next"):
        await at.join(name, "t")
    await at.give_up("gone")
    await at.join("last", "t")
    await at.leave("runs")
    assert at.began == ["runs", "next"]
    await at.give_up("next")
    assert at.began == ["runs", "next", "last"]
    await at.leave("last")
    await at.join("alone", "u")
    assert at.began[-1] == "alone"


async def test_a_turn_given_to_one_that_gives_up_is_passed_on() -> None:
    at = line(1)
    async with at.queue.turn("t"):
        await at.join("gone", "t")
        await at.join("next", "t")
    # The turn is that of the first now, which has not run yet.
    await at.give_up("gone")
    assert at.began == ["next"]


async def test_the_figures_of_a_queue() -> None:
    registry = Registry()
    at = Line(QueryQueue(1, lambda _: 1, registry))
    await at.join("runs", "t")
    await at.join("waits", "t", 3)
    with pytest.raises(TooManyOutstanding):
        async with at.queue.turn("t"):
            pytest.fail("it was taken")
    text = await scrape(registry)
    for shown in (
        'cortex_request_queue_requests_total{priority="0",user="t"} 2',
        'cortex_request_queue_requests_total{priority="3",user="t"} 1',
        'cortex_query_frontend_discarded_requests_total{priority="0",user="t"} 1',
        'cortex_query_frontend_queue_length{priority="3",type="fifo",user="t"} 1',
        "cortex_query_frontend_connected_clients 1",
        "cortex_query_frontend_queue_duration_seconds_count 1",
    ):
        assert shown in text
    at.queue.forget("t")
    assert 'requests_total{priority="0",user="t"}' not in await scrape(registry)
