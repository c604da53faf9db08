"""The metrics of the ingester, with Cortex's names; those of its databases are in `tsdbmetrics`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from neocortex import _native
    from neocortex.observe.metrics import Counter, Registry


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

        self._samples = outcome("samples", "samples")
        self._histograms = outcome("native_histograms", "native histograms")
        self._exemplars = outcome("exemplars", "exemplars")
        self._metadata = outcome("metadata", "metadata")
        self.queries = registry.counter(
            "cortex_ingester_queries_total", "The total number of queries the ingester has handled."
        )
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

    def metadata_removed(self, tenant: str, entries: int) -> None:
        """Metadata that was not sent for long was forgotten."""
        self._metadata_removed.labels(tenant).inc(entries)

    def forget(self, tenant: str) -> None:
        """The tenant's database was removed."""
        for family in (self._active, self._active_histograms):
            family.remove(tenant)
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
        if outcome.metadata_created:
            self._metadata_created.labels(tenant).inc(outcome.metadata_created)
        if outcome.error is not None or outcome.failed_metadata:
            self._refused(tenant, outcome.discarded)
