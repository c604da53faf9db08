"""One query, from its text to the bytes of its answer."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from neocortex import _native
from neocortex.errors import NeocortexError
from neocortex.ingester.limits import IngesterRefusal
from neocortex.querier.reach import RangeTooLong, Reach
from neocortex.ring.view import RingError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from neocortex.ingester.service import Ingester
    from neocortex.overrides.limits import Overrides
    from neocortex.querier.active import ActiveQueries
    from neocortex.querier.metrics import EngineMetrics
    from neocortex.querier.queue import QueryQueue
    from neocortex.querier.stats import QueryStats
    from neocortex.ring.view import Ring


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """What the querier's configuration says about every evaluation; times in milliseconds."""

    lookback_delta_ms: int
    default_evaluation_interval_ms: int
    max_samples: int
    timeout_s: float
    max_into_future_ms: int
    ignore_max_query_length: bool
    dialect: _native.Dialect
    per_step_stats: bool
    exact_figures: bool
    """What a query fetches is counted exactly, for those who look at its statistics."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A query at its steps, in milliseconds; a step of 0 makes an instant query."""

    query: _native.Query
    start_ms: int
    end_ms: int
    step_ms: int = 0
    timeout_s: float | None = None
    """What the client would wait; the configured time counts if it is shorter."""
    stats: str = ""
    """Figures are part of the answer unless empty; with `all` for each step too, if the configuration lets."""


class SelectFailed(NeocortexError):
    """The series of an evaluation could not be fetched from the ingesters; the text is the answer's."""


class ResponseTooLarge(NeocortexError):
    """The answer is larger than `max_query_response_size`."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"the query response size exceeds limit (limit: {limit} bytes)")


class Querier:
    """Evaluates queries on the databases of this process, each when its turn comes.

    Everything that reads adds to the `QueryStats` of its request, and raises `TooManyOutstanding` when too many of the
    tenant's requests wait, `RingError` when the ring has no ingesters to read from, and `IngesterRefusal` when the
    ingester is too busy; an evaluation raises `SelectFailed` for the last two.
    """

    def __init__(
        self,
        ring: Ring,
        ingester: Ingester,
        pool: _native.Pool,
        overrides: Overrides,
        options: EngineOptions,
        *,
        queue: QueryQueue,
        active: ActiveQueries | None,
        metrics: EngineMetrics,
    ) -> None:
        """Without `active` as many evaluations run at once as the queue lets."""
        self._ring = ring
        self._ingester = ingester
        self._pool = pool
        self._overrides = overrides
        self._options = options
        self._queue = queue
        self._active = active
        self._metrics = metrics

    def parse(self, text: str) -> _native.Query:
        """The checked syntax tree. Raises `_native.ParseError` with the position in its text."""
        return _native.Query.parse(text, self._options.dialect)

    def selectors(self, texts: list[str]) -> _native.Selectors:
        """The selectors of `match[]`. Raises `_native.ParseError`."""
        return _native.Selectors.parse(texts)

    def reach(self, tenant: str) -> Reach:
        """How far the tenant's queries see at this moment."""
        return Reach.of(self._overrides.limits(tenant), now_ms(), self._options.max_into_future_ms)

    async def evaluate(self, tenant: str, asked: Evaluation, stats: QueryStats) -> bytes:
        """The JSON answer.

        Raises `ResponseTooLarge`, `_native.ParseError` when the query has no value at these steps, and the other
        `_native` errors of evaluation.

        The evaluation is cancelled when the client goes away (the handler's task is cancelled) or its time is up.
        """
        async with self._turn(tenant, stats):
            self._metrics.queries.inc()
            try:
                evaluated = await self._evaluate(tenant, asked, stats)
            finally:
                self._metrics.queries.dec()
        stats.evaluated(evaluated)
        self._metrics.samples.inc(evaluated.samples)
        limit = self._overrides.limits(tenant).max_query_response_size
        if 0 < limit < len(evaluated.body):
            raise ResponseTooLarge(limit)
        stats.response_series = evaluated.series
        return evaluated.body

    async def _evaluate(self, tenant: str, asked: Evaluation, stats: QueryStats) -> _native.Evaluated:
        options, query = self._options, asked.query
        timeout = options.timeout_s if asked.timeout_s is None else min(asked.timeout_s, options.timeout_s)
        cancellation = _native.Cancellation(timeout)
        steps = (asked.start_ms, asked.end_ms, asked.step_ms)
        if asked.step_ms and query.value_type not in ("scalar", "instant vector"):
            raise _native.ParseError(
                f'invalid parameter "query"; invalid expression type "{query.value_type}" for range query,'
                " must be Scalar or instant Vector"
            )
        reach = self.reach(tenant)
        self._check_selections(query, steps, reach)

        async def evaluate_on(tsdb: _native.Tsdb | None) -> _native.Evaluated:
            timing = self._metrics.timing("inner_eval")
            with timing, cancelling(cancellation), self._fetching(tenant, stats) as fetch:
                return await query.evaluate(
                    self._pool,
                    tsdb,
                    cancellation,
                    fetch,
                    start_ms=asked.start_ms,
                    end_ms=asked.end_ms,
                    step_ms=asked.step_ms,
                    visible_ms=reach.visible_ms,
                    lookback_ms=options.lookback_delta_ms,
                    default_step_ms=options.default_evaluation_interval_ms,
                    max_samples=options.max_samples,
                    stats=bool(asked.stats),
                    per_step_stats=options.per_step_stats and asked.stats == "all",
                )

        async with self._active_entry(query.text, timeout):
            if not query.selects():
                # Without selectors no ingester is asked.
                return await evaluate_on(None)
            try:
                async with self._reading(tenant) as tsdb:
                    return await evaluate_on(tsdb)
            except (RingError, IngesterRefusal) as e:
                raise SelectFailed(f"expanding series: {_over_grpc(e)}") from e

    @asynccontextmanager
    async def _active_entry(self, text: str, timeout_s: float) -> AsyncIterator[None]:
        """Around an evaluation: in the log of active queries, if there is one.

        Raises `_native.ExecutionError`, with Cortex's text, when there is no room in it for so long.
        """
        if self._active is None:
            yield
            return
        async with AsyncExitStack() as stack:
            with self._metrics.timing("queue_time"):
                try:
                    async with asyncio.timeout(timeout_s):
                        await stack.enter_async_context(self._active.entered(text))
                except TimeoutError as e:
                    raise _native.ExecutionError("context deadline exceeded") from e
            yield

    def _check_selections(self, query: _native.Query, steps: tuple[int, int, int], reach: Reach) -> None:
        """`max_query_length` for each selector; the endpoints check what a request names itself."""
        if reach.max_length_ms <= 0 or self._options.ignore_max_query_length:
            return
        try:
            reach.check_selections(query.selections_ms(*steps, self._options.lookback_delta_ms))
        except RangeTooLong as e:
            raise _native.LimitError(f"expanding series: {e}") from e

    async def decode_read(self, body: bytes) -> _native.ReadRequest:
        """A remote read request. Raises `_native.DecodeError`."""
        return await _native.ReadRequest.decode(self._pool, body)

    async def remote_read(self, tenant: str, read: _native.ReadRequest, stats: QueryStats) -> bytes:
        """The packed samples of a remote read request."""
        cancellation = _native.Cancellation(self._options.timeout_s)
        visible_ms = self.reach(tenant).visible_ms
        async with self._turn(tenant, stats), self._reading(tenant) as tsdb:
            with cancelling(cancellation), self._fetching(tenant, stats) as fetch:
                return await read.answer(self._pool, tsdb, cancellation, fetch, visible_ms)

    async def label_names(self, tenant: str, selectors: _native.Selectors, limit: int, stats: QueryStats) -> bytes:
        """Sorted label names of the series that match any selector, of all when there is none."""
        async with self._turn(tenant, stats), self._reading(tenant) as tsdb:
            return await _native.label_names(self._pool, tsdb, selectors, limit)

    async def label_values(
        self, tenant: str, name: str, selectors: _native.Selectors, limit: int, stats: QueryStats
    ) -> bytes:
        """Sorted values of a label."""
        async with self._turn(tenant, stats), self._reading(tenant) as tsdb:
            return await _native.label_values(self._pool, tsdb, name, selectors, limit)

    async def series(self, tenant: str, selectors: _native.Selectors, limit: int, stats: QueryStats) -> bytes:
        """Label sets of the series that match any selector, each once."""
        limits = self._overrides.limits(tenant)
        async with self._turn(tenant, stats), self._reading(tenant) as tsdb:
            return await _native.series(self._pool, tsdb, selectors, limit, limits.max_fetched_series_per_query)

    async def metadata(
        self, tenant: str, metric: str, stats: QueryStats, *, limit: int, limit_per_metric: int
    ) -> bytes:
        """Metadata by metric; limits below 0 mean none."""
        async with self._turn(tenant, stats):
            await self._ring.readable()
            # Metadata is no query to the ingester's limits.
            tsdb = self._ingester.open_tsdb(tenant)
            return await _native.metadata(self._pool, tsdb, metric, limit, limit_per_metric)

    async def exemplars(
        self, tenant: str, query: _native.Query, start_ms: int, end_ms: int, stats: QueryStats
    ) -> bytes:
        """Exemplars of the series that the query's selectors match."""
        async with self._turn(tenant, stats), self._reading(tenant) as tsdb:
            body, exemplars = await _native.exemplars(self._pool, tsdb, query, start_ms, end_ms)
            self._ingester.metrics.queried_exemplars(exemplars)
            return body

    @asynccontextmanager
    async def _turn(self, tenant: str, stats: QueryStats) -> AsyncIterator[None]:
        async with self._queue.turn(tenant, stats.priority or 0):
            stats.turns = 1
            started = time.perf_counter()
            try:
                yield
            finally:
                stats.wall_s += time.perf_counter() - started

    @contextmanager
    def _fetching(self, tenant: str, stats: QueryStats) -> Iterator[_native.Fetch]:
        """The limits of what one request fetches; counts what it has fetched at the end, whatever that is."""
        limits = self._overrides.limits(tenant)
        fetch = _native.Fetch(
            max_series=limits.max_fetched_series_per_query,
            max_chunks=limits.max_fetched_chunks_per_query,
            max_chunk_bytes=limits.max_fetched_chunk_bytes_per_query,
            max_data_bytes=limits.max_fetched_data_bytes_per_query,
            exact=self._options.exact_figures,
        )
        try:
            yield fetch
        finally:
            stats.fetched(fetch)
            self._ingester.metrics.queried(fetch.selectors)

    @asynccontextmanager
    async def _reading(self, tenant: str) -> AsyncIterator[_native.Tsdb | None]:
        await self._ring.readable()
        with self._ingester.reading(tenant) as tsdb:
            yield tsdb


@contextmanager
def cancelling(cancellation: _native.Cancellation) -> Iterator[None]:
    """Ends native work whose handler is cancelled, because the client has gone."""
    try:
        yield
    except asyncio.CancelledError:
        cancellation.cancel()
        raise


def _over_grpc(error: RingError | IngesterRefusal) -> str:
    return error.status_text if isinstance(error, IngesterRefusal) else str(error)


def now_ms() -> int:
    """The present in milliseconds since the epoch."""
    return int(time.time() * 1000)
