"""The metrics of the query API and of the evaluation, with Cortex's names.

Source: Cortex's `pkg/frontend/transport/handler.go` and `pkg/querier/tripperware/roundtrip.go`, Prometheus's
`promql/engine.go`.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from neocortex.observe.exposition import Observations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from neocortex.http.message import Response
    from neocortex.observe import Registry
    from neocortex.observe.metrics import Counter, Family
    from neocortex.querier.stats import QueryStats

IDLE_S = 15 * 60.0
"""The figures of a tenant that has asked nothing for so long are no longer shown."""
IDLE_CHECK_S = 3 * 60.0

_REASONS = (
    ("query processing would load too many samples into memory", "too_many_samples"),
    ("the query time range exceeds the limit", "time_range_exceeded"),
    ("the query response size exceeds limit", "response_size_exceeded"),
    ("the query hit the max number of series limit", "series_fetched"),
    ("the query hit the max number of chunks limit", "chunks_fetched"),
    ("the query hit the aggregated chunks size limit", "chunk_bytes_fetched"),
    ("the query hit the aggregated data size limit", "data_bytes_fetched"),
)
"""What the text of a 422 says, and the reason that is counted for it."""


class QueryMetrics:
    """Counts requests by tenant; what they cost only with `query_stats_enabled`."""

    def __init__(self, registry: Registry, *, query_stats_enabled: bool) -> None:
        self._seen: dict[str, float] = {}
        self._queries = registry.counter_family(
            "cortex_query_frontend_queries_total", "Total queries sent per tenant.", ("op", "source", "user")
        )
        self._refused = registry.counter_family(
            "cortex_query_frontend_rejected_queries_total", "Total rejected queries per tenant.", ("op", "user")
        )
        self._costs = _Costs(registry) if query_stats_enabled else None

    def began(self, tenant: str, op: str, source: str) -> None:
        """A request came whose parameters could be read."""
        self._seen[tenant] = time.monotonic()
        self._queries.labels(op, source, tenant).inc()

    def rejected(self, tenant: str, op: str) -> None:
        """A rule of `query_rejection` refused it."""
        self._refused.labels(op, tenant).inc()

    def ended(self, tenant: str, source: str, stats: QueryStats, response: Response) -> None:
        """It was answered."""
        if self._costs is not None:
            self._costs.add(tenant, source, stats, response)

    def was_slow(self, tenant: str, source: str) -> None:
        """It took longer than `log_queries_longer_than`."""
        if self._costs is not None:
            self._costs.slow.labels(source, tenant).inc()

    def too_large(self, tenant: str, source: str) -> None:
        """Its body was too large to be read."""
        if self._costs is not None:
            self._costs.rejected.labels("request_body_size_exceeded", source, tenant).inc()

    def forget_idle(self, forget: Callable[[str], None]) -> None:
        """Shows no more of tenants that have asked nothing for long; `forget` is told them."""
        before = time.monotonic() - IDLE_S
        for tenant in [tenant for tenant, at in self._seen.items() if at < before]:
            del self._seen[tenant]
            self._queries.remove_all("user", tenant)
            self._refused.remove_all("user", tenant)
            if self._costs is not None:
                self._costs.forget(tenant)
            forget(tenant)


class _Costs:
    """What `-frontend.query-stats-enabled` has counted."""

    def __init__(self, registry: Registry) -> None:
        def counter(name: str, text: str) -> Family[Counter]:
            return registry.counter_family(f"cortex_{name}_total", text, ("source", "user"))

        self._seconds = counter("query_seconds", "Total amount of wall clock time spend processing queries.")
        self._series = counter("query_fetched_series", "Number of series fetched to execute a query.")
        self._samples = counter("query_samples", "Number of samples fetched to execute a query.")
        self._scanned = counter("query_samples_scanned", "Number of samples scanned to execute a query.")
        self._chunk_bytes = counter(
            "query_fetched_chunks_bytes", "Size of all chunks fetched to execute a query in bytes."
        )
        self._data_bytes = counter("query_fetched_data_bytes", "Size of all data fetched to execute a query in bytes.")
        self.slow = counter("slow_queries", "The total number of slow queries.")
        self.rejected = registry.counter_family(
            "cortex_rejected_queries_total",
            "The total number of queries that were rejected.",
            ("reason", "source", "user"),
        )
        self._peak = registry.histogram_family(
            "cortex_query_peak_samples",
            "Highest count of samples considered to execute a query.",
            ("source", "user"),
            bounds=(),
        )

    def add(self, tenant: str, source: str, stats: QueryStats, response: Response) -> None:
        for family, value in (
            (self._seconds, stats.wall_s),
            (self._series, stats.series),
            (self._samples, stats.samples),
            (self._scanned, stats.scanned_samples),
            (self._chunk_bytes, stats.chunk_bytes),
            (self._data_bytes, stats.data_bytes),
        ):
            family.labels(source, tenant).inc(value)
        self._peak.labels(source, tenant).observe(stats.peak_samples)
        if (reason := _reason(response)) is not None:
            self.rejected.labels(reason, source, tenant).inc()

    def forget(self, tenant: str) -> None:
        self._peak.remove_all("user", tenant)
        for family in (
            self._seconds,
            self._series,
            self._samples,
            self._scanned,
            self._chunk_bytes,
            self._data_bytes,
            self.slow,
            self.rejected,
        ):
            family.remove_all("user", tenant)


class EngineMetrics:
    """What the evaluations count together; `max_concurrent` is -1 without a limit."""

    def __init__(self, registry: Registry, max_concurrent: int) -> None:
        engine = ("engine",)
        self.queries = registry.gauge_family(
            "prometheus_engine_queries", "The current number of queries being executed or waiting.", engine
        ).labels("querier")
        registry.gauge_family(
            "prometheus_engine_queries_concurrent_max", "The max number of concurrent queries.", engine
        ).labels("querier").set(max_concurrent)
        self._durations = {"inner_eval": Observations(0, 0.0), "queue_time": Observations(0, 0.0)}
        registry.observed(
            "summary",
            "prometheus_engine_query_duration_seconds",
            "Query timings",
            label_names=("engine", "slice"),
            ask=lambda: [(("querier", name), observed) for name, observed in self._durations.items()],
        )
        self.samples = registry.counter_family(
            "prometheus_engine_query_samples_total", "The total number of samples loaded by all queries.", engine
        ).labels("querier")

    @contextmanager
    def timing(self, slice_name: str) -> Iterator[None]:
        """Around a part of an evaluation: `queue_time` or `inner_eval`."""
        started = time.perf_counter()
        try:
            yield
        finally:
            before = self._durations[slice_name]
            seconds = time.perf_counter() - started
            self._durations[slice_name] = Observations(before.values + 1, before.total + seconds)


def _reason(response: Response) -> str | None:
    if response.status == 429:
        return "too_many_requests"
    if response.status == 413:
        return "response_body_size_exceeded"
    if response.status != 422:
        return None
    text = response.body.decode("utf-8", "replace")
    return next((reason for part, reason in _REASONS if part in text), None)
