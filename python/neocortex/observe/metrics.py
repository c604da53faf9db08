"""A registry of counters, gauges and histograms that costs little to touch and renders Prometheus' text form 0.0.4.

Own code for two reasons: the registry is imported on every start, and it is touched several times a request. A metric
with labels is bound once (`requests.labels("GET", "api_v1_push")` gives the child to keep); touching a child is an
attribute addition. All of it runs on the event loop's thread; what other threads count is kept natively and joins as
text.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable
from math import isfinite, isnan
from typing import Generic, TypeVar

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


Samples = Iterable[tuple[tuple[str, ...], float | Histogram]]
"""Label values and what is observed under them."""

C = TypeVar("C", Counter, Gauge, Histogram)


class Family(Generic[C]):
    """All children of one metric name. They live until they are removed: label values come from a bounded set."""

    def __init__(self, kind: str, name: str, text: str, *, label_names: tuple[str, ...], make: Callable[[], C]) -> None:
        self.kind = kind
        self.name = name
        self.text = text
        self.label_names = label_names
        self._make: Callable[[], C] = make
        self._children: dict[tuple[str, ...], C] = {}

    def labels(self, *values: str) -> C:
        """The child with these label values, in the order of the label names; made on first use."""
        child = self._children.get(values)
        if child is None:
            if len(values) != len(self.label_names):
                raise ValueError(f"{self.name} has labels {self.label_names}, got {values}")
            child = self._children[values] = self._make()
        return child

    def remove(self, *values: str) -> None:
        """Forgets the child with these label values, if there is one."""
        self._children.pop(values, None)

    def clear(self) -> None:
        """Forgets all children."""
        self._children.clear()

    def render(self, out: list[str]) -> None:
        """Appends the family's lines, children sorted by label values."""
        if not self._children:
            return
        out.append(_header(self.name, self.kind, self.text))
        for values, child in sorted(self._children.items()):
            pairs = _pairs(self.label_names, values)
            if isinstance(child, Histogram):
                _render_histogram(out, self.name, pairs, child)
            else:
                out.append(_sample(self.name, pairs, child.value))


class _Observed:
    """A family whose samples are asked for when it is rendered."""

    def __init__(
        self, kind: str, name: str, text: str, *, label_names: tuple[str, ...], ask: Callable[[], Samples]
    ) -> None:
        self.kind = kind
        self.name = name
        self.text = text
        self.label_names = label_names
        self._ask = ask

    def render(self, out: list[str]) -> None:
        """Appends the family's lines in the order of the callable's samples."""
        samples = list(self._ask())
        if not samples:
            return
        out.append(_header(self.name, self.kind, self.text))
        for values, value in samples:
            pairs = _pairs(self.label_names, values)
            if isinstance(value, Histogram):
                _render_histogram(out, self.name, pairs, value)
            else:
                out.append(_sample(self.name, pairs, value))


class Registry:
    """Every metric of the process, by name."""

    def __init__(self) -> None:
        self._families: dict[str, Family[Counter] | Family[Gauge] | Family[Histogram] | _Observed] = {}
        self._sources: list[Callable[[], str | bytes]] = []

    def _add(self, family: Family[Counter] | Family[Gauge] | Family[Histogram] | _Observed) -> None:
        if family.name in self._families:
            raise ValueError(f"metric {family.name} is registered twice")
        self._families[family.name] = family

    def counter_family(self, name: str, text: str, label_names: tuple[str, ...]) -> Family[Counter]:
        """A counter with labels."""
        family = Family("counter", name, text, label_names=label_names, make=Counter)
        self._add(family)
        return family

    def gauge_family(self, name: str, text: str, label_names: tuple[str, ...]) -> Family[Gauge]:
        """A gauge with labels."""
        family = Family("gauge", name, text, label_names=label_names, make=Gauge)
        self._add(family)
        return family

    def histogram_family(
        self, name: str, text: str, label_names: tuple[str, ...], bounds: tuple[float, ...] = DURATION_BUCKETS_S
    ) -> Family[Histogram]:
        """A histogram with labels; `bounds` ascending, without +Inf."""
        family = Family("histogram", name, text, label_names=label_names, make=lambda: Histogram(bounds))
        self._add(family)
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
        self._add(_Observed(kind, name, text, label_names=label_names, ask=ask))

    def observed_gauge(self, name: str, text: str, ask: Callable[[], float]) -> None:
        """A gauge without labels whose value `ask` gives on each scrape."""
        self.observed("gauge", name, text, label_names=(), ask=lambda: [((), ask())])

    def observed_counter(self, name: str, text: str, ask: Callable[[], float]) -> None:
        """A counter without labels whose value `ask` gives on each scrape."""
        self.observed("counter", name, text, label_names=(), ask=lambda: [((), ask())])

    def add_text_source(self, source: Callable[[], str | bytes]) -> None:
        """Adds whole families rendered elsewhere in text form 0.0.4, names unlike all others; asked on each scrape."""
        self._sources.append(source)

    def render(self) -> str:
        """Everything in text form 0.0.4: own families by name, then the text sources in the order added."""
        out: list[str] = []
        for name in sorted(self._families):
            self._families[name].render(out)
        for source in self._sources:
            text = source()
            out.append(text.decode() if isinstance(text, bytes) else text)
            if out[-1] and not out[-1].endswith("\n"):
                out.append("\n")
        return "".join(out)


def format_value(value: float) -> str:
    """A sample value as Go's `strconv.FormatFloat(value, 'g', -1, 64)`: exponent form below 1e-4 and from 1e+06 on."""
    if type(value) is int and -1_000_000 < value < 1_000_000:
        return str(value)
    value = float(value)
    if not isfinite(value):
        return "NaN" if isnan(value) else "+Inf" if value > 0 else "-Inf"
    mantissa, _, _ = repr(value).lstrip("-").partition("e")
    digits = mantissa.replace(".", "").lstrip("0").rstrip("0") or "0"
    scientific = f"{value:.{len(digits) - 1}e}"
    exponent = int(scientific[scientific.index("e") + 1 :])
    if exponent < -4 or exponent >= 6:
        return scientific
    return f"{value:.{max(0, len(digits) - 1 - exponent)}f}"


def _escape(value: str) -> str:
    if "\\" in value or '"' in value or "\n" in value:
        return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return value


def _pairs(names: tuple[str, ...], values: tuple[str, ...]) -> str:
    return ",".join([f'{name}="{_escape(value)}"' for name, value in zip(names, values, strict=True)])


def _header(name: str, kind: str, text: str) -> str:
    shown = text.replace("\\", "\\\\").replace("\n", "\\n")
    return f"# HELP {name} {shown}\n# TYPE {name} {kind}\n"


def _sample(name: str, pairs: str, value: float) -> str:
    return f"{name}{{{pairs}}} {format_value(value)}\n" if pairs else f"{name} {format_value(value)}\n"


def _render_histogram(out: list[str], name: str, pairs: str, child: Histogram) -> None:
    before = pairs + "," if pairs else ""
    braces = f"{{{pairs}}}" if pairs else ""
    running = 0
    for bound, count in zip(child.bounds, child.counts, strict=False):
        running += count
        out.append(f'{name}_bucket{{{before}le="{format_value(bound)}"}} {format_value(running)}\n')
    running += child.counts[-1]
    out.append(f'{name}_bucket{{{before}le="+Inf"}} {format_value(running)}\n')
    out.append(f"{name}_sum{braces} {format_value(child.total)}\n{name}_count{braces} {format_value(running)}\n")
