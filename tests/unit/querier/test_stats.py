"""What queries cost: in the log, in metrics, in answers."""

import io
import json
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from neocortex.http.message import Response
from neocortex.observe import Registry, log
from neocortex.querier.metrics import IDLE_S, QueryMetrics
from neocortex.querier.stats import QueryStats
from support.in_process import InProcess, running
from support.remote_write import encode_v1
from support.scrape import scrape

NOW_S = 1_700_000_000


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What is logged."""
    written = io.StringIO()
    log.configure(stream=written)
    yield written
    log.configure()


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[InProcess]:
    """With statistics, and three series of ten samples a minute apart, the last at `NOW_S`."""
    flags = (
        "-validation.reject-old-samples=false",
        "-frontend.query-stats-enabled=true",
        "-frontend.log-queries-longer-than=1h",
        "-querier.per-step-stats-enabled=true",
    )
    async with running(tmp_path, *flags) as process:
        samples = [((NOW_S - k * 60) * 1000, float(k)) for k in reversed(range(10))]
        body = encode_v1([({"__name__": "m", "i": str(i)}, samples) for i in range(3)])
        assert (await process.push(body)).status == 200
        yield process


def line_of(lines: io.StringIO, msg: str) -> str:
    """The only line with this message, without the parts that differ from run to run."""
    (line,) = [line for line in lines.getvalue().splitlines() if f'msg="{msg}"' in line]
    line = re.sub(r"^ts=\S+ caller=\S+ ", "", line)
    return re.sub(r"(response_time|query_wall_time_seconds|query_storage_wall_time_seconds)=\S+", r"\1=T", line)


async def test_the_lines_of_a_query(server: InProcess, lines: io.StringIO) -> None:
    headers = {
        "user-agent": "test/1",
        "accept-encoding": "br",
        "x-dashboard-uid": "d",
        "x-panel-id": "7",
    }
    path = f"/prometheus/api/v1/query?query=sum(count_over_time(m[1h]))&time={NOW_S}"
    answer = await server.call("GET", path, headers=headers)
    assert answer.status == 200
    assert line_of(lines, "query request") == (
        'level=info org_id=t msg="query request" component=query-frontend method=GET path=/prometheus/api/v1/query'
        " X-Dashboard-Uid=d X-Panel-Id=7 query_length=27 user_agent=test/1 accept_encoding=br"
        f" param_time={NOW_S} param_query=sum(count_over_time(m[1h]))"
    )
    assert line_of(lines, "query stats") == (
        'level=info org_id=t msg="query stats" component=query-frontend method=GET path=/prometheus/api/v1/query'
        " response_time=T query_wall_time_seconds=T response_series_count=1 fetched_series_count=3"
        " fetched_chunks_count=3 fetched_samples_count=30 fetched_chunks_bytes=153 fetched_data_bytes=234"
        f" split_queries=1 status_code=200 response_size={len(answer.body)} samples_scanned=30 X-Dashboard-Uid=d"
        " X-Panel-Id=7 query_length=27 user_agent=test/1 query_storage_wall_time_seconds=T"
        f" param_time={NOW_S} param_query=sum(count_over_time(m[1h]))"
    )
    timing = r"querier_wall_time;dur=[0-9.]+, response_time;dur=[0-9.]+"
    assert re.fullmatch(timing, answer.headers["server-timing"])


async def test_the_line_of_a_refused_query(server: InProcess, lines: io.StringIO) -> None:
    answer = await server.api("query", {"query": "m + on() m", "time": str(NOW_S)})
    assert answer.status == 422
    line = line_of(lines, "query stats")
    assert line.startswith("level=error ")
    assert " fetched_series_count=6 " in line
    assert " status_code=422 response_size=0 samples_scanned=0 " in line
    assert r' error="{\"status\":\"error\",\"errorType\":\"execution\",' in line
    assert "server-timing" in answer.headers


async def test_a_query_that_is_not_evaluated_has_no_turn(server: InProcess, lines: io.StringIO) -> None:
    assert (await server.api("query", {"query": "("})).status == 400
    assert " split_queries=0 status_code=400 " in line_of(lines, "query stats")


async def test_a_lookup_has_its_lines_too(server: InProcess, lines: io.StringIO) -> None:
    await server.api("series", {"match[]": ["m", "n"], "start": "1"})
    assert line_of(lines, "query stats").endswith(" param_start=1 param_match[]=m,n")
    assert " fetched_series_count=0 " in line_of(lines, "query stats")


async def test_what_a_ruler_asks_is_counted_apart_and_not_logged(server: InProcess, lines: io.StringIO) -> None:
    headers = {"user-agent": "CortexRuler/1"}
    await server.call("GET", f"/prometheus/api/v1/query?query=m&time={NOW_S}", headers=headers)
    assert lines.getvalue() == ""
    assert 'cortex_query_samples_total{source="ruler",user="t"} 15\n' in await metrics(server)


async def metrics(server: InProcess) -> str:
    return (await server.call("GET", "/metrics")).text


async def test_what_is_counted(server: InProcess) -> None:
    for _ in range(2):
        await server.api("query", {"query": "count_over_time(m[1h]) + count_over_time(m[1h])", "time": str(NOW_S)})
    await server.api("query", {"query": "m", "time": str(NOW_S)}, tenant="other")
    await server.api("query_exemplars", {"query": "m"})
    text = await metrics(server)
    labels = '{source="api",user="t"}'
    for line in (
        f"cortex_query_fetched_series_total{labels} 12",
        f"cortex_query_samples_total{labels} 120",
        f"cortex_query_samples_scanned_total{labels} 120",
        f"cortex_query_fetched_chunks_bytes_total{labels} {4 * 153}",
        f"cortex_query_fetched_data_bytes_total{labels} {4 * 234}",
        f"cortex_query_peak_samples_count{labels} 3",
        'cortex_query_frontend_queries_total{op="query",source="api",user="t"} 2',
        'cortex_query_frontend_queries_total{op="query",source="api",user="other"} 1',
        'cortex_query_frontend_queries_total{op="query_exemplars",source="api",user="t"} 1',
        "cortex_ingester_queries_total 5",
        "cortex_ingester_queried_series_sum 12",
        "cortex_ingester_queried_series_count 4",
        "cortex_ingester_queried_samples_sum 120",
        'cortex_ingester_queried_samples_bucket{le="2.097152e+07"} 4',
        "cortex_ingester_queried_chunks_sum 12",
        'cortex_ingester_queried_chunks_bucket{le="2.62144e+06"} 4',
        "cortex_ingester_queried_exemplars_count 1",
        'cortex_ingester_queried_exemplars_bucket{le="6250"} 1',
        'prometheus_engine_query_samples_total{engine="querier"} 120',
        'prometheus_engine_queries{engine="querier"} 0',
        'prometheus_engine_query_duration_seconds_count{engine="querier",slice="inner_eval"} 3',
        'prometheus_engine_query_duration_seconds_count{engine="querier",slice="queue_time"} 3',
    ):
        assert f"{line}\n" in text


@pytest.mark.parametrize(
    ("text", "status", "reason"),
    [
        ("query processing would load too many samples into memory in x", 422, "too_many_samples"),
        ("the query hit the max number of chunks limit (limit: 1 chunks)", 422, "chunks_fetched"),
        ("the query hit the aggregated data size limit", 422, "data_bytes_fetched"),
        ("the query response size exceeds limit", 422, "response_size_exceeded"),
        ("anything", 429, "too_many_requests"),
        ("anything", 413, "response_body_size_exceeded"),
        ("anything", 422, None),
        ("the query time range exceeds the limit", 400, None),
    ],
)
async def test_why_a_query_was_rejected(text: str, status: int, reason: str | None) -> None:
    registry = Registry()
    counted = QueryMetrics(registry, query_stats_enabled=True)
    counted.ended("t", "api", QueryStats(), Response(status, None, text))
    shown = re.findall(r"^cortex_rejected_queries_total.*$", await scrape(registry), re.MULTILINE)
    expected = [f'cortex_rejected_queries_total{{reason="{reason}",source="api",user="t"}} 1'] if reason else []
    assert shown == expected


async def test_tenants_that_ask_nothing_for_long_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    registry, now = Registry(), 1000.0
    monkeypatch.setattr("neocortex.querier.metrics.time.monotonic", lambda: now)
    counted = QueryMetrics(registry, query_stats_enabled=True)
    forgotten: list[str] = []
    for tenant in ("idle", "busy"):
        counted.began(tenant, "query", "api")
        counted.ended(tenant, "api", QueryStats(wall_s=1), Response(429))
        counted.rejected(tenant, "query")
    now += IDLE_S
    counted.forget_idle(forgotten.append)
    assert forgotten == []
    counted.began("busy", "query", "api")
    now += 1
    counted.forget_idle(forgotten.append)
    assert forgotten == ["idle"]
    text = await scrape(registry)
    assert 'user="idle"' not in text
    assert 'cortex_query_seconds_total{source="api",user="busy"} 1\n' in text


async def test_without_statistics_a_query_leaves_no_lines(tmp_path: Path, lines: io.StringIO) -> None:
    async with running(tmp_path, "-frontend.log-queries-longer-than=-1s") as process:
        lines.truncate(0)
        answer = await process.api("query", {"query": "1"})
        assert "server-timing" not in answer.headers
        assert "cortex_query_seconds_total" not in await metrics(process)
    (line,) = [line for line in lines.getvalue().splitlines() if "param_query=1" in line]
    assert 'msg="slow query detected" method=GET host=h path=/prometheus/api/v1/query time_taken=' in line


@pytest.mark.parametrize(
    ("stats", "per_step"),
    [("", None), ("true", []), ("x", []), ("all", [[NOW_S - 60, 3], [NOW_S, 3]])],
)
async def test_the_figures_in_an_answer(server: InProcess, stats: str, per_step: list[list[int]] | None) -> None:
    asked = {"query": "m", "start": str(NOW_S - 60), "end": str(NOW_S), "step": "60", "stats": stats}
    found = json.loads((await server.api("query_range", asked)).body)["data"].get("stats")
    if per_step is None:
        assert found is None
    else:
        figures = {"totalQueryableSamples": 6, "totalQueryableSamplesPerStep": per_step, "peakSamples": 6}
        assert found == {"samples": figures}


async def test_a_number_comes_with_times(server: InProcess) -> None:
    found = json.loads((await server.api("query", {"query": "1", "stats": "true"})).body)["data"]["stats"]
    assert list(found) == ["timings", "samples"]
    assert found["samples"] == {"totalQueryableSamples": 0, "peakSamples": 1}
    assert found["timings"]["execTotalTime"] >= found["timings"]["innerEvalTime"] > 0
