"""The metrics of the ingester, with Cortex's names; those of its databases are in `tsdbmetrics`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from neocortex import _native
    from neocortex.observe.metrics import Counter, Histogram, Registry


APPEND_BUCKETS_S = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
OPENING_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
BUCKET_COUNTS = tuple(float(1 << exponent) for exponent in range(10))
"""The numbers of buckets up to which the native side counts histograms."""


class IngesterMetrics:
    """Counts what is appended. `refused` is told the samples that were refused, by reason."""

    def __init__(self, registry: Registry, refused: Callable[[str, dict[str, int]], None]) -> None:
        self._refused = refused
        self._active = registry.gauge_family(
            "cortex_ingester_active_series", "Number of currently active series per user.", ("user",)
        )
        self._active_histograms = registry.gauge_family(
            "cortex_ingester_active_native_histogram_series",
            "Number of currently active native histogram series per user.",
            ("user",),
        )
        by_label_set = ("user", "limit", "labelset")
        self._label_set_limits = registry.gauge_family(
            "cortex_ingester_limits_per_labelset", "Limits per user and labelset.", by_label_set
        )
        self._label_set_usage = registry.gauge_family(
            "cortex_ingester_usage_per_labelset", "Current usage per user and labelset.", by_label_set
        )

        def outcome(name: str, what: str) -> tuple[Counter, Counter]:
            return (
                registry.counter(f"cortex_ingester_ingested_{name}_total", f"The total number of {what} ingested."),
                registry.counter(
                    f"cortex_ingester_ingested_{name}_failures_total",
                    f"The total number of {what} that errored on ingestion.",
                ),
            )

        def append_duration(name: str, what: str) -> Histogram:
            return registry.histogram(
                f"cortex_ingester_tsdb_appender_{name}_duration_seconds",
                f"The total time it takes for a push request to {what}.",
                APPEND_BUCKETS_S,
            )

        self._planning = append_duration("add", "add samples to the TSDB appender")
        self._committing = append_duration("commit", "commit samples appended to TSDB")
        self.opening = registry.histogram(
            "cortex_ingester_tsdb_wal_replay_duration_seconds",
            "The total time it takes to open and replay a TSDB WAL.",
            OPENING_BUCKETS_S,
        )
        self.appending = registry.gauge(
            "cortex_ingester_tsdb_head_active_appenders", "Number of currently active TSDB appender transactions."
        )
        self._histogram_buckets = registry.histogram_family(
            "cortex_ingester_ingested_histogram_buckets",
            "The number of ingested native histogram buckets per user.",
            ("user",),
            BUCKET_COUNTS,
        )
        self._samples = outcome("samples", "samples")
        self._histograms = outcome("native_histograms", "native histograms")
        self._exemplars = outcome("exemplars", "exemplars")
        self._metadata = outcome("metadata", "metadata")
        self._queries = registry.counter(
            "cortex_ingester_queries_total", "The total number of queries the ingester has handled."
        )

        def queried(what: str, bounds: tuple[float, ...]) -> Histogram:
            text = f"The total number of {what} returned from queries."
            return registry.histogram(f"cortex_ingester_queried_{what}", text, bounds)

        self._queried_series = queried("series", _powers(8, 6))
        self._queried_samples = queried("samples", _powers(8, 8))
        self._queried_chunks = queried("chunks", _powers(8, 7))
        self._queried_exemplars = queried("exemplars", _powers(5, 5))
        self._metadata_created = registry.counter_family(
            "cortex_ingester_memory_metadata_created_total",
            "The total number of metadata that were created per user",
            ("user",),
        )
        self._metadata_removed = registry.counter_family(
            "cortex_ingester_memory_metadata_removed_total",
            "The total number of metadata that were removed per user.",
            ("user",),
        )

    def queried(self, selectors: Iterable[tuple[int, int, int]]) -> None:
        """Selectors were read: series, samples and chunks of each."""
        for series, samples, chunks in selectors:
            self._queries.inc()
            self._queried_series.observe(series)
            self._queried_samples.observe(samples)
            self._queried_chunks.observe(chunks)

    def queried_exemplars(self, exemplars: int) -> None:
        """Exemplars were read."""
        self._queries.inc()
        self._queried_exemplars.observe(exemplars)

    def metadata_removed(self, tenant: str, entries: int) -> None:
        """Metadata that was not sent for long was forgotten."""
        self._metadata_removed.labels(tenant).inc(entries)

    def forget(self, tenant: str) -> None:
        """The tenant's database was removed."""
        for family in (self._active, self._active_histograms):
            family.remove(tenant)
        self._histogram_buckets.remove(tenant)
        for counters in (self._metadata_created, self._metadata_removed):
            counters.remove(tenant)

    def active_series(self, tenant: str, series: int, histograms: int) -> None:
        """A tenant's active series were counted: all of them, and those of native histograms."""
        self._active.labels(tenant).set(series)
        self._active_histograms.labels(tenant).set(histograms)

    def label_sets(self, by_tenant: dict[str, list[tuple[str, int, int]]]) -> None:
        """Series were counted that carry the labels for which there are limits: label set, limit, series."""
        self._label_set_limits.clear()
        self._label_set_usage.clear()
        for tenant, rows in by_tenant.items():
            for label_set, limit, series in rows:
                self._label_set_limits.labels(tenant, "max_series", label_set).set(limit)
                self._label_set_usage.labels(tenant, "max_series", label_set).set(series)

    def appended(self, tenant: str, outcome: _native.Appended) -> None:
        """An append was done."""
        for (taken, failed), n_taken, n_failed in (
            (self._samples, outcome.samples, outcome.failed_samples),
            (self._histograms, outcome.histograms, outcome.failed_histograms),
            (self._exemplars, outcome.exemplars, outcome.failed_exemplars),
            (self._metadata, outcome.metadata, outcome.failed_metadata),
        ):
            taken.inc(n_taken)
            failed.inc(n_failed)
        self._planning.observe(outcome.planning_s)
        self._committing.observe(outcome.committing_s)
        if outcome.histograms:
            self._histogram_buckets.labels(tenant).add(*outcome.buckets)
        if outcome.metadata_created:
            self._metadata_created.labels(tenant).inc(outcome.metadata_created)
            self._metadata_removed.labels(tenant)
        if outcome.error is not None or outcome.failed_metadata:
            self._refused(tenant, outcome.discarded)


def _powers(factor: int, count: int) -> tuple[float, ...]:
    """10, and so many bounds in all, each `factor` times the one before."""
    return tuple(10.0 * factor**power for power in range(count))
