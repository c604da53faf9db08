"""Everything of target all but the socket: routes are called as the web server calls them."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from neocortex.config.load import load
from neocortex.http.app import Application
from neocortex.http.server import HTTPServer
from neocortex.modules import build
from neocortex.observe import Registry
from neocortex.process import Process
from support.remote_write import Answer

Parameters = Mapping[str, str | list[str]]


async def call(
    app: Application, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
) -> Answer:
    """One request; `path` may have a query."""
    raw_path, _, query = path.partition("?")
    pairs = {"host": "h", "content-length": str(len(body))} | {k.lower(): v for k, v in (headers or {}).items()}
    scope = {
        "type": "http",
        "method": method,
        "raw_path": raw_path.encode("latin-1"),
        "query_string": query.encode("latin-1"),
        "http_version": "1.1",
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs.items()],
        "client": ("127.0.0.1", 1),
    }
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start, *parts = sent
    decoded = {name.decode("latin-1"): value.decode("latin-1") for name, value in start["headers"]}
    return Answer(start["status"], decoded, b"".join(part["body"] for part in parts))


class InProcess:
    """A running process without sockets."""

    def __init__(self, process: Process) -> None:
        self.process = process

    async def call(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None, tenant: str = "t"
    ) -> Answer:
        """One request of a tenant."""
        return await call(self.process.app, method, path, body, {"x-scope-orgid": tenant} | dict(headers or {}))

    async def api(self, path: str, parameters: Parameters, tenant: str = "t") -> Answer:
        """A GET below `/prometheus/api/v1/`."""
        return await self.call("GET", f"/prometheus/api/v1/{path}?{urlencode(parameters, doseq=True)}", tenant=tenant)

    async def push(self, body: bytes, tenant: str = "t", content_type: str = "application/x-protobuf") -> Answer:
        """A remote-write request."""
        return await self.call("POST", "/api/v1/push", body, {"content-type": content_type}, tenant)


@asynccontextmanager
async def running(folder: Path, *flags: str) -> AsyncIterator[InProcess]:
    """Starts all services but the HTTP server, on empty folders, and stops them at the end."""
    data = [
        f"-blocks-storage.tsdb.dir={folder / 'tsdb'}",
        "-blocks-storage.backend=filesystem",
        f"-blocks-storage.filesystem.dir={folder / 'blocks'}",
        f"-querier.active-query-tracker-dir={folder / 'active-query-tracker'}",
    ]
    one = ["-ring.store=inmemory", "-distributor.replication-factor=1", "-ingester.min-ready-duration=0s"]
    loaded = load(["-target=all", *one, *data, *flags])
    process = Process(loaded.config, Registry())
    supervisor = build(process, ["all"])
    services = [service for service in supervisor.services.values() if not isinstance(service, HTTPServer)]
    for service in services:
        await service.start()
    try:
        yield InProcess(process)
    finally:
        for service in reversed(services):
            await service.stop()
