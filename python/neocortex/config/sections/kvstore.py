"""Key-value stores that hold rings and the HA tracker's elections."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neocortex.config.option import Section, inline, opt, section
from neocortex.config.sections.tls import ClientTLS

if TYPE_CHECKING:
    from neocortex.config.values import Duration, Secret


class Consul(ClientTLS, go="consul.Config"):
    """A Consul agent."""

    host: str = opt("hostname", "localhost:8500")
    acl_token: Secret = opt("acl-token", "")
    http_client_timeout: Duration = opt("client-timeout", "20s")
    consistent_reads: bool = opt("consistent-reads", False)
    watch_rate_limit: float = opt("watch-rate-limit", 1.0)
    watch_burst_size: int = opt("watch-burst-size", 1)
    tls_enabled: bool = opt("tls-enabled", False)
    _client_tls = inline(ClientTLS)


class DynamoDB(Section, go="dynamodb.Config"):
    """A DynamoDB table."""

    region: str = opt("region", "")
    table_name: str = opt("table-name", "")
    ttl: Duration = opt("ttl-time", "0s")
    puller_sync_time: Duration = opt("puller-sync-time", "1m")
    max_cas_retries: int = opt("max-cas-retries", 10)
    timeout: Duration = opt("timeout", "2m")


class Etcd(ClientTLS, go="etcd.Config"):
    """An etcd cluster."""

    endpoints: list[str] = opt("endpoints", [])
    dial_timeout: Duration = opt("dial-timeout", "10s")
    max_retries: int = opt("max-retries", 10)
    tls_enabled: bool = opt("tls-enabled", False)
    _client_tls = inline(ClientTLS)
    username: str = opt("username", "")
    password: Secret = opt("password", "")
    ping_without_stream_allowed: bool = opt(
        "ping-without-stream-allowed", True, yaml="ping-without-stream-allowed", hidden=True
    )


class MultiKV(Section, go="kv.MultiConfig"):
    """Two stores: one is read and written, the other may receive the same writes."""

    primary: str = opt("primary", "")
    secondary: str = opt("secondary", "")
    mirror_enabled: bool = opt("mirror-enabled", False)
    mirror_timeout: Duration = opt("mirror-timeout", "2s")


class KVBackends(Section, go="kv.StoreConfig"):
    """The stores that may be chosen."""

    consul: Consul = section(Consul, "consul.")
    dynamodb: DynamoDB = section(DynamoDB, "dynamodb.")
    etcd: Etcd = section(Etcd, "etcd.")
    multi: MultiKV = section(MultiKV, "multi.")


class KVStore(KVBackends, go="kv.Config"):
    """A key-value store: which, and below which prefix its keys lie."""

    store: str = opt("store", "consul")
    prefix: str = opt("prefix", "collectors/")
    _kvbackends = inline(KVBackends)
