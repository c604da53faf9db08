"""Limits of an instance over all tenants: statuses, texts, metrics."""

import time
from pathlib import Path

import pytest

from neocortex.config.sections.ingester import InstanceLimits
from neocortex.ingester import service
from neocortex.ingester.limits import IngesterRefusal, InstanceGuard
from neocortex.observe import Registry
from support import prompb
from support.in_process import running
from support.remote_write import Answer, compress, encode_v1
from support.scrape import scrape
from support.waiting import eventually


def guard(**limits: float) -> InstanceGuard:
    section = InstanceLimits()
    for name, value in limits.items():
        setattr(section, name, value)
    return InstanceGuard(lambda: section, Registry())


def body(*names: str) -> bytes:
    now = int(time.time() * 1000)
    return encode_v1([({"__name__": name}, [(now, 1.0)]) for name in names])


def refused(answer: Answer) -> str:
    """What the ingester said of a push that the distributor passed on."""
    assert answer.status == 500
    before, _, text = answer.text.partition(", rpc error: code = Unknown desc = ")
    assert before.startswith("maxFailure (quorum) on a given error family, addr=")
    return text.rstrip("\n")


def test_pushes_at_the_same_time() -> None:
    busy = guard(max_inflight_push_requests=1)
    with busy.push():
        with (
            pytest.raises(IngesterRefusal, match=r"^cannot push: too many inflight push requests in ingester$"),
            busy.push(),
        ):
            pass
        assert busy.pushes.now == 1
    assert busy.pushes.now == 0
    with busy.push():
        pass


def test_queries_at_the_same_time() -> None:
    busy = guard(max_inflight_query_requests=1)
    text = r"^cannot push: too many inflight query requests in ingester$"
    with busy.query(), pytest.raises(IngesterRefusal, match=text), busy.query():
        pass
    assert (busy.queries.now, busy.queries.peak) == (0, 1)


def test_the_rate() -> None:
    fast = guard(max_ingestion_rate=10)
    fast.ingestion.add(10)
    with fast.push():
        pass
    fast.ingestion.tick()
    text = r"^cannot push more samples: ingester's samples push rate limit reached$"
    with pytest.raises(IngesterRefusal, match=text), fast.push():
        pass


async def test_tenants(tmp_path: Path) -> None:
    async with running(tmp_path, "-ingester.instance-limits.max-tenants=1") as server:
        assert (await server.push(body("a"), "t")).status == 200
        answer = await server.push(body("a"), "u")
        assert refused(answer) == "user=u: cannot create TSDB: ingesters's max tenants limit reached"
        assert (await server.push(body("b"), "t")).status == 200
        (member,) = await server.process.ingester_ring.members()
        shown = await scrape(server.process.registry)
        samples = f'ingester="{member}",type="samples"'
        assert f"cortex_distributor_ingester_appends_total{{{samples}}} 3\n" in shown
        assert f'cortex_distributor_ingester_append_failures_total{{{samples},status="5xx"}} 1\n' in shown


async def test_series(tmp_path: Path) -> None:
    async with running(tmp_path, "-ingester.instance-limits.max-series=3") as server:
        assert (await server.push(body("a", "b"), "t")).status == 200
        text = "cannot add series: ingesters's max series limit reached"
        assert refused(await server.push(body("a", "b"), "u")) == f"user=u: {text}"
        assert (await server.push(body("a"), "u")).status == 200
        assert refused(await server.push(body("a", "new"), "t")) == f"user=t: {text}"
        assert (await server.push(body("a", "b"), "t")).status == 200
        assert server.process.tenants.series == 3


async def test_the_runtime_file_changes_them(tmp_path: Path) -> None:
    file = tmp_path / "runtime.yaml"
    file.write_text("ingester_limits:\n  max_tenants: 1\n")
    flags = (f"-runtime-config.file={file}", "-runtime-config.reload-period=50ms")
    async with running(tmp_path, *flags) as server:
        assert (await server.push(body("a"), "t")).status == 200
        assert (await server.push(body("a"), "u")).status == 500
        assert 'cortex_ingester_instance_limits{limit="max_tenants"} 1\n' in (await scrape(server.process.registry))
        file.write_text("ingester_limits:\n  max_tenants: 2\n")

        async def taken() -> bool:
            return (await server.push(body("a"), "u")).status == 200

        await eventually(taken)


async def test_a_closed_database_is_an_ingester_that_stops(tmp_path: Path) -> None:
    async with running(tmp_path) as server:
        assert (await server.push(body("a"))).status == 200
        tsdb = server.process.tenants.get("t")
        assert tsdb is not None
        await tsdb.close(server.process.workers.write)
        assert refused(await server.push(body("a"))) == "ingester stopping"


async def test_metadata_that_was_not_sent_for_long_is_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "METADATA_PURGE_PERIOD_S", 0.05)
    request = prompb.v1.WriteRequest()
    request.metadata.add(type=1, metric_family_name="a", help="h")
    async with running(tmp_path, "-ingester.metadata-retain-period=200ms") as server:
        assert (await server.push(compress(request))).status == 200
        assert (await server.api("metadata", {})).body != b'{"status":"success","data":{}}'

        async def forgotten() -> bool:
            return (await server.api("metadata", {})).body == b'{"status":"success","data":{}}'

        await eventually(forgotten)
        shown = await scrape(server.process.registry)
        for name in ("created", "removed"):
            assert f'cortex_ingester_memory_metadata_{name}_total{{user="t"}} 1\n' in shown
