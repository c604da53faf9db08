"""What the query path does at the start and from time to time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neocortex.querier.metrics import IDLE_CHECK_S
from neocortex.service import Service

if TYPE_CHECKING:
    from neocortex.querier.active import ActiveQueries
    from neocortex.querier.metrics import QueryMetrics
    from neocortex.querier.queue import QueryQueue


class QueryUpkeep(Service):
    """Opens the log of active queries, and forgets the figures of tenants that ask nothing any more."""

    def __init__(self, metrics: QueryMetrics, queue: QueryQueue, active: ActiveQueries | None) -> None:
        super().__init__()
        self._active = active
        self._metrics = metrics
        self._queue = queue

    async def starting(self) -> None:
        """Raises `StartError`."""
        if self._active is not None:
            self._active.open()

    async def running(self) -> None:
        """Until the service is asked to stop."""
        await self.every(IDLE_CHECK_S, lambda: self._metrics.forget_idle(self._queue.forget))
