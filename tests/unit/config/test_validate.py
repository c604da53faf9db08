"""Checks of the configuration as a whole."""

import pytest

from neocortex.config import Config
from neocortex.config.load import read_text
from neocortex.config.validate import InvalidConfig, validate

CASES = {
    "http_prefix: api": "HTTP prefix should be empty or start with /",
    "api: {querier_default_codec: x}": (
        "invalid api config: unsupported default codec type. Supported types are 'json' and 'protobuf'"
    ),
    "blocks_storage: {backend: x}": "invalid TSDB config: unsupported storage backend",
    "blocks_storage: {s3: {signature_version: v3}}": "invalid TSDB config: unsupported signature version",
    "blocks_storage: {tsdb: {stripe_size: 3}}": "invalid TSDB config: invalid TSDB stripe size",
    "blocks_storage: {tsdb: {block_ranges_period: []}}": "invalid TSDB config: empty block ranges for TSDB",
    "blocks_storage: {bucket_store: {chunks_cache: {backend: memcached}}}": (
        "invalid TSDB config: chunks-cache configuration: no cache backend addresses"
    ),
    "blocks_storage: {bucket_store: {index_cache: {backend: x}}}": (
        "invalid TSDB config: index-cache configuration: unsupported index cache backend"
    ),
    "ruler: {sharding_strategy: x}": "invalid ruler config: invalid sharding strategy",
    "limits: {max_global_series_per_user: 1}": (
        "invalid limits config: the ingester.max-global-series-per-user limit is unsupported "
        "if distributor.shard-by-all-labels is disabled"
    ),
    "limits: {ha_tracker_failover_timeout: 5s}": (
        "invalid limits config: HA Tracker failover timeout (5s) must be at least 1s greater than update "
        "timeout - max jitter (21s)"
    ),
    "limits: {query_ingesters_within: 1h, query_store_after: 2h}": (
        "invalid query routing config: tenant default: query_store_after (2h0m0s) must be less than "
        "query_ingesters_within (1h0m0s)"
    ),
    "distributor: {ha_tracker: {kvstore: {store: inmemory}}}": (
        "invalid distributor config: invalid HATracker KV store type: inmemory"
    ),
    "frontend_worker: {frontend_address: a, scheduler_address: b}": (
        "invalid frontend_worker config: frontend address and scheduler address are mutually exclusive, "
        "please use only one"
    ),
    "query_range: {cache_results: true}": (
        "invalid query_range config: querier.cache-results may only be enabled in conjunction with "
        "querier.split-queries-by-interval. Please set the latter"
    ),
    "compactor: {block_ranges: [2h, 3h]}": (
        "invalid compactor config: compactor block range periods should be divisible by the previous one, "
        "but 3h0m0s is not divisible by 2h0m0s"
    ),
    "alertmanager: {external_url: http://a/}": (
        "invalid alertmanager config: the configured external URL is invalid: should not end with /"
    ),
    "tracing: {type: otel}": ("invalid tracing config: otlp-endpoint must be defined when using otel exporter"),
    "ingester_client: {grpc_client_config: {grpc_compression: x}}": (
        "invalid ingester_client config: unsupported compression type: x"
    ),
}


@pytest.mark.parametrize(("text", "problem"), CASES.items(), ids=CASES)
def test_refuses(text: str, problem: str) -> None:
    config = Config()
    if not text.startswith(("distributor", "limits: {ha")):
        read_text("distributor: {ha_tracker: {kvstore: {store: consul}}}", config)
    read_text(text, config)
    with pytest.raises(InvalidConfig) as error:
        validate(config)
    assert str(error.value) == problem


def test_accepts_the_defaults() -> None:
    validate(Config())
