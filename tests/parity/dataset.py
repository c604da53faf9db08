"""The series of the comparison: deterministic, some twenty families, some hundred series over two hours."""

import math
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from parity import native

START_S = 1_760_000_400
"""Time of the first sample; a multiple of an hour's divisors, so that times can be aligned or not on purpose."""

INTERVAL_S = 15
SAMPLES = 480

END_S = START_S + INTERVAL_S * (SAMPLES - 1)

STALE = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))[0]
"""The NaN that ends a series."""

BUCKETS = ("0.05", "0.1", "0.5", "1", "2.5", "10", "+Inf")

Labels = dict[str, str]
Value = Any
"""A float, a `Histogram` message, or None: no sample at that time."""

Written = tuple[Labels, list[tuple[int, Value]]]
"""Labels, and samples as (timestamp in ms, value)."""


@dataclass(frozen=True)
class Series:
    """Labels, and a value or nothing for each of `SAMPLES` times."""

    labels: Labels
    values: list[Value]


def series(seed: int = 1, *, histograms: bool) -> list[Series]:
    """All series, sorted by their labels, native histograms only where asked for. The same seed gives the same bits.

    A head gives series in the order of their creation, on which the last bits of a sum and the choice among equals
    depend.
    """
    random = Random(seed)
    made = [Series(labels, _values(random, make)) for labels, make in _families(random)]
    if histograms:
        made += [Series(labels, _values(random, make)) for labels, make in native.families()]
    return sorted(made, key=lambda one: sorted(one.labels.items()))


def batches(all_series: list[Series], phase_ms: int, per_batch: int = 40) -> Iterator[list[Written]]:
    """Remote-write requests in the order of time, as a receiver without out-of-order window needs them.

    Samples stand at `START_S` + k * `INTERVAL_S` + `phase_ms`.
    """
    for first in range(0, SAMPLES, per_batch):
        batch = []
        for one in all_series:
            samples = [
                (1000 * (START_S + INTERVAL_S * at) + phase_ms, value)
                for at in range(first, min(first + per_batch, SAMPLES))
                if (value := one.values[at]) is not None
            ]
            if samples:
                batch.append((one.labels, samples))
        yield batch


Maker = Callable[[Random, int], Value]


def _values(random: Random, make: Maker) -> list[Value]:
    return [make(random, at) for at in range(SAMPLES)]


def _families(random: Random) -> Iterator[tuple[Labels, Maker]]:
    instances = ("a:80", "b:80", "c:81")
    for job in ("api", "web"):
        for instance in instances:
            where = {"job": job, "instance": instance}
            for code in ("200", "404", "500"):
                for method in ("get", "post"):
                    labels = {"__name__": "requests_total", **where, "code": code, "method": method}
                    yield labels, _counter(40 / len(code + method), reset=0.004)
            yield {"__name__": "errors_total", **where}, _counter(0.2, reset=0.0)
            yield {"__name__": "temperature", **where, "zone": random.choice(("north", "south"))}, _wave(random, 20)
            yield {"__name__": "flaky", **where}, _flaky(random)
            yield from _histogram(random, where)
            yield {"__name__": "build_info", **where, "version": f"1.{len(job + instance) % 4}"}, _constant(1)
    for cpu in "0123":
        for mode in ("idle", "user"):
            yield {"__name__": "cpu_usage", "instance": "a:80", "cpu": cpu, "mode": mode}, _wave(random, 0.5)
    for kind, value in _ODD.items():
        yield {"__name__": "odd", "kind": kind}, _constant(value)
    yield {"__name__": "odd", "kind": "mixed"}, lambda r, _: r.choice((*_ODD.values(), 1.0, -2.5))
    yield {"__name__": "levels", "level": "low"}, lambda _, at: float(at // 40)
    yield {"__name__": "levels", "level": "high"}, lambda _, at: float(-(at % 7))
    yield {"__name__": "levels", "level": 'zürich "quoted" \\ 日本'}, lambda _, at: float(at % 3)
    yield {"__name__": "levels"}, lambda r, _: float(r.randrange(4))
    yield {"__name__": "late", "job": "api"}, lambda _, at: at * 1.5 if at > SAMPLES // 2 else None
    yield {"__name__": "early", "job": "api"}, lambda _, at: at * 2.5 if at < SAMPLES // 2 else None
    yield {"__name__": "once", "job": "web"}, lambda _, at: 42.0 if at == 100 else None
    yield {"__name__": "clock_seconds", "job": "web"}, lambda _, at: float(START_S + at * INTERVAL_S)
    for le, share in (("1", 5.0), ("2", 4.0), ("x", 9.0), ("+Inf", 6.0)):  # neither rising nor all numbers
        yield {"__name__": "crooked_bucket", "le": le}, _constant(share)
    for le in ("1", "2"):  # no +Inf
        yield {"__name__": "open_bucket", "le": le}, _counter(3, reset=0)


_ODD = {
    "nan": math.nan,
    "inf": math.inf,
    "neginf": -math.inf,
    "huge": 1.7e308,
    "tiny": 5e-324,
    "zero": 0.0,
    "negzero": -0.0,
    "third": 1 / 3,
}


def _constant(value: float) -> Maker:
    return lambda _random, _at: value


def _counter(rate: float, reset: float) -> Maker:
    total = 0.0

    def make(random: Random, at: int) -> Value:
        nonlocal total
        total = 0.0 if random.random() < reset else total + random.randrange(int(rate * 2) + 2)
        return total

    return make


def _wave(random: Random, height: float) -> Maker:
    phase, period = random.random() * 6, random.uniform(20, 200)
    return lambda r, at: height * (1 + math.sin(phase + at / period)) + r.random() * height / 10


def _flaky(random: Random) -> Maker:
    """Present and absent in turns, and some ends marked stale."""
    present, run = True, random.randrange(5, 40)

    def make(r: Random, at: int) -> Value:
        nonlocal present, run
        run -= 1
        if run > 0:
            return r.gauss(0, 10) if present else None
        present, run = not present, r.randrange(2, 45)
        return STALE if not present and r.random() < 0.6 else None

    return make


def _histogram(random: Random, where: Labels) -> Iterator[tuple[Labels, Maker]]:
    observed = [0] * len(BUCKETS)
    weights = [random.random() + 0.01 for _ in BUCKETS]
    history: dict[int, list[int]] = {}

    def counts(r: Random, at: int) -> list[int]:
        """The counts at a time, drawn once and read by each series of the histogram."""
        if at not in history:
            for bucket in range(len(BUCKETS)):
                observed[bucket] += int(r.random() * 10 * weights[bucket])
            history[at] = [sum(observed[: bucket + 1]) for bucket in range(len(BUCKETS))]
        return history[at]

    def bucket_count(bucket: int) -> Maker:
        return lambda r, at: float(counts(r, at)[bucket])

    for bucket, le in enumerate(BUCKETS):
        yield {"__name__": "duration_seconds_bucket", **where, "le": le}, bucket_count(bucket)
    yield {"__name__": "duration_seconds_count", **where}, bucket_count(len(BUCKETS) - 1)
    yield {"__name__": "duration_seconds_sum", **where}, lambda r, at: counts(r, at)[-1] * 0.37
