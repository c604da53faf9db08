"""The query endpoints' statuses and texts, from the request to the bytes of the answer."""

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from neocortex import _native
from neocortex.http.app import Application
from neocortex.http.errors import BodyTooLarge
from neocortex.http.message import Response
from neocortex.http.route import Route
from neocortex.http.settings import HTTPSettings
from neocortex.observe import Registry, get_logger
from neocortex.querier.call import Answering, BadData, Call
from neocortex.querier.metrics import QueryMetrics
from support.in_process import InProcess, Parameters, call, running
from support.remote_write import Answer, encode_v1

NOW_MS = 1_700_000_000_000
NOW = "1700000000"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[InProcess]:
    async with running(tmp_path, "-validation.reject-old-samples=false") as process:
        yield process


def error_of(answer: Answer) -> tuple[int, str, str]:
    """Status, type and text of the Prometheus API's error."""
    assert answer.headers["content-type"] == "application/json"
    body = json.loads(answer.body)
    assert set(body) == {"status", "errorType", "error"}
    assert body["status"] == "error"
    return answer.status, body["errorType"], body["error"]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (BadData("no"), (400, "bad_data", "no")),
        (_native.ParseError("1:1: parse error: x"), (400, "bad_data", "1:1: parse error: x")),
        (_native.LimitError("too many"), (422, "execution", "too many")),
        (_native.ExecutionError("cannot"), (422, "execution", "cannot")),
        (_native.QueryTimeoutError("late"), (503, "timeout", "late")),
        (_native.QueryCanceledError("gone"), (499, "canceled", "gone")),
        (_native.OverloadedError("full"), (429, "too_many_requests", "full")),
        (_native.StorageFailedError("disk"), (500, "internal", "disk")),
        (_native.InternalError("bug"), (500, "internal", "bug")),
        (_native.ClosedError("closed"), (500, "internal", "closed")),
    ],
)
async def test_every_error_has_its_status_and_type(error: Exception, expected: tuple[int, str, str]) -> None:
    answer = await answer_when_raising(error)
    assert error_of(answer) == expected


async def test_a_body_that_is_too_large() -> None:
    answer = await answer_when_raising(BodyTooLarge(10, 11))
    assert (answer.status, answer.text) == (413, "http: request body too large\n")


async def answer_when_raising(error: Exception) -> Answer:
    async def handler(call: Call) -> Response:
        raise error

    registry = Registry()
    app = Application(HTTPSettings(), registry, get_logger())
    answering = Answering(QueryMetrics(registry, query_stats_enabled=False), query_stats_enabled=False, slow_s=0)
    app.add([Route(("GET",), "/q", answering.route("query", handler), tenant=True)])
    return await call(app, "GET", "/q", headers={"x-scope-orgid": "t"})


@pytest.mark.parametrize(
    ("path", "parameters", "expected"),
    [
        ("query", {"query": ""}, (400, "bad_data", "unknown position: parse error: no expression found in input")),
        (
            "query",
            {"query": "1", "time": 'x"'},
            (
                500,
                "server_error",
                "invalid parameter \"time\"; Invalid time value for 'time': rpc error: code = Code(400) desc = "
                'cannot parse "x\\"" to a valid timestamp',
            ),
        ),
        (
            "query_range",
            {"query": "1", "end": "1", "step": "1"},
            (400, "bad_data", 'invalid parameter "start"; cannot parse "" to a valid timestamp'),
        ),
        (
            "query_range",
            {"query": "1", "start": "1", "end": "\u0661", "step": "1"},
            (400, "bad_data", 'invalid parameter "end"; cannot parse "\u0661" to a valid timestamp'),
        ),
        (
            "query_range",
            {"query": "1", "start": "2", "end": "1", "step": "1"},
            (400, "bad_data", "end timestamp must not be before start time"),
        ),
        (
            "query_range",
            {"query": "1", "start": "1", "end": "1", "step": "1m1h"},
            (400, "bad_data", 'invalid parameter "step"; cannot parse "1m1h" to a valid duration'),
        ),
        *(
            (
                "query_range",
                {"query": "1", "start": "1", "end": "1", "step": step},
                (
                    400,
                    "bad_data",
                    "zero or negative query resolution step widths are not accepted. Try a positive integer",
                ),
            )
            for step in ("0", "-1", "0.0001", "NaN")
        ),
        (
            "query_range",
            {"query": "1", "start": "0", "end": "11001", "step": "1"},
            (
                400,
                "bad_data",
                "exceeded maximum resolution of 11,000 points per timeseries."
                " Try decreasing the query resolution (?step=XX)",
            ),
        ),
        (
            "query_range",
            {"query": "up[5m]", "start": "0", "end": "1", "step": "1"},
            (
                400,
                "bad_data",
                'invalid parameter "query"; invalid expression type "range vector" for range query,'
                " must be Scalar or instant Vector",
            ),
        ),
        ("series", {}, (400, "bad_data", "no match[] parameter provided")),
        (
            "series",
            {"match[]": "{a=~'.*'}"},
            (400, "bad_data", 'invalid parameter "match[]": match[] must contain at least one non-empty matcher'),
        ),
        (
            "series",
            {"match[]": "up", "start": "2", "end": "1"},
            (500, "internal", "end timestamp must not be before start timestamp"),
        ),
        (
            "labels",
            {"limit": "9" * 30},
            (
                400,
                "bad_data",
                f'invalid parameter "limit": strconv.Atoi: parsing "{"9" * 30}": value out of range',
            ),
        ),
        (
            "labels",
            {"start": "x"},
            (
                400,
                "bad_data",
                'invalid parameter "start": invalid time value for \'start\': cannot parse "x" to a valid timestamp',
            ),
        ),
        (
            "label/job/values",
            {"limit": "-1"},
            (400, "bad_data", 'invalid parameter "limit": limit must be non-negative'),
        ),
        (
            "query_exemplars",
            {"query": "up", "start": "2", "end": "1"},
            (400, "bad_data", "end timestamp must not be before start timestamp"),
        ),
        (
            "format_query",
            {"query": ""},
            (400, "bad_data", 'invalid parameter "query": unknown position: parse error: no expression found in input'),
        ),
    ],
)
async def test_bad_requests(
    server: InProcess, path: str, parameters: Parameters, expected: tuple[int, str, str]
) -> None:
    assert error_of(await server.api(path, parameters)) == expected


@pytest.mark.parametrize("name", ["limit", "limit_per_metric"])
@pytest.mark.parametrize("text", ["x", "1_0", " 1", "1.0", "\u0661", "9" * 19, "9" * 5000])
async def test_metadata_wants_numbers(server: InProcess, name: str, text: str) -> None:
    answer = await server.api("metadata", {name: text})
    assert answer.status == 400
    assert json.loads(answer.body) == {"status": "error", "error": f"{name} must be a number"}


@pytest.mark.parametrize(
    ("start", "end", "step"),
    [
        ("-9223372036.854", "9223372036.854", "9.2e15"),
        ("-9223372036.854", "-9223372036.854", "1e-3"),
        ("9223372036.854", "9223372036.854", "9.2e15"),
        ("9223372036", "9223372036.854", "1e-3"),
        ("nan", "inf", "292y"),
    ],
)
@pytest.mark.parametrize(
    "query", ["up", "rate(up[5m] offset 290y)", "vector(1) or up @ 9e15", "avg_over_time(up[1h:1m])"]
)
async def test_the_ends_of_time_are_no_fault_of_ours(
    server: InProcess, query: str, start: str, end: str, step: str
) -> None:
    await server.push(encode_v1([({"__name__": "up"}, [(NOW_MS, 1.0)])]))
    answer = await server.api("query_range", {"query": query, "start": start, "end": end, "step": step})
    assert answer.status == 200, answer.text
    instant = await server.api("query", {"query": query, "time": end})
    assert instant.status == 200, instant.text


async def test_a_limit_of_series(tmp_path: Path) -> None:
    flags = ("-validation.reject-old-samples=false", "-querier.max-fetched-series-per-query=1")
    async with running(tmp_path, *flags) as server:
        series = [({"__name__": "up", "job": job}, [(NOW_MS, 1.0)]) for job in ("a", "b")]
        assert (await server.push(encode_v1(series))).status == 200
        status, kind, text = error_of(await server.api("query", {"query": "up", "time": NOW}))
        assert (status, kind) == (422, "execution")
        assert "the query hit the max number of series limit (limit: 1 series)" in text
        assert (await server.api("query", {"query": "up{job='a'}", "time": NOW})).status == 200


async def test_another_tenant_sees_nothing(server: InProcess) -> None:
    assert (await server.push(encode_v1([({"__name__": "up"}, [(NOW_MS, 1.0)])]))).status == 200
    own = await server.api("query", {"query": "up", "time": NOW})
    assert [row["metric"] for row in json.loads(own.body)["data"]["result"]] == [{"__name__": "up"}]
    other = await server.api("query", {"query": "up", "time": NOW}, tenant="other")
    assert json.loads(other.body)["data"]["result"] == []


@pytest.mark.parametrize("path", ["query", "query_range", "series", "labels", "label/a/values", "metadata"])
async def test_an_invalid_tenant_is_a_plain_400(server: InProcess, path: str) -> None:
    answer = await server.api(path, {"query": "1"}, tenant="a/b")
    assert (answer.status, answer.text) == (400, "tenant ID 'a/b' contains unsupported character '/'\n")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


async def test_forms_are_read_from_both_ends(server: InProcess) -> None:
    answer = await server.call(
        "POST",
        "/prometheus/api/v1/query?time=1",
        b"query=time()",
        {"content-type": "application/x-www-form-urlencoded"},
    )
    assert json.loads(answer.body)["data"] == {"resultType": "scalar", "result": [1, "1"]}
    unread = await server.call(
        "POST", "/prometheus/api/v1/query?time=1", b"query=time()", {"content-type": "text/plain"}
    )
    assert error_of(unread)[0] == 400
    broken = await server.call("GET", "/prometheus/api/v1/query?query=%zz")
    assert (broken.status, broken.text) == (400, 'invalid URL escape "%zz"\n')


async def test_series_cannot_be_deleted(server: InProcess) -> None:
    answer = await server.call("DELETE", "/prometheus/api/v1/series")
    assert error_of(answer) == (500, "internal", "not implemented")


async def test_without_a_time_the_present_is_cut_to_seconds(server: InProcess) -> None:
    at, _ = json.loads((await server.api("query", {"query": "1"})).body)["data"]["result"]
    assert isinstance(at, int)
    assert 0 <= time.time() - at < 2
