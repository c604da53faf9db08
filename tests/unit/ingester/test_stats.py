"""Rates and series by tenant, and their pages."""

import asyncio
import json
import re
import time
from pathlib import Path

import pytest

from neocortex.ingester.stats import UserStats
from support.in_process import InProcess, running
from support.remote_write import encode_v1
from support.scrape import scrape
from support.waiting import eventually

FAST = ("-ingester.rate-update-period=50ms", "-ingester.active-series-metrics-update-period=50ms")
ZEROS = (
    '{"ingestionRate":0,"numSeries":0,"APIIngestionRate":0,"RuleIngestionRate":0,"activeSeries":0,"loadedBlocks":0,'
    '"queriedIngesters":0}'
)


async def push(server: InProcess, tenant: str, *names: str) -> None:
    now = int(time.time() * 1000)
    answer = await server.push(encode_v1([({"__name__": name}, [(now, 1.0)]) for name in names]), tenant)
    assert answer.status == 200, answer.text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (2.0, "2"),
        (5.466666666666667, "5.466666666666667"),
        (0.00005, "0.00005"),
        (0.000001, "0.000001"),
        (1.5e-7, "1.5e-7"),
        (2e-12, "2e-12"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
    ],
)
def test_numbers_are_written_as_go_writes_them(value: float, text: str) -> None:
    assert UserStats(ingestion_rate=value).json_members().startswith(f'"ingestionRate":{text},')


async def test_a_tenant_without_series(tmp_path: Path) -> None:
    async with running(tmp_path) as server:
        for path in ("/api/v1/user_stats", "/api/prom/user_stats"):
            answer = await server.call("GET", path)
            assert (answer.status, answer.headers["content-type"], answer.text) == (200, "application/json", ZEROS)
        answer = await server.call("GET", "/api/v1/user_stats", tenant="a/b")
        assert (answer.status, answer.text) == (500, "tenant ID 'a/b' contains unsupported character '/'\n")


async def test_what_was_pushed_shows(tmp_path: Path) -> None:
    async with running(tmp_path, *FAST) as server:
        await push(server, "t", "a", "b")
        await asyncio.sleep(0.08)
        stats = json.loads((await server.call("GET", "/api/v1/user_stats")).body)
        assert (stats["numSeries"], stats["activeSeries"], stats["queriedIngesters"]) == (2, 2, 0)
        assert 0 < stats["APIIngestionRate"] <= 2 / 0.05
        assert stats["ingestionRate"] == stats["APIIngestionRate"]
        assert stats["RuleIngestionRate"] == 0
        assert 'cortex_ingester_active_series{user="t"} 2\n' in (await scrape(server.process.registry))


async def test_idle_series_are_not_active(tmp_path: Path) -> None:
    # The core knows the time of a series' last sample to two seconds.
    async with running(tmp_path, *FAST, "-ingester.active-series-metrics-idle-timeout=100ms") as server:
        await push(server, "t", "a")

        async def idle() -> bool:
            return not json.loads((await server.call("GET", "/api/v1/user_stats")).body)["activeSeries"]

        await eventually(idle)
        assert json.loads((await server.call("GET", "/api/v1/user_stats")).body)["numSeries"] == 1


async def test_active_series_can_be_switched_off(tmp_path: Path) -> None:
    async with running(tmp_path, "-ingester.active-series-metrics-enabled=false") as server:
        await push(server, "t", "a")
        stats = json.loads((await server.call("GET", "/api/v1/user_stats")).body)
        assert (stats["numSeries"], stats["activeSeries"]) == (1, 0)
        assert "cortex_ingester_active_series" not in (await scrape(server.process.registry))


@pytest.mark.parametrize(
    ("path", "queried"),
    [("/distributor/all_user_stats", 1), ("/all_user_stats", 1), ("/ingester/all_user_stats", 0)],
)
async def test_all_tenants_by_series_and_then_by_name(tmp_path: Path, path: str, queried: int) -> None:
    async with running(tmp_path) as server:
        assert (await server.call("GET", path, headers={"accept": "application/json"})).text == "[]\n"
        await push(server, "z", "a")
        await push(server, "y", "a")
        await push(server, "big", "a", "b")
        answer = await server.call("GET", path, headers={"accept": "application/json"})
        assert (answer.status, answer.headers["content-type"]) == (200, "text/plain; charset=utf-8")
        shown = json.loads(answer.body)
        assert [(one["userID"], one["numSeries"], one["queriedIngesters"]) for one in shown] == [
            ("big", 2, queried),
            ("y", 1, queried),
            ("z", 1, queried),
        ]
        assert next(iter(shown[0])) == "userID"
        page = (await server.call("GET", path)).text
        assert re.findall(r"<td>(.*?)</td>", page) == ["big", "y", "z"]
        assert ("NB stats do not account for replication factor" in page) == (queried == 1)
