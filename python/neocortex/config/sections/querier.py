"""The querier, its clients, federation of tenants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neocortex.config.option import Section, inline, opt, section
from neocortex.config.sections.bucket_cache import ParquetShardCache
from neocortex.config.sections.grpc_client import GrpcClient, HealthCheck
from neocortex.config.sections.resources import QueryProtection
from neocortex.config.sections.tls import ClientTLS

if TYPE_CHECKING:
    from neocortex.config.values import Duration, Int64


class StoreGatewayClient(ClientTLS, go="querier.ClientConfig"):
    """The querier's clients of store-gateways."""

    tls_enabled: bool = opt("querier.store-gateway-client.tls-enabled", False)
    _client_tls = inline(ClientTLS, "querier.store-gateway-client.")
    grpc_compression: str = opt("querier.store-gateway-client.grpc-compression", "")
    healthcheck_config: HealthCheck = section(HealthCheck, "querier.store-gateway-client.healthcheck.")
    connect_timeout: Duration = opt("querier.store-gateway-client.connect-timeout", "5s")


class ThanosEngine(Section, go="engine.ThanosEngineConfig"):
    """The alternative query engine."""

    enabled: bool = opt("thanos-engine", False)
    enable_x_functions: bool = opt("enable-x-functions", False)
    optimizers: str = opt("optimizers", "default")
    decoding_concurrency: int = opt("decoding-concurrency", 0)


class Querier(ParquetShardCache, go="querier.Config"):
    """The querier."""

    max_concurrent: int = opt("querier.max-concurrent", 20)
    timeout: Duration = opt("querier.timeout", "2m")
    ingester_streaming: bool = opt(None, False, hidden=True)
    ingester_metadata_streaming: bool = opt("querier.ingester-metadata-streaming", True)
    ingester_label_names_with_matchers: bool = opt("querier.ingester-label-names-with-matchers", False)
    max_samples: int = opt("querier.max-samples", 50000000)
    per_step_stats_enabled: bool = opt("querier.per-step-stats-enabled", False)
    response_compression: str = opt("querier.response-compression", "gzip")
    max_query_into_future: Duration = opt("querier.max-query-into-future", "10m")
    default_evaluation_interval: Duration = opt("querier.default-evaluation-interval", "1m")
    max_subquery_steps: Int64 = opt("querier.max-subquery-steps", 0)
    active_query_tracker_dir: str = opt("querier.active-query-tracker-dir", "./active-query-tracker")
    lookback_delta: Duration = opt("querier.lookback-delta", "5m")
    store_gateway_addresses: str = opt("querier.store-gateway-addresses", "")
    store_gateway_client: StoreGatewayClient = section(StoreGatewayClient)
    store_gateway_query_stats: bool = opt("querier.store-gateway-query-stats-enabled", True)
    store_gateway_consistency_check_max_attempts: int = opt("querier.store-gateway-consistency-check-max-attempts", 3)
    store_gateway_series_batch_size: Int64 = opt("querier.store-gateway-series-batch-size", 1)
    ingester_query_max_attempts: int = opt("querier.ingester-query-max-attempts", 1)
    thanos_engine: ThanosEngine = section(ThanosEngine, "querier.")
    ignore_max_query_length: bool = opt("querier.ignore-max-query-length", False)
    enable_promql_experimental_functions: bool = opt("querier.enable-promql-experimental-functions", False)
    promql_features: str = opt("querier.promql-features", "", omitempty=True)
    enable_parquet_queryable: bool = opt("querier.enable-parquet-queryable", False)
    _parquet_shard_cache = inline(ParquetShardCache, "querier.")
    parquet_queryable_default_block_store: str = opt("querier.parquet-queryable-default-block-store", "parquet")
    parquet_queryable_fallback_disabled: bool = opt("querier.parquet-queryable-fallback-disabled", False)
    distributed_exec_enabled: bool = opt("querier.distributed-exec-enabled", False, hidden=True)
    honor_projection_hints: bool = opt("querier.honor-projection-hints", False)
    timeout_classification_enabled: bool = opt("querier.timeout-classification-enabled", False)
    timeout_classification_deadline: Duration = opt("querier.timeout-classification-deadline", "1m59s")
    timeout_classification_eval_threshold: Duration = opt("querier.timeout-classification-eval-threshold", "1m30s")
    query_protection: QueryProtection = section(QueryProtection, "querier.query-protection.")


class FrontendWorker(Section, go="worker.Config"):
    """How a querier gets its queries."""

    frontend_address: str = opt("querier.frontend-address", "")
    scheduler_address: str = opt("querier.scheduler-address", "")
    dns_lookup_duration: Duration = opt("querier.dns-lookup-period", "10s")
    parallelism: int = opt("querier.worker-parallelism", 10)
    match_max_concurrent: bool = opt("querier.worker-match-max-concurrent", False)
    id: str = opt("querier.id", "")
    grpc_client_config: GrpcClient = section(GrpcClient, "querier.frontend-client.")
    instance_interface_names: list[str] = opt("querier.instance-interface-names", ["eth0", "en0"])
    instance_addr: str = opt("querier.instance-addr", "", hidden=True)


class TenantFederation(Section, go="tenantfederation.Config"):
    """Queries over several tenants."""

    enabled: bool = opt("tenant-federation.enabled", False)
    max_concurrent: int = opt("tenant-federation.max-concurrent", 16)
    max_tenant: int = opt("tenant-federation.max-tenant", 0)
    regex_matcher_enabled: bool = opt("tenant-federation.regex-matcher-enabled", False)
    user_sync_interval: Duration = opt("tenant-federation.user-sync-interval", "5m")
    regex_cache_size: int = opt("tenant-federation.regex-cache-size", 1000)
    allow_partial_data: bool = opt("tenant-federation.allow-partial-data", False)
