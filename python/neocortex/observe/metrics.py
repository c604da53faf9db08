"""A registry of counters, gauges and histograms that costs little to touch and renders Prometheus' text form 0.0.4.

Own code for two reasons: the registry is imported on every start, and it is touched several times a request. A metric
with labels is bound once (`requests.labels("GET", "api_v1_push")` gives the child to keep); touching a child is an
attribute addition. All of it runs on the event loop's thread; what other threads count is kept natively, and collectors
ask for it on each scrape.
"""

from __future__ import annotations

from bisect import bisect_left
from operator import itemgetter
from typing import TYPE_CHECKING, Generic, TypeVar

from neocortex.observe.exposition import TEXT, Exposed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator

    from neocortex.observe.exposition import Samples, Shown, TextForm

    Collector = Callable[[], Awaitable[Iterable[Shown]]]

DURATION_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100)
"""Cortex's buckets for the duration of a request."""


class Counter:
    """Only grows."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0.0

    def inc(self, amount: float = 1.0) -> None:
        """Adds `amount`, which is not negative."""
        self.value += amount


class Gauge:
    """Goes up and down."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0.0

    def inc(self, amount: float = 1.0) -> None:
        """Adds `amount`."""
        self.value += amount

    def dec(self, amount: float = 1.0) -> None:
        """Takes `amount` away."""
        self.value -= amount

    def set(self, value: float) -> None:
        """Replaces the value."""
        self.value = value


class Histogram:
    """Counts observations by bucket; `bounds` are the inclusive upper bounds, ascending, without +Inf."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Counts one observation."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def add(self, counts: list[int], total: float) -> None:
        """Adds observations that were counted elsewhere, one count a bucket."""
        self.counts = [count + more for count, more in zip(self.counts, counts, strict=True)]
        self.total += total


C = TypeVar("C", Counter, Gauge, Histogram)

PART_BYTES = 64 << 10
"""A scrape is handed on when it has so many bytes: fewer take many turns, more take long ones."""


class Family(Generic[C]):
    """All children of one metric name. They live until they are removed: label values come from a bounded set."""

    def __init__(self, kind: str, name: str, text: str, *, label_names: tuple[str, ...], make: Callable[[], C]) -> None:
        self.kind = kind
        self.name = name
        self.text = text
        self.label_names = label_names
        self._make: Callable[[], C] = make
        self._children: dict[tuple[str, ...], C] = {}
        self._sorted: list[tuple[tuple[str, ...], C]] | None = []
        """The children by label values; None when some came or went since."""

    def labels(self, *values: str) -> C:
        """The child with these label values, in the order of the label names; made on first use."""
        child = self._children.get(values)
        if child is None:
            if len(values) != len(self.label_names):
                raise ValueError(f"{self.name} has labels {self.label_names}, got {values}")
            child = self._children[values] = self._make()
            self._sorted = None
        return child

    def remove(self, *values: str) -> None:
        """Forgets the child with these label values, if there is one."""
        if self._children.pop(values, None) is not None:
            self._sorted = None

    def remove_all(self, label: str, value: str) -> None:
        """Forgets the children that have this value of one label."""
        at = self.label_names.index(label)
        for values in [values for values in self._children if values[at] == value]:
            del self._children[values]

    def clear(self) -> None:
        """Forgets all children."""
        self._children.clear()
        self._sorted = None

    def exposed(self) -> Exposed:
        """What a scrape shows: children sorted by label values."""
        return Exposed(self.kind, self.name, self.text, label_names=self.label_names, samples=self._samples())

    def _samples(self) -> Iterator[tuple[tuple[str, ...], float | Histogram]]:
        if self._sorted is None:
            self._sorted = sorted(self._children.items(), key=itemgetter(0))
        for values, child in self._sorted:
            # It may have been removed since the family was begun.
            if values in self._children:
                yield values, child if isinstance(child, Histogram) else child.value


class Registry:
    """Every metric of the process, by name."""

    def __init__(self) -> None:
        self._families: dict[str, Callable[[], Exposed]] = {}
        self._collectors: list[Collector] = []

    def _add(self, name: str, exposed: Callable[[], Exposed]) -> None:
        if name in self._families:
            raise ValueError(f"metric {name} is registered twice")
        self._families[name] = exposed

    def counter_family(self, name: str, text: str, label_names: tuple[str, ...]) -> Family[Counter]:
        """A counter with labels."""
        family = Family("counter", name, text, label_names=label_names, make=Counter)
        self._add(name, family.exposed)
        return family

    def gauge_family(self, name: str, text: str, label_names: tuple[str, ...]) -> Family[Gauge]:
        """A gauge with labels."""
        family = Family("gauge", name, text, label_names=label_names, make=Gauge)
        self._add(name, family.exposed)
        return family

    def histogram_family(
        self, name: str, text: str, label_names: tuple[str, ...], bounds: tuple[float, ...] = DURATION_BUCKETS_S
    ) -> Family[Histogram]:
        """A histogram with labels; `bounds` ascending, without +Inf."""
        family = Family("histogram", name, text, label_names=label_names, make=lambda: Histogram(bounds))
        self._add(name, family.exposed)
        return family

    def counter(self, name: str, text: str) -> Counter:
        """A counter without labels."""
        return self.counter_family(name, text, ()).labels()

    def gauge(self, name: str, text: str) -> Gauge:
        """A gauge without labels."""
        return self.gauge_family(name, text, ()).labels()

    def histogram(self, name: str, text: str, bounds: tuple[float, ...] = DURATION_BUCKETS_S) -> Histogram:
        """A histogram without labels."""
        return self.histogram_family(name, text, (), bounds).labels()

    def observed(
        self, kind: str, name: str, text: str, *, label_names: tuple[str, ...], ask: Callable[[], Samples]
    ) -> None:
        """A family whose samples `ask` gives on each scrape: pairs of label values and value."""

        def samples() -> Samples:
            yield from ask()

        self._add(name, lambda: Exposed(kind, name, text, label_names=label_names, samples=samples()))

    def observed_gauge(self, name: str, text: str, ask: Callable[[], float]) -> None:
        """A gauge without labels whose value `ask` gives on each scrape."""
        self.observed("gauge", name, text, label_names=(), ask=lambda: [((), ask())])

    def observed_counter(self, name: str, text: str, ask: Callable[[], float]) -> None:
        """A counter without labels whose value `ask` gives on each scrape."""
        self.observed("counter", name, text, label_names=(), ask=lambda: [((), ask())])

    def add_collector(self, collect: Collector) -> None:
        """Has `collect` asked for whole families on each scrape, names unlike all others: what takes time to gather."""
        self._collectors.append(collect)

    async def parts(self, form: TextForm = TEXT) -> AsyncIterator[bytes]:
        """Everything, families by name, in parts of about `PART_BYTES`.

        What waits for the event loop meanwhile has its turns.
        """
        families: list[Shown] = [ask() for ask in self._families.values()]
        for collect in self._collectors:
            families += await collect()
        families.sort(key=lambda family: family.name)
        waiting: list[bytes] = []
        size = 0
        for family in families:
            async for part in family.parts(form):
                waiting.append(part)
                size += len(part)
                if size >= PART_BYTES:
                    yield b"".join(waiting)
                    waiting.clear()
                    size = 0
        yield b"".join((*waiting, form.end.encode()))
