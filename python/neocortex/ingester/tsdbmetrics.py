"""The metrics of the databases, with Cortex's names; read when they are scraped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neocortex._native import Figure
from neocortex.ingester.tenantlines import TenantFamily
from neocortex.ingester.upkeepmetrics import upkeep_families
from neocortex.observe.exposition import Exposed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from neocortex import _native
    from neocortex.ingester.tenants import Tenants
    from neocortex.observe.exposition import Shown
    from neocortex.observe.metrics import Registry

    Read = Callable[[_native.Figures], int]

TOTALS: tuple[tuple[str, str, str, Read], ...] = (
    ("gauge", "cortex_ingester_memory_users", "The current number of users in memory.", len),
    ("gauge", "cortex_ingester_memory_series", "The current number of series in memory.", lambda f: f.series),
    ("gauge", "cortex_ingester_memory_metadata", "The current number of metadata in memory.", lambda f: f.metadata),
    (
        "gauge",
        "cortex_ingester_tsdb_blocks_loaded",
        "Number of currently loaded data blocks",
        lambda f: f.blocks,
    ),
    (
        "gauge",
        "cortex_ingester_tsdb_head_chunks",
        "Total number of chunks in the TSDB head block.",
        lambda f: f.chunks,
    ),
    (
        "counter",
        "cortex_ingester_tsdb_head_series_not_found_total",
        "Total number of TSDB requests for series that were not found.",
        # A reader that was told of a series keeps it.
        lambda _: 0,
    ),
    (
        "counter",
        "cortex_ingester_tsdb_mmap_chunks_total",
        "Total number of chunks that were memory-mapped.",
        lambda f: f.chunks_mapped,
    ),
    (
        "counter",
        "cortex_ingester_tsdb_mmap_chunk_corruptions_total",
        "Total number of memory-mapped TSDB chunk corruptions.",
        lambda f: f.chunk_corruptions,
    ),
    (
        "counter",
        "cortex_ingester_tsdb_snapshot_replay_error_total",
        "Total number snapshot replays that failed.",
        lambda f: f.snapshot_failures,
    ),
    (
        "gauge",
        "cortex_ingester_tsdb_exemplar_exemplars_in_storage",
        "Number of TSDB exemplars currently in storage.",
        lambda f: f.exemplars,
    ),
    (
        "counter",
        "cortex_ingester_tsdb_exemplar_exemplars_appended_total",
        "Total number of TSDB exemplars appended.",
        lambda f: f.exemplars_appended,
    ),
    (
        "counter",
        "cortex_ingester_tsdb_exemplar_out_of_order_exemplars_total",
        "Total number of out of order exemplar ingestion failed attempts.",
        lambda f: f.out_of_order_exemplars,
    ),
    (
        "counter",
        "cortex_ingester_tsdb_wal_writes_failed_total",
        "Total number of TSDB WAL writes that failed.",
        lambda f: f.wal_failures,
    ),
)
"""Sums over all tenants: kind, name, help, and what is summed."""

BY_TENANT: tuple[tuple[str, str, str, Figure], ...] = (
    (
        "counter",
        "cortex_ingester_memory_series_created_total",
        "The total number of series that were created per user.",
        Figure.SERIES_CREATED,
    ),
    (
        "counter",
        "cortex_ingester_memory_series_removed_total",
        "The total number of series that were removed per user.",
        Figure.SERIES_REMOVED,
    ),
    (
        "counter",
        "cortex_ingester_tsdb_head_chunks_created_total",
        "Total number of series created in the TSDB head.",
        Figure.CHUNKS_CREATED,
    ),
    (
        "counter",
        "cortex_ingester_tsdb_head_chunks_removed_total",
        "Total number of series removed in the TSDB head.",
        Figure.CHUNKS_REMOVED,
    ),
    (
        "gauge",
        "cortex_ingester_tsdb_storage_blocks_bytes",
        "The number of bytes that are currently used for local storage by all blocks.",
        Figure.BLOCK_BYTES,
    ),
    (
        "gauge",
        "cortex_ingester_tsdb_symbol_table_size_bytes",
        "Size of symbol table in memory for loaded blocks",
        Figure.SYMBOL_TABLE_BYTES,
    ),
    (
        "gauge",
        "cortex_ingester_tsdb_data_replay_duration_seconds",
        "Time taken to replay the tsdb data on disk.",
        Figure.OPENING_SECONDS,
    ),
    (
        "gauge",
        "cortex_ingester_tsdb_exemplar_series_with_exemplars_in_storage",
        "Number of TSDB series with exemplars currently in storage.",
        Figure.EXEMPLAR_SERIES,
    ),
    (
        "gauge",
        "cortex_ingester_tsdb_exemplar_last_exemplars_timestamp_seconds",
        "The timestamp of the oldest exemplar stored in circular storage. Useful to check for what time range the"
        " current exemplar buffer limit allows. This usually means the last timestamp for all exemplars for a typical"
        " setup. This is not true though if one of the series timestamp is in future compared to rest series.",
        Figure.OLDEST_EXEMPLAR_SECONDS,
    ),
)
"""One value a tenant, label `user`."""

BY_TYPE: tuple[tuple[str, str, Figure, Figure], ...] = (
    (
        "cortex_ingester_tsdb_head_samples_appended_total",
        "Total number of appended samples.",
        Figure.FLOAT_SAMPLES_APPENDED,
        Figure.HISTOGRAM_SAMPLES_APPENDED,
    ),
    (
        "cortex_ingester_tsdb_head_out_of_order_samples_appended_total",
        "Total number of appended out of order samples.",
        Figure.OUT_OF_ORDER_FLOATS_APPENDED,
        Figure.OUT_OF_ORDER_HISTOGRAMS_APPENDED,
    ),
    (
        "cortex_ingester_tsdb_out_of_order_samples_total",
        "Total number of out of order samples ingestion failed attempts due to out of order being disabled.",
        Figure.OUT_OF_ORDER_FLOATS_REFUSED,
        Figure.OUT_OF_ORDER_HISTOGRAMS_REFUSED,
    ),
)
"""Counters of a tenant's floats and native histograms, labels `type` and `user`."""


def register_tsdb_metrics(registry: Registry, tenants: Tenants, pool: _native.Pool) -> None:
    """Registers the families of the open databases, whose figures are gathered once a scrape."""

    async def collect() -> Iterable[Shown]:
        figures = await tenants.figures()
        if figures is None:
            return []
        oldest_s = (await tenants.oldest_unshipped_ms() or 0) // 1000
        return [
            _oldest_unshipped(oldest_s),
            *_sums(figures),
            *_by_tenant(figures, pool),
            *upkeep_families(figures.upkeep),
        ]

    registry.add_collector(collect)


def _oldest_unshipped(seconds: int) -> Shown:
    return Exposed(
        "gauge",
        "cortex_ingester_oldest_unshipped_block_timestamp_seconds",
        "Unix timestamp of the oldest TSDB block not shipped to the storage yet. 0 if ingester has no blocks or all"
        " blocks have been shipped.",
        label_names=(),
        samples=[((), seconds)],
    )


def _sums(figures: _native.Figures) -> Iterator[Shown]:
    for kind, name, text, read in TOTALS:
        yield Exposed(kind, name, text, label_names=(), samples=[((), read(figures))])


def _by_tenant(figures: _native.Figures, pool: _native.Pool) -> Iterator[Shown]:
    def family(kind: str, name: str, text: str) -> TenantFamily:
        return TenantFamily(figures, pool, kind, name, text)

    for kind, name, text, figure in BY_TENANT:
        yield family(kind, name, text).with_value(figure)
    for name, text, floats, histograms in BY_TYPE:
        counter = family("counter", name, text)
        yield counter.with_value(floats, 'type="float",').with_value(histograms, 'type="histogram",')
    yield family(
        "histogram",
        "cortex_ingester_tsdb_sample_ooo_delta",
        "Delta in seconds by which a sample is considered out of order (reported regardless of OOO time window and"
        " whether sample is accepted or not).",
    ).with_histogram(Figure.OUT_OF_ORDER_DELTAS, Figure.OUT_OF_ORDER_DELTA_SECONDS)
