"""The query API, with the statuses and texts of Cortex's single process.

What a request says is checked in the order of its query-frontend: syntax, subqueries, the operator's rules, parameters,
length; then the request waits for its turn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from neocortex import _native
from neocortex.http.errors import json_response, prometheus_error
from neocortex.http.message import Response
from neocortex.http.route import Route
from neocortex.ingester.limits import IngesterRefusal
from neocortex.querier.call import BadData
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
from neocortex.querier.reach import RangeTooLong
from neocortex.querier.service import Evaluation, Querier, now_ms
from neocortex.ring.view import RingError

if TYPE_CHECKING:
    from neocortex.http.forms import Form
    from neocortex.http.message import Request
    from neocortex.overrides.limits import Overrides
    from neocortex.querier.call import Answering, Call, Handler
    from neocortex.querier.front import FrontRules
    from neocortex.querier.reach import Reach

JSON = "application/json"
NOTHING = b'{"status":"success","data":[]}'
EMPTY_MATRIX = b'{"status":"success","data":{"resultType":"matrix","result":[]}}'


class QueryEndpoints:
    """The handlers."""

    def __init__(self, querier: Querier, overrides: Overrides, version: dict[str, str], *, rules: FrontRules) -> None:
        self._querier = querier
        self._overrides = overrides
        self._version = version
        self._rules = rules

    async def instant(self, call: Call) -> Response:
        form = call.form
        query = self._accepted(call)
        try:
            # The present is cut to seconds, as in Cortex.
            t = parse_time_ms(form.get("time")) if form.get("time") else now_ms() // 1000 * 1000
        except BadParameter as e:
            return prometheus_error(
                500,
                "server_error",
                f"invalid parameter \"time\"; Invalid time value for 'time': rpc error: code = Code(400) desc = {e}",
            )
        self._check_covered(query, self._querier.reach(call.tenant))
        return await self._evaluate(call, query, (t, t, 0))

    async def range(self, call: Call) -> Response:
        query = self._accepted(call)
        start, end = _time(call.form, "start"), _time(call.form, "end")
        if end < start:
            raise BadData("end timestamp must not be before start time")
        try:
            step = parse_duration_ms(call.form.get("step"))
        except BadParameter as e:
            raise BadData(f'invalid parameter "step"; {e}') from e
        if step <= 0:
            raise BadData("zero or negative query resolution step widths are not accepted. Try a positive integer")
        if (end - start) // step > MAX_POINTS:
            raise BadData(
                "exceeded maximum resolution of 11,000 points per timeseries."
                " Try decreasing the query resolution (?step=XX)"
            )
        reach = self._querier.reach(call.tenant)
        if self._overrides.limits(call.tenant).max_query_lookback:
            if end < reach.first_ms:
                return Response(200, JSON, EMPTY_MATRIX)
            start = max(start, reach.first_ms)
        self._check_covered(query, reach, end - start)
        return await self._evaluate(call, query, (start, end, step))

    async def exemplars(self, call: Call) -> Response:
        start, end = _window(call.form)
        if end < start:
            raise BadData("end timestamp must not be before start timestamp")
        query = self._querier.parse(call.form.get("query"))
        return Response(200, JSON, await self._querier.exemplars(call.tenant, query, start, end, call.stats))

    async def series(self, call: Call) -> Response:
        self._rules.check_lookup(call)
        texts = call.form.get_all("match[]")
        if not texts:
            raise BadData("no match[] parameter provided")
        start, end = _window(call.form)
        limit = _limit(call.form)
        selectors = self._querier.selectors(texts)
        if selectors.any_matches_everything:
            raise BadData('invalid parameter "match[]": match[] must contain at least one non-empty matcher')
        if end < start:
            return prometheus_error(500, "internal", "end timestamp must not be before start timestamp")
        if not self._querier.reach(call.tenant).sees_lookup(start, end):
            return Response(200, JSON, NOTHING)
        try:
            return Response(200, JSON, await self._querier.series(call.tenant, selectors, limit, call.stats))
        except (RingError, IngesterRefusal) as e:
            return prometheus_error(500, "internal", str(e))

    async def delete_series(self, call: Call) -> Response:
        return prometheus_error(500, "internal", "not implemented")

    async def label_names(self, call: Call) -> Response:
        if (selectors := self._lookup(call)) is None:
            return Response(200, JSON, NOTHING)
        limit = _limit(call.form)
        return Response(200, JSON, await self._querier.label_names(call.tenant, selectors, limit, call.stats))

    async def label_values(self, call: Call) -> Response:
        if (selectors := self._lookup(call)) is None:
            return Response(200, JSON, NOTHING)
        name, limit = call.request.path_params["name"], _limit(call.form)
        return Response(200, JSON, await self._querier.label_values(call.tenant, name, selectors, limit, call.stats))

    async def metadata(self, call: Call) -> Response:
        limits = {}
        for name in ("limit", "limit_per_metric"):
            text = call.form.get(name)
            try:
                limits[name] = parse_integer(text) if text else -1
            except BadParameter:
                return json_response({"status": "error", "error": f"{name} must be a number"}, 400)
        try:
            body = await self._querier.metadata(call.tenant, call.form.get("metric"), call.stats, **limits)
        except RingError as e:
            return json_response({"status": "error", "error": str(e)}, 400)
        return Response(200, JSON, body)

    async def format_query(self, call: Call) -> Response:
        return json_response({"status": "success", "data": self._parse_parameter(call.form).pretty()})

    async def parse_query(self, call: Call) -> Response:
        tree = self._parse_parameter(call.form).tree_json()
        return Response(200, JSON, b'{"status":"success","data":' + tree + b"}")

    async def build_info(self, request: Request) -> Response:
        answer = json_response({"status": "success", "data": self._version})
        return Response(200, "text/plain; charset=utf-8", answer.body)

    def _accepted(self, call: Call) -> _native.Query:
        """The query, if the rules let it pass. Raises `_native.ParseError`, `BadData`, `QueryRejected`."""
        query = self._querier.parse(call.form.get("query"))
        self._rules.check_query(call, query)
        return query

    def _check_covered(self, query: _native.Query, reach: Reach, length_ms: int = 0) -> None:
        """`max_query_length` for what a request names: its range, and how far its selectors reach."""
        if reach.max_length_ms <= 0:
            return
        try:
            reach.check_length(length_ms)
            reach.check_length(self._rules.covered_ms(query))
        except RangeTooLong as e:
            raise BadData(str(e)) from e

    async def _evaluate(self, call: Call, query: _native.Query, steps: tuple[int, int, int]) -> Response:
        """`steps`: first, last and distance in milliseconds.

        `lookback_delta` has no effect, as in Cortex; a `timeout` that cannot be read has none either.
        """
        try:
            timeout_ms = parse_duration_ms(call.form.get("timeout"))
        except BadParameter:
            timeout_ms = 0
        timeout_s = timeout_ms / 1000 if timeout_ms > 0 else None
        asked = Evaluation(query, *steps, timeout_s=timeout_s, stats=call.form.get("stats"))
        return Response(200, JSON, await self._querier.evaluate(call.tenant, asked, call.stats))

    def _lookup(self, call: Call) -> _native.Selectors | None:
        """The selectors of a lookup of names or values; None when the tenant sees nothing of its time range."""
        self._rules.check_lookup(call)
        start, end = _window(call.form)
        _limit(call.form)
        selectors = self._querier.selectors(call.form.get_all("match[]"))
        return selectors if self._querier.reach(call.tenant).sees_lookup(start, end) else None

    def _parse_parameter(self, form: Form) -> _native.Query:
        try:
            return self._querier.parse(form.get("query"))
        except _native.ParseError as e:
            raise BadData(f'invalid parameter "query": {e}') from e


def _time(form: Form, name: str) -> int:
    try:
        return parse_time_ms(form.get(name))
    except BadParameter as e:
        raise BadData(f'invalid parameter "{name}"; {e}') from e


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


def _limit(form: Form) -> int:
    try:
        return parse_limit(form.get("limit"))
    except BadParameter as e:
        raise BadData(str(e)) from e


def routes(
    endpoints: QueryEndpoints, answering: Answering, prefixes: list[str], *, build_info: bool, max_body_bytes: int
) -> list[Route]:
    """All endpoints under every prefix."""
    both, get = ("GET", "POST"), ("GET",)
    table: list[tuple[tuple[str, ...], str, str, Handler]] = [
        (both, "/api/v1/query", "query", endpoints.instant),
        (both, "/api/v1/query_range", "query_range", endpoints.range),
        (both, "/api/v1/query_exemplars", "query_exemplars", endpoints.exemplars),
        (both, "/api/v1/series", "series", endpoints.series),
        (("DELETE",), "/api/v1/series", "series", endpoints.delete_series),
        (both, "/api/v1/labels", "label_names", endpoints.label_names),
        (get, "/api/v1/label/{name}/values", "label_values", endpoints.label_values),
        (get, "/api/v1/metadata", "metadata", endpoints.metadata),
        (both, "/api/v1/format_query", "format_query", endpoints.format_query),
        (both, "/api/v1/parse_query", "parse_query", endpoints.parse_query),
    ]
    found = []
    for prefix in prefixes:
        for methods, path, op, handler in table:
            found.append(
                Route(
                    methods,
                    prefix + path,
                    answering.route(op, handler),
                    tenant=True,
                    cors=True,
                    max_body_bytes=max_body_bytes,
                    invalid_tenant_status=400,
                )
            )
        if build_info:
            found.append(Route(get, prefix + "/api/v1/status/buildinfo", endpoints.build_info, tenant=True, cors=True))
    return found
