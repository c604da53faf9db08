"""The metrics of the databases, with Cortex's names; read when they are scraped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neocortex.observe.metrics import Histogram

if TYPE_CHECKING:
    from collections.abc import Callable

    from neocortex import _native
    from neocortex.ingester.tenants import Tenants
    from neocortex.observe.metrics import Registry, Samples

    Read = Callable[[_native.TsdbStats], int]

DELTA_BUCKETS_S = (600, 1800, 3600, 7200, 10_800, 21_600, 43_200)
"""The buckets in which the native side counts; Prometheus's own."""

TOTALS: tuple[tuple[str, str, str, Read], ...] = (
    ("gauge", "cortex_ingester_memory_series", "The current number of series in memory.", lambda s: s.series),
    ("gauge", "cortex_ingester_memory_metadata", "The current number of metadata in memory.", lambda s: s.metadata),
    (
        "gauge",
        "cortex_ingester_tsdb_head_chunks",
        "Total number of chunks in the TSDB head block.",
        lambda s: s.chunks,
    ),
    (
        "gauge",
        "cortex_ingester_tsdb_exemplar_exemplars_in_storage",
        "Number of TSDB exemplars currently in storage.",
        lambda s: s.exemplars,
    ),
    (
        "counter",
        "cortex_ingester_tsdb_exemplar_exemplars_appended_total",
        "Total number of TSDB exemplars appended.",
        lambda s: s.exemplars_appended,
    ),
    (
        "counter",
        "cortex_ingester_tsdb_exemplar_out_of_order_exemplars_total",
        "Total number of out of order exemplar ingestion failed attempts.",
        lambda s: s.out_of_order_exemplars,
    ),
    (
        "counter",
        "cortex_ingester_tsdb_wal_writes_failed_total",
        "Total number of TSDB WAL writes that failed.",
        lambda s: s.wal_failures,
    ),
)
"""Sums over all tenants: kind, name, help, and what is summed."""

BY_TENANT: tuple[tuple[str, str, str, Read], ...] = (
    (
        "counter",
        "cortex_ingester_memory_series_created_total",
        "The total number of series that were created per user.",
        lambda s: s.series_created,
    ),
    (
        "counter",
        "cortex_ingester_tsdb_head_chunks_created_total",
        "Total number of series created in the TSDB head.",
        lambda s: s.chunks_created,
    ),
    (
        "gauge",
        "cortex_ingester_tsdb_head_max_timestamp",
        "Maximum timestamp of the head block, in milliseconds since epoch.",
        lambda s: s.max_time_ms,
    ),
)
"""One value a tenant, label `user`."""


def register_tsdb_metrics(registry: Registry, tenants: Tenants) -> None:
    """Registers the families of the open databases."""

    def total(read: Read) -> Callable[[], Samples]:
        return lambda: [((), sum(read(tsdb.stats()) for _, tsdb in tenants))]

    def by_tenant(read: Read) -> Callable[[], Samples]:
        return lambda: [((tenant,), read(tsdb.stats())) for tenant, tsdb in sorted(tenants)]

    def appended() -> Samples:
        for tenant, tsdb in sorted(tenants):
            stats = tsdb.stats()
            yield (tenant, "float"), stats.float_samples_appended
            yield (tenant, "histogram"), stats.histogram_samples_appended

    def oldest_unshipped_s() -> int:
        made = [made_ms for _, database in tenants.databases() if (made_ms := database.oldest_unshipped_ms())]
        return min(made, default=0) // 1000

    def out_of_order_appended() -> Samples:
        for tenant, tsdb in sorted(tenants):
            stats = tsdb.stats()
            yield (tenant, "float"), stats.out_of_order_floats_appended
            yield (tenant, "histogram"), stats.out_of_order_histograms_appended

    def out_of_order() -> Samples:
        for tenant, tsdb in sorted(tenants):
            stats = tsdb.stats()
            yield (tenant, "float"), stats.out_of_order_samples
            yield (tenant, "histogram"), stats.out_of_order_histograms

    def out_of_order_delta() -> Samples:
        for tenant, tsdb in sorted(tenants):
            delta = Histogram(DELTA_BUCKETS_S)
            delta.counts, delta.total = tsdb.stats().out_of_order_delta
            yield (tenant,), delta

    registry.observed_gauge(
        "cortex_ingester_memory_users", "The current number of users in memory.", lambda: len(tenants)
    )
    registry.observed_gauge(
        "cortex_ingester_tsdb_blocks_loaded",
        "Number of currently loaded data blocks",
        lambda: sum(len(tsdb.blocks()) for _, tsdb in tenants),
    )
    registry.observed_gauge(
        "cortex_ingester_oldest_unshipped_block_timestamp_seconds",
        "Unix timestamp of the oldest TSDB block not shipped to the storage yet. 0 if ingester has no blocks or all"
        " blocks have been shipped.",
        oldest_unshipped_s,
    )
    for kind, name, text, read in TOTALS:
        registry.observed(kind, name, text, label_names=(), ask=total(read))
    for kind, name, text, read in BY_TENANT:
        registry.observed(kind, name, text, label_names=("user",), ask=by_tenant(read))
    for name, text, ask in (
        ("cortex_ingester_tsdb_head_samples_appended_total", "Total number of appended samples.", appended),
        (
            "cortex_ingester_tsdb_head_out_of_order_samples_appended_total",
            "Total number of appended out of order samples.",
            out_of_order_appended,
        ),
        (
            "cortex_ingester_tsdb_out_of_order_samples_total",
            "Total number of out of order samples ingestion failed attempts due to out of order being disabled.",
            out_of_order,
        ),
    ):
        registry.observed("counter", name, text, label_names=("user", "type"), ask=ask)
    registry.observed(
        "histogram",
        "cortex_ingester_tsdb_sample_ooo_delta",
        "Delta in seconds by which a sample is considered out of order (reported regardless of OOO time window and"
        " whether sample is accepted or not).",
        label_names=("user",),
        ask=out_of_order_delta,
    )
