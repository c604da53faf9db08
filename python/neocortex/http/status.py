"""The endpoints that every process has: index, `/config`, `/ready`, `/services`, `/metrics`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from neocortex.http.answer import accepts_gzip
from neocortex.http.errors import http_error
from neocortex.http.message import Response
from neocortex.http.pages import go_time, page, page_or_json
from neocortex.http.route import ANY_METHOD, Link, Route
from neocortex.observe.negotiate import wanted_form

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from neocortex.config.schema import Config
    from neocortex.http.app import Application
    from neocortex.http.message import Request
    from neocortex.observe import Registry
    from neocortex.service import Supervisor

    ReadyCheck = Callable[[], Awaitable[str | None]]


GZIP_WINDOW_BITS = 31
"""What has zlib write a gzip stream, with its largest window."""


def index_route(app: Application) -> Route:
    """`GET /`: the links that the running modules registered, sections and paths sorted."""

    async def index(_: Request) -> Response:
        sections: dict[str, dict[str, str]] = {}
        for section, path, title in app.links:
            sections.setdefault(section, {})[path] = title
        return page(
            "neocortex.http",
            "index.html",
            sections=[(section, sorted(links.items())) for section, links in sorted(sections.items())],
        )

    return Route(("GET",), "/", index)


def config_route(config: Config) -> Route:
    """`GET /config`: the whole configuration as YAML; `mode=diff` and `mode=defaults` as Cortex has them."""

    async def show(request: Request) -> Response:
        from neocortex.config.page import CONTENT_TYPE, config_page  # noqa: PLC0415 - brings the YAML writer

        return Response(200, CONTENT_TYPE, config_page(config, request.query.get("mode")))

    return Route(
        ("GET",),
        "/config",
        show,
        links=(
            Link("Current Config (including the default values)"),
            Link("Current Config (show only values that differ from the defaults)", "/config?mode=diff"),
        ),
    )


def ready_route(supervisor: Supervisor, checks: list[ReadyCheck]) -> Route:
    """`/ready`: all services run, then each check in turn gives None or why not (`Ingester not ready: …`)."""

    async def ready(_: Request) -> Response:
        if not supervisor.healthy:
            lines = sorted(f"{state.value}: {count}\n" for state, count in supervisor.counts().items())
            return http_error(503, "Some services are not Running:\n" + "".join(lines))
        for check in checks:
            reason = await check()
            if reason is not None:
                return http_error(503, reason)
        return Response(200, "text/plain", "ready")

    return Route(ANY_METHOD, "/ready", ready, compressible=False)


def services_route(supervisor: Supervisor) -> Route:
    """`GET /services`: name and state of what runs, sorted by name, as page or JSON."""

    async def services(request: Request) -> Response:
        rows = [{"name": name, "status": service.state.value} for name, service in sorted(supervisor.services.items())]
        now = go_time()
        return page_or_json(
            request, {"now": now, "services": rows}, "neocortex.http", "services.html", now=now, services=rows
        )

    return Route(("GET",), "/services", services, links=(Link("Service Status"),))


def metrics_route(registry: Registry) -> Route:
    """`/metrics`: text form 0.0.4 or OpenMetrics, gzipped when the scraper takes it; chunked, as in Cortex."""

    async def metrics(request: Request) -> Response:
        form = wanted_form(request.headers.get("accept"))
        parts = registry.parts(form)
        if accepts_gzip(request.headers.get("accept-encoding").encode("latin-1")):
            return Response(200, form.content_type, headers=(("content-encoding", "gzip"),), parts=_gzipped(parts))
        return Response(200, form.content_type, parts=parts)

    return Route(ANY_METHOD, "/metrics", metrics, compressible=False)


async def _gzipped(parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    import zlib  # noqa: PLC0415 - scrapers ask for it, the way up does not

    # Level 1: a scrape is read once, on the next hop.
    stream = zlib.compressobj(1, wbits=GZIP_WINDOW_BITS)
    async for part in parts:
        # The GIL is not held meanwhile.
        yield await asyncio.to_thread(stream.compress, part)
    yield stream.flush()
