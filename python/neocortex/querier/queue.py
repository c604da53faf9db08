"""Queries that wait for their turn: tenants in turns, a tenant's own by priority and then as they came.

Source: Cortex's `pkg/scheduler/queue` and `pkg/frontend/v1`. In one process the workers of the querier are the turns.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from collections import deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from neocortex.errors import NeocortexError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from neocortex.observe import Registry

DURATION_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60)


class TooManyOutstanding(NeocortexError):
    """So many requests of the tenant wait that this one is not taken."""

    def __init__(self) -> None:
        super().__init__("too many outstanding requests")


class QueryQueue:
    """Lets `turns` requests run at once. `max_waiting` gives how many of a tenant may wait."""

    def __init__(self, turns: int, max_waiting: Callable[[str], int], registry: Registry) -> None:
        self._free = turns
        self._max_waiting = max_waiting
        self._waiting: dict[str, list[tuple[int, int, asyncio.Future[None]]]] = {}
        self._tenants: deque[str] = deque()
        self._arrived = 0
        self._requests = registry.counter_family(
            "cortex_request_queue_requests_total",
            "Total number of query requests going to the request queue.",
            ("priority", "user"),
        )
        self._discarded = registry.counter_family(
            "cortex_query_frontend_discarded_requests_total",
            "Total number of query requests discarded.",
            ("priority", "user"),
        )
        self._duration = registry.histogram(
            "cortex_query_frontend_queue_duration_seconds", "Time spend by requests queued.", DURATION_BUCKETS_S
        )
        registry.observed_gauge(
            "cortex_query_frontend_connected_clients",
            "Number of worker clients currently connected to the frontend.",
            lambda: turns,
        )
        self._length = registry.gauge_family(
            "cortex_query_frontend_queue_length", "Number of queries in the queue.", ("priority", "type", "user")
        )

    @asynccontextmanager
    async def turn(self, tenant: str, priority: int = 0) -> AsyncIterator[None]:
        """Around what is done for a request; the greater priority goes first. Raises `TooManyOutstanding`."""
        self._requests.labels(str(priority), tenant).inc()
        if self._waits(tenant) >= self._max_waiting(tenant):
            self._discarded.labels(str(priority), tenant).inc()
            raise TooManyOutstanding
        arrived = time.perf_counter()
        length = self._length.labels(str(priority), "fifo", tenant)
        if self._free:
            self._free -= 1
        else:
            length.inc()
            try:
                await self._wait(tenant, priority)
            finally:
                length.dec()
        self._duration.observe(time.perf_counter() - arrived)
        try:
            yield
        finally:
            self._pass_on()

    def forget(self, tenant: str) -> None:
        """The tenant has asked nothing for long: its figures go."""
        for family in (self._requests, self._discarded, self._length):
            family.remove_all("user", tenant)

    def _waits(self, tenant: str) -> int:
        return sum(not future.done() for _, _, future in self._waiting.get(tenant, ()))

    async def _wait(self, tenant: str, priority: int) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if tenant not in self._waiting:
            self._waiting[tenant] = []
            self._tenants.append(tenant)
        self._arrived += 1
        heapq.heappush(self._waiting[tenant], (-priority, self._arrived, future))
        try:
            await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        """Gives a turn to the first request of the next tenant, those that were given up left out."""
        while self._tenants:
            tenant = self._tenants.popleft()
            waiting = self._waiting[tenant]
            future = None
            while waiting and future is None:
                _, _, first = heapq.heappop(waiting)
                future = None if first.done() else first
            if waiting:
                self._tenants.append(tenant)
            else:
                del self._waiting[tenant]
            if future is not None:
                future.set_result(None)
                return
        self._free += 1
