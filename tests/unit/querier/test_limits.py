"""The limits of a query: at the limit, and one above, with Cortex's text and status."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from support.in_process import InProcess, Parameters, running
from support.remote_write import Answer, encode_v1

NOW_S = 1_700_000_000
EXPANDING = "expanding series: "
MINUTE_S = 60
LONG = "sum_over_time(quantile_over_time(0.5, (vector(time()) % 977)[12h:1s])[12h:1s])"
"""Half a day of windows of half a day: takes minutes when nobody stops it."""


@asynccontextmanager
async def server(folder: Path, *flags: str, end_s: int = NOW_S) -> AsyncIterator[InProcess]:
    """One with three series of ten samples, a minute apart, the last at `end_s`."""
    async with running(folder, "-validation.reject-old-samples=false", *flags) as process:
        samples = [((end_s - k * MINUTE_S) * 1000, float(k)) for k in reversed(range(10))]
        body = encode_v1([({"__name__": "m", "i": str(i)}, samples) for i in range(3)])
        assert (await process.push(body)).status == 200
        yield process


def refusal(answer: Answer) -> tuple[int, str, str]:
    body = json.loads(answer.body)
    assert set(body) == {"status", "errorType", "error"}
    return answer.status, body["errorType"], body["error"]


def result(answer: Answer) -> Any:
    assert answer.status == 200, answer.text
    return json.loads(answer.body)["data"]["result"]


async def instant(process: InProcess, query: str, time_s: int = NOW_S) -> Answer:
    return await process.api("query", {"query": query, "time": str(time_s)})


@pytest.mark.parametrize(
    ("flag", "most", "query", "text"),
    [
        ("series", 2, "m{i=~'0|1'} + m{i=~'0|1'}", "the query hit the max number of series limit (limit: {} series)"),
        (
            "series",
            3,
            "sum(m{i='0'}) + sum(m{i!='0'})",
            "the query hit the max number of series limit (limit: {} series)",
        ),
        ("chunks", 3, "m", "the query hit the max number of chunks limit (limit: {} chunks)"),
        ("chunks", 6, "m + m", "the query hit the max number of chunks limit (limit: {} chunks)"),
        # As a Cortex counts these series.
        (
            "chunk-bytes",
            153,
            "count_over_time(m[1h])",
            "the query hit the aggregated chunks size limit (limit: {} bytes)",
        ),
        ("data-bytes", 234, "count_over_time(m[1h])", "the query hit the aggregated data size limit (limit: {} bytes)"),
    ],
)
async def test_what_a_query_may_fetch(tmp_path: Path, flag: str, most: int, query: str, text: str) -> None:
    name = f"-querier.max-fetched-{flag}-per-query"
    async with server(tmp_path / "at", f"{name}={most}") as process:
        assert result(await instant(process, query)) != []
    async with server(tmp_path / "above", f"{name}={most - 1}") as process:
        expected = EXPANDING + text.format(most - 1)
        assert refusal(await instant(process, query)) == (422, "execution", expected)
        ranged = await process.api("query_range", {"query": query, "start": str(NOW_S), "end": str(NOW_S), "step": "1"})
        assert refusal(ranged) == (422, "execution", expected)


async def test_series_of_a_lookup(tmp_path: Path) -> None:
    async with server(tmp_path, "-querier.max-fetched-series-per-query=2") as process:
        assert (await process.api("series", {"match[]": "m{i=~'0|1'}"})).status == 200
        expected = (422, "execution", "the query hit the max number of series limit (limit: 2 series)")
        assert refusal(await process.api("series", {"match[]": "m"})) == expected


async def test_samples_in_memory(tmp_path: Path) -> None:
    async with server(tmp_path, "-querier.max-samples=3") as process:
        assert len(result(await instant(process, "m"))) == 3
        expected = "query processing would load too many samples into memory in query execution"
        assert refusal(await instant(process, "m or vector(1)")) == (422, "execution", expected)


def too_long(length: str, limit: str = "1h0m0s") -> str:
    return f"the query time range exceeds the limit (query length: {length}, limit: {limit})"


@pytest.mark.parametrize(
    ("path", "parameters", "expected"),
    [
        ("query", {"query": "rate(m[1h])"}, None),
        ("query", {"query": "rate(m[3600001ms])"}, (400, "bad_data", too_long("1h0m0.001s"))),
        ("query", {"query": "rate(m[40m]) + rate(m[40m] offset 60m)"}, (400, "bad_data", too_long("1h20m0s"))),
        ("query", {"query": "max_over_time(rate(m[40m])[40m:1m])"}, (400, "bad_data", too_long("1h20m0s"))),
        ("query_range", {"query": "m @ 0", "start": -3600}, None),
        ("query_range", {"query": "1", "start": -3600}, None),
        ("query_range", {"query": "1", "start": -3601}, (400, "bad_data", too_long("1h0m1s"))),
        ("query_range", {"query": "m", "start": -3300}, None),
        (
            "query_range",
            {"query": "m", "start": -3600},
            (422, "execution", "expanding series: " + too_long("1h4m59.999s")),
        ),
        ("series", {"match[]": "m", "start": -3600}, None),
        ("series", {"match[]": "m", "start": -3601}, (422, "execution", too_long("1h0m1s"))),
        ("series", {"match[]": "m"}, None),
        ("labels", {"start": -3600}, None),
        ("labels", {"start": -3601}, (422, "execution", too_long("1h0m1s"))),
        ("labels", {}, None),
        ("label/i/values", {"start": -3601}, (422, "execution", too_long("1h0m1s"))),
        ("query_exemplars", {"query": "m", "start": -7200}, None),
    ],
)
async def test_how_long_a_stretch_may_be(
    tmp_path: Path, path: str, parameters: dict[str, Any], expected: tuple[int, str, str] | None
) -> None:
    asked: dict[str, str] = {name: str(value) for name, value in parameters.items()}
    if "start" in parameters:
        asked |= {"start": str(NOW_S + parameters["start"]), "end": str(NOW_S)}
    asked |= {"time": str(NOW_S), "step": "300"}
    async with server(tmp_path, "-store.max-query-length=1h") as process:
        answer = await process.api(path, asked)
    if expected is None:
        assert answer.status == 200, answer.text
    else:
        assert refusal(answer) == expected


async def test_the_length_of_selectors_can_be_left_to_the_front(tmp_path: Path) -> None:
    flags = ("-store.max-query-length=1h", "-querier.ignore-max-query-length=true")
    async with server(tmp_path, *flags) as process:
        asked = {"query": "m", "start": str(NOW_S - 3600), "end": str(NOW_S), "step": "300"}
        assert (await process.api("query_range", asked)).status == 200
        asked["start"] = str(NOW_S - 3601)
        assert refusal(await process.api("query_range", asked)) == (400, "bad_data", too_long("1h0m1s"))
        lookup = {"match[]": "m", "start": str(NOW_S - 3601), "end": str(NOW_S)}
        assert refusal(await process.api("series", lookup)) == (422, "execution", too_long("1h0m1s"))


async def test_how_far_back_a_query_sees(tmp_path: Path) -> None:
    now = int(time.time())
    async with server(tmp_path, "-querier.max-query-lookback=5m", end_s=now) as process:
        (number,) = result(await instant(process, "sum(count_over_time(m[1h]))", now))
        assert 3 * 4 <= int(number["value"][1]) <= 3 * 5
        asked = {"query": "1", "end": str(now), "step": "60"}
        (ones,) = result(await process.api("query_range", asked | {"start": str(now - 3600)}))
        assert 5 <= len(ones["values"]) <= 6
        old = {"start": str(now - 3600), "end": str(now - 1800)}
        assert result(await process.api("query_range", asked | old)) == []
        assert result(await instant(process, "m", now - 1800)) == []
        for path in ("series", "labels", "label/i/values"):
            assert json.loads((await process.api(path, {"match[]": "m"} | old)).body)["data"] == []
            assert json.loads((await process.api(path, {"match[]": "m"})).body)["data"] != []


@pytest.mark.parametrize(("into_future", "seen"), [("1m", False), ("1h", True), ("0s", True)])
async def test_how_far_into_the_future_a_query_sees(tmp_path: Path, into_future: str, seen: bool) -> None:
    soon = int(time.time()) + 9 * MINUTE_S
    async with server(tmp_path, f"-querier.max-query-into-future={into_future}", end_s=soon) as process:
        found = result(await instant(process, "max_over_time(m[1m])", soon))
        assert bool(found) == seen


@pytest.mark.parametrize(
    ("query", "allowed"),
    [
        ("max_over_time(m[100m:1m])", True),
        ("max_over_time(m[100m59s:1m])", True),
        ("max_over_time(m[101m:1m])", False),
        ("max_over_time(m[50m:30s])", True),
        ("max_over_time(m[101m:])", False),
        ("vector(1) or max_over_time(max_over_time(m[101m:1m])[1m:1m])", False),
    ],
)
async def test_steps_of_a_subquery(tmp_path: Path, query: str, allowed: bool) -> None:
    async with server(tmp_path, "-querier.max-subquery-steps=100") as process:
        answer = await instant(process, query)
        ranged = await process.api("query_range", {"query": query, "start": "bad"})
    if allowed:
        assert answer.status == 200
        return
    expected = (
        400,
        "bad_data",
        "exceeded maximum resolution of 100 points per timeseries in subquery."
        " Try increasing the step size of your subquery",
    )
    assert refusal(answer) == expected
    assert refusal(ranged) == expected, "it is looked at before the parameters"


async def test_the_size_of_an_answer(tmp_path: Path) -> None:
    async with server(tmp_path / "a") as process:
        size = len((await instant(process, "m")).body)
    async with server(tmp_path / "b", f"-frontend.max-query-response-size={size}") as process:
        assert (await instant(process, "m")).status == 200
    async with server(tmp_path / "c", f"-frontend.max-query-response-size={size - 1}") as process:
        text = f"the query response size exceeds limit (limit: {size - 1} bytes)"
        assert refusal(await instant(process, "m")) == (422, "execution", text)
        assert (await process.api("series", {"match[]": "m", "start": "0"})).status == 200


async def test_requests_that_wait(tmp_path: Path) -> None:
    flags = (
        "-querier.worker-parallelism=1",
        "-frontend.max-outstanding-requests-per-tenant=1",
        "-querier.timeout=500ms",
    )
    async with server(tmp_path, *flags) as process:
        running_one = asyncio.create_task(instant(process, LONG))
        await asyncio.sleep(0)
        waiting = asyncio.create_task(process.api("labels", {}))
        await asyncio.sleep(0)
        assert refusal(await instant(process, "1")) == (429, "server_error", "too many outstanding requests")
        assert (await waiting).status == 200
        assert refusal(await running_one)[:2] == (503, "timeout")


async def test_queries_that_run_at_once(tmp_path: Path) -> None:
    async with server(tmp_path, "-querier.max-concurrent=1", "-querier.timeout=300ms") as process:
        text = (await process.call("GET", "/metrics")).text
        assert 'prometheus_engine_queries_concurrent_max{engine="querier"} 1\n' in text
        running_one = asyncio.create_task(instant(process, LONG))
        await asyncio.sleep(0.05)
        content = (tmp_path / "active-query-tracker" / "queries.active").read_bytes()
        assert content.startswith(b'[{"query":"sum_over_time(')
        assert len(content) == 1001
        lookup = asyncio.create_task(process.api("labels", {}))
        assert (await lookup).status == 200, "a lookup is no evaluation"
        assert not running_one.done()
        await running_one


async def test_without_a_folder_there_is_no_log_of_active_queries(tmp_path: Path) -> None:
    async with server(tmp_path, "-querier.active-query-tracker-dir=") as process:
        assert result(await instant(process, "m"))
        text = (await process.call("GET", "/metrics")).text
        assert 'prometheus_engine_queries_concurrent_max{engine="querier"} -1\n' in text
    assert not (tmp_path / "active-query-tracker").exists()


@asynccontextmanager
async def overridden(folder: Path, lines: Sequence[str], *flags: str) -> AsyncIterator[InProcess]:
    """A server whose tenant `t` has limits of its own."""
    path = folder / "runtime.yaml"
    path.write_text("overrides:\n  t:\n" + "".join(f"    {line}\n" for line in lines))
    async with server(folder, f"-runtime-config.file={path}", *flags) as process:
        yield process


@pytest.mark.parametrize(
    ("line", "path", "parameters", "status"),
    [
        ("max_fetched_series_per_query: 1", "query", {"query": "m"}, 422),
        ("max_fetched_chunks_per_query: 1", "query", {"query": "m"}, 422),
        ("max_fetched_chunk_bytes_per_query: 1", "query", {"query": "m"}, 422),
        ("max_fetched_data_bytes_per_query: 1", "query", {"query": "m"}, 422),
        ("max_query_length: 1s", "query", {"query": "rate(m[5m])"}, 400),
        ("max_query_response_size: 1", "query", {"query": "1"}, 422),
        ("max_outstanding_requests_per_tenant: 0", "query", {"query": "1"}, 429),
        ("query_rejection: {enabled: true, query_attributes: [{regex: m}]}", "query", {"query": "m"}, 422),
        ("query_rejection: {enabled: true, query_attributes: [{api_type: labels}]}", "labels", {}, 422),
    ],
)
async def test_limits_of_one_tenant(tmp_path: Path, line: str, path: str, parameters: Parameters, status: int) -> None:
    async with overridden(tmp_path, [line]) as process:
        asked = dict(parameters) | {"time": str(NOW_S)}
        assert (await process.api(path, asked)).status == status
        assert (await process.api(path, asked, tenant="other")).status == 200


async def test_the_order_of_checks(tmp_path: Path) -> None:
    lines = ["query_rejection: {enabled: true, query_attributes: [{regex: bad}]}", "max_query_length: 1h"]
    async with overridden(tmp_path, lines, "-querier.max-subquery-steps=100") as process:

        async def text(query: str, **parameters: str) -> str:
            return refusal(await process.api("query_range", {"query": query} | parameters))[2]

        assert re.search("parse error", await text("bad[101m:1m", start="x"))
        assert re.search("maximum resolution of 100 points", await text("bad[101m:1m]", start="x"))
        assert re.search("rejected by the service operator", await text("bad[2h]", start="x"))
        assert re.search('"start"; cannot parse', await text("m[2h]", start="x", end="2", step="1"))
        assert re.search("exceeds the limit", await text("m[2h]", start="1", end="2", step="1"))
        assert re.search("invalid expression type", await text("m[1h]", start="1", end="2", step="1"))
