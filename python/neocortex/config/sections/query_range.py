"""Splitting range queries and caching their results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neocortex.config.option import Section, opt, section

if TYPE_CHECKING:
    from neocortex.config.values import Duration, Secret, UInt


class DynamicQuerySplits(Section, go="queryrange.DynamicQuerySplitsConfig"):
    """Intervals of splitting that grow with the length of a query."""

    max_shards_per_query: int = opt("querier.max-shards-per-query", 0)
    max_fetched_data_duration_per_query: Duration = opt("querier.max-fetched-data-duration-per-query", "0s")
    enable_dynamic_vertical_sharding: bool = opt("querier.enable-dynamic-vertical-sharding", False)


class BackgroundWrites(Section, go="cache.BackgroundConfig"):
    """Writing to a cache beside the request."""

    writeback_goroutines: int = opt("frontend.background.write-back-concurrency", 10)
    writeback_buffer: int = opt("frontend.background.write-back-buffer", 10000)


class ResultsMemcached(Section, go="cache.MemcachedConfig"):
    """What is kept in Memcached, and how it is fetched."""

    expiration: Duration = opt("frontend.memcached.expiration", "0s")
    batch_size: int = opt("frontend.memcached.batchsize", 1024)
    parallelism: int = opt("frontend.memcached.parallelism", 100)


class ResultsMemcachedClient(Section, go="cache.MemcachedClientConfig"):
    """The client of Memcached servers."""

    host: str = opt("frontend.memcached.hostname", "")
    service: str = opt("frontend.memcached.service", "memcached")
    addresses: str = opt("frontend.memcached.addresses", "")
    timeout: Duration = opt("frontend.memcached.timeout", "100ms")
    max_idle_conns: int = opt("frontend.memcached.max-idle-conns", 16)
    max_item_size: int = opt("frontend.memcached.max-item-size", 0)
    update_interval: Duration = opt("frontend.memcached.update-interval", "1m")
    consistent_hash: bool = opt("frontend.memcached.consistent-hash", True)
    circuit_breaker_consecutive_failures: UInt = opt("frontend.memcached.circuit-breaker-consecutive-failures", 10)
    circuit_breaker_timeout: Duration = opt("frontend.memcached.circuit-breaker-timeout", "10s")
    circuit_breaker_interval: Duration = opt("frontend.memcached.circuit-breaker-interval", "10s")


class ResultsRedis(Section, go="cache.RedisConfig"):
    """The client of Redis."""

    endpoint: str = opt("frontend.redis.endpoint", "")
    master_name: str = opt("frontend.redis.master-name", "")
    timeout: Duration = opt("frontend.redis.timeout", "500ms")
    expiration: Duration = opt("frontend.redis.expiration", "0s")
    db: int = opt("frontend.redis.db", 0)
    pool_size: int = opt("frontend.redis.pool-size", 0)
    password: Secret = opt("frontend.redis.password", "")
    tls_enabled: bool = opt("frontend.redis.tls-enabled", False)
    tls_insecure_skip_verify: bool = opt("frontend.redis.tls-insecure-skip-verify", False)
    idle_timeout: Duration = opt("frontend.redis.idle-timeout", "0s")
    max_connection_age: Duration = opt("frontend.redis.max-connection-age", "0s")


class FifoCache(Section, go="cache.FifoCacheConfig"):
    """A cache in the process's memory."""

    max_size_bytes: str = opt("frontend.fifocache.max-size-bytes", "")
    max_size_items: int = opt("frontend.fifocache.max-size-items", 0)
    validity: Duration = opt("frontend.fifocache.duration", "0s")
    size: int = opt("frontend.fifocache.size", 0)


class Cache(Section, go="cache.Config"):
    """A cache of results."""

    enable_fifocache: bool = opt("frontend.cache.enable-fifocache", False)
    default_validity: Duration = opt("frontend.default-validity", "0s")
    background: BackgroundWrites = section(BackgroundWrites)
    memcached: ResultsMemcached = section(ResultsMemcached)
    memcached_client: ResultsMemcachedClient = section(ResultsMemcachedClient)
    redis: ResultsRedis = section(ResultsRedis)
    fifocache: FifoCache = section(FifoCache)
    prefix: str = opt(None, "frontend.", hidden=True)


class ResultsCache(Section, go="queryrange.ResultsCacheConfig"):
    """The cache of results of range queries."""

    cache: Cache = section(Cache)
    compression: str = opt("frontend.compression", "")
    cache_queryable_samples_stats: bool = opt("frontend.cache-queryable-samples-stats", False)


class QueryRange(Section, go="queryrange.Config"):
    """Splitting, sharding and caching of range queries."""

    split_queries_by_interval: Duration = opt("querier.split-queries-by-interval", "0s")
    dynamic_query_splits: DynamicQuerySplits = section(DynamicQuerySplits)
    align_queries_with_step: bool = opt("querier.align-querier-with-step", False)
    results_cache: ResultsCache = section(ResultsCache)
    cache_results: bool = opt("querier.cache-results", False)
    max_retries: int = opt("querier.max-retries-per-request", 5)
    forward_headers_list: list[str] = opt("frontend.forward-headers-list", [])
