"""`server.http_tls_config` as the server below takes it; texts of errors as Cortex's TLS set-up gives them."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

from neocortex.errors import StartError

if TYPE_CHECKING:
    from pathlib import Path

    from neocortex.http.settings import TLSSettings

# rustls speaks 1.2 and 1.3 only; a lower minimum is met by both.
_MIN_VERSIONS = {
    "": "tls12",
    "VersionTLS10": "tls12",
    "VersionTLS11": "tls12",
    "VersionTLS12": "tls12",
    "VersionTLS13": "tls13",
}
_WITHOUT_CERTIFICATE = ("", "NoClientCert", "RequestClientCert")
_UNVERIFIED = ("RequireAnyClientCert", "RequireClientCert")


def tls_options(settings: TLSSettings) -> dict[str, Any]:
    """Keyword arguments of granian's server; raises StartError for files and policies that cannot be used.

    `RequestClientCert` is served like `NoClientCert`: nobody here looks at an unverified certificate. Demanding one
    without verifying it is refused rather than served with less.
    """
    from granian.constants import SSLProtocols  # noqa: PLC0415 - only with TLS

    _check_policy(settings)
    if settings.min_version not in _MIN_VERSIONS:
        raise StartError(f'TLS version "{settings.min_version}" not recognized')
    _check_files(settings)
    return {
        "ssl_cert": settings.cert_file,
        "ssl_key": settings.key_file,
        "ssl_protocol_min": SSLProtocols[_MIN_VERSIONS[settings.min_version]],
        "ssl_ca": settings.client_ca_file if settings.client_auth_type not in _WITHOUT_CERTIFICATE else None,
        "ssl_client_verify": settings.client_auth_type == "RequireAndVerifyClientCert",
    }


def _check_policy(settings: TLSSettings) -> None:
    policy = settings.client_auth_type
    known = (*_WITHOUT_CERTIFICATE, *_UNVERIFIED, "VerifyClientCertIfGiven", "RequireAndVerifyClientCert")
    if policy not in known:
        raise _failed(f"invalid ClientAuth: {policy}")
    if settings.client_ca_file is not None and policy in ("", "NoClientCert"):
        raise _failed("client CA's have been configured without a Client Auth Policy")
    if policy in _UNVERIFIED:
        raise _failed(f"ClientAuth {policy} is not supported, use RequireAndVerifyClientCert")
    if settings.client_ca_file is None and policy not in _WITHOUT_CERTIFICATE:
        raise _failed(f"ClientAuth {policy} needs client_ca_file")


def _check_files(settings: TLSSettings) -> None:
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(settings.cert_file, settings.key_file)
    except (OSError, ssl.SSLError) as error:
        raise _failed(f"failed to load X509KeyPair: {_reason(error, settings.cert_file)}") from error
    if settings.client_ca_file is not None:
        try:
            context.load_verify_locations(settings.client_ca_file)
        except (OSError, ssl.SSLError) as error:
            raise _failed(f"failed to load client CA: {_reason(error, settings.client_ca_file)}") from error


def _reason(error: OSError, path: Path) -> str:
    if isinstance(error, ssl.SSLError):
        return f"{path}: {error.reason or error}"
    return f"open {error.filename or path}: {(error.strerror or str(error)).lower()}"


def _failed(text: str) -> StartError:
    return StartError(f"error generating http tls config: {text}")
