"""A server on a free loopback port in a thread of its own, and raw sockets to talk to it."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvloop

from neocortex.http import Request, Response, Route, json_response
from neocortex.http.app import Application
from neocortex.http.route import ANY_METHOD
from neocortex.http.server import HTTPServer
from neocortex.http.settings import HTTPSettings
from neocortex.http.status import metrics_route, ready_route
from neocortex.observe import Registry, get_logger
from neocortex.service import Supervisor
from support.processes import free_port

MIB = 1 << 20


async def show(request: Request) -> Response:
    """Answers with what the handler was given."""
    form = await request.form()
    return json_response(
        {
            "method": request.method,
            "path": request.path,
            "params": request.path_params,
            "form": dict(form.items()),
            "error": form.error,
            "org_id": request.org_id,
        }
    )


async def length(request: Request) -> Response:
    """Answers with the size of the body and its sum, and the tenant."""
    body = await request.body()
    return Response(200, "text/plain", f"{request.tenant} {len(body)} {sum(body)}")


async def refuse(request: Request) -> Response:
    """Answers without looking at the body."""
    return Response(415, "text/plain", "no")


async def fail(request: Request) -> Response:
    """Has a bug."""
    raise ZeroDivisionError("secret detail")


async def sleep(request: Request) -> Response:
    """Takes as long as it is told."""
    await asyncio.sleep(float(request.query.get("s", "1")))
    return Response(200, "text/plain", "slept")


async def large(request: Request) -> Response:
    """A large answer."""
    return Response(200, "text/plain", b"x" * MIB)


ROUTES = (
    Route(("GET", "POST"), "/show", show),
    Route(("GET", "POST", "DELETE"), "/rules/{namespace}", show, tenant=True),
    Route(("DELETE",), "/rules/{namespace}/{group}", show, tenant=True),
    Route(("POST",), "/push", length, tenant=True, max_body_bytes=MIB),
    Route(("GET", "POST"), "/prometheus/api/v1/query", show, tenant=True, cors=True, invalid_tenant_status=400),
    Route(("GET",), "/tenant", length, tenant=True, invalid_tenant_status=400),
    Route(("POST",), "/refuse", refuse),
    Route(("GET",), "/fail", fail),
    Route(("GET",), "/sleep", sleep),
    Route(("GET",), "/large", large),
    Route(ANY_METHOD, "/ui", show, prefix=True),
)


@dataclass
class Live:
    """A running server."""

    port: int
    app: Application
    supervisor: Supervisor
    loop: asyncio.AbstractEventLoop = field(repr=False)

    def connect(self, timeout: float = 10) -> socket.socket:
        """A connection to it."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=timeout)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def ask(self, raw: bytes, timeout: float = 10) -> bytes:
        """Everything that comes back until the server closes; `raw` should ask it to."""
        with self.connect(timeout) as connection:
            connection.sendall(raw)
            return read_all(connection)

    def get(self, target: str, headers: str = "", method: str = "GET") -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of one request; `headers` as lines that end in CRLF."""
        raw = f"{method} {target} HTTP/1.1\r\nHost: h\r\n{headers}Connection: close\r\n\r\n"
        return parse(self.ask(raw.encode("latin-1")))

    def post(self, target: str, body: bytes, headers: str = "") -> tuple[int, dict[str, str], bytes]:
        """The same with a body."""
        head = f"POST {target} HTTP/1.1\r\nHost: h\r\n{headers}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        return parse(self.ask(head.encode("latin-1") + body))


def read_all(connection: socket.socket) -> bytes:
    """Bytes until the other side closes."""
    parts = []
    while chunk := connection.recv(1 << 16):
        parts.append(chunk)
    return b"".join(parts)


def parse(answer: bytes) -> tuple[int, dict[str, str], bytes]:
    """Status, headers (names in lower case) and the body, whose chunks are put together."""
    head, _, rest = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    body = unchunked(rest) if rest and headers.get("transfer-encoding") == "chunked" else rest
    return int(first.split()[1]), headers, body


def unchunked(body: bytes) -> bytes:
    """What a chunked body holds; ValueError when its end is missing."""
    whole = b""
    while True:
        length, _, body = body.partition(b"\r\n")
        if not int(length, 16):
            return whole
        whole += body[: int(length, 16)]
        body = body[int(length, 16) + 2 :]


@contextmanager
def serving(routes: tuple[Route, ...] = ROUTES, **settings: Any) -> Iterator[Live]:
    """Runs a server with these routes, `/ready` and `/metrics` until the block ends, and checks its clean stop."""
    port = free_port()
    chosen = HTTPSettings(address="127.0.0.1", port=port, **settings)
    started = threading.Event()
    holder: list[Live] = []
    clean: list[bool] = []

    async def main() -> None:
        registry = Registry()
        app = Application(chosen, registry, get_logger())
        supervisor = Supervisor({"server": HTTPServer(chosen, app)}, {})
        app.add([*routes, metrics_route(registry), ready_route(supervisor, [])])
        holder.append(Live(port, app, supervisor, asyncio.get_running_loop()))
        run = asyncio.create_task(supervisor.run())
        await supervisor.started.wait()
        started.set()
        clean.append(await run)

    thread = threading.Thread(target=lambda: uvloop.run(main()))
    thread.start()
    assert started.wait(10), "the server did not start"
    assert holder[0].supervisor.healthy, "the server did not start"
    try:
        yield holder[0]
    finally:
        holder[0].loop.call_soon_threadsafe(holder[0].supervisor.request_stop)
        thread.join(15)
    assert clean == [True]
