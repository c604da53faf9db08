"""Hash rings and the life of their members."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from neocortex.config.option import Section, opt, section
from neocortex.config.sections.kvstore import KVStore

if TYPE_CHECKING:
    from neocortex.config.values import CSV, Duration


class DistributorRing(Section, go="distributor.RingConfig"):
    """The ring of distributors, for global rate limits."""

    kvstore: KVStore = section(KVStore, "distributor.ring.")
    heartbeat_period: Duration = opt("distributor.ring.heartbeat-period", "5s")
    heartbeat_timeout: Duration = opt("distributor.ring.heartbeat-timeout", "1m")
    detailed_metrics_enabled: bool = opt("distributor.ring.detailed-metrics-enabled", True)
    instance_id: str = opt("distributor.ring.instance-id", socket.gethostname, hidden=True)
    instance_interface_names: list[str] = opt("distributor.ring.instance-interface-names", ["eth0", "en0"])
    instance_port: int = opt("distributor.ring.instance-port", 0, hidden=True)
    instance_addr: str = opt("distributor.ring.instance-addr", "", hidden=True)


class IngesterRing(Section, go="ring.Config"):
    """The ring of ingesters as everyone who reads it sees it."""

    kvstore: KVStore = section(KVStore, flags={"store": "ring.store", "prefix": "ring.prefix"})
    heartbeat_timeout: Duration = opt("ring.heartbeat-timeout", "1m")
    replication_factor: int = opt("distributor.replication-factor", 3)
    zone_awareness_enabled: bool = opt("distributor.zone-awareness-enabled", False)
    excluded_zones: CSV = opt("distributor.excluded-zones", [])
    detailed_metrics_enabled: bool = opt("ring.detailed-metrics-enabled", True)


class Lifecycler(Section, go="ring.LifecyclerConfig"):
    """The ingester's own entry in its ring."""

    ring: IngesterRing = section(IngesterRing)
    num_tokens: int = opt("ingester.num-tokens", 128)
    tokens_generator_strategy: str = opt("ingester.tokens-generator-strategy", "random")
    heartbeat_period: Duration = opt("ingester.heartbeat-period", "5s")
    observe_period: Duration = opt("ingester.observe-period", "0s")
    join_after: Duration = opt("ingester.join-after", "0s")
    min_ready_duration: Duration = opt("ingester.min-ready-duration", "15s")
    interface_names: list[str] = opt("ingester.lifecycler.interface", ["eth0", "en0"])
    final_sleep: Duration = opt("ingester.final-sleep", "30s")
    tokens_file_path: str = opt("ingester.tokens-file-path", "")
    availability_zone: str = opt("ingester.availability-zone", "")
    unregister_on_shutdown: bool = opt("ingester.unregister-on-shutdown", True)
    readiness_check_ring_health: bool = opt("ingester.readiness-check-ring-health", True)
    address: str = opt("ingester.lifecycler.addr", "", hidden=True)
    port: int = opt("ingester.lifecycler.port", 0, hidden=True)
    id: str = opt("ingester.lifecycler.ID", socket.gethostname, hidden=True)


class CompactorRing(Section, go="compactor.RingConfig"):
    """The ring that divides tenants among compactors."""

    kvstore: KVStore = section(KVStore, "compactor.ring.")
    heartbeat_period: Duration = opt("compactor.ring.heartbeat-period", "5s")
    heartbeat_timeout: Duration = opt("compactor.ring.heartbeat-timeout", "1m")
    auto_forget_delay: Duration = opt("compactor.auto-forget-delay", "2m")
    detailed_metrics_enabled: bool = opt("compactor.ring.detailed-metrics-enabled", True)
    wait_stability_min_duration: Duration = opt("compactor.ring.wait-stability-min-duration", "1m")
    wait_stability_max_duration: Duration = opt("compactor.ring.wait-stability-max-duration", "5m")
    instance_id: str = opt("compactor.ring.instance-id", socket.gethostname, hidden=True)
    instance_interface_names: list[str] = opt("compactor.ring.instance-interface-names", ["eth0", "en0"])
    instance_port: int = opt("compactor.ring.instance-port", 0, hidden=True)
    instance_addr: str = opt("compactor.ring.instance-addr", "", hidden=True)
    tokens_file_path: str = opt("compactor.ring.tokens-file-path", "")
    unregister_on_shutdown: bool = opt("compactor.ring.unregister-on-shutdown", True)
    wait_active_instance_timeout: Duration = opt("compactor.ring.wait-active-instance-timeout", "10m")


class ParquetConverterRing(Section, go="parquetconverter.RingConfig"):
    """The ring that divides tenants among Parquet converters."""

    kvstore: KVStore = section(KVStore, "parquet-converter.ring.")
    heartbeat_period: Duration = opt("parquet-converter.ring.heartbeat-period", "5s")
    heartbeat_timeout: Duration = opt("parquet-converter.ring.heartbeat-timeout", "1m")
    auto_forget_delay: Duration = opt("parquet-converter.auto-forget-delay", "2m")
    instance_id: str = opt("parquet-converter.ring.instance-id", socket.gethostname, hidden=True)
    instance_port: int = opt("parquet-converter.ring.instance-port", 0, hidden=True)
    instance_addr: str = opt("parquet-converter.ring.instance-addr", "", hidden=True)
    tokens_file_path: str = opt("parquet-converter.ring.tokens-file-path", "")


class StoreGatewayRing(Section, go="storegateway.RingConfig"):
    """The ring that divides blocks among store-gateways."""

    kvstore: KVStore = section(KVStore, "store-gateway.sharding-ring.")
    heartbeat_period: Duration = opt("store-gateway.sharding-ring.heartbeat-period", "15s")
    heartbeat_timeout: Duration = opt("store-gateway.sharding-ring.heartbeat-timeout", "1m")
    replication_factor: int = opt("store-gateway.sharding-ring.replication-factor", 3)
    tokens_file_path: str = opt("store-gateway.sharding-ring.tokens-file-path", "")
    zone_awareness_enabled: bool = opt("store-gateway.sharding-ring.zone-awareness-enabled", False)
    keep_instance_in_the_ring_on_shutdown: bool = opt(
        "store-gateway.sharding-ring.keep-instance-in-the-ring-on-shutdown", False
    )
    zone_stable_shuffle_sharding: bool = opt(
        "store-gateway.sharding-ring.zone-stable-shuffle-sharding", True, hidden=True
    )
    detailed_metrics_enabled: bool = opt("store-gateway.sharding-ring.detailed-metrics-enabled", True)
    wait_stability_min_duration: Duration = opt("store-gateway.sharding-ring.wait-stability-min-duration", "1m")
    wait_stability_max_duration: Duration = opt("store-gateway.sharding-ring.wait-stability-max-duration", "5m")
    wait_instance_state_timeout: Duration = opt("store-gateway.sharding-ring.wait-instance-state-timeout", "10m")
    final_sleep: Duration = opt("store-gateway.sharding-ring.final-sleep", "0s")
    instance_id: str = opt("store-gateway.sharding-ring.instance-id", socket.gethostname, hidden=True)
    instance_interface_names: list[str] = opt("store-gateway.sharding-ring.instance-interface-names", ["eth0", "en0"])
    instance_port: int = opt("store-gateway.sharding-ring.instance-port", 0, hidden=True)
    instance_addr: str = opt("store-gateway.sharding-ring.instance-addr", "", hidden=True)
    instance_availability_zone: str = opt("store-gateway.sharding-ring.instance-availability-zone", "")


class RulerRing(Section, go="ruler.RingConfig"):
    """The ring that divides rule groups among rulers."""

    kvstore: KVStore = section(KVStore, "ruler.ring.", defaults={"prefix": "rulers/"})
    heartbeat_period: Duration = opt("ruler.ring.heartbeat-period", "5s")
    heartbeat_timeout: Duration = opt("ruler.ring.heartbeat-timeout", "1m")
    replication_factor: int = opt("ruler.ring.replication-factor", 1)
    zone_awareness_enabled: bool = opt("ruler.ring.zone-awareness-enabled", False)
    tokens_file_path: str = opt("ruler.ring.tokens-file-path", "")
    detailed_metrics_enabled: bool = opt("ruler.ring.detailed-metrics-enabled", True)
    instance_id: str = opt("ruler.ring.instance-id", socket.gethostname, hidden=True)
    instance_interface_names: list[str] = opt("ruler.ring.instance-interface-names", ["eth0", "en0"])
    instance_port: int = opt("ruler.ring.instance-port", 0, hidden=True)
    instance_addr: str = opt("ruler.ring.instance-addr", "", hidden=True)
    instance_availability_zone: str = opt("ruler.ring.instance-availability-zone", "", hidden=True)
    num_tokens: int = opt("ruler.ring.num-tokens", 128)
    final_sleep: Duration = opt("ruler.ring.final-sleep", "0s")
    keep_instance_in_the_ring_on_shutdown: bool = opt("ruler.ring.keep-instance-in-the-ring-on-shutdown", False)


class AlertmanagerRing(Section, go="alertmanager.RingConfig"):
    """The ring that divides tenants among Alertmanagers."""

    kvstore: KVStore = section(KVStore, "alertmanager.sharding-ring.", defaults={"prefix": "alertmanagers/"})
    heartbeat_period: Duration = opt("alertmanager.sharding-ring.heartbeat-period", "15s")
    heartbeat_timeout: Duration = opt("alertmanager.sharding-ring.heartbeat-timeout", "1m")
    replication_factor: int = opt("alertmanager.sharding-ring.replication-factor", 3)
    zone_awareness_enabled: bool = opt("alertmanager.sharding-ring.zone-awareness-enabled", False)
    tokens_file_path: str = opt("alertmanager.sharding-ring.tokens-file-path", "")
    detailed_metrics_enabled: bool = opt("alertmanager.sharding-ring.detailed-metrics-enabled", True)
    disable_replica_set_extension: bool = opt("alertmanager.sharding-ring.disable-replica-set-extension", False)
    final_sleep: Duration = opt("alertmanager.sharding-ring.final-sleep", "0s")
    wait_instance_state_timeout: Duration = opt("alertmanager.sharding-ring.wait-instance-state-timeout", "10m")
    keep_instance_in_the_ring_on_shutdown: bool = opt(
        "alertmanager.sharding-ring.keep-instance-in-the-ring-on-shutdown", False
    )
    instance_id: str = opt("alertmanager.sharding-ring.instance-id", socket.gethostname, hidden=True)
    instance_interface_names: list[str] = opt("alertmanager.sharding-ring.instance-interface-names", ["eth0", "en0"])
    instance_port: int = opt("alertmanager.sharding-ring.instance-port", 0, hidden=True)
    instance_addr: str = opt("alertmanager.sharding-ring.instance-addr", "", hidden=True)
    instance_availability_zone: str = opt("alertmanager.sharding-ring.instance-availability-zone", "")
