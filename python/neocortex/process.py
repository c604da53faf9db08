"""What the modules of one process share while they are built: configuration, routes, metrics, readiness."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from neocortex.http.app import Application
from neocortex.http.settings import HTTPSettings, TLSSettings
from neocortex.observe import Registry, get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from neocortex.config import Config
    from neocortex.config.sections.ingester import InstanceLimits
    from neocortex.distributor.metrics import DistributorMetrics
    from neocortex.http.status import ReadyCheck
    from neocortex.ingester.service import Ingester
    from neocortex.ingester.tenants import Tenants
    from neocortex.overrides.limits import Overrides
    from neocortex.ring.kv.memory import MemoryStore
    from neocortex.ring.view import Ring
    from neocortex.service import Supervisor
    from neocortex.workers import Workers


class Process:
    """What builders in `modules.py` are given: they add routes to `app`, metrics to `registry`, and keep rooms here.

    An attribute without a value is set by the builder of the module named beside it; a module that reads it names that
    module among its needs.
    """

    supervisor: Supervisor
    """Set before any service starts."""
    workers: Workers
    """workers"""
    overrides: Overrides
    """runtime-config"""
    ingester_limits: Callable[[], InstanceLimits]
    """runtime-config"""
    kv: MemoryStore
    """ring"""
    ingester_ring: Ring
    """ring"""
    tenants: Tenants
    """ingester-service"""
    ingester: Ingester
    """ingester-service"""
    distributor_metrics: DistributorMetrics
    """distributor-service"""

    def __init__(self, config: Config, registry: Registry) -> None:
        self.config = config
        self.registry = registry
        self.app = Application(http_settings(config), registry, get_logger())
        self.ready_checks: list[ReadyCheck] = []
        """Asked in order by `/ready` once all services run; each gives None or the whole text of the 503."""


def http_settings(config: Config) -> HTTPSettings:
    """The settings of the HTTP server, from `server`, `api` and `auth_enabled`."""
    server, api = config.server, config.api
    tls = server.http_tls_config
    return HTTPSettings(
        address=server.http_listen_address,
        port=server.http_listen_port,
        path_prefix=server.http_path_prefix,
        auth_enabled=config.auth_enabled,
        read_timeout_s=server.http_server_read_timeout.seconds,
        idle_timeout_s=server.http_server_idle_timeout.seconds,
        graceful_shutdown_timeout_s=server.graceful_shutdown_timeout.seconds,
        max_connections=server.http_listen_conn_limit,
        cors_origin=api.cors_origin,
        response_compression=api.response_compression_enabled,
        log_requests_at_info=server.log_request_at_info_level_enabled,
        log_request_headers=server.log_request_headers,
        log_excluded_headers=frozenset(
            name.strip().lower() for name in server.log_request_exclude_headers_list.split(",") if name.strip()
        ),
        log_source_ips=server.log_source_ips_enabled,
        log_source_ips_header=server.log_source_ips_header,
        log_source_ips_regex=server.log_source_ips_regex,
        register_instrumentation=server.register_instrumentation,
        tls=TLSSettings(
            cert_file=Path(tls.cert_file),
            key_file=Path(tls.key_file),
            client_ca_file=Path(tls.client_ca_file) if tls.client_ca_file else None,
            client_auth_type=tls.client_auth_type,
            min_version=server.tls_min_version,
        )
        if tls.cert_file and tls.key_file
        else None,
    )
