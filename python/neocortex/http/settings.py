"""What the HTTP server is told; times in seconds, sizes in bytes, 0 = no limit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class TLSSettings:
    """`server.http_tls_config`."""

    cert_file: Path
    key_file: Path
    client_ca_file: Path | None = None
    client_auth_type: str = ""
    min_version: str = ""


@dataclass(frozen=True, slots=True)
class HTTPSettings:
    """The part of `server:`, `api:` and `auth_enabled` that concerns HTTP."""

    address: str = ""
    """Empty listens on all addresses."""
    port: int = 80
    path_prefix: str = ""
    auth_enabled: bool = True
    read_timeout_s: float = 30.0
    """Time for a request's body."""
    idle_timeout_s: float = 120.0
    """Time until a connection's next request has sent its headers; 0 takes `read_timeout_s`, as Go does."""
    graceful_shutdown_timeout_s: float = 30.0
    max_connections: int = 0
    max_inflight_requests: int = 16_384
    max_inflight_body_bytes: int = 1 << 30
    cors_origin: str = ".*"
    response_compression: bool = False
    log_requests_at_info: bool = False
    log_request_headers: bool = False
    log_excluded_headers: frozenset[str] = frozenset()
    """Lower-case names, on top of cookie, x-csrf-token and authorization."""
    log_source_ips: bool = False
    log_source_ips_header: str = ""
    log_source_ips_regex: str = ""
    register_instrumentation: bool = True
    tls: TLSSettings | None = None
