"""Limits of tenants; the runtime configuration file overrides them for one tenant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neocortex.config.option import Section, opt, records, section
from neocortex.config.regex import regex_error
from neocortex.config.sections.limit_rules import (
    ActiveSeriesTracker,
    DisabledRuleGroup,
    LimitsPerLabelSet,
    Priority,
    QueryAttribute,
    RelabelConfig,
)

if TYPE_CHECKING:
    from neocortex.config.values import CIDRs, CommaFlag, Int64, LabelSet, PrometheusDuration, StringSlice


class QueryPriority(Section, go="validation.QueryPriority"):
    """Queries that go before others."""

    enabled: bool = opt("frontend.query-priority.enabled", False)
    default_priority: Int64 = opt("frontend.query-priority.default-priority", 0)
    priorities: list[Priority] = records(Priority, "[]validation.PriorityDef", "list of PriorityDef")


class QueryRejection(Section, go="validation.QueryRejection"):
    """Queries that are refused."""

    enabled: bool = opt("frontend.query-rejection.enabled", False)
    query_attributes: list[QueryAttribute] = records(
        QueryAttribute, "[]validation.QueryAttribute", "list of QueryAttribute"
    )


class Limits(Section, go="validation.plain"):
    """Limits of one tenant. 0 usually means no limit."""

    ingestion_rate: float = opt("distributor.ingestion-rate-limit", 25000.0)
    native_histogram_ingestion_rate: float = opt(
        "distributor.native-histogram-ingestion-rate-limit", 1.7976931348623157e308
    )
    ingestion_rate_strategy: str = opt("distributor.ingestion-rate-limit-strategy", "local")
    ingestion_burst_size: int = opt("distributor.ingestion-burst-size", 50000)
    native_histogram_ingestion_burst_size: int = opt("distributor.native-histogram-ingestion-burst-size", 0)
    accept_ha_samples: bool = opt("distributor.ha-tracker.enable-for-all-users", False)
    accept_mixed_ha_samples: bool = opt("experimental.distributor.ha-tracker.mixed-ha-samples", False)
    ha_cluster_label: str = opt("distributor.ha-tracker.cluster", "cluster")
    ha_replica_label: str = opt("distributor.ha-tracker.replica", "__replica__")
    ha_max_clusters: int = opt("distributor.ha-tracker.max-clusters", 0)
    ha_tracker_failover_timeout: PrometheusDuration = opt("distributor.ha-tracker.failover-timeout", "30s")
    drop_labels: StringSlice = opt("distributor.drop-label", [])
    max_label_name_length: int = opt("validation.max-length-label-name", 1024)
    max_label_value_length: int = opt("validation.max-length-label-value", 2048)
    max_label_names_per_series: int = opt("validation.max-label-names-per-series", 30)
    max_labels_size_bytes: int = opt("validation.max-labels-size-bytes", 0)
    max_native_histogram_sample_size_bytes: int = opt("validation.max-native-histogram-sample-size-bytes", 0)
    max_metadata_length: int = opt("validation.max-metadata-length", 1024)
    reject_old_samples: bool = opt("validation.reject-old-samples", False)
    reject_old_samples_max_age: PrometheusDuration = opt("validation.reject-old-samples.max-age", "2w")
    creation_grace_period: PrometheusDuration = opt("validation.create-grace-period", "10m")
    enforce_metadata_metric_name: bool = opt("validation.enforce-metadata-metric-name", True)
    enforce_metric_name: bool = opt("validation.enforce-metric-name", True)
    ingestion_tenant_shard_size: int = opt("distributor.ingestion-tenant-shard-size", 0)
    metric_relabel_configs: list[RelabelConfig] = records(
        RelabelConfig, "[]*relabel.Config", "relabel_config...", omitempty=True
    )
    max_native_histogram_buckets: int = opt("validation.max-native-histogram-buckets", 0)
    promote_resource_attributes: CommaFlag = opt("distributor.promote-resource-attributes", [])
    enable_type_and_unit_labels: bool = opt("distributor.enable-type-and-unit-labels", False)
    enable_start_timestamp: bool = opt("distributor.enable-start-timestamp", False)
    max_series_per_user: int = opt("ingester.max-series-per-user", 5000000)
    max_series_per_metric: int = opt("ingester.max-series-per-metric", 50000)
    max_native_histogram_series_per_user: int = opt("ingester.max-native-histogram-series-per-user", 0)
    max_global_series_per_user: int = opt("ingester.max-global-series-per-user", 0)
    max_global_series_per_metric: int = opt("ingester.max-global-series-per-metric", 0)
    max_global_native_histogram_series_per_user: int = opt("ingester.max-global-native-histogram-series-per-user", 0)
    limits_per_label_set: list[LimitsPerLabelSet] = records(
        LimitsPerLabelSet, "[]validation.LimitsPerLabelSet", "list of LimitsPerLabelSet"
    )
    active_series_trackers: list[ActiveSeriesTracker] = records(
        ActiveSeriesTracker,
        "validation.ActiveSeriesTrackersConfig",
        "list of ActiveSeriesTrackerConfig",
        omitempty=True,
    )
    enable_native_histograms: bool = opt("blocks-storage.tsdb.enable-native-histograms", False)
    max_regex_pattern_length: int = opt("validation.max-regex-pattern-length", 0)
    max_label_cardinality_for_unoptimized_regex: int = opt("validation.max-label-cardinality-for-unoptimized-regex", 0)
    max_total_label_value_length_for_unoptimized_regex: int = opt(
        "validation.max-total-label-value-length-for-unoptimized-regex", 0
    )
    max_metadata_per_user: int = opt("ingester.max-metadata-per-user", 8000)
    max_metadata_per_metric: int = opt("ingester.max-metadata-per-metric", 10)
    max_global_metadata_per_user: int = opt("ingester.max-global-metadata-per-user", 0)
    max_global_metadata_per_metric: int = opt("ingester.max-global-metadata-per-metric", 0)
    out_of_order_time_window: PrometheusDuration = opt("ingester.out-of-order-time-window", "0s")
    max_exemplars: int = opt("ingester.max-exemplars", 0)
    max_fetched_chunks_per_query: int = opt("querier.max-fetched-chunks-per-query", 2000000)
    max_fetched_series_per_query: int = opt("querier.max-fetched-series-per-query", 0)
    max_fetched_chunk_bytes_per_query: int = opt("querier.max-fetched-chunk-bytes-per-query", 0)
    max_fetched_data_bytes_per_query: int = opt("querier.max-fetched-data-bytes-per-query", 0)
    max_query_lookback: PrometheusDuration = opt("querier.max-query-lookback", "0s")
    max_query_length: PrometheusDuration = opt("store.max-query-length", "0s")
    max_query_parallelism: int = opt("querier.max-query-parallelism", 14)
    max_query_response_size: Int64 = opt("frontend.max-query-response-size", 0)
    max_cache_freshness: PrometheusDuration = opt("frontend.max-cache-freshness", "1m")
    results_cache_ttl: PrometheusDuration = opt("frontend.results-cache-ttl", "0s")
    out_of_order_results_cache_ttl: PrometheusDuration = opt("frontend.out-of-order-results-cache-ttl", "0s")
    max_queriers_per_tenant: float = opt("frontend.max-queriers-per-tenant", 0.0)
    query_vertical_shard_size: int = opt("frontend.query-vertical-shard-size", 0)
    query_partial_data: bool = opt(None, False)
    query_ingesters_within: PrometheusDuration = opt("limits.query-ingesters-within", "0s")
    query_store_after: PrometheusDuration = opt("limits.query-store-after", "0s")
    shuffle_sharding_ingesters_lookback_period: PrometheusDuration = opt(
        "limits.shuffle-sharding-ingesters-lookback-period", "0s"
    )
    parquet_max_fetched_row_count: int = opt("querier.parquet-queryable.max-fetched-row-count", 0)
    parquet_max_fetched_chunk_bytes: int = opt("querier.parquet-queryable.max-fetched-chunk-bytes", 0)
    parquet_max_fetched_data_bytes: int = opt("querier.parquet-queryable.max-fetched-data-bytes", 0)
    max_outstanding_requests_per_tenant: int = opt("frontend.max-outstanding-requests-per-tenant", 100)
    query_priority: QueryPriority = section(QueryPriority)
    query_rejection: QueryRejection = section(QueryRejection)
    ruler_evaluation_delay_duration: PrometheusDuration = opt("ruler.evaluation-delay-duration", "0s")
    ruler_tenant_shard_size: float = opt("ruler.tenant-shard-size", 0.0)
    ruler_max_rules_per_rule_group: int = opt("ruler.max-rules-per-rule-group", 0)
    ruler_max_rule_groups_per_tenant: int = opt("ruler.max-rule-groups-per-tenant", 0)
    ruler_query_offset: PrometheusDuration = opt("ruler.query-offset", "0s")
    ruler_external_labels: LabelSet = opt(None, {})
    ruler_external_url: str = opt(None, "")
    ruler_alert_generator_url_template: str = opt(None, "")
    rules_partial_data: bool = opt(None, False)
    store_gateway_tenant_shard_size: float = opt("store-gateway.tenant-shard-size", 0.0)
    max_downloaded_bytes_per_request: int = opt("store-gateway.max-downloaded-bytes-per-request", 0)
    compactor_blocks_retention_period: PrometheusDuration = opt("compactor.blocks-retention-period", "0s")
    compactor_tenant_shard_size: float = opt("compactor.tenant-shard-size", 0.0)
    compactor_partition_index_size_bytes: Int64 = opt("compactor.partition-index-size-bytes", 68719476736)
    compactor_partition_series_count: Int64 = opt("compactor.partition-series-count", 0)
    parquet_converter_enabled: bool = opt("parquet-converter.enabled", False)
    parquet_converter_tenant_shard_size: float = opt("parquet-converter.tenant-shard-size", 0.0)
    parquet_converter_sort_columns: list[str] = opt("parquet-converter.sort-columns", [])
    s3_sse_type: str = opt(None, "")
    s3_sse_kms_key_id: str = opt(None, "")
    s3_sse_kms_encryption_context: str = opt(None, "")
    alertmanager_receivers_firewall_block_cidr_networks: CIDRs = opt(
        "alertmanager.receivers-firewall-block-cidr-networks", []
    )
    alertmanager_receivers_firewall_block_private_addresses: bool = opt(
        "alertmanager.receivers-firewall-block-private-addresses", False
    )
    alertmanager_notification_rate_limit: float = opt("alertmanager.notification-rate-limit", 0.0)
    alertmanager_notification_rate_limit_per_integration: dict[str, float] = opt(
        "alertmanager.notification-rate-limit-per-integration", {}
    )
    alertmanager_max_config_size_bytes: int = opt("alertmanager.max-config-size-bytes", 0)
    alertmanager_max_templates_count: int = opt("alertmanager.max-templates-count", 0)
    alertmanager_max_template_size_bytes: int = opt("alertmanager.max-template-size-bytes", 0)
    alertmanager_max_dispatcher_aggregation_groups: int = opt("alertmanager.max-dispatcher-aggregation-groups", 0)
    alertmanager_max_alerts_count: int = opt("alertmanager.max-alerts-count", 0)
    alertmanager_max_alerts_size_bytes: int = opt("alertmanager.max-alerts-size-bytes", 0)
    alertmanager_max_silences_count: int = opt("alertmanager.max-silences-count", 0)
    alertmanager_max_silences_size_bytes: int = opt("alertmanager.max-silences-size-bytes", 0)
    disabled_rule_groups: list[DisabledRuleGroup] = records(
        DisabledRuleGroup, "validation.DisabledRuleGroups", "list of DisabledRuleGroup"
    )

    def decoded(self) -> None:
        """Refuses repeated priorities and label sets, and expressions that are none."""
        attributes: list[QueryAttribute] = []
        if self.query_priority.enabled:
            priorities = [definition.priority for definition in self.query_priority.priorities]
            if len(set(priorities)) != len(priorities):
                raise ValueError(
                    "duplicate entry of priorities found. Make sure they are all unique, including the default priority"
                )
            for definition in self.query_priority.priorities:
                attributes += definition.query_attributes
        if self.query_rejection.enabled:
            attributes += self.query_rejection.query_attributes
        for attribute in attributes:
            for pattern in (attribute.regex, attribute.user_agent_regex):
                problem = regex_error(pattern)
                if problem is not None:
                    raise ValueError(f"error compiling query priority regex\n{problem}")
        label_sets = [tuple(limits.label_set.items()) for limits in self.limits_per_label_set]
        if len(set(label_sets)) != len(label_sets):
            raise ValueError("duplicate per labelSet limits found. Make sure they are all unique")
