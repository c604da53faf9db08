"""The ingester's limits, readiness and life, seen from requests."""

import asyncio
import json
import time
from pathlib import Path

import pytest

from neocortex.ingester.service import NO_LIMIT, _share
from neocortex.service import State
from support.in_process import running
from support.remote_write import Series, encode_v1
from support.scrape import scrape


@pytest.mark.parametrize(
    ("local", "everywhere", "share"),
    [
        (0, 0, (0, 0, NO_LIMIT)),
        (5, 0, (5, 0, 5)),
        (0, 7, (0, 7, 7)),
        (5, 7, (5, 7, 5)),
        (7, 5, (7, 5, 5)),
    ],
)
def test_the_smaller_limit_that_is_set_counts(local: int, everywhere: int, share: tuple[int, int, int]) -> None:
    assert _share(local, everywhere) == share


SHARDED = "-distributor.shard-by-all-labels"
"""Without it a global limit is refused."""


def at(name: str, **labels: str) -> Series:
    # A second old: a query without a time asks at the whole second that has passed.
    return {"__name__": name} | labels, [(int(time.time() * 1000) - 1000, 1.0)]


@pytest.mark.parametrize(
    ("local", "everywhere", "counts"),
    [
        (2, 0, "local limit: 2 global limit: 0"),
        (0, 2, "local limit: 0 global limit: 2"),
        (9, 2, "local limit: 9 global limit: 2"),
    ],
)
async def test_series_beyond_the_limit_are_refused(tmp_path: Path, local: int, everywhere: int, counts: str) -> None:
    flags = (f"-ingester.max-series-per-user={local}", f"-ingester.max-global-series-per-user={everywhere}")
    async with running(tmp_path, SHARDED, *flags) as server:
        answer = await server.push(encode_v1([at("a"), at("b"), at("c")]))
        assert answer.status == 400
        assert "per-user series limit" in answer.text
        assert f"({counts} actual local limit: 2)" in answer.text
        stored = json.loads((await server.api("label/__name__/values", {})).body)["data"]
        assert len(stored) == 2
        assert (await server.push(encode_v1([at("a"), at("b")]))).status == 200
        assert (await server.push(encode_v1([at("c")]), "another")).status == 200


async def test_the_limits_of_a_tenant_change_while_it_runs(tmp_path: Path) -> None:
    runtime = tmp_path / "runtime.yaml"
    runtime.write_text("overrides:\n  t:\n    max_global_series_per_user: 1\n")
    flags = (f"-runtime-config.file={runtime}", "-runtime-config.reload-period=10ms")
    async with running(tmp_path, SHARDED, *flags) as server:
        body = encode_v1([at("a"), at("b")])
        assert (await server.push(body)).status == 400
        runtime.write_text("overrides:\n  t:\n    max_global_series_per_user: 2\n")
        end = time.monotonic() + 2
        while (await server.push(body)).status != 200:
            assert time.monotonic() < end, "the new limit is not in force"
            await asyncio.sleep(0.01)


async def test_ready_after_the_time_it_is_told(tmp_path: Path) -> None:
    async with running(tmp_path, "-ingester.min-ready-duration=200ms") as server:
        ingester = server.process.ingester
        assert await ingester.not_ready() == "Ingester not ready: waiting for 200ms after being ready"
        await asyncio.sleep(0.21)
        assert await ingester.not_ready() is None


async def test_not_ready_before_it_has_started(tmp_path: Path) -> None:
    async with running(tmp_path) as server:
        ingester = server.process.ingester
        assert await ingester.not_ready() is None
        ingester._active_since = None
        assert await ingester.not_ready() == "Ingester not ready: this instance is ACTIVE"


async def test_what_was_acknowledged_is_there_after_a_restart(tmp_path: Path) -> None:
    async with running(tmp_path) as server:
        assert (await server.push(encode_v1([at("a", job="x")]))).status == 200
        assert (await server.push(encode_v1([at("b")]), "another")).status == 200
    async with running(tmp_path) as server:
        assert sorted(name for name, _ in server.process.tenants) == ["another", "t"]
        answer = await server.api("query", {"query": "a", "time": str(time.time() + 1)})
        (row,) = json.loads(answer.body)["data"]["result"]
        assert row["metric"] == {"__name__": "a", "job": "x"}
        assert "cortex_ingester_memory_users 2" in (await scrape(server.process.registry))


async def test_a_database_that_cannot_be_opened_ends_the_start(tmp_path: Path) -> None:
    broken = tmp_path / "tsdb" / "t"
    broken.mkdir(parents=True)
    (broken / "wal").write_text("a file where a folder should be")
    with pytest.raises(Exception, match="wal"):
        async with running(tmp_path):
            pytest.fail("it started")


async def test_the_ingester_ends_as_a_service(tmp_path: Path) -> None:
    async with running(tmp_path) as server:
        assert (await server.push(encode_v1([at("a")]))).status == 200
        await server.process.ingester.stop()
        assert server.process.ingester.state is State.TERMINATED
        assert await server.process.ingester_ring.members() == {}
        answer = await server.push(encode_v1([at("a")]))
        assert answer.status == 500
        assert len(server.process.tenants) == 0
