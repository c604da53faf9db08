"""Checks of the configuration as a whole, with Cortex's texts, in Cortex's order (`Config.Validate`)."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from neocortex.config.decode import clear
from neocortex.config.invalid import InvalidConfig, within
from neocortex.config.option import Nested
from neocortex.config.validate_limits import check_limits, check_query_limits
from neocortex.config.validate_queries import (
    check_frontend_worker,
    check_querier,
    check_query_protection,
    check_query_range,
    check_thanos_engine,
)
from neocortex.config.validate_storage import check_blocks_storage, check_bucket

if TYPE_CHECKING:
    from neocortex.config.schema import Config
    from neocortex.config.sections.grpc_client import GrpcClient
    from neocortex.config.sections.limits import Limits

__all__ = ["InvalidConfig", "validate", "validate_tenant_limits"]

STRATEGIES = ("default", "shuffle-sharding")
COMPRESSIONS = ("gzip", "snappy", "zstd", "snappy-block", "")
STORES_OF_FILES = ("configdb", "local")
_EMPTY_NODE = "the {} configuration in YAML has been specified as an empty YAML node"

_GO_NAMES = {
    "api": "API",
    "limits": "LimitsConfig",
    "frontend_worker": "Worker",
    "memberlist": "MemberlistKV",
}


def validate(config: Config) -> None:  # noqa: PLR0915 - one list of checks, in order
    """Raises InvalidConfig for the first mistake."""
    _check_empty_nodes(config)
    if config.name_validation_scheme not in ("legacy", "utf8"):
        raise InvalidConfig(f"unsupported name validation scheme: {config.name_validation_scheme}")
    if config.http_prefix and not config.http_prefix.startswith("/"):
        raise InvalidConfig("HTTP prefix should be empty or start with /")
    with within("invalid api config"):
        if config.api.querier_default_codec not in ("json", "protobuf"):
            raise InvalidConfig("unsupported default codec type. Supported types are 'json' and 'protobuf'")
    with within("invalid storage config"):
        if config.storage.engine != "blocks":
            raise InvalidConfig("unsupported storage engine (only blocks is supported for ingest)")
    with within("invalid rulestore config"):
        check_bucket(config.ruler_storage, STORES_OF_FILES)
    with within("invalid ruler config"):
        _check_ruler(config)
    with within("invalid TSDB config"):
        check_blocks_storage(config.blocks_storage)
    with within("invalid limits config"):
        check_limits(config.limits, config)
    with within("invalid query routing config"):
        check_query_limits(config.limits, config, "default")
    with within("invalid resource-monitor config"):
        _check_resource_monitor(config)
    with within("invalid distributor config"):
        _check_distributor(config)
    with within("invalid querier config"):
        check_querier(config.querier, config.resource_monitor.resources)
    if config.querier.timeout_classification_enabled and not config.frontend.query_stats_enabled:
        raise InvalidConfig("timeout classification requires query stats to be enabled (frontend.query-stats-enabled)")
    with within("invalid ingester_client config"):
        check_grpc_client(config.ingester_client.grpc_client_config)
    with within("invalid frontend_worker config"):
        check_frontend_worker(config.frontend_worker)
        check_grpc_client(config.frontend_worker.grpc_client_config)
    with within("invalid query_range config"):
        check_query_range(config.query_range, config.querier)
    with within("invalid store-gateway config"):
        _check_store_gateway(config)
    with within("invalid compactor config"):
        _check_compactor(config)
    with within("invalid alertmanager storage config"):
        check_bucket(config.alertmanager_storage, STORES_OF_FILES)
    with within("invalid alertmanager config"):
        _check_alertmanager(config)
    with within("invalid ingester config"):
        _check_ingester(config)
    with within("invalid tracing config"):
        if config.tracing.type.lower() == "otel" and not config.tracing.otel.otlp_endpoint:
            raise InvalidConfig("otlp-endpoint must be defined when using otel exporter")
    with within("invalid parquet-converter config"):
        if config.parquet_converter.num_row_groups < 0:
            raise InvalidConfig("invalid num_row_groups, must be non-negative")


def validate_tenant_limits(limits: Limits, config: Config, tenant: str) -> None:
    """Checks one tenant's limits as the defaults are checked. Raises InvalidConfig for the first mistake."""
    check_limits(limits, config)
    check_query_limits(limits, config, tenant)


def check_grpc_client(client: GrpcClient) -> None:
    """Raises InvalidConfig for an unknown compression."""
    if client.grpc_compression not in COMPRESSIONS:
        raise InvalidConfig(f"unsupported compression type: {client.grpc_compression}")


def _check_empty_nodes(config: Config) -> None:
    """An empty YAML node clears a whole section, hardly what was meant."""
    for member in type(config).members:
        if isinstance(member, Nested) and member.cls.members:
            section = getattr(config, member.name)
            empty = section.copy()
            clear(empty)
            if section == empty and section != member.cls():
                name = _GO_NAMES.get(member.name) or "".join(part.capitalize() for part in member.name.split("_"))
                raise InvalidConfig(_EMPTY_NODE.format(name))


def _check_ruler(config: Config) -> None:
    ruler = config.ruler
    if ruler.sharding_strategy not in STRATEGIES:
        raise InvalidConfig("invalid sharding strategy")
    if ruler.sharding_strategy == "shuffle-sharding" and config.limits.ruler_tenant_shard_size <= 0:
        raise InvalidConfig("invalid tenant shard size, the value must be greater than 0")
    with within("invalid ruler gRPC client config"):
        check_grpc_client(ruler.ruler_client)
    with within("invalid query frontend gRPC client config"):
        check_grpc_client(ruler.frontend_client)
    if ruler.concurrent_evals_enabled and ruler.max_concurrent_evals <= 0:
        raise InvalidConfig("invalid max concurrent evals, the value must be greater than 0")
    if ruler.query_response_format not in ("json", "protobuf"):
        raise InvalidConfig("invalid query response format")
    check_thanos_engine(ruler.thanos_engine)


def _check_resource_monitor(config: Config) -> None:
    monitor = config.resource_monitor
    for resource in monitor.resources:
        if resource not in ("cpu", "heap", ""):
            raise InvalidConfig(f"unsupported resource type to monitor: {resource}")
    if monitor.interval <= 0:
        raise InvalidConfig("resource monitor interval must be greater than zero")
    if monitor.cpu_rate_interval < monitor.interval:
        raise InvalidConfig("resource monitor cpu rate interval cannot be smaller than resource monitor interval")


def _check_distributor(config: Config) -> None:
    distributor = config.distributor
    if distributor.sharding_strategy not in STRATEGIES:
        raise InvalidConfig("invalid sharding strategy")
    if distributor.sharding_strategy == "shuffle-sharding" and config.limits.ingestion_tenant_shard_size < 0:
        raise InvalidConfig("invalid tenant shard size. The value must be greater than or equal to 0")
    if distributor.ha_tracker.ha_tracker_update_timeout_jitter_max < 0:
        raise InvalidConfig("HA tracker max update timeout jitter shouldn't be negative")
    store = distributor.ha_tracker.kvstore.store
    if store not in ("consul", "etcd", "memberlist", "multi"):
        raise InvalidConfig(f"invalid HATracker KV store type: {store}")


def _check_store_gateway(config: Config) -> None:
    gateway = config.store_gateway
    if gateway.sharding_enabled:
        if gateway.sharding_strategy not in STRATEGIES:
            raise InvalidConfig("invalid sharding strategy")
        if gateway.sharding_strategy == "shuffle-sharding" and config.limits.store_gateway_tenant_shard_size <= 0:
            raise InvalidConfig("invalid tenant shard size, the value must be greater than 0")
    if not 0 <= gateway.hedged_request.quantile <= 1:
        raise InvalidConfig("invalid hedged request quantile, it must be between 0 and 1")
    check_query_protection(gateway.query_protection, config.resource_monitor.resources)


def _check_compactor(config: Config) -> None:
    compactor = config.compactor
    ranges = compactor.block_ranges
    if any(block_range.ns == 0 for block_range in ranges):
        raise InvalidConfig("compactor block range period cannot be zero")
    for shorter, longer in pairwise(ranges):
        if longer.ns % shorter.ns:
            raise InvalidConfig(
                "compactor block range periods should be divisible by the previous one, "
                f"but {longer} is not divisible by {shorter}"
            )
    if compactor.sharding_strategy not in STRATEGIES:
        raise InvalidConfig("invalid sharding strategy")
    shuffling = compactor.sharding_enabled and compactor.sharding_strategy == "shuffle-sharding"
    if shuffling and config.limits.compactor_tenant_shard_size <= 0:
        raise InvalidConfig("invalid tenant shard size, the value must be greater than 0")
    if compactor.compaction_strategy not in ("default", "partitioning"):
        raise InvalidConfig("invalid compaction strategy")
    if not compactor.sharding_enabled and compactor.compaction_strategy == "partitioning":
        raise InvalidConfig("compaction strategy partitioning can only be enabled when shuffle sharding is enabled")


def _check_alertmanager(config: Config) -> None:
    alertmanager = config.alertmanager
    if alertmanager.external_url.partition("?")[0].endswith("/"):
        raise InvalidConfig("the configured external URL is invalid: should not end with /")
    if alertmanager.persist_interval <= 0:
        raise InvalidConfig("invalid alertmanager persist interval, must be greater than zero")
    if alertmanager.sharding_enabled:
        if config.alertmanager_storage.backend in STORES_OF_FILES:
            raise InvalidConfig("the configured alertmanager storage backend is not supported when sharding is enabled")
        ring = alertmanager.sharding_ring
        if ring.zone_awareness_enabled and not ring.instance_availability_zone:
            raise InvalidConfig("the configured alertmanager has zone awareness enabled but zone is not set")


def _check_ingester(config: Config) -> None:
    ingester = config.ingester
    if ingester.lifecycler.tokens_generator_strategy.lower() not in ("", "random", "minimize-spread"):
        raise InvalidConfig("invalid token generator strategy")
    check_query_protection(ingester.query_protection, config.resource_monitor.resources)
    if not ingester.active_queried_series_metrics_enabled:
        return
    what = "active queried series metrics"
    windows, part = (
        ingester.active_queried_series_metrics_windows,
        ingester.active_queried_series_metrics_window_duration,
    )
    rate = ingester.active_queried_series_metrics_sample_rate
    if not windows:
        raise InvalidConfig(f"{what} windows must be configured when enabled")
    if part <= 0:
        raise InvalidConfig(f"{what} sub-window duration must be > 0, got {part}")
    if rate <= 0:
        raise InvalidConfig(f"{what} sample rate must be > 0, got {rate:g}")
    if rate > 1:
        raise InvalidConfig(f"{what} sample rate must be <= 1.0, got {rate:g}")
    for window in windows:
        if window <= 0:
            raise InvalidConfig(f"{what} window duration must be > 0, got {window}")
        if window < part:
            raise InvalidConfig(
                f"{what} window duration ({window}) must be at least as large as sub-window duration ({part})"
            )
