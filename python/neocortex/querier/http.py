"""The query API, with the statuses and texts of Cortex's single process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from neocortex import _native
from neocortex.config.duration import format_go_duration
from neocortex.errors import InvalidTenant
from neocortex.http.errors import BodyTooLarge, http_error, json_response, prometheus_error
from neocortex.http.message import Response
from neocortex.http.route import Route
from neocortex.ingester.limits import IngesterRefusal
from neocortex.querier.parameters import (
    MAX_POINTS,
    MAX_TIME_MS,
    MIN_TIME_MS,
    BadParameter,
    parse_duration_ms,
    parse_integer,
    parse_limit,
    parse_time_ms,
)
from neocortex.querier.service import Querier, SelectFailed, now_ms
from neocortex.ring.view import RingError

if TYPE_CHECKING:
    from neocortex.http.forms import Form
    from neocortex.http.message import Request
    from neocortex.overrides.limits import Overrides

JSON = "application/json"


class BadData(Exception):
    """400 `bad_data` with this text."""


class QueryEndpoints:
    """The handlers; each gets the valid tenant and the merged form."""

    def __init__(self, querier: Querier, overrides: Overrides, version: dict[str, str]) -> None:
        self._querier = querier
        self._overrides = overrides
        self._version = version

    async def instant(self, tenant: str, form: Form, request: Request) -> Response:
        try:
            # The present is cut to seconds, as in Cortex.
            t = parse_time_ms(form.get("time")) if form.get("time") else now_ms() // 1000 * 1000
        except BadParameter as e:
            return prometheus_error(
                500,
                "server_error",
                f"invalid parameter \"time\"; Invalid time value for 'time': rpc error: code = Code(400) desc = {e}",
            )
        query = self._querier.parse(form.get("query"))
        self._check_length(tenant, query, (t, t, 0))
        return await self._evaluate(tenant, query, (t, t, 0), form)

    async def range(self, tenant: str, form: Form, request: Request) -> Response:
        start, end = self._time(form, "start"), self._time(form, "end")
        if end < start:
            raise BadData("end timestamp must not be before start time")
        try:
            step = parse_duration_ms(form.get("step"))
        except BadParameter as e:
            raise BadData(f'invalid parameter "step"; {e}') from e
        if step <= 0:
            raise BadData("zero or negative query resolution step widths are not accepted. Try a positive integer")
        if (end - start) // step > MAX_POINTS:
            raise BadData(
                "exceeded maximum resolution of 11,000 points per timeseries."
                " Try decreasing the query resolution (?step=XX)"
            )
        query = self._querier.parse(form.get("query"))
        if query.value_type not in ("scalar", "instant vector"):
            raise BadData(
                f'invalid parameter "query"; invalid expression type "{query.value_type}" for range query,'
                " must be Scalar or instant Vector"
            )
        self._check_length(tenant, query, (start, end, step))
        return await self._evaluate(tenant, query, (start, end, step), form)

    async def exemplars(self, tenant: str, form: Form, request: Request) -> Response:
        start, end = self._window(form)
        if end < start:
            raise BadData("end timestamp must not be before start timestamp")
        query = self._querier.parse(form.get("query"))
        return Response(200, JSON, await self._querier.exemplars(tenant, query, start, end))

    async def series(self, tenant: str, form: Form, request: Request) -> Response:
        texts = form.get_all("match[]")
        if not texts:
            raise BadData("no match[] parameter provided")
        start, end = self._window(form)
        limit = self._limit(form)
        selectors = self._querier.selectors(texts)
        if selectors.any_matches_everything:
            raise BadData('invalid parameter "match[]": match[] must contain at least one non-empty matcher')
        if end < start:
            return prometheus_error(500, "internal", "end timestamp must not be before start timestamp")
        try:
            return Response(200, JSON, await self._querier.series(tenant, selectors, limit))
        except (RingError, IngesterRefusal) as e:
            return prometheus_error(500, "internal", str(e))

    async def delete_series(self, tenant: str, form: Form, request: Request) -> Response:
        return prometheus_error(500, "internal", "not implemented")

    async def label_names(self, tenant: str, form: Form, request: Request) -> Response:
        self._window(form)
        limit = self._limit(form)
        selectors = self._querier.selectors(form.get_all("match[]"))
        return Response(200, JSON, await self._querier.label_names(tenant, selectors, limit))

    async def label_values(self, tenant: str, form: Form, request: Request) -> Response:
        self._window(form)
        limit = self._limit(form)
        selectors = self._querier.selectors(form.get_all("match[]"))
        name = request.path_params["name"]
        return Response(200, JSON, await self._querier.label_values(tenant, name, selectors, limit))

    async def metadata(self, tenant: str, form: Form, request: Request) -> Response:
        limits = []
        for name in ("limit", "limit_per_metric"):
            text = form.get(name)
            try:
                limits.append(parse_integer(text) if text else -1)
            except BadParameter:
                return json_response({"status": "error", "error": f"{name} must be a number"}, 400)
        try:
            return Response(200, JSON, await self._querier.metadata(tenant, form.get("metric"), *limits))
        except RingError as e:
            return json_response({"status": "error", "error": str(e)}, 400)

    async def format_query(self, tenant: str, form: Form, request: Request) -> Response:
        return json_response({"status": "success", "data": self._parse_parameter(form).pretty()})

    async def parse_query(self, tenant: str, form: Form, request: Request) -> Response:
        tree = self._parse_parameter(form).tree_json()
        return Response(200, JSON, b'{"status":"success","data":' + tree + b"}")

    async def build_info(self, request: Request) -> Response:
        answer = json_response({"status": "success", "data": self._version})
        return Response(200, "text/plain; charset=utf-8", answer.body)

    async def _evaluate(self, tenant: str, query: _native.Query, steps: tuple[int, int, int], form: Form) -> Response:
        """`steps`: first, last and distance in milliseconds.

        `lookback_delta` has no effect, as in Cortex; a `timeout` that cannot be read has none either.
        """
        try:
            timeout_ms = parse_duration_ms(form.get("timeout"))
        except BadParameter:
            timeout_ms = 0
        body = await self._querier.evaluate(
            tenant,
            query,
            *steps,
            timeout_s=timeout_ms / 1000 if timeout_ms > 0 else None,
            stats=bool(form.get("stats")),
        )
        return Response(200, JSON, body)

    def _parse_parameter(self, form: Form) -> _native.Query:
        try:
            return self._querier.parse(form.get("query"))
        except _native.ParseError as e:
            raise BadData(f'invalid parameter "query": {e}') from e

    def _check_length(self, tenant: str, query: _native.Query, steps: tuple[int, int, int]) -> None:
        """`max_query_length`, over the query's range and what its selectors reach back."""
        limit_ms = int(self._overrides.limits(tenant).max_query_length * 1000)
        if limit_ms <= 0:
            return
        length = max(steps[1] - steps[0], query.longest_selection_ms(*steps))
        if length > limit_ms:
            raise BadData(
                f"the query time range exceeds the limit (query length: {format_go_duration(length / 1000)},"
                f" limit: {format_go_duration(limit_ms / 1000)})"
            )

    @staticmethod
    def _time(form: Form, name: str) -> int:
        try:
            return parse_time_ms(form.get(name))
        except BadParameter as e:
            raise BadData(f'invalid parameter "{name}"; {e}') from e

    @staticmethod
    def _window(form: Form) -> tuple[int, int]:
        """`start` and `end`, each of them optional."""
        window = []
        for name, missing in (("start", MIN_TIME_MS), ("end", MAX_TIME_MS)):
            text = form.get(name)
            try:
                window.append(parse_time_ms(text) if text else missing)
            except BadParameter as e:
                raise BadData(f"invalid parameter \"{name}\": invalid time value for '{name}': {e}") from e
        return window[0], window[1]

    @staticmethod
    def _limit(form: Form) -> int:
        try:
            return parse_limit(form.get("limit"))
        except BadParameter as e:
            raise BadData(str(e)) from e


Handler = Callable[[str, "Form", "Request"], Awaitable[Response]]


def answering_errors(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """Resolves the tenant and the form, and gives every error of the query API its status and type."""

    async def answer(request: Request) -> Response:
        try:
            tenant = request.tenant
        except InvalidTenant as e:
            return http_error(400, str(e))
        try:
            form = await request.form()
            if form.error is not None:
                return http_error(400, form.error)
            return await handler(tenant, form, request)
        except (BadData, _native.ParseError) as e:
            return prometheus_error(400, "bad_data", str(e))
        except BodyTooLarge as e:
            return http_error(413, str(e))
        except SelectFailed as e:
            return prometheus_error(500, "server_error", str(e))
        except (_native.LimitError, _native.ExecutionError, RingError, IngesterRefusal) as e:
            return prometheus_error(422, "execution", str(e))
        except _native.QueryTimeoutError as e:
            return prometheus_error(503, "timeout", str(e))
        except _native.QueryCanceledError as e:
            return prometheus_error(499, "canceled", str(e))
        except _native.OverloadedError as e:
            return prometheus_error(429, "too_many_requests", str(e))
        except _native.NativeError as e:
            return prometheus_error(500, "internal", str(e))

    return answer


def routes(endpoints: QueryEndpoints, prefixes: list[str], *, build_info: bool, max_body_bytes: int) -> list[Route]:
    """All endpoints under every prefix."""
    both, get = ("GET", "POST"), ("GET",)
    table: list[tuple[tuple[str, ...], str, Handler]] = [
        (both, "/api/v1/query", endpoints.instant),
        (both, "/api/v1/query_range", endpoints.range),
        (both, "/api/v1/query_exemplars", endpoints.exemplars),
        (both, "/api/v1/series", endpoints.series),
        (("DELETE",), "/api/v1/series", endpoints.delete_series),
        (both, "/api/v1/labels", endpoints.label_names),
        (get, "/api/v1/label/{name}/values", endpoints.label_values),
        (get, "/api/v1/metadata", endpoints.metadata),
        (both, "/api/v1/format_query", endpoints.format_query),
        (both, "/api/v1/parse_query", endpoints.parse_query),
    ]
    found = []
    for prefix in prefixes:
        for methods, path, handler in table:
            found.append(
                Route(
                    methods,
                    prefix + path,
                    answering_errors(handler),
                    tenant=True,
                    cors=True,
                    max_body_bytes=max_body_bytes,
                    invalid_tenant_status=400,
                )
            )
        if build_info:
            found.append(Route(get, prefix + "/api/v1/status/buildinfo", endpoints.build_info, tenant=True, cors=True))
    return found
