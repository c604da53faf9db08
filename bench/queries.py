"""Ten thousand series of a cluster, and the queries that dashboards and alerts ask about them."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    LabelSet = list[tuple[str, str]]

PODS = 500
NODES = 50
BUCKETS = ("0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf")


def label_sets() -> list[LabelSet]:
    """10,000 label sets, sorted by name each: counters, gauges and histograms of 500 pods on 50 nodes."""
    sets = [
        labels
        for pod in range(PODS)
        for name, further in _POD_SERIES
        for labels in ([("__name__", name), *_pod(pod), *further],)
    ]
    sets += [
        [("__name__", name), ("cluster", "eu-west"), ("device", f"/dev/sd{disk}"), ("node", f"node-{node:02d}")]
        for node in range(NODES)
        for name in ("node_filesystem_avail_bytes", "node_filesystem_size_bytes")
        for disk in "abcde"
    ]
    return [sorted(labels) for labels in sets]


def values(series: int) -> Iterator[list[float]]:
    """Counters that go up at rates of their own, with a restart now and then, and gauges about a level."""
    rng = random.Random(7)
    names = [dict(labels)["__name__"] for labels in label_sets()]
    assert len(names) == series
    counters = [i for i, name in enumerate(names) if name.endswith(("_total", "_bucket", "_count", "_sum"))]
    ones = {i for i, name in enumerate(names) if name in ("up", "kube_pod_info")}
    gauges = sorted(set(range(series)) - set(counters) - ones)
    rates = [float(rng.randrange(1, 1000)) for _ in names]
    now = [1.0 if i in ones else rng.randrange(10**6) + 0.25 for i in range(series)]
    while True:
        chances = [rng.random() for _ in range(97)]
        for i in counters:
            now[i] += int(rates[i] * chances[i % 97])
        for i in gauges:
            now[i] = round(rates[i] * (1e3 + 1e2 * chances[i % 97]), 2)
        now[rng.choice(counters)] = 0.0
        yield list(now)


def _pod(pod: int) -> LabelSet:
    return [
        ("cluster", "eu-west"),
        ("container", ("app", "proxy")[pod % 2]),
        ("instance", f"10.0.{pod // 256}.{pod % 256}:9090"),
        ("job", f"team-{pod % 10}/service-{pod % 25}"),
        ("namespace", f"team-{pod % 10}"),
        ("node", f"node-{pod % NODES:02d}"),
        ("pod", f"service-{pod % 25}-{pod:06x}"),
    ]


_POD_SERIES: list[tuple[str, LabelSet]] = [
    ("container_cpu_usage_seconds_total", []),
    ("container_memory_working_set_bytes", []),
    ("go_goroutines", []),
    ("up", []),
    ("kube_pod_info", [("uid", "0b7e")]),
    ("http_request_duration_seconds_sum", []),
    ("http_request_duration_seconds_count", []),
    *(("http_request_duration_seconds_bucket", [("le", le)]) for le in BUCKETS),
    ("http_requests_total", [("code", "500")]),
]


@dataclass(frozen=True, slots=True)
class Shape:
    """The time range of a panel, in seconds."""

    name: str
    range_s: int
    step_s: int


HOUR = Shape("1 h at 15 s", 3600, 15)
SIX_HOURS = Shape("6 h at 60 s", 6 * 3600, 60)
DAY = Shape("24 h at 5 m", 24 * 3600, 300)
NOW = Shape("now", 0, 15)

_RATE = "rate(http_requests_total[5m])"
_CPU = "rate(container_cpu_usage_seconds_total[5m])"
_BUCKETS = "rate(http_request_duration_seconds_bucket[5m])"
_QUANTILE_BY_JOB = f"histogram_quantile(0.99, sum by (le, job) ({_BUCKETS}))"

QUERIES: list[tuple[Shape, str]] = [
    (HOUR, f"sum({_RATE})"),
    (HOUR, f"sum by (namespace) ({_RATE})"),
    (HOUR, _CPU),
    (HOUR, f"topk(5, sum by (pod) ({_CPU}))"),
    (HOUR, _QUANTILE_BY_JOB),
    (HOUR, f"histogram_quantile(0.9, {_BUCKETS})"),
    (HOUR, "container_memory_working_set_bytes / 1024 / 1024"),
    (HOUR, f"sum by (node) ({_CPU} * on (pod) group_left () kube_pod_info)"),
    (HOUR, 'count({__name__=~"http_.+", namespace=~"team-[1-4]"})'),
    (HOUR, 'sum by (__name__) ({cluster="eu-west"})'),
    (HOUR, "max_over_time(go_goroutines[10m])"),
    (HOUR, 'avg by (job) (container_memory_working_set_bytes{job=~"team-.+/service-1.?"})'),
    (
        HOUR,
        "sum by (job) (rate(http_request_duration_seconds_sum[5m]))"
        " / sum by (job) (rate(http_request_duration_seconds_count[5m]))",
    ),
    (SIX_HOURS, f"sum({_RATE})"),
    (SIX_HOURS, f"sum by (namespace) ({_RATE})"),
    (SIX_HOURS, _QUANTILE_BY_JOB),
    (SIX_HOURS, f"topk(10, {_CPU})"),
    (SIX_HOURS, "avg_over_time(container_memory_working_set_bytes[30m])"),
    (SIX_HOURS, "quantile by (namespace) (0.95, container_memory_working_set_bytes)"),
    (SIX_HOURS, "sum by (namespace) (increase(http_requests_total[1h]))"),
    (SIX_HOURS, f"max_over_time(sum({_RATE})[30m:1m])"),
    (SIX_HOURS, "1 - node_filesystem_avail_bytes / node_filesystem_size_bytes"),
    (SIX_HOURS, "predict_linear(node_filesystem_avail_bytes[1h], 4 * 3600) < 0"),
    (SIX_HOURS, "count by (node) (up == 1)"),
    (DAY, f"sum by (namespace) ({_RATE})"),
    (DAY, _QUANTILE_BY_JOB),
    (DAY, "sum by (namespace) (container_memory_working_set_bytes)"),
    (DAY, "stddev_over_time(go_goroutines[15m])"),
    (NOW, "sum by (job) (up == 0) or vector(0)"),
    (NOW, f"sort_desc(sum by (pod) ({_RATE}))"),
    (NOW, f"{_QUANTILE_BY_JOB} > 0.5"),
    (NOW, "sum(rate(http_requests_total[6h]))"),
]
