"""The listening server: granian, embedded in this process's event loop, as a service."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket
from typing import TYPE_CHECKING

from neocortex.errors import StartError
from neocortex.observe import get_logger
from neocortex.service import Service

if TYPE_CHECKING:
    from granian.server.embed import Server as Granian

    from neocortex.http.app import Application
    from neocortex.http.settings import HTTPSettings

log = get_logger()

LISTEN_BACKLOG = 4096
MAX_CONNECTIONS = 65_536
"""The server below counts connections, also idle ones, and leaves the next one without an answer; requests are limited by us."""


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
        address = self._settings.address or "0.0.0.0"
        _check_free(address, self._settings.port)
        self._granian = _granian(self._settings, self._app, address)
        self._serving = asyncio.create_task(self._granian.serve())
        await asyncio.sleep(0)
        if self._serving.done():
            self._serving.result()
        log.info("server listening on addresses", http=f"{_shown(address)}:{self._settings.port}")

    async def running(self) -> None:
        """Watches the listener: when it ends without being told to, the service has failed."""
        stop = asyncio.create_task(self.stop_requested.wait())
        assert self._serving is not None
        done, _ = await asyncio.wait({stop, self._serving}, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if self._serving in done and not self.stop_requested.is_set():
            self._serving.result()
            raise StartError("server stopped unexpectedly")

    async def stopping(self) -> None:
        """Closes the listener, then lets requests in flight end within `-server.graceful-shutdown-timeout`."""
        if self._granian is None or self._serving is None:
            return
        self._granian.stop()
        timeout = self._settings.graceful_shutdown_timeout_s or None
        done, _ = await asyncio.wait({self._serving}, timeout=timeout)
        if not done:
            log.warn("requests still in flight at the end of the graceful shutdown time", inflight=self._app.inflight)
            self._serving.cancel()
            await asyncio.wait({self._serving})
        log.info("server stopped")


def _granian(settings: HTTPSettings, app: Application, address: str) -> Granian:
    # Imported here: it costs as much as everything else on the way up, and tests of the application do without it.
    from granian.constants import HTTPModes, Interfaces  # noqa: PLC0415
    from granian.http import HTTP1Settings  # noqa: PLC0415
    from granian.server.embed import Server  # noqa: PLC0415

    logging.getLogger("_granian").setLevel(logging.ERROR)
    server = Server(
        app,
        address=address,
        port=settings.port,
        # Of granian's interfaces only ASGI gives the undecoded path, and routing must tell `%2F` from a separator.
        interface=Interfaces.ASGINL,
        http=HTTPModes.http1 if settings.tls is None else HTTPModes.auto,
        websockets=False,
        backlog=LISTEN_BACKLOG,
        backpressure=settings.max_connections or MAX_CONNECTIONS,
        http1_settings=HTTP1Settings(header_read_timeout=int(settings.read_timeout_s * 1000) or 3_600_000),
        log_enabled=False,
    )
    return server


def _check_free(address: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise StartError(f"listen tcp {_shown(address)}:{port}: bind: {reason}") from error


def _shown(address: str) -> str:
    try:
        return f"[{address}]" if ipaddress.ip_address(address).version == 6 else address
    except ValueError:
        return address
