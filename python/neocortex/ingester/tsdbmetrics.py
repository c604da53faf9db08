"""The metrics of the databases, with Cortex's names; read when they are scraped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neocortex.observe.exposition import Exposed
from neocortex.observe.metrics import Histogram
from neocortex.turns import in_turns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from neocortex import _native
    from neocortex.ingester.tenants import Tenants
    from neocortex.observe.exposition import Samples
    from neocortex.observe.metrics import Registry

    Read = Callable[[_native.TsdbStats], int]

DELTA_BUCKETS_S = (600, 1800, 3600, 7200, 10_800, 21_600, 43_200)
"""The buckets in which the native side counts; Prometheus's own."""

TOTALS: tuple[tuple[str, str, str, Read], ...] = (
    ("gauge", "cortex_ingester_memory_series", "The current number of series in memory.", lambda s: s.series),
    ("gauge", "cortex_ingester_memory_metadata", "The current number of metadata in memory.", lambda s: s.metadata),
    (
        "gauge",
        "cortex_ingester_tsdb_blocks_loaded",
        "Number of currently loaded data blocks",
        lambda s: s.blocks,
    ),
    (
        "gauge",
        "cortex_ingester_tsdb_head_chunks",
        "Total number of chunks in the TSDB head block.",
        lambda s: s.chunks,
    ),
    (
        "counter",
        "cortex_ingester_tsdb_mmap_chunks_total",
        "Total number of chunks that were memory-mapped.",
        lambda s: s.chunks_mapped,
    ),
    (
        "counter",
        "cortex_ingester_tsdb_mmap_chunk_corruptions_total",
        "Total number of memory-mapped TSDB chunk corruptions.",
        lambda s: s.chunk_corruptions,
    ),
    (
        "counter",
        "cortex_ingester_tsdb_snapshot_replay_error_total",
        "Total number snapshot replays that failed.",
        lambda s: s.snapshot_failures,
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
        "cortex_ingester_tsdb_storage_blocks_bytes",
        "The number of bytes that are currently used for local storage by all blocks.",
        lambda s: s.block_bytes,
    ),
    (
        "gauge",
        "cortex_ingester_tsdb_head_max_timestamp",
        "Maximum timestamp of the head block, in milliseconds since epoch.",
        lambda s: s.max_time_ms,
    ),
)
"""One value a tenant, label `user`."""

BY_TYPE: tuple[tuple[str, str, Read, Read], ...] = (
    (
        "cortex_ingester_tsdb_head_samples_appended_total",
        "Total number of appended samples.",
        lambda s: s.float_samples_appended,
        lambda s: s.histogram_samples_appended,
    ),
    (
        "cortex_ingester_tsdb_head_out_of_order_samples_appended_total",
        "Total number of appended out of order samples.",
        lambda s: s.out_of_order_floats_appended,
        lambda s: s.out_of_order_histograms_appended,
    ),
    (
        "cortex_ingester_tsdb_out_of_order_samples_total",
        "Total number of out of order samples ingestion failed attempts due to out of order being disabled.",
        lambda s: s.out_of_order_samples,
        lambda s: s.out_of_order_histograms,
    ),
)
"""Counters of a tenant's floats and native histograms, labels `user` and `type`."""

Figures = list[tuple[str, "_native.TsdbStats"]]


def register_tsdb_metrics(registry: Registry, tenants: Tenants) -> None:
    """Registers the families of the open databases, whose figures are gathered once a scrape."""

    async def collect() -> Iterator[Exposed]:
        databases = await tenants.stats()
        oldest_ms = None
        async for _, database, stats in in_turns(databases):
            if stats.blocks and (made_ms := database.oldest_unshipped_ms()) is not None:
                oldest_ms = made_ms if oldest_ms is None else min(oldest_ms, made_ms)
        return _families([(tenant, stats) for tenant, _, stats in databases], (oldest_ms or 0) // 1000)

    registry.add_collector(collect)


def _families(figures: Figures, oldest_unshipped_s: int) -> Iterator[Exposed]:
    def total(read: Read) -> Samples:
        yield (), sum(read(stats) for _, stats in figures)

    def by_tenant(read: Read) -> Samples:
        return (((tenant,), read(stats)) for tenant, stats in figures)

    def by_type(floats: Read, histograms: Read) -> Samples:
        for tenant, stats in figures:
            yield (tenant, "float"), floats(stats)
            yield (tenant, "histogram"), histograms(stats)

    def delta(stats: _native.TsdbStats) -> Histogram:
        histogram = Histogram(DELTA_BUCKETS_S)
        histogram.counts, histogram.total = stats.out_of_order_delta
        return histogram

    yield Exposed(
        "gauge",
        "cortex_ingester_memory_users",
        "The current number of users in memory.",
        label_names=(),
        samples=[((), len(figures))],
    )
    yield Exposed(
        "gauge",
        "cortex_ingester_oldest_unshipped_block_timestamp_seconds",
        "Unix timestamp of the oldest TSDB block not shipped to the storage yet. 0 if ingester has no blocks or all"
        " blocks have been shipped.",
        label_names=(),
        samples=[((), oldest_unshipped_s)],
    )
    for kind, name, text, read in TOTALS:
        yield Exposed(kind, name, text, label_names=(), samples=total(read))
    for kind, name, text, read in BY_TENANT:
        yield Exposed(kind, name, text, label_names=("user",), samples=by_tenant(read))
    for name, text, floats, histograms in BY_TYPE:
        yield Exposed("counter", name, text, label_names=("user", "type"), samples=by_type(floats, histograms))
    yield Exposed(
        "histogram",
        "cortex_ingester_tsdb_sample_ooo_delta",
        "Delta in seconds by which a sample is considered out of order (reported regardless of OOO time window and"
        " whether sample is accepted or not).",
        label_names=("user",),
        samples=(((tenant,), delta(stats)) for tenant, stats in figures),
    )
