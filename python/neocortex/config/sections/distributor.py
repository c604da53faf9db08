"""The distributor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neocortex.config.option import Section, opt, section
from neocortex.config.sections.kvstore import KVStore
from neocortex.config.sections.ring import DistributorRing

if TYPE_CHECKING:
    from neocortex.config.values import Duration, SecretCSV


class IngesterPool(Section, go="distributor.PoolConfig"):
    """The distributor's connections to ingesters."""

    client_cleanup_period: Duration = opt("distributor.client-cleanup-period", "15s")
    health_check_ingesters: bool = opt("distributor.health-check-ingesters", True)


class HATracker(Section, go="ha.HATrackerConfig"):
    """The election of one replica among identical Prometheus servers."""

    enable_ha_tracker: bool = opt("distributor.ha-tracker.enable", False)
    ha_tracker_update_timeout: Duration = opt("distributor.ha-tracker.update-timeout", "15s")
    ha_tracker_update_timeout_jitter_max: Duration = opt("distributor.ha-tracker.update-timeout-jitter-max", "5s")
    enable_startup_sync: bool = opt("distributor.ha-tracker.enable-startup-sync", False)
    kvstore: KVStore = section(KVStore, "distributor.ha-tracker.", defaults={"prefix": "ha-tracker/"})


class DistributorInstanceLimits(Section, go="distributor.InstanceLimits"):
    """Limits of one distributor across its tenants."""

    max_ingestion_rate: float = opt("distributor.instance-limits.max-ingestion-rate", 0.0)
    max_inflight_push_requests: int = opt("distributor.instance-limits.max-inflight-push-requests", 0)
    max_inflight_client_requests: int = opt("distributor.instance-limits.max-inflight-client-requests", 0)


class OTLP(Section, go="distributor.OTLPConfig"):
    """Writing in the OpenTelemetry protocol."""

    convert_all_attributes: bool = opt("distributor.otlp.convert-all-attributes", False)
    disable_target_info: bool = opt("distributor.otlp.disable-target-info", False)
    allow_delta_temporality: bool = opt("distributor.otlp.allow-delta-temporality", False)
    enable_type_and_unit_labels: bool = opt("distributor.otlp.enable-type-and-unit-labels", False)
    add_metric_suffixes: bool = opt("distributor.otlp.add-metric-suffixes", True)


class Distributor(Section, go="distributor.Config"):
    """The distributor."""

    pool: IngesterPool = section(IngesterPool)
    ha_tracker: HATracker = section(HATracker)
    max_recv_msg_size: int = opt("distributor.max-recv-msg-size", 104857600)
    otlp_max_recv_msg_size: int = opt("distributor.otlp-max-recv-msg-size", 104857600)
    remote_timeout: Duration = opt("distributor.remote-timeout", "2s")
    extra_queue_delay: Duration = opt("distributor.extra-query-delay", "0s")
    sharding_strategy: str = opt("distributor.sharding-strategy", "default")
    shard_by_all_labels: bool = opt("distributor.shard-by-all-labels", False)
    extend_writes: bool = opt("distributor.extend-writes", True)
    sign_write_requests: bool = opt("distributor.sign-write-requests", False)
    sign_write_requests_keys: SecretCSV = opt("distributor.sign-write-requests-keys", [])
    use_stream_push: bool = opt("distributor.use-stream-push", False)
    remote_writev2_enabled: bool = opt("distributor.remote-writev2-enabled", False)
    accept_unknown_remote_write_content_type: bool = opt("distributor.accept-unknown-remote-write-content-type", False)
    ring: DistributorRing = section(DistributorRing)
    zone_results_quorum_metadata: bool = opt("distributor.zone-results-quorum-metadata", False, hidden=True)
    num_push_workers: int = opt("distributor.num-push-workers", 0)
    num_query_workers: int = opt("distributor.num-query-workers", 0)
    instance_limits: DistributorInstanceLimits = section(DistributorInstanceLimits)
    otlp: OTLP = section(OTLP)
