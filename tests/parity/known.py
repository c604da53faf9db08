"""What a Prometheus of another version answers otherwise, each difference with its reason."""

import re
from dataclasses import dataclass

from parity.generate import Query
from parity.vocabulary import MATH, Dialect


@dataclass(frozen=True)
class Known:
    """A difference of versions: where it may show, and why it is right."""

    dialects: tuple[Dialect, ...]
    text: str
    """A pattern found in the query."""
    found: str
    """A pattern that the difference begins with."""
    why: str


OLD = (Dialect.PROMETHEUS_2,)
NEW = (Dialect.PROMETHEUS_3,)
BOTH = OLD + NEW

_CALENDAR = r"(day_of_\w+|days_in_month|hour|minute|month|year)\("
_COMPARISON = r"[=!]=|[<>]"

KNOWN = (
    Known(OLD, r"^5m$", "error: bad_data 400", "durations are numbers since Prometheus 3.0"),
    Known(OLD, r"std(dev|var)\b", "(value|series)", "stddev of one NaN is NaN since Prometheus 2.51"),
    Known(OLD, r"atan2", "series", "atan2 drops the name since Prometheus 2.44"),
    Known(
        OLD,
        r"count_values.*__name__",
        "series",
        "count_values drops other names since 3.0",
    ),
    Known(
        OLD,
        _COMPARISON,
        "error: no error.*multiple matches",
        "a false comparison counts as a match since 2.43",
    ),
    Known(OLD, _CALENDAR, "value", "Go before 1.23 wraps dates beyond its calendar otherwise"),
    Known(BOTH, r"(log10|log2|ln).*odd", "value", "Go takes logarithms of subnormal numbers wrongly on amd64"),
    Known(
        BOTH,
        rf"count_values.*({'|'.join(MATH)}|atan2|\^)",
        "series",
        "labels show the last digit of a function, which the C library rounds otherwise than Go",
    ),
    Known(
        NEW,
        r"@.*\[\w+:\w*\].*@.*\[\w+:\w*\]",
        "(series|times|value)",
        "nested subqueries with @ that start at the same step keep the outer one's offset in Prometheus",
    ),
    Known(
        NEW,
        r"histogram_(sum|count|avg)",
        r"warnings: \[\], ours \['PromQL warning: conflicting counter resets",
        "Prometheus looks for resets while it reads sums and counts, and forgets the last one where windows leave gaps",
    ),
    Known(
        NEW,
        "fill",
        "infos: .*incompatible sample types",
        "of the notes that a join makes at a step Prometheus keeps the last",
    ),
    Known(
        NEW,
        r"absent.*!=|absent.*!~",
        "series",
        "the head of Prometheus sorts the matchers that absent then reads; Cortex's querier leaves them",
    ),
)


def reason(query: Query, found: str, dialect: Dialect) -> str | None:
    """Why this difference is known; None when it is not."""
    for known in KNOWN:
        if dialect in known.dialects and re.search(known.text, query.text) and re.match(known.found, found):
            return known.why
    return None
