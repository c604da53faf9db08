"""The ingester, its clients and the flusher."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neocortex.config.option import Section, opt, section
from neocortex.config.sections.grpc_client import HealthCheckedGrpcClient
from neocortex.config.sections.resources import QueryProtection
from neocortex.config.sections.ring import Lifecycler

if TYPE_CHECKING:
    from neocortex.config.values import Duration, Durations, Int64


class IngesterClient(Section, go="client.Config"):
    """Clients of ingesters."""

    grpc_client_config: HealthCheckedGrpcClient = section(HealthCheckedGrpcClient)
    max_inflight_push_requests: Int64 = opt("ingester.client.max-inflight-push-requests", 0)


class InstanceLimits(Section, go="ingester.plain"):
    """Limits of one ingester across its tenants."""

    max_ingestion_rate: float = opt("ingester.instance-limits.max-ingestion-rate", 0.0)
    max_tenants: Int64 = opt("ingester.instance-limits.max-tenants", 0)
    max_series: Int64 = opt("ingester.instance-limits.max-series", 0)
    max_inflight_push_requests: Int64 = opt("ingester.instance-limits.max-inflight-push-requests", 0)
    max_inflight_query_requests: Int64 = opt("ingester.instance-limits.max-inflight-query-requests", 0)


class Ingester(Section, go="ingester.Config"):
    """The ingester."""

    lifecycler: Lifecycler = section(Lifecycler)
    metadata_retain_period: Duration = opt("ingester.metadata-retain-period", "10m")
    rate_update_period: Duration = opt("ingester.rate-update-period", "15s")
    user_tsdb_configs_update_period: Duration = opt("ingester.user-tsdb-configs-update-period", "15s")
    active_series_metrics_enabled: bool = opt("ingester.active-series-metrics-enabled", True)
    active_series_metrics_update_period: Duration = opt("ingester.active-series-metrics-update-period", "1m")
    active_series_metrics_idle_timeout: Duration = opt("ingester.active-series-metrics-idle-timeout", "10m")
    active_queried_series_metrics_enabled: bool = opt("ingester.active-queried-series-metrics-enabled", False)
    active_queried_series_metrics_update_period: Duration = opt(
        "ingester.active-queried-series-metrics-update-period", "1m"
    )
    active_queried_series_metrics_window_duration: Duration = opt(
        "ingester.active-queried-series-metrics-window-duration", "15m"
    )
    active_queried_series_metrics_sample_rate: float = opt("ingester.active-queried-series-metrics-sample-rate", 1.0)
    active_queried_series_metrics_windows: Durations = opt("ingester.active-queried-series-metrics-windows", ["2h"])
    head_queried_series_metrics_enabled: bool = opt("ingester.head-queried-series-metrics-enabled", False)
    head_queried_series_metrics_window_duration: Duration = opt(
        "ingester.head-queried-series-metrics-window-duration", "15m"
    )
    head_queried_series_metrics_sample_rate: float = opt("ingester.head-queried-series-metrics-sample-rate", 1.0)
    head_queried_series_metrics_windows: Durations = opt("ingester.head-queried-series-metrics-windows", ["2h"])
    upload_compacted_blocks_enabled: bool = opt("ingester.upload-compacted-blocks-enabled", True)
    instance_limits: InstanceLimits = section(InstanceLimits)
    ignore_series_limit_for_metric_names: str = opt("ingester.ignore-series-limit-for-metric-names", "")
    admin_limit_message: str = opt("ingester.admin-limit-message", "please contact administrator to raise it")
    labels_string_interning_enabled: bool = opt("ingester.labels-string-interning-enabled", False)
    disable_chunk_trimming: bool = opt("ingester.disable-chunk-trimming", False)
    matchers_cache_max_items: int = opt("ingester.matchers-cache-max-items", 0)
    skip_metadata_limits: bool = opt("ingester.skip-metadata-limits", True)
    enable_matcher_optimization: bool = opt("ingester.enable-matcher-optimization", False)
    enable_regex_matcher_limits: bool = opt("ingester.enable-regex-matcher-limits", False)
    query_protection: QueryProtection = section(QueryProtection, "ingester.query-protection.")


class Flusher(Section, go="flusher.Config"):
    """The flusher, a target of its own."""

    exit_after_flush: bool = opt("flusher.exit-after-flush", True)


class Prealloc(Section, go="cortexpb.PreallocConfig"):
    """Kept for its key; nothing can be set."""
