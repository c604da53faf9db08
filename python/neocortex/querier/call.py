"""One request of the query API: from its form to its answer, with the status and the type of every error."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from neocortex import _native
from neocortex.errors import InvalidTenant
from neocortex.http.errors import BodyTooLarge, http_error, prometheus_error
from neocortex.http.message import Response
from neocortex.ingester.limits import IngesterRefusal
from neocortex.querier.querylog import log_request, log_slow, log_stats
from neocortex.querier.queue import TooManyOutstanding
from neocortex.querier.reach import RangeTooLong
from neocortex.querier.reject import QueryRejected
from neocortex.querier.service import ResponseTooLarge, SelectFailed
from neocortex.querier.stats import QueryStats
from neocortex.ring.view import RingError

if TYPE_CHECKING:
    from neocortex.http.forms import Form
    from neocortex.http.message import Request
    from neocortex.querier.metrics import QueryMetrics

RULER_AGENT = "CortexRuler"
"""What the user agent of a ruler has in it."""


class BadData(Exception):
    """400 `bad_data` with this text."""


@dataclass(slots=True)
class Call:
    """Who asks what, and what it took."""

    tenant: str
    op: str
    """What Cortex's metrics call the endpoint."""
    form: Form
    request: Request
    stats: QueryStats = field(default_factory=QueryStats)

    @property
    def source(self) -> str:
        """`ruler` or `api`."""
        return source_of(self.request)


Handler = Callable[[Call], Awaitable[Response]]


class Answering:
    """Makes a route's handler of one that takes a `Call`.

    `slow_s`: requests that took longer are logged, all of them when it is negative, none when it is 0.
    """

    def __init__(self, metrics: QueryMetrics, *, query_stats_enabled: bool, slow_s: float) -> None:
        self._metrics = metrics
        self._with_stats = query_stats_enabled
        self._slow_s = slow_s

    def route(self, op: str, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """Resolves the tenant and the form, counts, logs and answers errors."""

        async def answer(request: Request) -> Response:
            try:
                tenant = request.tenant
            except InvalidTenant as e:
                return http_error(400, str(e))
            try:
                form = await request.form()
            except BodyTooLarge as e:
                self._metrics.too_large(tenant, source_of(request))
                return http_error(413, str(e))
            if form.error is not None:
                return http_error(400, form.error)
            return await self._answer(handler, Call(tenant, op, form, request))

        return answer

    async def _answer(self, handler: Handler, call: Call) -> Response:
        self._metrics.began(call.tenant, call.op, call.source)
        if self._with_stats and call.source == "api" and call.op != "remote_read":
            log_request(call)
        started = time.perf_counter()
        try:
            response = await _respond(handler, call)
        except asyncio.CancelledError:
            self._ended(call, _GONE, started)
            raise
        except QueryRejected as e:
            self._metrics.rejected(call.tenant, call.op)
            response = prometheus_error(422, "execution", str(e))
        return self._ended(call, response, started)

    def _ended(self, call: Call, response: Response, started: float) -> Response:
        seconds = time.perf_counter() - started
        if self._slow_s != 0 and seconds > self._slow_s:
            log_slow(call, seconds)
            self._metrics.was_slow(call.tenant, call.source)
        if not self._with_stats:
            return response
        self._metrics.ended(call.tenant, call.source, call.stats, response)
        if call.source == "api":
            log_stats(call, response, seconds)
        timing = f"querier_wall_time;dur={_ms(call.stats.wall_s)}, response_time;dur={_ms(seconds)}"
        headers = (("server-timing", timing), *response.headers)
        return Response(response.status, response.content_type, response.body, headers)


_GONE = prometheus_error(499, "canceled", "context canceled")


def source_of(request: Request) -> str:
    """`ruler` for what a ruler asks, else `api`."""
    return "ruler" if RULER_AGENT in request.headers.get("user-agent") else "api"


async def _respond(handler: Handler, call: Call) -> Response:
    try:
        return await handler(call)
    except (BadData, _native.ParseError) as e:
        return prometheus_error(400, "bad_data", str(e))
    except SelectFailed as e:
        return prometheus_error(500, "server_error", str(e))
    except TooManyOutstanding as e:
        return prometheus_error(429, "server_error", str(e))
    except (
        _native.LimitError,
        _native.ExecutionError,
        RangeTooLong,
        ResponseTooLarge,
        RingError,
        IngesterRefusal,
    ) as e:
        return prometheus_error(422, "execution", str(e))
    except _native.QueryTimeoutError as e:
        return prometheus_error(503, "timeout", str(e))
    except _native.QueryCanceledError as e:
        return prometheus_error(499, "canceled", str(e))
    except _native.OverloadedError as e:
        return prometheus_error(429, "too_many_requests", str(e))
    except _native.NativeError as e:
        return prometheus_error(500, "internal", str(e))


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.6f}".rstrip("0").rstrip(".")
