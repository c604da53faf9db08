"""Blocks: the local database of the ingester and the reading of the bucket."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neocortex.config.option import Section, inline, opt, section
from neocortex.config.sections.bucket import Bucket, UsersScanner
from neocortex.config.sections.bucket_cache import (
    ChunksCache,
    IndexCache,
    MetadataCache,
    ParquetLabelsCache,
    ParquetRowRangesCache,
    ParquetShardCache,
)

if TYPE_CHECKING:
    from neocortex.config.values import Duration, Durations, Int64, UInt64


class Storage(Section, go="storage.Config"):
    """The storage engine."""

    engine: str = opt("store.engine", "blocks")


class BucketIndex(Section, go="tsdb.BucketIndexConfig"):
    """The list of a tenant's blocks that the compactor keeps in the bucket."""

    enabled: bool = opt("blocks-storage.bucket-store.bucket-index.enabled", True)
    update_on_error_interval: Duration = opt("blocks-storage.bucket-store.bucket-index.update-on-error-interval", "1m")
    idle_timeout: Duration = opt("blocks-storage.bucket-store.bucket-index.idle-timeout", "1h")
    max_stale_period: Duration = opt("blocks-storage.bucket-store.bucket-index.max-stale-period", "1h")


class TokenBucketBytesLimiter(Section, go="tsdb.TokenBucketBytesLimiterConfig"):
    """A budget of bytes read from the bucket, for the instance, a tenant and a request."""

    mode: str = opt("blocks-storage.bucket-store.token-bucket-bytes-limiter.mode", "disabled")
    instance_token_bucket_size: Int64 = opt(
        "blocks-storage.bucket-store.token-bucket-bytes-limiter.instance-token-bucket-size", 859832320
    )
    user_token_bucket_size: Int64 = opt(
        "blocks-storage.bucket-store.token-bucket-bytes-limiter.user-token-bucket-size", 644874240
    )
    request_token_bucket_size: Int64 = opt(
        "blocks-storage.bucket-store.token-bucket-bytes-limiter.request-token-bucket-size", 4194304
    )
    fetched_postings_token_factor: float = opt(
        "blocks-storage.bucket-store.token-bucket-bytes-limiter.fetched-postings-token-factor", 0.0, hidden=True
    )
    touched_postings_token_factor: float = opt(
        "blocks-storage.bucket-store.token-bucket-bytes-limiter.touched-postings-token-factor", 5.0, hidden=True
    )
    fetched_series_token_factor: float = opt(
        "blocks-storage.bucket-store.token-bucket-bytes-limiter.fetched-series-token-factor", 0.0, hidden=True
    )
    touched_series_token_factor: float = opt(
        "blocks-storage.bucket-store.token-bucket-bytes-limiter.touched-series-token-factor", 25.0, hidden=True
    )
    fetched_chunks_token_factor: float = opt(
        "blocks-storage.bucket-store.token-bucket-bytes-limiter.fetched-chunks-token-factor", 0.0, hidden=True
    )
    touched_chunks_token_factor: float = opt(
        "blocks-storage.bucket-store.token-bucket-bytes-limiter.touched-chunks-token-factor", 1.0, hidden=True
    )


class BucketStore(ParquetShardCache, go="tsdb.BucketStoreConfig"):
    """Reading blocks from the bucket."""

    sync_dir: str = opt("blocks-storage.bucket-store.sync-dir", "tsdb-sync")
    sync_interval: Duration = opt("blocks-storage.bucket-store.sync-interval", "15m")
    max_concurrent: int = opt("blocks-storage.bucket-store.max-concurrent", 100)
    max_inflight_requests: int = opt("blocks-storage.bucket-store.max-inflight-requests", 0)
    max_concurrent_data_bytes: Int64 = opt("blocks-storage.bucket-store.max-concurrent-data-bytes", 0)
    tenant_sync_concurrency: int = opt("blocks-storage.bucket-store.tenant-sync-concurrency", 10)
    block_sync_concurrency: int = opt("blocks-storage.bucket-store.block-sync-concurrency", 20)
    meta_sync_concurrency: int = opt("blocks-storage.bucket-store.meta-sync-concurrency", 20)
    consistency_delay: Duration = opt("blocks-storage.bucket-store.consistency-delay", "0s")
    index_cache: IndexCache = section(IndexCache)
    chunks_cache: ChunksCache = section(ChunksCache)
    metadata_cache: MetadataCache = section(MetadataCache)
    parquet_labels_cache: ParquetLabelsCache = section(ParquetLabelsCache)
    parquet_row_ranges_cache: ParquetRowRangesCache = section(ParquetRowRangesCache)
    matchers_cache_max_items: int = opt("blocks-storage.bucket-store.matchers-cache-max-items", 0)
    ignore_deletion_mark_delay: Duration = opt("blocks-storage.bucket-store.ignore-deletion-marks-delay", "6h")
    ignore_blocks_within: Duration = opt("blocks-storage.bucket-store.ignore-blocks-within", "0s")
    ignore_blocks_before: Duration = opt("blocks-storage.bucket-store.ignore-blocks-before", "0s")
    bucket_index: BucketIndex = section(BucketIndex)
    block_discovery_strategy: str = opt("blocks-storage.bucket-store.block-discovery-strategy", "concurrent")
    bucket_store_type: str = opt("blocks-storage.bucket-store.bucket-store-type", "tsdb")
    max_chunk_pool_bytes: UInt64 = opt("blocks-storage.bucket-store.max-chunk-pool-bytes", 2147483648)
    chunk_pool_min_bucket_size_bytes: int = opt(
        "blocks-storage.bucket-store.chunk-pool-min-bucket-size-bytes", 16000, hidden=True
    )
    chunk_pool_max_bucket_size_bytes: int = opt(
        "blocks-storage.bucket-store.chunk-pool-max-bucket-size-bytes", 50000000, hidden=True
    )
    index_header_lazy_loading_enabled: bool = opt(
        "blocks-storage.bucket-store.index-header-lazy-loading-enabled", False
    )
    index_header_lazy_loading_idle_timeout: Duration = opt(
        "blocks-storage.bucket-store.index-header-lazy-loading-idle-timeout", "20m"
    )
    lazy_expanded_postings_enabled: bool = opt("blocks-storage.bucket-store.lazy-expanded-postings-enabled", False)
    lazy_expanded_posting_group_max_key_series_ratio: float = opt(
        "blocks-storage.bucket-store.lazy-expanded-posting-group-max-key-series-ratio", 100.0
    )
    partitioner_max_gap_bytes: UInt64 = opt(
        "blocks-storage.bucket-store.partitioner-max-gap-bytes", 524288, hidden=True
    )
    estimated_max_series_size_bytes: UInt64 = opt(
        "blocks-storage.bucket-store.estimated-max-series-size-bytes", 65536, hidden=True
    )
    estimated_max_chunk_size_bytes: UInt64 = opt(
        "blocks-storage.bucket-store.estimated-max-chunk-size-bytes", 16000, hidden=True
    )
    postings_offsets_in_mem_sampling: int = opt(
        "blocks-storage.bucket-store.posting-offsets-in-mem-sampling", 32, hidden=True
    )
    series_batch_size: int = opt("blocks-storage.bucket-store.series-batch-size", 10000)
    token_bucket_bytes_limiter: TokenBucketBytesLimiter = section(TokenBucketBytesLimiter)
    _parquet_shard_cache = inline(ParquetShardCache, "blocks-storage.bucket-store.")
    parquet_query_concurrency: int = opt("blocks-storage.bucket-store.parquet-query-concurrency", 4)


class PostingsCache(Section, go="tsdb.PostingsCacheConfig"):
    """A cache of expanded postings."""

    enabled: bool = opt("enabled", False)
    max_bytes: Int64 = opt("max-bytes", 10485760)
    ttl: Duration = opt("ttl", "10m")
    fetch_timeout: Duration = opt("fetch-timeout", "0s")


class ExpandedPostingsCache(Section, go="tsdb.TSDBPostingsCacheConfig"):
    """Caches of expanded postings in the ingester."""

    head: PostingsCache = section(PostingsCache, "blocks-storage.expanded_postings_cache.head.")
    blocks: PostingsCache = section(PostingsCache, "blocks-storage.expanded_postings_cache.block.")
    lazy_matcher_max_cardinality: int = opt(
        "blocks-storage.expanded_postings_cache.head.lazy-matcher-max-cardinality", 0
    )
    lazy_matcher_simple_cost_ratio: int = opt(
        "blocks-storage.expanded_postings_cache.head.lazy-matcher-simple-cost-ratio", 6
    )
    lazy_matcher_complex_cost_ratio: int = opt(
        "blocks-storage.expanded_postings_cache.head.lazy-matcher-complex-cost-ratio", 2
    )


class TSDB(Section, go="tsdb.TSDBConfig"):
    """The ingester's local databases."""

    dir: str = opt("blocks-storage.tsdb.dir", "tsdb")
    block_ranges_period: Durations = opt("blocks-storage.tsdb.block-ranges-period", ["2h"])
    retention_period: Duration = opt("blocks-storage.tsdb.retention-period", "6h")
    ship_interval: Duration = opt("blocks-storage.tsdb.ship-interval", "1m")
    ship_concurrency: int = opt("blocks-storage.tsdb.ship-concurrency", 10)
    head_compaction_interval: Duration = opt("blocks-storage.tsdb.head-compaction-interval", "1m")
    head_compaction_concurrency: int = opt("blocks-storage.tsdb.head-compaction-concurrency", 5)
    head_compaction_idle_timeout: Duration = opt("blocks-storage.tsdb.head-compaction-idle-timeout", "1h")
    head_chunks_write_buffer_size_bytes: int = opt("blocks-storage.tsdb.head-chunks-write-buffer-size-bytes", 4194304)
    stripe_size: int = opt("blocks-storage.tsdb.stripe-size", 16384)
    wal_compression_type: str = opt("blocks-storage.tsdb.wal-compression-type", "")
    wal_segment_size_bytes: int = opt("blocks-storage.tsdb.wal-segment-size-bytes", 134217728)
    flush_blocks_on_shutdown: bool = opt("blocks-storage.tsdb.flush-blocks-on-shutdown", False)
    close_idle_tsdb_timeout: Duration = opt("blocks-storage.tsdb.close-idle-tsdb-timeout", "0s")
    head_chunks_write_queue_size: int = opt("blocks-storage.tsdb.head-chunks-write-queue-size", 0)
    max_tsdb_opening_concurrency_on_startup: int = opt(
        "blocks-storage.tsdb.max-tsdb-opening-concurrency-on-startup", 10
    )
    max_exemplars: int = opt("blocks-storage.tsdb.max-exemplars", 0)
    memory_snapshot_on_shutdown: bool = opt("blocks-storage.tsdb.memory-snapshot-on-shutdown", False)
    out_of_order_cap_max: Int64 = opt("blocks-storage.tsdb.out-of-order-cap-max", 32)
    expanded_postings_cache: ExpandedPostingsCache = section(ExpandedPostingsCache)


class BlocksStorage(Bucket, go="tsdb.BlocksStorageConfig"):
    """Blocks storage: the bucket, the reading of it, the local databases."""

    _bucket = inline(Bucket, "blocks-storage.")
    bucket_store: BucketStore = section(BucketStore)
    tsdb: TSDB = section(TSDB)
    users_scanner: UsersScanner = section(UsersScanner, "blocks-storage.users-scanner.")
