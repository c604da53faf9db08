"""The HTTP and gRPC servers and the HTTP API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neocortex.config.option import Section, opt, section
from neocortex.config.sections.tls import ServerTLS

if TYPE_CHECKING:
    from neocortex.config.values import Duration, LogFormat, LogLevel, StringSlice, UInt


class API(Section, go="api.Config"):
    """The HTTP API."""

    response_compression_enabled: bool = opt("api.response-compression-enabled", False)
    alertmanager_http_prefix: str = opt("http.alertmanager-http-prefix", "/alertmanager")
    prometheus_http_prefix: str = opt("http.prometheus-http-prefix", "/prometheus")
    http_request_headers_to_log: StringSlice = opt("api.http-request-headers-to-log", [])
    request_id_header: str = opt("api.request-id-header", "")
    querier_default_codec: str = opt("api.querier-default-codec", "json")
    build_info_enabled: bool = opt("api.build-info-enabled", False, yaml=None)
    cors_origin: str = opt("server.cors-origin", ".*", yaml=None)


class Server(Section, go="server.Config"):
    """The HTTP and gRPC servers."""

    http_listen_network: str = opt("server.http-listen-network", "tcp")
    http_listen_address: str = opt("server.http-listen-address", "")
    http_listen_port: int = opt("server.http-listen-port", 80)
    http_listen_conn_limit: int = opt("server.http-conn-limit", 0)
    grpc_listen_network: str = opt("server.grpc-listen-network", "tcp")
    grpc_listen_address: str = opt("server.grpc-listen-address", "")
    grpc_listen_port: int = opt("server.grpc-listen-port", 9095)
    grpc_listen_conn_limit: int = opt("server.grpc-conn-limit", 0)
    tls_cipher_suites: str = opt("server.tls-cipher-suites", "")
    tls_min_version: str = opt("server.tls-min-version", "")
    http_tls_config: ServerTLS = section(ServerTLS, "server.")
    grpc_tls_config: ServerTLS = section(
        ServerTLS,
        "server.",
        flags={
            "cert_file": "grpc-tls-cert-path",
            "key_file": "grpc-tls-key-path",
            "client_auth_type": "grpc-tls-client-auth",
            "client_ca_file": "grpc-tls-ca-path",
        },
    )
    register_instrumentation: bool = opt("server.register-instrumentation", True)
    graceful_shutdown_timeout: Duration = opt("server.graceful-shutdown-timeout", "30s")
    http_server_read_timeout: Duration = opt("server.http-read-timeout", "30s")
    http_server_write_timeout: Duration = opt("server.http-write-timeout", "30s")
    http_server_idle_timeout: Duration = opt("server.http-idle-timeout", "2m")
    grpc_server_max_recv_msg_size: int = opt("server.grpc-max-recv-msg-size-bytes", 4194304)
    grpc_server_max_send_msg_size: int = opt("server.grpc-max-send-msg-size-bytes", 4194304)
    grpc_server_max_concurrent_streams: UInt = opt("server.grpc-max-concurrent-streams", 100)
    grpc_server_num_stream_workers: UInt = opt("server.grpc_server-num-stream-workers", 0)
    grpc_server_max_connection_idle: Duration = opt(
        "server.grpc.keepalive.max-connection-idle", "2562047h47m16.854775807s"
    )
    grpc_server_max_connection_age: Duration = opt(
        "server.grpc.keepalive.max-connection-age", "2562047h47m16.854775807s"
    )
    grpc_server_max_connection_age_grace: Duration = opt(
        "server.grpc.keepalive.max-connection-age-grace", "2562047h47m16.854775807s"
    )
    grpc_server_keepalive_time: Duration = opt("server.grpc.keepalive.time", "2h")
    grpc_server_keepalive_timeout: Duration = opt("server.grpc.keepalive.timeout", "20s")
    grpc_server_min_time_between_pings: Duration = opt("server.grpc.keepalive.min-time-between-pings", "10s")
    grpc_server_ping_without_stream_allowed: bool = opt("server.grpc.keepalive.ping-without-stream-allowed", True)
    enable_channelz: bool = opt("server.enable-channelz", False)
    log_format: LogFormat = opt("log.format", "logfmt")
    log_level: LogLevel = opt("log.level", "info")
    log_source_ips_enabled: bool = opt("server.log-source-ips-enabled", False)
    log_source_ips_header: str = opt("server.log-source-ips-header", "")
    log_source_ips_regex: str = opt("server.log-source-ips-regex", "")
    log_request_headers: bool = opt("server.log-request-headers", False)
    log_request_at_info_level_enabled: bool = opt("server.log-request-at-info-level-enabled", False)
    log_request_exclude_headers_list: str = opt("server.log-request-headers-exclude-list", "")
    http_path_prefix: str = opt("server.path-prefix", "")
