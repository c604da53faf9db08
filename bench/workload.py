"""Realistic write requests: series as a Kubernetes scrape has them, 10 to 13 labels each."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import cramjam

from support import prompb

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    sets: list[list[tuple[str, str]]], samples: int, per_request: int, start_ms: int, step_ms: int
) -> Iterator[bytes]:
    """Remote write 1.0 requests of `per_request` samples: every series once a round, `samples` rounds."""
    encoded = []
    for labels in sets:
        series = prompb.v1.TimeSeries()
        for name, value in labels:
            series.labels.add(name=name, value=value)
        encoded.append(series.SerializeToString())
    rng = random.Random(2)
    values = [rng.uniform(0, 1e6) for _ in sets]
    for sample in range(samples):
        t = start_ms + sample * step_ms
        for first in range(0, len(encoded), per_request):
            parts = []
            for i in range(first, min(first + per_request, len(encoded))):
                values[i] += rng.choice((0, 0, 1, 2, 17))
                entry = prompb.v1.Sample(timestamp=t, value=values[i]).SerializeToString()
                body = encoded[i] + b"\x12" + bytes([len(entry)]) + entry
                parts.append(b"\x0a" + _varint(len(body)) + body)
            yield bytes(cramjam.snappy.compress_raw(b"".join(parts)))


def _varint(n: int) -> bytes:
    out = bytearray()
    while n >= 0x80:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)
