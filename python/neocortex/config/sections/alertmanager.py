"""The Alertmanager and the store of its configurations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neocortex.config.option import Section, inline, opt, section
from neocortex.config.sections.bucket import Bucket, UsersScanner
from neocortex.config.sections.configs import ConfigsClient
from neocortex.config.sections.ring import AlertmanagerRing
from neocortex.config.sections.tls import ClientTLS

if TYPE_CHECKING:
    from neocortex.config.values import CSV, URL, Duration, Int64


class Cluster(Section, go="alertmanager.ClusterConfig"):
    """The gossip of Alertmanagers that do not shard."""

    listen_address: str = opt("alertmanager.cluster.listen-address", "0.0.0.0:9094")
    advertise_address: str = opt("alertmanager.cluster.advertise-address", "")
    peers: CSV = opt("alertmanager.cluster.peers", [])
    peer_timeout: Duration = opt("alertmanager.cluster.peer-timeout", "15s")
    gossip_interval: Duration = opt("alertmanager.cluster.gossip-interval", "200ms")
    push_pull_interval: Duration = opt("alertmanager.cluster.push-pull-interval", "1m")


class AlertmanagerClient(ClientTLS, go="alertmanager.ClientConfig"):
    """An Alertmanager's clients of other Alertmanagers."""

    remote_timeout: Duration = opt("alertmanager.alertmanager-client.remote-timeout", "2s")
    tls_enabled: bool = opt("alertmanager.alertmanager-client.tls-enabled", False)
    _client_tls = inline(ClientTLS, "alertmanager.alertmanager-client.")
    grpc_compression: str = opt("alertmanager.alertmanager-client.grpc-compression", "")
    max_recv_msg_size: int = opt("alertmanager.alertmanager-client.grpc-max-recv-msg-size", 16777216)
    max_send_msg_size: int = opt("alertmanager.alertmanager-client.grpc-max-send-msg-size", 4194304)
    connect_timeout: Duration = opt("alertmanager.alertmanager-client.connect-timeout", "5s")


class Persister(Section, go="alertmanager.PersisterConfig"):
    """Saving the state of notifications and silences."""

    persist_interval: Duration = opt("alertmanager.persist-interval", "15m")


class Alertmanager(Persister, go="alertmanager.MultitenantAlertmanagerConfig"):
    """The Alertmanager."""

    data_dir: str = opt("alertmanager.storage.path", "data/")
    retention: Duration = opt("alertmanager.storage.retention", "120h")
    external_url: URL = opt("alertmanager.web.external-url", "")
    poll_interval: Duration = opt("alertmanager.configs.poll-interval", "15s")
    max_recv_msg_size: Int64 = opt("alertmanager.max-recv-msg-size", 16777216)
    sharding_enabled: bool = opt("alertmanager.sharding-enabled", False)
    sharding_ring: AlertmanagerRing = section(AlertmanagerRing)
    fallback_config_file: str = opt("alertmanager.configs.fallback", "")
    auto_webhook_root: str = opt("alertmanager.configs.auto-webhook-root", "")
    cluster: Cluster = section(Cluster)
    enable_api: bool = opt("alertmanager.enable-api", False, aliases=("experimental.alertmanager.enable-api",))
    api_concurrency: int = opt("alertmanager.api-concurrency", 0)
    gc_interval: Duration = opt("alertmanager.alerts-gc-interval", "30m")
    alertmanager_client: AlertmanagerClient = section(AlertmanagerClient)
    _persister = inline(Persister)
    enabled_tenants: CSV = opt("alertmanager.enabled-tenants", [])
    disabled_tenants: CSV = opt("alertmanager.disabled-tenants", [])


class LocalAlertmanagerConfigs(Section, go="local.StoreConfig"):
    """Configurations in a local folder."""

    path: str = opt("alertmanager-storage.local.path", "")


class AlertmanagerStorage(Bucket, go="alertstore.Config"):
    """The store of configurations and state."""

    _bucket = inline(Bucket, "alertmanager-storage.")
    configdb: ConfigsClient = section(ConfigsClient, "alertmanager-storage.configs.")
    local: LocalAlertmanagerConfigs = section(LocalAlertmanagerConfigs)
    users_scanner: UsersScanner = section(UsersScanner, "alertmanager-storage.users-scanner.")
