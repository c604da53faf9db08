"""Realistic write requests: series as a Kubernetes scrape has them, 10 to 13 labels each."""

from __future__ import annotations

import random
import struct
from typing import TYPE_CHECKING

import cramjam

from support import prompb

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Shape = Callable[[int], Iterator[list[float]]]
    """The values of so many series, round by round."""

METRICS = [
    "container_cpu_usage_seconds_total",
    "container_memory_working_set_bytes",
    "container_network_receive_bytes_total",
    "kube_pod_status_phase",
    "http_request_duration_seconds_bucket",
    "http_requests_total",
    "go_goroutines",
    "process_resident_memory_bytes",
    "apiserver_request_total",
    "node_filesystem_avail_bytes",
]


def random_walks(series: int) -> Iterator[list[float]]:
    """Floats with many digits that stay or go up by a small step."""
    rng = random.Random(2)
    values = [rng.uniform(0, 1e6) for _ in range(series)]
    while True:
        steps = rng.choices((0, 0, 1, 2, 17), k=series)
        values = [value + step for value, step in zip(values, steps, strict=True)]
        yield values


def counters(series: int) -> Iterator[list[float]]:
    """Whole numbers that go up, each at a rate of its own."""
    rng = random.Random(3)
    rates = [rng.randrange(1, 1000) for _ in range(series)]
    values = [float(rng.randrange(1_000_000)) for _ in range(series)]
    while True:
        values = [value + int(rate * rng.random()) for value, rate in zip(values, rates, strict=True)]
        yield values


def gauges(series: int) -> Iterator[list[float]]:
    """Numbers of three decimals around a level."""
    rng = random.Random(4)
    levels = [rng.uniform(1, 1000) for _ in range(series)]
    while True:
        yield [round(level * (0.9 + 0.2 * rng.random()), 3) for level in levels]


def constants(series: int) -> Iterator[list[float]]:
    """One value for ever."""
    values = [float(i % 3) for i in range(series)]
    while True:
        yield values


def label_sets(count: int, seed: int = 1) -> list[list[tuple[str, str]]]:
    """`count` different label sets of 10 to 13 labels, sorted by name."""
    rng = random.Random(seed)
    sets = []
    for i in range(count):
        pod = i // len(METRICS)
        labels = {
            "__name__": METRICS[i % len(METRICS)],
            "cluster": f"eu-west-{pod % 3}",
            "namespace": f"team-{pod % 40:02d}",
            "pod": f"api-server-{pod % 97}-{pod:08x}",
            "container": ("app", "sidecar", "proxy")[pod % 3],
            "instance": f"10.{pod // 65536 % 256}.{pod // 256 % 256}.{pod % 256}:9090",
            "job": f"kubernetes-pods-{pod % 7}",
            "node": f"ip-10-0-{pod % 200}-17.internal",
            "image": f"registry.internal/platform/api-server:v1.{pod % 30}.{pod % 9}",
            "id": f"{rng.getrandbits(64):016x}",
        }
        for extra in range(pod % 4):
            labels[("code", "method", "le")[extra % 3]] = ("200", "GET", "0.5")[extra % 3]
        sets.append(sorted(labels.items()))
    return sets


def bodies(
    sets: list[list[tuple[str, str]]],
    samples: int,
    per_request: int,
    start_ms: int,
    step_ms: int,
    *,
    shape: Shape = random_walks,
) -> Iterator[bytes]:
    """Remote write 1.0 requests of `per_request` samples: every series once a round, `samples` rounds.

    Requests are put together from parts, without a message for every sample: this must not be what is measured.
    """
    prefixes = [_series_up_to_the_value(labels) for labels in sets]
    values = shape(len(sets))
    for sample in range(samples):
        time_field = b"\x10" + _varint(start_ms + sample * step_ms)
        assert len(time_field) == _TIME_BYTES, "the time is not of this age"
        now = next(values)
        for first in range(0, len(sets), per_request):
            last = first + per_request
            series = zip(prefixes[first:last], now[first:last], strict=True)
            parts = [part for prefix, value in series for part in (prefix, _DOUBLE.pack(value), time_field)]
            yield bytes(cramjam.snappy.compress_raw(b"".join(parts)))


def spread_body(sets: list[list[tuple[str, str]]], times_ms: list[int]) -> bytes:
    """One request with a sample of every series at every time; times ascend."""
    request = prompb.v1.WriteRequest()
    for labels in sets:
        series = request.timeseries.add()
        for name, value in labels:
            series.labels.add(name=name, value=value)
        for t in times_ms:
            series.samples.add(timestamp=t, value=t / 1000)
    return bytes(cramjam.snappy.compress_raw(request.SerializeToString()))


_DOUBLE = struct.Struct("<d")
_TIME_BYTES = 7
"""Of the field of a time in milliseconds between 2004 and 2109."""


def _series_up_to_the_value(labels: list[tuple[str, str]]) -> bytes:
    """A `TimeSeries` with one sample, as it stands in a request, up to the eight bytes of the value."""
    series = prompb.v1.TimeSeries()
    for name, value in labels:
        series.labels.add(name=name, value=value)
    encoded: bytes = series.SerializeToString()
    sample_bytes = 1 + _DOUBLE.size + _TIME_BYTES
    head = encoded + b"\x12" + _varint(sample_bytes) + b"\x09"
    return b"\x0a" + _varint(len(head) - 1 + sample_bytes) + head


def _varint(n: int) -> bytes:
    out = bytearray()
    while n >= 0x80:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)
