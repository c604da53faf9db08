"""The metrics of the ingester, with Cortex's names. Figures of the databases are read when they are scraped."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from neocortex import _native
    from neocortex.ingester.tenants import Tenants
    from neocortex.observe.metrics import Counter, Registry


class IngesterMetrics:
    """Counts appends and shows the databases. `refused` is told the samples that were refused, by reason."""

    def __init__(self, registry: Registry, tenants: Tenants, refused: Callable[[str, dict[str, int]], None]) -> None:
        self._refused = refused
        self._active = registry.gauge_family(
            "cortex_ingester_active_series", "Number of currently active series per user.", ("user",)
        )
        self._active_histograms = registry.gauge_family(
            "cortex_ingester_active_native_histogram_series",
            "Number of currently active native histogram series per user.",
            ("user",),
        )

        def outcome(name: str, what: str) -> tuple[Counter, Counter]:
            return (
                registry.counter(f"cortex_ingester_ingested_{name}_total", f"The total number of {what} ingested."),
                registry.counter(
                    f"cortex_ingester_ingested_{name}_failures_total",
                    f"The total number of {what} that errored on ingestion.",
                ),
            )

        self._samples = outcome("samples", "samples")
        self._histograms = outcome("native_histograms", "native histograms")
        self._exemplars = outcome("exemplars", "exemplars")
        self._metadata = outcome("metadata", "metadata")
        self.queries = registry.counter(
            "cortex_ingester_queries_total", "The total number of queries the ingester has handled."
        )

        def stats() -> Iterable[tuple[str, _native.TsdbStats]]:
            return ((tenant, tsdb.stats()) for tenant, tsdb in tenants)

        def total(read: Callable[[_native.TsdbStats], int]) -> Callable[[], float]:
            return lambda: sum(read(s) for _, s in stats())

        registry.observed_gauge(
            "cortex_ingester_memory_series", "The current number of series in memory.", total(lambda s: s.series)
        )
        registry.observed_gauge(
            "cortex_ingester_memory_users", "The current number of users in memory.", lambda: len(tenants)
        )
        registry.observed_gauge(
            "cortex_ingester_memory_metadata", "The current number of metadata in memory.", total(lambda s: s.metadata)
        )
        registry.observed_gauge(
            "cortex_ingester_tsdb_head_chunks",
            "The total number of chunks in the head block across all tenants.",
            total(lambda s: s.chunks),
        )
        registry.observed_gauge(
            "cortex_ingester_tsdb_exemplar_exemplars_in_storage",
            "Number of TSDB exemplars currently in storage.",
            total(lambda s: s.exemplars),
        )
        registry.observed_counter(
            "cortex_ingester_tsdb_wal_writes_failed_total",
            "Total number of TSDB WAL writes that failed.",
            total(lambda s: s.wal_failures),
        )
        registry.observed(
            "counter",
            "cortex_ingester_memory_series_created_total",
            "The total number of series that were created per user.",
            label_names=("user",),
            ask=lambda: [((tenant,), s.series_created) for tenant, s in stats()],
        )

    def active_series(self, by_tenant: dict[str, tuple[int, int]]) -> None:
        """Active series were counted: all of a tenant, and those of native histograms."""
        for tenant, (series, histograms) in by_tenant.items():
            self._active.labels(tenant).set(series)
            self._active_histograms.labels(tenant).set(histograms)

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
        if outcome.error is not None or outcome.failed_metadata:
            self._refused(tenant, outcome.discarded)
