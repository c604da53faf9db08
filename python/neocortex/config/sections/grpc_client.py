"""Clients of other services' gRPC ports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neocortex.config.option import Section, inline, opt, section
from neocortex.config.sections.tls import ClientTLS

if TYPE_CHECKING:
    from neocortex.config.values import Duration, Int64


class HealthCheck(Section, go="grpcclient.HealthCheckConfig"):
    """Checks that tell whether a server still answers."""

    unhealthy_threshold: Int64 = opt("unhealthy-threshold", 0)
    interval: Duration = opt("interval", "5s")
    timeout: Duration = opt("timeout", "1s")


class Backoff(Section, go="backoff.Config"):
    """Waiting between attempts."""

    min_period: Duration = opt("backoff-min-period", "100ms")
    max_period: Duration = opt("backoff-max-period", "10s")
    max_retries: int = opt("backoff-retries", 10)


class GrpcClient(ClientTLS, go="grpcclient.Config"):
    """A gRPC client."""

    max_recv_msg_size: int = opt("grpc-max-recv-msg-size", 104857600)
    max_send_msg_size: int = opt("grpc-max-send-msg-size", 16777216)
    grpc_compression: str = opt("grpc-compression", "")
    rate_limit: float = opt("grpc-client-rate-limit", 0.0)
    rate_limit_burst: int = opt("grpc-client-rate-limit-burst", 0)
    backoff_on_ratelimits: bool = opt("backoff-on-ratelimits", False)
    backoff_config: Backoff = section(Backoff)
    tls_enabled: bool = opt("tls-enabled", False)
    _client_tls = inline(ClientTLS)
    connect_timeout: Duration = opt("connect-timeout", "5s")


class HealthCheckedGrpcClient(GrpcClient, go="grpcclient.ConfigWithHealthCheck"):
    """A gRPC client that checks its server's health."""

    _grpc_client = inline(GrpcClient, "ingester.client.", defaults={"grpc_compression": "snappy-block"})
    healthcheck_config: HealthCheck = section(HealthCheck, "ingester.client.healthcheck.")
