"""What happens to every request: routing, tenant, limits, the handler, the answer, the log line, the metrics."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from neocortex.errors import InvalidTenant
from neocortex.http._http import PathTable, clean_path, decode_header, scan_headers, unescape_path
from neocortex.http.answer import compressed, cors_headers, cors_pattern, redirect
from neocortex.http.body import Body, BodyBudget, ReadDeadlines
from neocortex.http.errors import TEXT, ClientGone, HTTPError, http_error
from neocortex.http.message import Headers, Request, Response
from neocortex.http.requestlog import RequestLog
from neocortex.http.requestmetrics import RequestMetrics

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from neocortex.http.route import Link, Route
    from neocortex.http.settings import HTTPSettings
    from neocortex.observe import Logger, Registry

    Scope = dict[str, Any]
    Receive = Callable[[], Awaitable[dict[str, Any]]]
    Send = Callable[[dict[str, Any]], Awaitable[None]]

FAKE_TENANT = "fake"
_UNKNOWN_PATH = http_error(404, "404 page not found")
_WRONG_METHOD = Response(405)
_NO_TENANT = http_error(401, "no org id")
_BAD_REQUEST = Response(400, TEXT, "400 Bad Request", (("connection", "close"),))
_EXPECTATION_FAILED = Response(417, None, b"", (("connection", "close"),))
_EMPTY = Response()
_TOO_BUSY = http_error(503, "too many requests in flight")
_FAILED = http_error(500, "internal server error")
_SERVER = (b"server", b"neocortex")


class Application:
    """The routes of this process and what surrounds them, as one ASGI callable."""

    def __init__(self, settings: HTTPSettings, registry: Registry, logger: Logger) -> None:
        self._settings = settings
        self._prefix = settings.path_prefix.rstrip("/")
        self._paths = PathTable()
        self._cors = cors_pattern(settings.cors_origin)
        self._budget = BodyBudget(settings.max_inflight_body_bytes)
        self._deadlines = ReadDeadlines(settings.read_timeout_s)
        self._log = RequestLog(settings, logger)
        self._logger = logger
        self.metrics = RequestMetrics(registry)
        self.links: list[tuple[str, str, str]] = []
        """Section, path with prefix and title of every line of the index page, in the order registered."""
        self.inflight = 0
        """Requests that have come in and are not answered yet."""

    def add(self, routes: Iterable[Route]) -> None:
        """Registers routes below the path prefix; modules call it while they are built."""
        for route in routes:
            self._paths.add(self._prefix + route.pattern, route.methods, route.prefix, route)
            for link in route.links:
                self.add_link(link, route.pattern)

    def add_link(self, link: Link, pattern: str) -> None:
        """Adds a line to the index page."""
        self.links.append((link.section, self._prefix + (link.path or pattern), link.title))

    def route(self, method: str, path: str) -> Route | None:
        """What answers `method` on an undecoded path, prefix included; None when nothing does."""
        route, _ = self._paths.match(method, path)
        return route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            return
        started = time.perf_counter()
        method: str = scope["method"]
        path: str = scope["raw_path"].decode("latin-1")
        declared, expects, org_id, origin, encoding, hosts = scan_headers(scope["headers"])
        if declared == 0 and scope["http_version"] == "2":
            declared = None
        body = Body(receive, declared, expects_continue=expects > 0, budget=self._budget, deadlines=self._deadlines)
        route, params = self._paths.match(method, path)
        self.inflight += 1
        gauge = self.metrics.started(method, route)
        response = _FAILED
        sent = 0
        try:
            if self.inflight > self._settings.max_inflight_requests > 0:
                response = _TOO_BUSY
            elif declared == -1 or hosts > 1 or ("%" in path and not _well_formed(path)):
                response = _BAD_REQUEST
            elif expects < 0:
                response = _EXPECTATION_FAILED
            elif path == "*" and method == "OPTIONS":
                response = _EMPTY
            elif (clean := clean_path(path)) is not path:
                response = redirect(clean, scope["query_string"])
            elif route is None:
                response = _WRONG_METHOD if params else _UNKNOWN_PATH
            else:
                response = await self._answer(route, params, scope=scope, path=path, org_id=org_id, body=body)
                if route.cors:
                    response = cors_headers(response, origin, self._cors)
                if self._settings.response_compression and route.compressible:
                    response = compressed(response, encoding)
            await body.drain()
            sent = await _send(send, response, head=method == "HEAD")
        finally:
            self.inflight -= 1
            received = body.received
            body.close()
            seconds = time.perf_counter() - started
            self.metrics.finished(
                gauge,
                method,
                route,
                status=response.status,
                seconds=seconds,
                received=received,
                sent=sent,
            )
            self._log.write(scope, response, seconds)

    async def _answer(
        self, route: Route, params: Any, *, scope: Scope, path: str, org_id: bytes | None, body: Body
    ) -> Response:
        tenant = ""
        if route.tenant:
            if not self._settings.auth_enabled:
                tenant = FAKE_TENANT
            elif org_id:
                tenant = decode_header(org_id)
            else:
                return _NO_TENANT
        request = Request(
            scope["method"],
            path,
            scope["query_string"],
            Headers(scope["headers"]),
            body=body,
            route=route,
            path_params={name: unescape_path(value) for name, value in params.items()} if params else None,
            org_id=tenant,
            remote=scope["client"],
        )
        try:
            return await route.handler(request)
        except InvalidTenant as error:
            return http_error(route.invalid_tenant_status, str(error))
        except ClientGone as error:
            return Response(error.status)
        except HTTPError as error:
            return http_error(error.status, error.text)
        except Exception as error:
            # A handler's bug ends its own request, never the process.
            self._logger.error(
                "request handler failed", method=request.method, path=path, err=repr(error), trace=_trace(error)
            )
            return _FAILED


def _well_formed(path: str) -> bool:
    try:
        unescape_path(path)
    except ValueError:
        return False
    return True


def _trace(error: BaseException) -> str:
    import traceback  # noqa: PLC0415 - only when something broke

    return "".join(traceback.format_exception(error))


async def _send(send: Send, response: Response, *, head: bool) -> int:
    """Gives the bytes of the body."""
    headers = [(name.encode("latin-1"), value.encode("utf-8")) for name, value in response.headers]
    if response.content_type is not None:
        headers.append((b"content-type", response.content_type.encode("latin-1")))
    headers.append(_SERVER)
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    sent = len(response.body)
    if response.parts is not None and not head:
        async for part in response.parts:
            if part:
                await send({"type": "http.response.body", "body": part, "more_body": True})
                sent += len(part)
    await send({"type": "http.response.body", "body": response.body})
    return sent
