"""`server.http_tls_config` on a real server; certificates are made with openssl."""

import http.client
import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

from neocortex.errors import StartError
from neocortex.http.settings import TLSSettings
from neocortex.http.tls import tls_options
from support.live_http import serving


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a CA, a server pair (RSA and EC) and a client pair."""
    folder = tmp_path_factory.mktemp("tls")
    openssl = shutil.which("openssl")
    assert openssl is not None, "openssl is needed to make certificates"

    def run(*arguments: str) -> None:
        subprocess.run([openssl, *arguments], cwd=folder, check=True, capture_output=True)

    run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=ca")
    run("genrsa", "-traditional", "-out", "server.key", "2048")
    run("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "ec.key")
    run("genrsa", "-out", "client.key", "2048")
    (folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    for name in ("server", "ec", "client"):
        run("req", "-new", "-key", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        signing = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names")
        run("x509", "-req", "-in", f"{name}.csr", "-out", f"{name}.pem", *signing)
    return folder


def settings(folder: Path, name: str = "server", auth: str = "", version: str = "") -> TLSSettings:
    return TLSSettings(
        cert_file=folder / f"{name}.pem",
        key_file=folder / f"{name}.key",
        client_ca_file=folder / "ca.pem" if auth else None,
        client_auth_type=auth,
        min_version=version,
    )


def ready(port: int, context: ssl.SSLContext) -> tuple[int, bytes, str | None]:
    connection = http.client.HTTPSConnection("localhost", port, context=context, timeout=10)
    try:
        connection.request("GET", "/ready")
        version = connection.sock.version() if isinstance(connection.sock, ssl.SSLSocket) else None
        answer = connection.getresponse()
        return answer.status, answer.read(), version
    finally:
        connection.close()


@pytest.mark.parametrize("name", ["server", "ec"])
def test_tls_with_keys_of_either_form(certificates: Path, name: str) -> None:
    context = ssl.create_default_context(cafile=str(certificates / "ca.pem"))
    with serving(tls=settings(certificates, name)) as live:
        assert ready(live.port, context)[:2] == (200, b"ready")
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        assert ready(live.port, context)[2] == "TLSv1.2"


def test_a_minimum_version(certificates: Path) -> None:
    context = ssl.create_default_context(cafile=str(certificates / "ca.pem"))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with serving(tls=settings(certificates, version="VersionTLS13")) as live, pytest.raises(ssl.SSLError):
        ready(live.port, context)


def test_client_certificates_are_demanded(certificates: Path) -> None:
    context = ssl.create_default_context(cafile=str(certificates / "ca.pem"))
    with serving(tls=settings(certificates, auth="RequireAndVerifyClientCert")) as live:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            ready(live.port, context)
        context.load_cert_chain(certificates / "client.pem", certificates / "client.key")
        assert ready(live.port, context)[0] == 200


def test_client_certificates_are_verified_if_given(certificates: Path) -> None:
    anonymous = ssl.create_default_context(cafile=str(certificates / "ca.pem"))
    with serving(tls=settings(certificates, auth="VerifyClientCertIfGiven")) as live:
        assert ready(live.port, anonymous)[0] == 200


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"client_auth_type": "Nonsense"}, "error generating http tls config: invalid ClientAuth: Nonsense"),
        (
            {"client_ca_file": Path("ca.pem")},
            "error generating http tls config: client CA's have been configured without a Client Auth Policy",
        ),
        ({"min_version": "SSL3"}, 'TLS version "SSL3" not recognized'),
        ({"cert_file": Path("/nowhere")}, "open .*: no such file or directory"),
        ({"client_auth_type": "RequireAnyClientCert"}, "is not supported"),
        ({"client_auth_type": "VerifyClientCertIfGiven"}, "needs client_ca_file"),
    ],
)
def test_wrong_settings_are_named(certificates: Path, change: dict[str, str], text: str) -> None:
    good = settings(certificates)
    values = {name: getattr(good, name) for name in TLSSettings.__slots__}
    with pytest.raises(StartError, match=text):
        tls_options(TLSSettings(**{**values, **change}))
