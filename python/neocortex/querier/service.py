"""One query, from its text to the bytes of its answer."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from neocortex import _native

if TYPE_CHECKING:
    from neocortex.ingester.tenants import Tenants
    from neocortex.overrides.limits import Overrides


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """What the querier's configuration says about every evaluation; times in milliseconds."""

    lookback_delta_ms: int
    default_evaluation_interval_ms: int
    max_samples: int
    timeout_s: float
    max_concurrent: int
    experimental_functions: bool
    per_step_stats: bool


class Querier:
    """Evaluates queries on the databases of this process."""

    def __init__(self, tenants: Tenants, pool: _native.Pool, overrides: Overrides, options: EngineOptions) -> None:
        self._tenants = tenants
        self._pool = pool
        self._overrides = overrides
        self._options = options
        self._concurrent = asyncio.Semaphore(options.max_concurrent)

    def parse(self, text: str) -> _native.Query:
        """The checked syntax tree. Raises `_native.ParseError` with the position in its text."""
        return _native.Query.parse(text, self._options.experimental_functions)

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
        """The JSON answer; a step of 0 makes an instant query. Raises the `_native` errors of evaluation.

        The evaluation is cancelled when the client goes away (the handler's task is cancelled) or its time is up.
        """
        limits = self._overrides.limits(tenant)
        options = self._options
        timeout = options.timeout_s if timeout_s is None else min(timeout_s, options.timeout_s)
        cancellation = _native.Cancellation(timeout)
        async with self._concurrent:
            try:
                return await query.evaluate(
                    self._pool,
                    self._tenants.get(tenant),
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
            except asyncio.CancelledError:
                cancellation.cancel()
                raise

    async def label_names(self, tenant: str, selectors: _native.Selectors, limit: int) -> bytes:
        """Sorted label names of the series that match any selector, of all when there is none."""
        return await _native.label_names(self._pool, self._tenants.get(tenant), selectors, limit)

    async def label_values(self, tenant: str, name: str, selectors: _native.Selectors, limit: int) -> bytes:
        """Sorted values of a label."""
        return await _native.label_values(self._pool, self._tenants.get(tenant), name, selectors, limit)

    async def series(self, tenant: str, selectors: _native.Selectors, limit: int) -> bytes:
        """Label sets of the series that match any selector, each once."""
        limits = self._overrides.limits(tenant)
        return await _native.series(
            self._pool, self._tenants.get(tenant), selectors, limit, limits.max_fetched_series_per_query
        )

    async def metadata(self, tenant: str, metric: str, limit: int, limit_per_metric: int) -> bytes:
        """Metadata by metric; limits below 0 mean none."""
        return await _native.metadata(self._pool, self._tenants.get(tenant), metric, limit, limit_per_metric)

    async def exemplars(self, tenant: str, query: _native.Query, start_ms: int, end_ms: int) -> bytes:
        """Exemplars of the series that the query's selectors match."""
        return await _native.exemplars(self._pool, self._tenants.get(tenant), query, start_ms, end_ms)


def now_ms() -> int:
    """The present in milliseconds since the epoch."""
    return int(time.time() * 1000)
