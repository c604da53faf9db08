"""Random PromQL over the data set, typed, so that most of it is valid.

A production makes text of one type (scalar, vector, matrix, string) and draws smaller ones for its parts until the
depth is used up. A share of the queries is spoilt on purpose.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from parity.dataset import END_S
from parity.mistakes import mistakes
from parity.vocabulary import (
    AGGREGATIONS,
    ANY_PATTERNS,
    ARITHMETIC,
    BY_TARGET,
    CALENDAR,
    COMPARISON,
    COUNTERS,
    FIRST_S,
    HISTOGRAM,
    LABELS,
    MATH,
    METRIC_WEIGHTS,
    NUMBERS,
    OFFSETS,
    OVER_TIME,
    PATTERNS,
    QUANTILES,
    RANGES,
    SETS,
    SHORT_RANGES,
    STEPS,
    VALUES,
    Dialect,
)

T = TypeVar("T")

Kind = tuple[float, Callable[[int], str]]
"""A weight, and what makes a vector of a depth."""

ANY_COMPARISON = COMPARISON + tuple(f"{op} bool" for op in COMPARISON)


@dataclass(frozen=True)
class Query:
    """A request of the query API; an instant one has a step of 0 and equal times. Milliseconds."""

    text: str
    start_ms: int
    end_ms: int
    step_ms: int

    @property
    def instant(self) -> bool:
        """Whether it is one moment."""
        return self.step_ms == 0

    def __str__(self) -> str:
        times = f"{self.start_ms / 1000:.3f}"
        return (
            f"{self.text}  @@ {times}"
            if self.instant
            else f"{self.text}  @@ {times}..{self.end_ms / 1000:.3f}/{self.step_ms / 1000}"
        )


class Generator:
    """One query; `grid` tells whether its times may meet the times of samples."""

    def __init__(self, random: Random, dialect: Dialect) -> None:
        self._random = random
        self._dialect = dialect
        self._in_subquery = False
        self._off_grid_ms = 0
        if dialect is Dialect.PROMETHEUS_2 or random.random() < 0.3:
            self._off_grid_ms = 137

    def _pick(self, choices: Sequence[T]) -> T:
        return self._random.choice(choices)

    def query(self) -> Query:
        """Text and times."""
        text = self._text()
        start = self._random.randrange(FIRST_S[self._dialect], END_S + 600, 15)
        if self._random.random() < 0.2:
            start += self._random.randrange(15)
        start_ms = 1000 * start + self._off_grid_ms
        if self._random.random() < 0.5:
            return Query(text, start_ms, start_ms, 0)
        step = self._pick((1, 7, 15, 30, 60, 61, 120, 300, 900))
        return Query(text, start_ms, start_ms + 1000 * step * self._random.randrange(60), 1000 * step)

    def _text(self) -> str:
        depth = self._pick((1, 2, 2, 3, 3, 3, 4, 5))
        draw = self._random.random()
        if draw < 0.05:
            return self.scalar(depth)
        if draw < 0.06:
            return self.matrix(depth)
        if draw < 0.065:
            return self.string()
        if draw < 0.11:
            return self.erroneous(depth)
        return self.vector(depth)

    # Selectors

    def selector(self, metric: str | None = None) -> str:
        """An instant selector without modifiers."""
        name = metric or self._random.choices(tuple(LABELS), METRIC_WEIGHTS)[0]
        names = LABELS[name]
        matchers = [self._matcher(self._pick(names)) for _ in range(self._pick((0, 0, 0, 1, 1, 2)))]
        if self._random.random() < 0.04:
            return "{" + ",".join([f'__name__=~"{name[:4]}.*"', *matchers]) + "}"
        return name + ("{" + ",".join(matchers) + "}" if matchers else "")

    def _matcher(self, name: str) -> str:
        op = self._pick(("=", "=", "!=", "=~", "=~", "!~"))
        value = self._pick(VALUES[name] if op in ("=", "!=") else (*PATTERNS.get(name, ()), *ANY_PATTERNS))
        quoted = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'{name}{op}"{quoted}"'

    def _modifiers(self) -> str:
        parts = []
        if self._random.random() < 0.12:
            parts.append("offset " + self._pick(OFFSETS[self._dialect]))
        if self._random.random() < 0.07:
            at = self._pick(("start()", "end()", self._timestamp()))
            parts.append("@ " + at)
        self._random.shuffle(parts)
        return "".join(" " + part for part in parts)

    def _timestamp(self) -> str:
        ms = 1000 * self._random.randrange(FIRST_S[self._dialect], END_S + 100, 15) + self._off_grid_ms
        return f"{ms / 1000:.3f}"

    def _range(self) -> str:
        return self._pick(RANGES[self._dialect])

    def _number(self) -> str:
        return self._pick(NUMBERS).replace("_", "_" if self._dialect is Dialect.PROMETHEUS_3 else "")

    def matrix(self, depth: int, metric: str | None = None) -> str:
        """A range selector or a subquery."""
        if (
            depth > 1
            and self._random.random() < 0.3
            and not (self._in_subquery and self._dialect is Dialect.PROMETHEUS_2)
        ):
            before, self._in_subquery = self._in_subquery, True
            inner = self.vector(depth - 1)
            self._in_subquery = before
            step = self._pick(("", *STEPS))
            return f"({inner})[{self._range()}:{step}]{self._modifiers()}"
        return f"{self.selector(metric)}[{self._range()}]{self._modifiers()}"

    # Scalars and strings

    def scalar(self, depth: int) -> str:
        """A scalar expression."""
        draw = self._random.random()
        if depth <= 1 or draw < 0.45:
            return self._pick((self._number(), self._number(), self._number(), "time()", "pi()"))
        if draw < 0.7:
            op = self._pick((*ARITHMETIC, *ANY_COMPARISON[len(COMPARISON) :]))
            return f"({self.scalar(depth - 1)} {op} {self.scalar(depth - 1)})"
        if draw < 0.8:
            return f"-({self.scalar(depth - 1)})"
        return f"scalar({self.vector(depth - 1)})"

    def string(self) -> str:
        """A string literal in one of the three kinds of quotes."""
        return self._pick(('"some text"', "'it\\'s'", "`raw \\n`", '"\\u00fc\\x41\\101"', '""'))

    # Vectors

    def vector(self, depth: int) -> str:
        """An instant vector expression."""
        if depth <= 1:
            return self.selector() + self._modifiers()
        kinds = self.kinds()
        return self._random.choices([kind for _, kind in kinds], [weight for weight, _ in kinds])[0](depth)

    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of vectors that have parts."""
        return (
            (3.0, self._over_time),
            (2.5, self._aggregation),
            (3.0, self._binary),
            (1.5, self._math),
            (0.7, self._calendar),
            (1.0, self._histogram),
            (0.8, self._label),
            (0.6, self._absent),
            (0.6, self._sort),
            (0.4, lambda d: f"vector({self.scalar(d - 1)})"),
            (0.3, lambda d: f"-({self.vector(d - 1)})"),
            (0.5, lambda _: self.selector() + self._modifiers()),
        )

    def _over_time(self, depth: int) -> str:
        name = self._pick((*OVER_TIME, "quantile_over_time", "predict_linear"))
        metric = self._pick(COUNTERS) if name in ("rate", "irate", "increase", "resets") else None
        if self._dialect is Dialect.PROMETHEUS_2 and name in ("rate", "increase"):
            return f"{name}({self.selector(metric)}[{self._pick(SHORT_RANGES)}]{self._modifiers()})"
        window = self.matrix(depth, metric if self._random.random() < 0.7 else None)
        if name == "quantile_over_time":
            return f"{name}({self._pick(QUANTILES)}, {window})"
        if name == "predict_linear":
            return f"{name}({window}, {self.scalar(depth - 2)})"
        return f"{name}({window})"

    def _grouping(self, names: tuple[str, ...] | None = None) -> str:
        chosen = self._names(names)
        return f"{self._pick(('by', 'without'))} ({', '.join(chosen)})"

    def _names(self, names: tuple[str, ...] | None = None) -> list[str]:
        pool = names or ("job", "instance", "code", "method", "le", "kind", "no_such_label", "zone", "cpu")
        return self._random.sample(pool, self._random.randrange(min(3, len(pool)) + 1))

    def _aggregation(self, depth: int) -> str:
        inner = self.vector(depth - 1)
        grouping = self._grouping() if self._random.random() < 0.7 else ""
        draw = self._random.random()
        if draw < 0.65:
            name, argument = self._pick(AGGREGATIONS), ""
        elif draw < 0.8:
            name = self._pick(("topk", "bottomk"))
            argument = self._pick(("1", "2", "3", "0", "100", "-1", "1.7")) + ", "
        elif draw < 0.9:
            name, argument = "quantile", self._pick(QUANTILES) + ", "
        else:
            name, argument = "count_values", self._pick(('"value", ', '"job", ', '"__name__", '))
        if self._random.random() < 0.5:
            return f"{name} {grouping} ({argument}{inner})"
        return f"{name}({argument}{inner}) {grouping}"

    def _binary(self, depth: int) -> str:
        draw = self._random.random()
        if draw < 0.3:
            sides = [self.vector(depth - 1), self.scalar(depth - 1)]
            self._random.shuffle(sides)
            op = self._pick(ARITHMETIC + ANY_COMPARISON)
            return f"({sides[0]}) {op} ({sides[1]})"
        if draw < 0.5:
            return self._grouped(depth)
        op = self._pick(ARITHMETIC + ANY_COMPARISON + SETS)
        if draw < 0.65:
            by = ", ".join(self._names(("job", "instance", "code", "method", "zone")))
            left, right = (f"{self._pick(AGGREGATIONS)} by ({by}) ({self.vector(depth - 1)})" for _ in "lr")
            return f"{left} {op} {right}"
        if draw < 0.85:
            first, second = self._pick(BY_TARGET), self._pick(BY_TARGET)
            match = self._pick(
                ("", "on (job, instance)", "on (instance)", "ignoring (zone, version)", "ignoring (code)")
            )
            return f"{self._applied(first)} {op} {match} {self._applied(second)}"
        match = f"{self._pick(('on', 'ignoring'))} ({', '.join(self._names())})" if self._random.random() < 0.5 else ""
        return f"({self.vector(depth - 1)}) {op} {match} ({self.vector(depth - 1)})"

    def _applied(self, metric: str) -> str:
        text = self.selector(metric)
        draw = self._random.random()
        if draw < 0.3:
            if self._dialect is Dialect.PROMETHEUS_2 and metric == "flaky":  # rates of gaps
                return f"changes({text}[{self._range()}])"
            return f"{self._pick(OVER_TIME)}({text}[{self._range()}])"
        return f"{self._pick(MATH)}({text})" if draw < 0.4 else text

    def _grouped(self, depth: int) -> str:
        """Many-to-one along the target, with labels brought over."""
        many = self._pick(
            (self._applied("requests_total"), self._applied("duration_seconds_bucket"), self.vector(depth - 1))
        )
        one = self._pick((self._applied("build_info"), self._applied("temperature"), self._applied("errors_total")))
        op = self._pick(ARITHMETIC + ANY_COMPARISON)
        match = self._pick(("on (job, instance)", "on (instance, job)", "ignoring (code, method, le, version, zone)"))
        include = self._pick(("", "()", "(version)", "(zone)", "(version, zone)", "(code)"))
        if self._random.random() < 0.5:
            return f"({many}) {op} {match} group_left {include} ({one})"
        return f"({one}) {op} {match} group_right {include} ({many})"

    def _math(self, depth: int) -> str:
        inner = self.vector(depth - 1)
        draw = self._random.random()
        if draw < 0.6:
            return f"{self._pick(MATH)}({inner})"
        if draw < 0.7:
            return f"round({inner}{self._pick(('', ', 0.5', ', 10', ', 0', ', -3', ', 1e-9', ', NaN'))})"
        if draw < 0.8:
            return f"clamp({inner}, {self.scalar(depth - 2)}, {self.scalar(depth - 2)})"
        if draw < 0.9:
            return f"{self._pick(('clamp_min', 'clamp_max'))}({inner}, {self.scalar(depth - 2)})"
        return f"timestamp({inner})"

    def _calendar(self, depth: int) -> str:
        name = self._pick(CALENDAR)
        inner = self._pick(("", "vector(time())", "clock_seconds", self.vector(depth - 1)))
        return f"{name}({inner})"

    def _histogram(self, depth: int) -> str:
        draw = self._random.random()
        both = self._dialect is Dialect.PROMETHEUS_3
        if draw < 0.15:
            return f"{self._pick(HISTOGRAM if both else HISTOGRAM[:2])}({self.vector(depth - 1)})"
        buckets = self._pick(
            (
                f"rate({self.selector('duration_seconds_bucket')}[{self._pick(SHORT_RANGES)}])",
                f"sum by (le, {self._pick(('job', 'instance'))}) (increase(duration_seconds_bucket[10m]))",
                self.selector("duration_seconds_bucket") + self._modifiers(),
                "crooked_bucket",
                "open_bucket",
                self.vector(depth - 1),
            )
        )
        if both and draw < 0.35:  # of native histograms alone in 2.42
            return f"histogram_fraction({self.scalar(depth - 2)}, {self.scalar(depth - 2)}, {buckets})"
        return f"histogram_quantile({self._pick((*QUANTILES, self.scalar(depth - 2)))}, {buckets})"

    def _label(self, depth: int) -> str:
        inner = self.vector(depth - 1)
        if self._random.random() < 0.4:
            sources = "".join(f', "{name}"' for name in self._names())
            into, separator = self._pick(("both", "job", "instance")), self._pick(("-", ""))
            return f'label_join({inner}, "{into}", "{separator}"{sources})'
        into = self._pick(("short", "job", "instance", "__name__"))
        pattern, text = self._pick(
            (
                ("(.*)", "$1"),
                ("(.).*", "x$1"),
                ("a.*", "${0}y"),
                ("(?P<first>\\\\w+):(.*)", "$first/$2"),
                ("none", "z"),
                (".*", ""),
                ("", "was-empty"),
            )
        )
        source = self._pick(("job", "instance", "no_such_label", "__name__", "code"))
        return f'label_replace({inner}, "{into}", "{text}", "{source}", "{pattern}")'

    def _absent(self, depth: int) -> str:
        if self._random.random() < 0.5:
            return f"absent({self.vector(depth - 1)})"
        return f"absent_over_time({self.matrix(depth)})"

    def _sort(self, depth: int) -> str:
        return f"{self._pick(('sort', 'sort_desc'))}({self.vector(depth - 1)})"

    def erroneous(self, depth: int) -> str:
        """Something that should fail, in the parser, the type check or the evaluation."""
        return self._pick(mistakes(self.vector(depth - 1), self.scalar(1), self.matrix(1), self.string()))
