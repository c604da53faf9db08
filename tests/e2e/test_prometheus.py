"""A real Prometheus scrapes itself and Neocortex, remote-writes to Neocortex, and both must give the same answers."""

import json
import math
import os
import subprocess
import time
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from support.needed import need_program
from support.processes import Neocortex, Process, free_port, http_ok
from support.remote_write import Client
from support.tenant_proxy import TenantProxy
from support.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

SCRAPE_SECONDS = float(os.environ.get("NEOCORTEX_E2E_SECONDS", "90"))
"""How long Prometheus scrapes before the questions are asked; some minutes in the long run."""

WARM_UP_SECONDS = 62
"""No window may reach before the first sample: there 2.42 extrapolates otherwise than Prometheus 3 and Cortex."""

TENANT = "scraper"

INSTANT = """
up
sum(up)
up{job="prometheus"}
scrape_samples_scraped
scrape_duration_seconds * 1000
count({__name__=~"prometheus_.+"})
count by (job) ({__name__=~".+"})
go_goroutines{job="prometheus"} > 5
process_open_fds
process_resident_memory_bytes / 1024 / 1024
rate(prometheus_tsdb_head_samples_appended_total[30s])
increase(prometheus_tsdb_head_samples_appended_total[47s])
irate(process_cpu_seconds_total[20s])
delta(go_goroutines[40s])
deriv(process_resident_memory_bytes[45s])
predict_linear(process_resident_memory_bytes[45s], 600)
sum by (job) (rate(process_cpu_seconds_total[33s]))
avg without (instance) (go_memstats_heap_inuse_bytes)
max(prometheus_http_request_duration_seconds_bucket) by (handler)
min by (handler) (prometheus_http_requests_total)
topk(3, prometheus_http_requests_total)
bottomk(2, scrape_duration_seconds)
quantile(0.5, prometheus_http_request_duration_seconds_sum)
stddev(scrape_duration_seconds)
count_values("value", up)
histogram_quantile(0.9, sum by (le) (rate(prometheus_http_request_duration_seconds_bucket[50s])))
histogram_quantile(0.5, prometheus_http_response_size_bytes_bucket)
avg_over_time(go_goroutines[30s])
max_over_time(scrape_duration_seconds[45s])
min_over_time(go_goroutines[45s])
stddev_over_time(scrape_duration_seconds[45s])
quantile_over_time(0.75, scrape_duration_seconds[45s])
count_over_time(up[30s])
last_over_time(process_start_time_seconds[30s])
changes(process_start_time_seconds[1m])
resets(go_goroutines[50s])
absent(nonexistent_metric{job="x"})
absent_over_time(nonexistent_metric[1m])
label_replace(up, "short", "$1", "job", "(.{3}).*")
label_join(up, "both", "-", "job", "instance")
prometheus_tsdb_head_series - on (instance) prometheus_tsdb_head_chunks
prometheus_build_info * on (instance) group_left (version) up
prometheus_http_requests_total and on (instance) up == 1
prometheus_http_requests_total unless {handler="/metrics"}
up or go_goroutines
go_goroutines offset 15s
max_over_time(rate(process_cpu_seconds_total[20s] offset SHIFT)[40s:5s])
sum(go_gc_duration_seconds{quantile=~"0|0.5|1"}) by (quantile)
clamp(go_goroutines, 10, 20)
round(process_resident_memory_bytes, 1024)
sort_desc(scrape_samples_post_metric_relabeling)
vector(1) + scalar(sum(up))
time() - process_start_time_seconds
timestamp(up)
day_of_week() + hour() + minute()
""".strip().splitlines()

RANGE = """
up
sum(rate(prometheus_tsdb_head_samples_appended_total[20s]))
rate(process_cpu_seconds_total[31s])
sum by (handler) (prometheus_http_requests_total)
histogram_quantile(0.99, sum by (le) (rate(prometheus_http_request_duration_seconds_bucket[45s])))
avg_over_time(go_goroutines[17s])
topk(2, scrape_duration_seconds)
go_memstats_alloc_bytes / go_memstats_sys_bytes
max_over_time(irate(process_cpu_seconds_total[10s] offset SHIFT)[30s:3s])
process_resident_memory_bytes offset 11s
count({job="prometheus"})
prometheus_tsdb_head_series > bool 100
""".strip().splitlines()


@dataclass
class Pair:
    """A Prometheus and the Neocortex that it writes to."""

    prometheus_port: int
    neocortex: Neocortex
    proxy: TenantProxy
    start: float
    end: float


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    binary = need_program("prometheus")
    folder = tmp_path_factory.mktemp("e2e")
    (folder / "neocortex").mkdir()
    with Neocortex(folder / "neocortex") as neocortex, TenantProxy(neocortex.port, TENANT) as proxy:
        port = free_port()
        prometheus = start_prometheus(binary, folder, port, neocortex.port, proxy.port)
        try:
            start = time.time()
            time.sleep(SCRAPE_SECONDS)
            end = time.time() - 5
            wait_for_samples(proxy.port, end)
            yield Pair(port, neocortex, proxy, start, end)
        finally:
            prometheus.stop()


def start_prometheus(binary: str, folder: Path, port: int, neocortex_port: int, proxy_port: int) -> Process:
    config = folder / "prometheus.yml"
    config.write_text(
        f"""\
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: prometheus
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
  - job_name: neocortex
    static_configs: [{{targets: ["127.0.0.1:{neocortex_port}"]}}]
remote_write:
  - url: http://127.0.0.1:{proxy_port}/api/v1/push
    queue_config: {{batch_send_deadline: 1s}}
    metadata_config: {{send_interval: 5s}}
"""
    )
    argv = [
        binary,
        f"--config.file={config}",
        f"--storage.tsdb.path={folder}/prometheus",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    ]
    return Process(argv, folder / "prometheus.log", lambda: http_ok(f"http://127.0.0.1:{port}/-/ready"))


def wait_for_samples(port: int, t: float) -> None:
    """Until what was scraped at `t` has arrived."""
    limit = time.monotonic() + 30
    while time.monotonic() < limit:
        answer = ask(port, "/prometheus", "query", query="max(timestamp(up))")
        result = answer["data"]["result"]
        if result and float(result[0]["value"][1]) > t:
            return
        time.sleep(0.5)
    raise AssertionError("remote-written samples did not arrive within 30 s")


def ask(port: int, prefix: str, endpoint: str, **params: object) -> Any:
    with Client(port) as client:
        answer = client.request("GET", f"{prefix}/api/v1/{endpoint}?{urllib.parse.urlencode(params)}")
    return json.loads(answer.body)


def same_number(a: str, b: str) -> bool:
    x, y = float(a), float(b)
    return x == y or (math.isnan(x) and math.isnan(y)) or math.isclose(x, y, rel_tol=1e-12, abs_tol=1e-12)


def rows(answer: Any) -> dict[str, list[Any]]:
    """Series by their labels; each with its list of [time, value]."""
    assert answer["status"] == "success", answer
    data = answer["data"]
    if data["resultType"] in ("scalar", "string"):
        return {"": [data["result"]]}
    return {
        json.dumps(row["metric"], sort_keys=True): row["values"] if "values" in row else [row["value"]]
        for row in data["result"]
    }


def label_sets(answer: Any) -> list[str]:
    return sorted(json.dumps(row, sort_keys=True) for row in answer["data"])


def compare(query: str, theirs: Any, ours: Any) -> int:
    """Compares value by value; the number of values."""
    want, got = rows(theirs), rows(ours)
    assert want.keys() == got.keys(), f"{query}: other series"
    for labels, values in want.items():
        assert [t for t, _ in values] == [t for t, _ in got[labels]], f"{query} {labels}: other times"
        for (t, a), (_, b) in zip(values, got[labels], strict=True):
            assert same_number(a, b), f"{query} {labels} at {t}: Prometheus {a}, Neocortex {b}"
    return sum(len(values) for values in want.values())


def free_ms(pair: Pair) -> int:
    """The milliseconds of a half second that are farthest from those at which anything was scraped."""
    answer = ask(pair.prometheus_port, "", "query", query="up[120s]", time=f"{pair.end:.3f}")
    taken = {round(t * 1000) % 500 for row in answer["data"]["result"] for t, _ in row["values"]}
    return max(range(500), key=lambda ms: min(min((ms - other) % 500, (other - ms) % 500) for other in taken))


def test_at_least_forty_queries_agree_value_by_value(pair: Pair) -> None:
    counts = []
    # 2.42 closes range windows on the left, Prometheus 3 and Cortex leave them open: so no window, all are of whole
    # seconds, may begin with a sample. The steps of subqueries are at whole seconds, their windows are shifted.
    free = free_ms(pair)
    shift = f"{(1000 - free) % 1000}ms"
    for t in (math.floor(pair.end) - 4 + free / 1000, math.floor(pair.end) - 18 + free / 1000):
        for query in (query.replace("SHIFT", shift) for query in INSTANT):
            params = {"query": query, "time": f"{t:.3f}"}
            theirs = ask(pair.prometheus_port, "", "query", **params)
            counts.append(compare(query, theirs, ask(pair.proxy.port, "/prometheus", "query", **params)))
    for query in (query.replace("SHIFT", shift) for query in RANGE):
        start = math.ceil(pair.start) + WARM_UP_SECONDS + free / 1000
        params = {"query": query, "start": f"{start:.3f}", "end": f"{pair.end - 2.713:.3f}", "step": "0.5"}
        theirs = ask(pair.prometheus_port, "", "query_range", **params)
        counts.append(compare(query, theirs, ask(pair.proxy.port, "/prometheus", "query_range", **params)))
    print(f"{len(counts)} queries, {sum(counts)} values agree; {counts.count(0)} answers are empty on both sides")
    assert len(counts) - counts.count(0) >= 100
    assert sum(counts) >= 500


def test_series_labels_and_metadata_agree(pair: Pair) -> None:
    window = {"start": f"{pair.start:.3f}", "end": f"{pair.end:.3f}"}

    def agree(endpoint: str) -> bool:
        theirs = ask(pair.prometheus_port, "", endpoint, **window)
        return bool(ask(pair.proxy.port, "/prometheus", endpoint, **window)["data"] == theirs["data"])

    # What is new with these very queries arrives when it was scraped and sent on: names are those of all times.
    wait_for("names agree", lambda: agree("label/__name__/values"))
    wait_for("labels agree", lambda: agree("labels"))
    match = {"match[]": '{__name__=~"prometheus_tsdb_.+"}', **window}
    want = label_sets(ask(pair.prometheus_port, "", "series", **match))
    assert label_sets(ask(pair.proxy.port, "/prometheus", "series", **match)) == want
    assert want
    metadata = ask(pair.proxy.port, "/prometheus", "metadata", metric="go_goroutines")
    assert metadata["data"]["go_goroutines"][0]["type"] == "gauge"


def test_promtool_queries_neocortex(pair: Pair) -> None:
    promtool = need_program("promtool")
    server = f"http://127.0.0.1:{pair.proxy.port}/prometheus"
    instant = subprocess.run(
        [promtool, "query", "instant", server, "sum(up)"], capture_output=True, text=True, timeout=30, check=True
    )
    assert instant.stdout.startswith("{} => 2 @["), instant.stdout
    window = [f"--start={int(pair.start)}", f"--end={int(pair.end)}"]
    series = subprocess.run(
        [promtool, "query", "series", server, "--match=up", *window],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert 'job="prometheus"' in series.stdout
    labels = subprocess.run(
        [promtool, "query", "labels", server, "job", *window], capture_output=True, text=True, timeout=30, check=True
    )
    assert labels.stdout.split() == ["neocortex", "prometheus"]


def test_another_tenant_sees_nothing(pair: Pair) -> None:
    with Client(pair.neocortex.port, tenant="somebody-else") as client:
        for path in (
            "query?query=up",
            "query?query=" + urllib.parse.quote('{__name__=~".+"}'),
            "labels",
            "label/job/values",
            "series?match[]=up",
        ):
            answer = json.loads(client.request("GET", f"/prometheus/api/v1/{path}").body)
            data = answer["data"]
            assert (data["result"] if isinstance(data, dict) else data) == [], path
        assert json.loads(client.request("GET", "/prometheus/api/v1/metadata").body)["data"] == {}
