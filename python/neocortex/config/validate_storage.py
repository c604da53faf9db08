"""Checks of buckets, their caches and the local databases."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from neocortex.config.duration import MINUTE
from neocortex.config.invalid import InvalidConfig, within

if TYPE_CHECKING:
    from neocortex.config.sections.blocks import TSDB, BlocksStorage, BucketStore
    from neocortex.config.sections.bucket import S3, Bucket, UsersScanner
    from neocortex.config.sections.bucket_cache import (
        BucketCache,
        IndexCache,
        Memcached,
        MultiLevelCache,
        MultiLevelIndexCache,
        Redis,
    )

BACKENDS = ("s3", "gcs", "azure", "swift", "oci", "filesystem")
CACHES = ("inmemory", "memcached", "redis")
INDEX_CACHE_ITEMS = ("Postings", "ExpandedPostings", "Series")
_MIN_WRITE_BUFFER_BYTES = 64 * 1024
_MAX_WRITE_BUFFER_BYTES = 8 * 1024 * 1024


def check_bucket(bucket: Bucket, further_backends: tuple[str, ...] = ()) -> None:
    """Raises InvalidConfig for an unknown backend or wrong S3 settings."""
    if bucket.backend not in BACKENDS + further_backends:
        raise InvalidConfig("unsupported storage backend")
    if bucket.backend == "s3":
        _check_s3(bucket.s3)


def _check_s3(s3: S3) -> None:
    if s3.signature_version not in ("v4", "v2"):
        raise InvalidConfig("unsupported signature version")
    if s3.bucket_lookup_type not in ("auto", "virtual-hosted", "path"):
        raise InvalidConfig("invalid bucket lookup type")
    if s3.list_objects_version not in ("", "v1", "v2"):
        raise InvalidConfig("invalid list object version")
    if s3.sse.type not in ("", "SSE-KMS", "SSE-S3"):
        raise InvalidConfig("unsupported S3 SSE type")
    if s3.sse.kms_encryption_context:
        try:
            context = json.loads(s3.sse.kms_encryption_context)
        except ValueError:
            context = None
        if not isinstance(context, dict) or not all(isinstance(value, str) for value in context.values()):
            raise InvalidConfig("invalid S3 SSE encryption context")


def check_blocks_storage(blocks: BlocksStorage) -> None:
    """Raises InvalidConfig for the first mistake."""
    check_bucket(blocks)
    _check_tsdb(blocks.tsdb)
    _check_users_scanner(blocks.users_scanner)
    _check_bucket_store(blocks.bucket_store)


def _check_tsdb(tsdb: TSDB) -> None:
    buffer = tsdb.head_chunks_write_buffer_size_bytes
    if tsdb.ship_interval > 0 and tsdb.ship_concurrency <= 0:
        raise InvalidConfig("invalid TSDB ship concurrency")
    if tsdb.max_tsdb_opening_concurrency_on_startup <= 0:
        raise InvalidConfig("invalid TSDB opening concurrency")
    if not 0 < tsdb.head_compaction_interval.ns <= 30 * MINUTE:
        raise InvalidConfig("invalid TSDB compaction interval")
    if tsdb.head_compaction_concurrency <= 0:
        raise InvalidConfig("invalid TSDB compaction concurrency")
    if not _MIN_WRITE_BUFFER_BYTES <= buffer <= _MAX_WRITE_BUFFER_BYTES or buffer % 1024:
        raise InvalidConfig(
            f"head chunks write buffer size must be a multiple of 1024 between {_MIN_WRITE_BUFFER_BYTES} "
            f"and {_MAX_WRITE_BUFFER_BYTES}"
        )
    if tsdb.stripe_size <= 1 or tsdb.stripe_size & (tsdb.stripe_size - 1):
        raise InvalidConfig("invalid TSDB stripe size")
    if not tsdb.block_ranges_period:
        raise InvalidConfig("empty block ranges for TSDB")
    if tsdb.wal_segment_size_bytes <= 0:
        raise InvalidConfig("invalid TSDB WAL segment size bytes")
    if tsdb.out_of_order_cap_max <= 0:
        raise InvalidConfig("invalid TSDB OOO chunks capacity (in samples)")
    if tsdb.wal_compression_type not in ("snappy", "zstd", ""):
        raise InvalidConfig("unsupported WAL compression type, valid types are (zstd, snappy and '')")


def _check_users_scanner(scanner: UsersScanner) -> None:
    if scanner.strategy not in ("list", "user_index"):
        raise InvalidConfig("invalid user scanner strategy")
    if scanner.strategy == "user_index" and scanner.max_stale_period <= 0:
        raise InvalidConfig("max stale period must be greater than 0 for user_index strategy")
    if scanner.cache_ttl < 0:
        raise InvalidConfig("cache TTL must be >= 0")


def _check_bucket_store(store: BucketStore) -> None:
    with within("index-cache configuration"):
        _check_index_cache(store.index_cache)
    caches: tuple[tuple[str, BucketCache], ...] = (
        ("chunks-cache", store.chunks_cache),
        ("metadata-cache", store.metadata_cache),
        ("parquet-labels-cache", store.parquet_labels_cache),
        ("parquet-row-ranges-cache", store.parquet_row_ranges_cache),
    )
    for name, cache in caches:
        with within(f"{name} configuration"):
            _check_bucket_cache(cache)
    if store.block_discovery_strategy not in ("concurrent", "recursive", "bucket_index"):
        raise InvalidConfig("bucket index block discovery strategy can only be enabled when bucket index is enabled")
    if store.token_bucket_bytes_limiter.mode not in ("disabled", "dryrun", "enabled"):
        raise InvalidConfig("invalid token bucket bytes limiter mode")
    if store.bucket_store_type not in ("tsdb", "parquet"):
        raise InvalidConfig("invalid bucket store type")
    if store.lazy_expanded_posting_group_max_key_series_ratio < 0:
        raise InvalidConfig("lazy expanded posting group max key series ratio needs to be equal or greater than 0")
    if store.parquet_query_concurrency <= 0:
        raise InvalidConfig("invalid parquet query concurrency, the value must be greater than 0")
    if store.max_concurrent_data_bytes < 0:
        raise InvalidConfig("max concurrent data bytes must be non-negative")


def _check_index_cache(cache: IndexCache) -> None:
    backends = cache.backend.split(",")
    if len(backends) > 1:
        _check_levels(cache.multilevel)
    for position, backend in enumerate(backends):
        if backend not in CACHES:
            raise InvalidConfig("unsupported index cache backend")
        if backend in backends[:position]:
            raise InvalidConfig(f"duplicated backend: {backend}: duplicated index cache backend")
        if backend == "memcached":
            _check_memcached(cache.memcached)
            _check_items(cache.memcached.enabled_items)
        elif backend == "redis":
            _check_redis(cache.redis)
            _check_items(cache.redis.enabled_items)
        else:
            _check_items(cache.inmemory.enabled_items)


def _check_items(items: list[str]) -> None:
    for item in items:
        if item not in INDEX_CACHE_ITEMS:
            raise InvalidConfig(f"unsupported item type {item}")


def _check_bucket_cache(cache: BucketCache) -> None:
    if not cache.backend:
        return
    backends = cache.backend.split(",")
    if len(backends) > 1:
        _check_levels(cache.multilevel)
    for position, backend in enumerate(backends):
        if backend not in CACHES:
            raise InvalidConfig("unsupported cache backend")
        if backend in backends[:position]:
            raise InvalidConfig("duplicated cache backend")
        if backend == "memcached":
            _check_memcached(cache.memcached)
        elif backend == "redis":
            _check_redis(cache.redis)


def _check_levels(levels: MultiLevelCache | MultiLevelIndexCache) -> None:
    if levels.max_async_buffer_size <= 0:
        raise InvalidConfig("invalid max_async_buffer_size, must greater than 0")
    if levels.max_async_concurrency <= 0:
        raise InvalidConfig("invalid max_async_concurrency, must greater than 0")
    if levels.max_backfill_items <= 0:
        raise InvalidConfig("invalid max_backfill_items, must greater than 0")


def _check_memcached(memcached: Memcached) -> None:
    if not memcached.addresses:
        raise InvalidConfig("no cache backend addresses")


def _check_redis(redis: Redis) -> None:
    if not redis.addresses:
        raise InvalidConfig("no cache backend addresses")
    if redis.tls_enabled and bool(redis.tls_cert_path) != bool(redis.tls_key_path):
        raise InvalidConfig("both client key and certificate must be provided")
