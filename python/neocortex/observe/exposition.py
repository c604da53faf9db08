"""The text forms of metrics, as client_golang writes them: 0.0.4 and OpenMetrics."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from math import isfinite, isnan
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


class Shown(Protocol):
    """A family as one scrape shows it."""

    name: str

    def parts(self, form: TextForm) -> AsyncIterator[bytes]:
        """Its header and its lines; nothing at all without samples."""


class Buckets(Protocol):
    """A histogram's state: `counts` of each bucket alone, the one above the last bound too; `total` of all values."""

    bounds: tuple[float, ...]
    counts: list[int]
    total: float


class Observations(NamedTuple):
    """The state of a summary without quantiles: the number of values, and their sum."""

    values: int
    total: float


Samples = Iterable[tuple[tuple[str, ...], "float | Buckets | Observations"]]
"""Label values and what is observed under them."""


class TextForm:
    """Text form 0.0.4."""

    content_type = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"
    end = ""
    writes_fractions = False
    """Whether a whole number that is not a count has a fraction of zero."""

    def header(self, kind: str, name: str, text: str) -> str:
        """The lines before a family's samples."""
        return f"# HELP {name} {self.help_text(text)}\n# TYPE {name} {kind}\n"

    def help_text(self, text: str) -> str:
        """A help text as it is written."""
        return text.replace("\\", "\\\\").replace("\n", "\\n")

    def sample_name(self, _kind: str, name: str) -> str:
        """What the samples of a family are called."""
        return name

    def number(self, value: float) -> str:
        """A value that is not a count, or the bound of a bucket."""
        return format_value(value)


class OpenMetricsForm(TextForm):
    """OpenMetrics: a counter's family is called without `_total`, its samples with it; numbers are floats."""

    end = "# EOF\n"
    writes_fractions = True

    def __init__(self, version: str) -> None:
        self.content_type = f"application/openmetrics-text; version={version}; charset=utf-8; escaping=underscores"

    def header(self, kind: str, name: str, text: str) -> str:
        """The lines before a family's samples."""
        return super().header(kind, name.removesuffix("_total") if kind == "counter" else name, text)

    def help_text(self, text: str) -> str:
        """A help text as it is written. Only text form 0.0.4 leaves quotes alone."""
        return super().help_text(text).replace('"', '\\"')

    def sample_name(self, kind: str, name: str) -> str:
        """What the samples of a family are called."""
        return name if kind != "counter" or name.endswith("_total") else f"{name}_total"

    def number(self, value: float) -> str:
        """A value that is not a count, or the bound of a bucket."""
        text = format_value(value)
        return f"{text}.0" if text.lstrip("-").isdigit() else text


TEXT = TextForm()


class Exposed:
    """A family as one scrape shows it: its samples are taken while it is written."""

    def __init__(self, kind: str, name: str, text: str, *, label_names: tuple[str, ...], samples: Samples) -> None:
        self.name = name
        self._kind = kind
        self._text = text
        self._label_names = label_names
        self._samples = samples

    def parts(self, form: TextForm) -> AsyncIterator[bytes]:
        """The lines. What waits for the event loop meanwhile has its turns."""
        from neocortex.turns import in_parts  # noqa: PLC0415 - brings asyncio, which not every start of the command needs

        return in_parts(self._lines(form))

    def _lines(self, form: TextForm) -> Iterator[str]:
        """The header, then the lines in the order of the samples; nothing at all without samples."""
        header = form.header(self._kind, self.name, self._text)
        name = form.sample_name(self._kind, self.name)
        for values, value in self._samples:
            if header:
                yield header
                header = ""
            pairs = ",".join([f'{key}="{_escape(text)}"' for key, text in zip(self._label_names, values, strict=True)])
            if isinstance(value, (int, float)):
                yield f"{name}{{{pairs}}} {form.number(value)}\n" if pairs else f"{name} {form.number(value)}\n"
            elif isinstance(value, Observations):
                yield from _observations(form, name, pairs, value)
            else:
                yield from _histogram(form, name, pairs, value)


def _histogram(form: TextForm, name: str, pairs: str, state: Buckets) -> Iterator[str]:
    before = f"{name}_bucket{{{pairs}," if pairs else f"{name}_bucket{{"
    running = 0
    for bound, count in zip(_bounds(form, state.bounds), state.counts, strict=False):
        running += count
        yield f"{before}{bound}{format_value(running)}\n"
    running += state.counts[-1]
    yield f'{before}le="+Inf"}} {format_value(running)}\n'
    yield from _observations(form, name, pairs, Observations(running, state.total))


def _observations(form: TextForm, name: str, pairs: str, state: Observations) -> Iterator[str]:
    braces = f"{{{pairs}}}" if pairs else ""
    yield f"{name}_sum{braces} {form.number(state.total)}\n"
    yield f"{name}_count{braces} {format_value(state.values)}\n"


@lru_cache(16)
def _bounds(form: TextForm, bounds: tuple[float, ...]) -> list[str]:
    """The last label of each bucket's line and what follows; most histograms share their bounds."""
    return [f'le="{form.number(bound)}"}} ' for bound in bounds]


def format_value(value: float) -> str:
    """A sample value as Go's `strconv.FormatFloat(value, 'g', -1, 64)`: exponent form below 1e-4 and from 1e+06 on."""
    if -1_000_000 < value < 1_000_000:
        if type(value) is int:
            return str(value)
        if value == int(value):
            return f"{value:.0f}"
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
