"""The ruler and the store of its rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neocortex.config.option import Section, inline, opt, section
from neocortex.config.sections.bucket import Bucket, UsersScanner
from neocortex.config.sections.configs import ConfigsClient
from neocortex.config.sections.grpc_client import GrpcClient
from neocortex.config.sections.querier import ThanosEngine
from neocortex.config.sections.ring import RulerRing
from neocortex.config.sections.tls import ClientTLS

if TYPE_CHECKING:
    from neocortex.config.values import CSV, URL, Duration, Int64, LabelSet, Secret


class RulerClient(GrpcClient, go="ruler.ClientConfig"):
    """A ruler's clients of other rulers."""

    _grpc_client = inline(GrpcClient, "ruler.client.")
    remote_timeout: Duration = opt("ruler.client.remote-timeout", "2m")


class BasicAuth(Section, go="util.BasicAuth"):
    """A user name and a password."""

    basic_auth_username: str = opt("ruler.alertmanager-client.basic-auth-username", "")
    basic_auth_password: Secret = opt("ruler.alertmanager-client.basic-auth-password", "")


class Notifier(ClientTLS, BasicAuth, go="ruler.NotifierConfig"):
    """How alerts are sent."""

    _client_tls = inline(ClientTLS, "ruler.alertmanager-client.")
    _basic_auth = inline(BasicAuth)


class Ruler(Section, go="ruler.Config"):
    """The ruler."""

    frontend_address: str = opt("ruler.frontend-address", "")
    query_response_format: str = opt("ruler.query-response-format", "protobuf")
    frontend_client: GrpcClient = section(GrpcClient, "ruler.frontendClient.")
    external_url: URL = opt("ruler.external.url", "")
    external_labels: LabelSet = opt(None, {}, omitempty=True)
    ruler_client: RulerClient = section(RulerClient)
    evaluation_interval: Duration = opt("ruler.evaluation-interval", "1m")
    poll_interval: Duration = opt("ruler.poll-interval", "1m")
    rule_path: str = opt("ruler.rule-path", "/rules")
    alertmanager_url: str = opt("ruler.alertmanager-url", "")
    enable_alertmanager_discovery: bool = opt("ruler.alertmanager-discovery", False)
    alertmanager_refresh_interval: Duration = opt("ruler.alertmanager-refresh-interval", "1m")
    notification_queue_capacity: int = opt("ruler.notification-queue-capacity", 10000)
    notification_timeout: Duration = opt("ruler.notification-timeout", "10s")
    alertmanager_client: Notifier = section(Notifier)
    for_outage_tolerance: Duration = opt("ruler.for-outage-tolerance", "1h")
    for_grace_period: Duration = opt("ruler.for-grace-period", "10m")
    resend_delay: Duration = opt("ruler.resend-delay", "1m")
    concurrent_evals_enabled: bool = opt("ruler.concurrent-evals-enabled", False)
    max_concurrent_evals: Int64 = opt("ruler.max-concurrent-evals", 1)
    enable_sharding: bool = opt("ruler.enable-sharding", False)
    sharding_strategy: str = opt("ruler.sharding-strategy", "default")
    search_pending_for: Duration = opt("ruler.search-pending-for", "5m")
    ring: RulerRing = section(RulerRing)
    flush_period: Duration = opt("ruler.flush-period", "1m")
    enable_api: bool = opt("ruler.enable-api", False, aliases=("experimental.ruler.enable-api",))
    api_deduplicate_rules: bool = opt("experimental.ruler.api-deduplicate-rules", False)
    enabled_tenants: CSV = opt("ruler.enabled-tenants", [])
    disabled_tenants: CSV = opt("ruler.disabled-tenants", [])
    query_stats_enabled: bool = opt("ruler.query-stats-enabled", False)
    disable_rule_group_label: bool = opt("ruler.disable-rule-group-label", False)
    enable_ha_evaluation: bool = opt("ruler.enable-ha-evaluation", False)
    liveness_check_timeout: Duration = opt("ruler.liveness-check-timeout", "1s")
    thanos_engine: ThanosEngine = section(ThanosEngine, "ruler.")


class LocalRules(Section, go="local.Config"):
    """Rules in a local folder."""

    directory: str = opt("ruler-storage.local.directory", "")


class RulerStorage(Bucket, go="rulestore.Config"):
    """The store of rules."""

    _bucket = inline(Bucket, "ruler-storage.")
    configdb: ConfigsClient = section(ConfigsClient, "ruler-storage.configs.")
    local: LocalRules = section(LocalRules)
    users_scanner: UsersScanner = section(UsersScanner, "ruler-storage.users-scanner.")
