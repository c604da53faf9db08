"""TLS of clients and servers."""

from __future__ import annotations

from neocortex.config.option import Section, opt


class ServerTLS(Section, go="server.TLSConfig"):
    """The certificate that a server shows and the clients it demands certificates of."""

    cert_file: str = opt("http-tls-cert-path", "")
    key_file: str = opt("http-tls-key-path", "")
    client_auth_type: str = opt("http-tls-client-auth", "")
    client_ca_file: str = opt("http-tls-ca-path", "")


class ClientTLS(Section, go="tls.ClientConfig"):
    """Certificates and names with which a client connects."""

    tls_cert_path: str = opt("tls-cert-path", "")
    tls_key_path: str = opt("tls-key-path", "")
    tls_ca_path: str = opt("tls-ca-path", "")
    tls_server_name: str = opt("tls-server-name", "")
    tls_insecure_skip_verify: bool = opt("tls-insecure-skip-verify", False)
