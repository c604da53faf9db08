"""The listening server: granian, embedded in this process's event loop, as a service."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from typing import TYPE_CHECKING, Any

from neocortex.errors import StartError
from neocortex.http.tls import tls_options
from neocortex.observe import get_logger
from neocortex.service import Service

if TYPE_CHECKING:
    from granian.server.embed import Server as Granian

    from neocortex.http.app import Application
    from neocortex.http.settings import HTTPSettings

log = get_logger()

LISTEN_BACKLOG = 4096
LISTEN_TIMEOUT_S = 10.0
NEVER_MS = 10 * 365 * 86_400_000
MAX_CONNECTIONS = 65_536
"""The server below counts connections, idle ones too, and leaves the next without an answer; we limit requests."""


class HTTPServer(Service):
    """Starts first and stops last, so that `/ready` and `/metrics` answer while the others come and go."""

    def __init__(self, settings: HTTPSettings, app: Application) -> None:
        super().__init__()
        self._settings = settings
        self._app = app
        self._granian: Granian | None = None
        self._serving: asyncio.Task[None] | None = None

    async def starting(self) -> None:
        """Binds the port; raises StartError with Go's text when that fails."""
        tls = tls_options(self._settings.tls) if self._settings.tls is not None else {}
        address, port = _bindable(self._settings.address, self._settings.port)
        self._granian = _granian(self._settings, self._app, address, port, tls=tls)
        self._serving = asyncio.create_task(self._granian.serve())
        await _accepting(address, port, self._serving)
        log.info("server listening on addresses", http=_shown(address, port))

    async def running(self) -> None:
        """Watches the listener: when it ends without being told to, the service has failed."""
        stop = asyncio.create_task(self.stop_requested.wait())
        assert self._serving is not None
        await asyncio.wait({stop, self._serving}, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if self._serving.done() and not self.stop_requested.is_set():
            self._serving.result()
            raise StartError("server stopped unexpectedly")

    async def stopping(self) -> None:
        """Closes the listener, then lets requests in flight end within `-server.graceful-shutdown-timeout`."""
        if self._granian is None or self._serving is None:
            return
        self._granian.stop()  # type: ignore[no-untyped-call]
        timeout = self._settings.graceful_shutdown_timeout_s or None
        done, _ = await asyncio.wait({self._serving}, timeout=timeout)
        if not done:
            log.warn("requests still in flight at the end of the graceful shutdown time", inflight=self._app.inflight)
            self._serving.cancel()
            await asyncio.wait({self._serving})
        log.info("server stopped")


def _granian(settings: HTTPSettings, app: Application, address: str, port: int, *, tls: dict[str, Any]) -> Granian:
    # Imported here: it costs as much as everything else on the way up, and tests of the application do without it.
    from granian.constants import HTTPModes, Interfaces  # noqa: PLC0415
    from granian.http import HTTP1Settings  # noqa: PLC0415
    from granian.server.embed import Server  # noqa: PLC0415

    # It warns on every start that its embedded form is experimental.
    logging.getLogger("_granian").setLevel(logging.ERROR)
    return Server(
        app,
        address=address,
        port=port,
        # Of granian's interfaces only ASGI gives the undecoded path, and routing must tell `%2F` from a separator.
        interface=Interfaces.ASGINL,
        # As Go's server: HTTP/2 only through TLS.
        http=HTTPModes.auto if tls else HTTPModes.http1,
        websockets=False,
        backlog=LISTEN_BACKLOG,
        backpressure=settings.max_connections if settings.max_connections > 0 else MAX_CONNECTIONS,
        http1_settings=HTTP1Settings(header_read_timeout=_header_timeout_ms(settings)),
        log_enabled=False,
        **tls,
    )


def _header_timeout_ms(settings: HTTPSettings) -> int:
    """The server below has one clock for an idle connection and for slow headers; it must spare the former."""
    seconds = max(settings.idle_timeout_s or settings.read_timeout_s, settings.read_timeout_s)
    return int(seconds * 1000) or NEVER_MS


def _bindable(address: str, port: int) -> tuple[str, int]:
    """The numeric address and port to listen on; raises StartError when they cannot be bound.

    An empty address means all, port 0 one that is free.
    """
    if not address:
        address = "::" if socket.has_dualstack_ipv6() else "0.0.0.0"
    try:
        family, _, _, _, target = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except OSError as error:
        raise StartError(f"listen tcp: lookup {address}: {(error.strerror or str(error)).lower()}") from error
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(target)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise StartError(f"listen tcp {_shown(str(target[0]), port)}: bind: {reason}") from error
        return str(target[0]), probe.getsockname()[1]


async def _accepting(address: str, port: int, serving: asyncio.Task[None]) -> None:
    """Returns when a connection is taken: the server listens from a thread of its own, a little after its start."""
    target = {"::": "::1", "0.0.0.0": "127.0.0.1"}.get(address, address)
    end = time.monotonic() + LISTEN_TIMEOUT_S
    while True:
        if serving.done():
            serving.result()
            raise StartError("server stopped while starting")
        try:
            _, writer = await asyncio.open_connection(target, port)
        except OSError as error:
            if time.monotonic() > end:
                raise StartError(f"server does not listen on {_shown(address, port)}: {error}") from error
            await asyncio.sleep(0.002)
        else:
            writer.close()
            return


def _shown(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
