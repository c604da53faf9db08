"""Caches in front of the object store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neocortex.config.option import Section, inline, opt, section
from neocortex.config.sections.tls import ClientTLS

if TYPE_CHECKING:
    from neocortex.config.values import Duration, Int64, Secret, UInt, UInt64


class ParquetShardCache(Section, go="parquetutil.CacheConfig"):
    """The cache of opened Parquet files."""

    parquet_shard_cache_size: int = opt("parquet-shard-cache-size", 512)
    parquet_shard_cache_ttl: Duration = opt("parquet-shard-cache-ttl", "24h")


class InMemoryIndexCache(Section, go="tsdb.InMemoryIndexCacheConfig"):
    """An index cache in the process's memory."""

    max_size_bytes: UInt64 = opt("blocks-storage.bucket-store.index-cache.inmemory.max-size-bytes", 1073741824)
    enabled_items: list[str] = opt("blocks-storage.bucket-store.index-cache.inmemory.enabled-items", [])


class CircuitBreaker(Section, go="tsdb.CircuitBreakerConfig"):
    """When writes to a failing cache are given up for a while."""

    enabled: bool = opt("enabled", False)
    half_open_max_requests: UInt = opt("half-open-max-requests", 10)
    open_duration: Duration = opt("open-duration", "5s")
    min_requests: UInt = opt("min-requests", 50)
    consecutive_failures: UInt = opt("consecutive-failures", 5)
    failure_percent: float = opt("failure-percent", 0.05)


class Memcached(Section, go="tsdb.MemcachedClientConfig"):
    """Memcached servers."""

    addresses: str = opt("addresses", "")
    timeout: Duration = opt("timeout", "100ms")
    max_idle_connections: int = opt("max-idle-connections", 16)
    max_async_concurrency: int = opt("max-async-concurrency", 3)
    max_async_buffer_size: int = opt("max-async-buffer-size", 10000)
    max_get_multi_concurrency: int = opt("max-get-multi-concurrency", 100)
    max_get_multi_batch_size: int = opt("max-get-multi-batch-size", 0)
    max_item_size: int = opt("max-item-size", 1048576)
    auto_discovery: bool = opt("auto-discovery", False)
    set_async_circuit_breaker_config: CircuitBreaker = section(CircuitBreaker, "set-async.circuit-breaker.")


class MemcachedIndexCache(Memcached, go="tsdb.MemcachedIndexCacheConfig"):
    """An index cache in Memcached."""

    _memcached = inline(Memcached, "blocks-storage.bucket-store.index-cache.memcached.")
    enabled_items: list[str] = opt("blocks-storage.bucket-store.index-cache.memcached.enabled-items", [])


class Redis(ClientTLS, go="tsdb.RedisClientConfig"):
    """A Redis server, cluster or sentinel group."""

    addresses: str = opt("addresses", "")
    username: str = opt("username", "")
    password: Secret = opt("password", "")
    db: int = opt("db", 0)
    master_name: str = opt("master-name", "")
    max_get_multi_concurrency: int = opt("max-get-multi-concurrency", 100)
    get_multi_batch_size: int = opt("get-multi-batch-size", 100)
    max_set_multi_concurrency: int = opt("max-set-multi-concurrency", 100)
    set_multi_batch_size: int = opt("set-multi-batch-size", 100)
    max_async_concurrency: int = opt("max-async-concurrency", 3)
    max_async_buffer_size: int = opt("max-async-buffer-size", 10000)
    dial_timeout: Duration = opt("dial-timeout", "5s")
    read_timeout: Duration = opt("read-timeout", "3s")
    write_timeout: Duration = opt("write-timeout", "3s")
    tls_enabled: bool = opt("tls-enabled", False)
    _client_tls = inline(ClientTLS)
    cache_size: int = opt("cache-size", 0)
    set_async_circuit_breaker_config: CircuitBreaker = section(CircuitBreaker, "set-async.circuit-breaker.")


class RedisIndexCache(Redis, go="tsdb.RedisIndexCacheConfig"):
    """An index cache in Redis."""

    _redis = inline(Redis, "blocks-storage.bucket-store.index-cache.redis.")
    enabled_items: list[str] = opt("blocks-storage.bucket-store.index-cache.redis.enabled-items", [])


class MultiLevelIndexCache(Section, go="tsdb.MultiLevelIndexCacheConfig"):
    """Several index caches behind one another."""

    max_async_concurrency: int = opt("blocks-storage.bucket-store.index-cache.multilevel.max-async-concurrency", 3)
    max_async_buffer_size: int = opt("blocks-storage.bucket-store.index-cache.multilevel.max-async-buffer-size", 10000)
    max_backfill_items: int = opt("blocks-storage.bucket-store.index-cache.multilevel.max-backfill-items", 10000)


class IndexCache(Section, go="tsdb.IndexCacheConfig"):
    """The cache of postings and series."""

    backend: str = opt("blocks-storage.bucket-store.index-cache.backend", "inmemory")
    inmemory: InMemoryIndexCache = section(InMemoryIndexCache)
    memcached: MemcachedIndexCache = section(MemcachedIndexCache)
    redis: RedisIndexCache = section(RedisIndexCache)
    multilevel: MultiLevelIndexCache = section(MultiLevelIndexCache)


class InMemoryBucketCache(Section, go="tsdb.InMemoryBucketCacheConfig"):
    """A cache in the process's memory."""

    max_size_bytes: UInt64 = opt("max-size-bytes", 1073741824)


class MultiLevelCache(Section, go="tsdb.MultiLevelBucketCacheConfig"):
    """Several caches behind one another: filling the faster from the slower."""

    max_async_concurrency: int = opt("max-async-concurrency", 3)
    max_async_buffer_size: int = opt("max-async-buffer-size", 10000)
    max_backfill_items: int = opt("max-backfill-items", 10000)


class BucketCache(Section, go="tsdb.BucketCacheBackend"):
    """A cache: which, and the settings of each kind. A comma-separated list gives levels."""

    backend: str = opt("backend", "")
    inmemory: InMemoryBucketCache = section(InMemoryBucketCache, "inmemory.")
    memcached: Memcached = section(Memcached, "memcached.")
    redis: Redis = section(Redis, "redis.")
    multilevel: MultiLevelCache = section(MultiLevelCache, "multilevel.")


class ChunksCache(BucketCache, go="tsdb.ChunksCacheConfig"):
    """The cache of parts of chunk files."""

    _bucket_cache = inline(BucketCache, "blocks-storage.bucket-store.chunks-cache.")
    subrange_size: Int64 = opt("blocks-storage.bucket-store.chunks-cache.subrange-size", 16000)
    max_get_range_requests: int = opt("blocks-storage.bucket-store.chunks-cache.max-get-range-requests", 3)
    attributes_ttl: Duration = opt("blocks-storage.bucket-store.chunks-cache.attributes-ttl", "168h")
    subrange_ttl: Duration = opt("blocks-storage.bucket-store.chunks-cache.subrange-ttl", "24h")


class MetadataCache(BucketCache, go="tsdb.MetadataCacheConfig"):
    """The cache of lists, existence and small files of the bucket."""

    _bucket_cache = inline(BucketCache, "blocks-storage.bucket-store.metadata-cache.")
    tenants_list_ttl: Duration = opt("blocks-storage.bucket-store.metadata-cache.tenants-list-ttl", "15m")
    tenant_blocks_list_ttl: Duration = opt("blocks-storage.bucket-store.metadata-cache.tenant-blocks-list-ttl", "5m")
    chunks_list_ttl: Duration = opt("blocks-storage.bucket-store.metadata-cache.chunks-list-ttl", "24h")
    metafile_exists_ttl: Duration = opt("blocks-storage.bucket-store.metadata-cache.metafile-exists-ttl", "2h")
    metafile_doesnt_exist_ttl: Duration = opt(
        "blocks-storage.bucket-store.metadata-cache.metafile-doesnt-exist-ttl", "5m"
    )
    metafile_content_ttl: Duration = opt("blocks-storage.bucket-store.metadata-cache.metafile-content-ttl", "24h")
    metafile_max_size_bytes: int = opt("blocks-storage.bucket-store.metadata-cache.metafile-max-size-bytes", 1048576)
    metafile_attributes_ttl: Duration = opt(
        "blocks-storage.bucket-store.metadata-cache.metafile-attributes-ttl", "168h"
    )
    block_index_attributes_ttl: Duration = opt(
        "blocks-storage.bucket-store.metadata-cache.block-index-attributes-ttl", "168h"
    )
    bucket_index_content_ttl: Duration = opt(
        "blocks-storage.bucket-store.metadata-cache.bucket-index-content-ttl", "5m"
    )
    bucket_index_max_size_bytes: int = opt(
        "blocks-storage.bucket-store.metadata-cache.bucket-index-max-size-bytes", 1048576
    )
    partitioned_groups_list_ttl: Duration = opt(
        "blocks-storage.bucket-store.metadata-cache.partitioned-groups-list-ttl", "0s"
    )


class ParquetLabelsCache(BucketCache, go="tsdb.ParquetLabelsCacheConfig"):
    """The cache of parts of Parquet label files."""

    _bucket_cache = inline(BucketCache, "blocks-storage.bucket-store.parquet-labels-cache.")
    subrange_size: Int64 = opt("blocks-storage.bucket-store.parquet-labels-cache.subrange-size", 16000)
    max_get_range_requests: int = opt("blocks-storage.bucket-store.parquet-labels-cache.max-get-range-requests", 3)
    attributes_ttl: Duration = opt("blocks-storage.bucket-store.parquet-labels-cache.attributes-ttl", "168h")
    subrange_ttl: Duration = opt("blocks-storage.bucket-store.parquet-labels-cache.subrange-ttl", "24h")


class ParquetRowRangesCache(BucketCache, go="tsdb.ParquetRowRangesCacheConfig"):
    """The cache of row ranges found in Parquet files."""

    _bucket_cache = inline(BucketCache, "blocks-storage.bucket-store.parquet-row-ranges-cache.")
    ttl: Duration = opt("blocks-storage.bucket-store.parquet-row-ranges-cache.ttl", "10m")
