"""One query, from its text to the bytes of its answer."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from neocortex import _native
from neocortex.errors import NeocortexError
from neocortex.ingester.limits import IngesterRefusal
from neocortex.ring.view import RingError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from neocortex.ingester.service import Ingester
    from neocortex.overrides.limits import Overrides
    from neocortex.ring.view import Ring


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """What the querier's configuration says about every evaluation; times in milliseconds."""

    lookback_delta_ms: int
    default_evaluation_interval_ms: int
    max_samples: int
    timeout_s: float
    max_concurrent: int
    dialect: _native.Dialect
    per_step_stats: bool


class SelectFailed(NeocortexError):
    """The series of an evaluation could not be fetched from the ingesters; the text is the answer's."""


class Querier:
    """Evaluates queries on the databases of this process.

    Everything that reads raises `RingError` when the ring has no ingesters to read from, and `IngesterRefusal` when
    the ingester is too busy; an evaluation raises `SelectFailed` for both.
    """

    def __init__(
        self,
        ring: Ring,
        ingester: Ingester,
        pool: _native.Pool,
        overrides: Overrides,
        options: EngineOptions,
    ) -> None:
        self._ring = ring
        self._ingester = ingester
        self._pool = pool
        self._overrides = overrides
        self._options = options
        self._concurrent = asyncio.Semaphore(options.max_concurrent)

    def parse(self, text: str) -> _native.Query:
        """The checked syntax tree. Raises `_native.ParseError` with the position in its text."""
        return _native.Query.parse(text, self._options.dialect)

    def selectors(self, texts: list[str]) -> _native.Selectors:
        """The selectors of `match[]`. Raises `_native.ParseError`."""
        return _native.Selectors.parse(texts)

    async def evaluate(
        self,
        tenant: str,
        query: _native.Query,
        start_ms: int,
        end_ms: int,
        step_ms: int,
        *,
        timeout_s: float | None = None,
        stats: bool = False,
    ) -> bytes:
        """The JSON answer; a step of 0 makes an instant query.

        Raises `SelectFailed` and the `_native` errors of evaluation.

        The evaluation is cancelled when the client goes away (the handler's task is cancelled) or its time is up.
        """
        limits = self._overrides.limits(tenant)
        options = self._options
        timeout = options.timeout_s if timeout_s is None else min(timeout_s, options.timeout_s)
        cancellation = _native.Cancellation(timeout)

        async def evaluate_on(tsdb: _native.Tsdb | None) -> bytes:
            with cancelling(cancellation):
                return await query.evaluate(
                    self._pool,
                    tsdb,
                    cancellation,
                    start_ms=start_ms,
                    end_ms=end_ms,
                    step_ms=step_ms,
                    lookback_ms=options.lookback_delta_ms,
                    default_step_ms=options.default_evaluation_interval_ms,
                    max_samples=options.max_samples,
                    max_series=limits.max_fetched_series_per_query,
                    stats=stats,
                    per_step_stats=options.per_step_stats,
                )

        async with self._concurrent:
            if not query.selects():
                # Without selectors no ingester is asked.
                return await evaluate_on(None)
            try:
                async with self._reading(tenant, samples=True) as tsdb:
                    return await evaluate_on(tsdb)
            except (RingError, IngesterRefusal) as e:
                raise SelectFailed(f"expanding series: {_over_grpc(e)}") from e

    async def decode_read(self, body: bytes) -> _native.ReadRequest:
        """A remote read request. Raises `_native.DecodeError`."""
        return await _native.ReadRequest.decode(self._pool, body)

    async def remote_read(self, tenant: str, read: _native.ReadRequest) -> bytes:
        """The packed samples of a remote read request."""
        limits = self._overrides.limits(tenant)
        cancellation = _native.Cancellation(self._options.timeout_s)
        async with self._reading(tenant, samples=True) as tsdb:
            with cancelling(cancellation):
                return await read.answer(self._pool, tsdb, cancellation, max_series=limits.max_fetched_series_per_query)

    async def label_names(self, tenant: str, selectors: _native.Selectors, limit: int) -> bytes:
        """Sorted label names of the series that match any selector, of all when there is none."""
        async with self._reading(tenant) as tsdb:
            return await _native.label_names(self._pool, tsdb, selectors, limit)

    async def label_values(self, tenant: str, name: str, selectors: _native.Selectors, limit: int) -> bytes:
        """Sorted values of a label."""
        async with self._reading(tenant) as tsdb:
            return await _native.label_values(self._pool, tsdb, name, selectors, limit)

    async def series(self, tenant: str, selectors: _native.Selectors, limit: int) -> bytes:
        """Label sets of the series that match any selector, each once."""
        limits = self._overrides.limits(tenant)
        async with self._reading(tenant) as tsdb:
            return await _native.series(self._pool, tsdb, selectors, limit, limits.max_fetched_series_per_query)

    async def metadata(self, tenant: str, metric: str, limit: int, limit_per_metric: int) -> bytes:
        """Metadata by metric; limits below 0 mean none."""
        await self._ring.readable()
        # Metadata is no query to the ingester's limits.
        tsdb = self._ingester.open_tsdb(tenant)
        return await _native.metadata(self._pool, tsdb, metric, limit, limit_per_metric)

    async def exemplars(self, tenant: str, query: _native.Query, start_ms: int, end_ms: int) -> bytes:
        """Exemplars of the series that the query's selectors match."""
        async with self._reading(tenant, samples=True) as tsdb:
            return await _native.exemplars(self._pool, tsdb, query, start_ms, end_ms)

    @asynccontextmanager
    async def _reading(self, tenant: str, *, samples: bool = False) -> AsyncIterator[_native.Tsdb | None]:
        await self._ring.readable()
        with self._ingester.reading(tenant, samples=samples) as tsdb:
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
