"""Native histograms of the data set: counters and gauges, exponential and custom buckets, some among floats."""

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from support import prompb

GAUGE = 3
"""The reset hint of a gauge histogram (prompb/types.proto)."""

CUSTOM_SCHEMA = -53

Maker = Callable[[Random, int], Any]


def families() -> Iterator[tuple[dict[str, str], Maker]]:
    """Labels, and what makes a histogram for each time in turn."""
    for job in ("api", "web"):
        for instance in ("a:80", "b:80", "c:81"):
            where = {"job": job, "instance": instance}
            yield {"__name__": "latency", **where}, _counter(schema=2, offset=-3, buckets=9)
            yield {"__name__": "sizes", **where}, _counter(schema=CUSTOM_SCHEMA, offset=0, buckets=5)
        yield {"__name__": "queue", "job": job}, _gauge(schema=1 if job == "api" else 0)
    yield {"__name__": "changing", "kind": "schema"}, _changing_schema
    yield {"__name__": "changing", "kind": "bounds"}, _changing_bounds
    yield {"__name__": "changing", "kind": "type"}, _changing_type


def _histogram(schema: int, offset: int, counts: list[float], width: float, **more: Any) -> Any:
    """A histogram of positive buckets, its sum made from its counts."""
    total = sum(counts) + more.get("zero_count_float", 0.0) + sum(more.get("negative_counts", ()))
    h = prompb.v1.Histogram(schema=schema, count_float=total, sum=round(width * sum(counts), 6), **more)
    h.positive_spans.add(offset=offset, length=len(counts))
    h.positive_counts.extend(counts)
    if h.negative_counts:
        h.negative_spans.add(offset=offset, length=len(h.negative_counts))
    return h


def _exponential(schema: int, offset: int, counts: list[float], **more: Any) -> Any:
    return _histogram(schema, offset, counts, 0.7, zero_threshold=1e-3, **{"zero_count_float": 1.0, **more})


def _custom(bounds: list[float], counts: list[float]) -> Any:
    return _histogram(CUSTOM_SCHEMA, 0, counts, 1.3, custom_values=bounds)


def _counter(schema: int, offset: int, buckets: int) -> Maker:
    counts = [0.0] * buckets
    zeros = 0.0

    def make(random: Random, _at: int) -> Any:
        nonlocal counts, zeros
        if random.random() < 0.01:
            counts, zeros = [0.0] * buckets, 0.0
        counts = [count + random.randrange(4) for count in counts]
        zeros += random.randrange(2)
        if random.random() < 0.03:
            return None
        if schema == CUSTOM_SCHEMA:
            return _custom([0.1, 1.0, 5.0, 25.0], counts)
        return _exponential(schema, offset, counts, zero_count_float=zeros)

    return make


def _gauge(schema: int) -> Maker:
    def make(random: Random, _at: int) -> Any:
        counts, negative = ([float(random.randrange(9)) for _ in range(size)] for size in (6, 3))
        return _exponential(schema, -1, counts, negative_counts=negative, reset_hint=GAUGE)

    return make


def _changing_schema(random: Random, at: int) -> Any:
    return _exponential(at // 50 % 4 - 1, 0, [float(at + i) for i in range(4)])


def _changing_bounds(random: Random, at: int) -> Any:
    bounds = [1.0, 2.0, 4.0] if at // 30 % 2 else [1.0, 4.0, 8.0]
    return _custom(bounds, [float(at + i) for i in range(4)])


def _changing_type(random: Random, at: int) -> Any:
    """Floats, exponential and custom buckets in turns."""
    turn = at // 25 % 3
    counts = [float(at + i) for i in range(3)]
    return (float(at), _exponential(3, 2, counts), _custom([1.0, 2.0], counts))[turn]
