"""Random PromQL of a current Prometheus: native histograms, experimental functions and syntax."""

from parity.generate import Generator, Kind
from parity.vocabulary import OVER_TIME, QUANTILES, SHORT_RANGES

NATIVE = {
    "latency": ("job", "instance"),
    "sizes": ("job", "instance"),
    "queue": ("job",),
    "changing": ("kind",),
}

# fmt: off
NEWER_OVER_TIME = (
    "mad_over_time", "first_over_time", "ts_of_first_over_time", "ts_of_last_over_time", "ts_of_max_over_time",
    "ts_of_min_over_time",
)
# fmt: on
EXTENDED = ("rate", "increase", "delta", "resets", "changes")
CONTEXT = ("start()", "end()", "step()", "range()")
NATIVE_FUNCTIONS = ("histogram_count", "histogram_sum", "histogram_avg", "histogram_stddev", "histogram_stdvar")
NATIVE_OVER_TIME = ("sum_over_time", "avg_over_time", "last_over_time", "increase", "delta", "irate", "idelta")
FILLS = ("0", "1e300", "-0.5", "0x1F")
"""No NaN and no Inf: `parse_query` of Prometheus cannot put them into its JSON."""
TRIMS = ("</", ">/")


class NewerGenerator(Generator):
    """The generator with more kinds of vectors and scalars, ranges and joins."""

    def selector(self, metric: str | None = None) -> str:
        if metric in (None, "requests_total", "duration_seconds_sum") and self._random.random() < 0.25:
            return self._native()
        return super().selector(metric)

    def _native(self) -> str:
        name = self._pick(tuple(NATIVE))
        if self._random.random() < 0.6:
            return name
        return f"{name}{{{self._matcher(self._pick(NATIVE[name]))}}}"

    def kinds(self) -> tuple[Kind, ...]:
        return (
            *super().kinds(),
            (0.6, self._newer_over_time),
            (0.6, self._extended),
            (0.5, self._limit),
            (0.5, self._fill),
            (1.0, self._native_function),
            (0.4, self._trim),
            (0.3, self._sort_by_label),
            (0.2, self._info),
        )

    def scalar(self, depth: int) -> str:
        draw = self._random.random()
        if draw < 0.06:
            return self._pick(CONTEXT)
        if draw < 0.1 and depth > 1:
            return f"{self._pick(('min_of', 'max_of'))}({self.scalar(depth - 1)}, {self.scalar(depth - 1)})"
        return super().scalar(depth)

    def _range(self) -> str:
        plain = super()._range()
        if self._random.random() < 0.85:
            return plain
        other = self._pick(SHORT_RANGES)
        return self._pick(
            (
                f"{plain} + {other}",
                f"({plain}) * 2",
                f"{plain} - {other}",
                f"{plain} / 3",
                f"max_of({plain}, {other})",
                f"min_of(range(), {other})",
                f"step() + {other}",
                f"max_of(step(), {plain})",
                f"2 ^ 3 * {other} % 11m",
            )
        )

    def _newer_over_time(self, depth: int) -> str:
        if self._random.random() < 0.2:
            return f"double_exponential_smoothing({self.matrix(depth)}, {self._pick(QUANTILES)}, 0.3)"
        return f"{self._pick(NEWER_OVER_TIME)}({self.matrix(depth)})"

    def _extended(self, _depth: int) -> str:
        kind = self._pick(("anchored", "smoothed"))
        if self._random.random() < 0.3:
            return f"{self.selector()} smoothed"
        window = f"{self.selector()}[{self._range()}] {kind}{self._modifiers()}"
        return f"{self._pick(EXTENDED if self._random.random() < 0.8 else OVER_TIME)}({window})"

    def _limit(self, depth: int) -> str:
        """A ratio takes all or none: which part of the series is the hash's, which in Cortex's build is another."""
        name, argument = self._pick(
            (("limitk", "2"), ("limitk", "0"), ("limit_ratio", "1"), ("limit_ratio", "-1"), ("limit_ratio", "1.5"))
        )
        return (
            f"{name} {self._grouping() if self._random.random() < 0.4 else ''} ({argument}, {self.vector(depth - 1)})"
        )

    def _fill(self, depth: int) -> str:
        left, right = (f"sum by (job, instance) ({self.vector(depth - 1)})" for _ in "lr")
        fill = self._pick(
            (
                f"fill ({self._pick(FILLS)})",
                "fill_left (0)",
                "fill_right (-7.5)",
                "fill_left (1) fill_right (2)",
            )
        )
        op = self._pick(("+", "-", "*", "/", "==", "> bool", "<="))
        return f"{left} {op} {self._pick(('', 'on (job, instance)', 'ignoring (zone)'))} {fill} {right}"

    def _native_function(self, depth: int) -> str:
        inner = self._pick(
            (
                self._native(),
                f"rate({self._native()}[{self._pick(SHORT_RANGES)}])",
                f"{self._pick(('sum', 'avg', 'count'))} by (job) ({self._native()})",
                f"{self._pick(NATIVE_OVER_TIME)}({self._native()}[{self._range()}])",
                f"{self._native()} {self._pick(('*', '/', '+', '-', '=='))} {self._pick(('2', self._native()))}",
            )
        )
        draw = self._random.random()
        if draw < 0.3:
            return f"{self._pick(NATIVE_FUNCTIONS)}({inner})"
        if draw < 0.55:
            return f"histogram_quantile({self._pick(QUANTILES)}, {inner})"
        if draw < 0.7:
            return f"histogram_fraction({self.scalar(1)}, {self.scalar(1)}, {inner})"
        if draw < 0.8:
            return f'histogram_quantiles({inner}, "q", 0.5, {self._pick(QUANTILES)})'
        return inner if depth > 1 else self._native()

    def _trim(self, depth: int) -> str:
        return f"{self._native()} {self._pick(TRIMS)} {self.scalar(depth - 2)}"

    def _sort_by_label(self, depth: int) -> str:
        names = ", ".join(f'"{name}"' for name in self._names()) or '"job"'
        return f"{self._pick(('sort_by_label', 'sort_by_label_desc'))}({self.vector(depth - 1)}, {names})"

    def _info(self, depth: int) -> str:
        return f'info({self.vector(depth - 1)}, {{__name__="build_info"}})'
