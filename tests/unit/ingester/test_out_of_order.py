"""The out-of-order window, seen from requests."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path

from support.in_process import InProcess, running
from support.remote_write import Series, encode_v1
from support.scrape import scrape

MINUTE_MS = 60_000


def at(t_ms: int, value: float = 1.0) -> Series:
    return {"__name__": "a"}, [(t_ms, value)]


async def values(server: InProcess, at_ms: int) -> list[tuple[int, str]]:
    answer = await server.api("query", {"query": "a[6h]", "time": f"{at_ms / 1000:.3f}"})
    result = json.loads(answer.body)["data"]["result"]
    return [(round(t * 1000), value) for t, value in result[0]["values"]] if result else []


async def metrics(server: InProcess) -> set[str]:
    return set((await scrape(server.process.registry)).splitlines())


async def test_what_is_behind_within_the_window_is_taken(tmp_path: Path) -> None:
    async with running(tmp_path, "-ingester.out-of-order-time-window=1h") as server:
        now = int(time.time() * 1000) - 1000
        assert (await server.push(encode_v1([at(now)]))).status == 200
        behind = [at(now - minutes * MINUTE_MS, minutes) for minutes in (30, 10, 59)]
        assert (await server.push(encode_v1(behind))).status == 200
        assert [value for _, value in await values(server, now)] == ["59", "30", "10", "1"]

        too_old = now - 61 * MINUTE_MS
        answer = await server.push(encode_v1([at(too_old)]))
        assert answer.status == 400
        moment = datetime.fromtimestamp(too_old / 1000, UTC)
        text = moment.strftime("%Y-%m-%dT%H:%M:%S") + f".{too_old % 1000:03}".rstrip("0").rstrip(".") + "Z"
        assert f'user=t: err: too old sample. timestamp={text}, series={{__name__="a"}}' in answer.text

        shown = await metrics(server)
        assert 'cortex_discarded_samples_total{reason="sample-too-old",user="t"} 1' in shown
        assert 'cortex_ingester_tsdb_head_samples_appended_total{type="float",user="t"} 4' in shown
        assert 'cortex_ingester_tsdb_head_out_of_order_samples_appended_total{type="float",user="t"} 3' in shown
        assert 'cortex_ingester_tsdb_out_of_order_samples_total{type="float",user="t"} 0' in shown
        assert 'cortex_ingester_tsdb_sample_ooo_delta_bucket{user="t",le="+Inf"} 4' in shown
        assert 'cortex_ingester_tsdb_sample_ooo_delta_count{user="t"} 4' in shown


async def test_without_a_window_nothing_is_taken(tmp_path: Path) -> None:
    async with running(tmp_path) as server:
        now = int(time.time() * 1000) - 1000
        assert (await server.push(encode_v1([at(now)]))).status == 200
        answer = await server.push(encode_v1([at(now - MINUTE_MS)]))
        assert (answer.status, "err: out of order sample. timestamp=" in answer.text) == (400, True)
        shown = await metrics(server)
        assert 'cortex_ingester_tsdb_out_of_order_samples_total{type="float",user="t"} 1' in shown
        assert 'cortex_ingester_tsdb_sample_ooo_delta_count{user="t"} 1' in shown


async def test_the_window_of_a_tenant_changes_while_it_runs(tmp_path: Path) -> None:
    runtime = tmp_path / "runtime.yaml"
    runtime.write_text("overrides: {}\n")
    flags = (f"-runtime-config.file={runtime}", "-runtime-config.reload-period=10ms")
    async with running(tmp_path, *flags) as server:
        now = int(time.time() * 1000) - 1000
        assert (await server.push(encode_v1([at(now)]))).status == 200
        assert (await server.push(encode_v1([at(now)]), "other")).status == 200
        behind = encode_v1([at(now - 5 * MINUTE_MS)])
        assert (await server.push(behind)).status == 400
        runtime.write_text("overrides:\n  t:\n    out_of_order_time_window: 10m\n")
        end = time.monotonic() + 5
        while (await server.push(behind)).status != 200:
            assert time.monotonic() < end, "the window is not in force"
        assert (await server.push(behind, "other")).status == 400
        assert [t for t, _ in await values(server, now)] == [now - 5 * MINUTE_MS, now]
        assert "too old sample" in (await server.push(encode_v1([at(now - 11 * MINUTE_MS)]))).text


async def test_it_is_there_after_a_start(tmp_path: Path) -> None:
    flags = ("-ingester.out-of-order-time-window=1h", "-blocks-storage.tsdb.out-of-order-cap-max=2")
    now = int(time.time() * 1000) - 1000
    async with running(tmp_path, *flags) as server:
        await server.push(encode_v1([at(now)]))
        for minutes in range(1, 8):
            assert (await server.push(encode_v1([at(now - minutes * MINUTE_MS)]))).status == 200
        before = await values(server, now)
    assert len(before) == 8
    async with running(tmp_path) as server:
        assert await values(server, now) == before
