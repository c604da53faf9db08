"""Two answers to one query: equal, or how they differ."""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

TOLERANCE = 1e-9
"""Relative; the two engines may add in another order."""


MAX_NOTES = 10
"""Beyond as many a server says only that there are more."""


UNUSED = {"offsetExpr": None, "rangeExpr": None, "stepExpr": None, "fillValues": {"lhs": None, "rhs": None}}
"""Parts of a syntax tree that Prometheus has since 3.10, as they are when a query does not use them."""


_NEWER_DETAIL = re.compile(r", from buckets \S+ to \S+, with a max diff of \S+, over -?\d+ samples from \S+ to \S+")
"""What Prometheus adds since 3.10 to the note that buckets were not monotonic; the number of samples is wrong there."""


@dataclass
class Tally:
    """What was compared, over many answers."""

    queries: int = 0
    errors: int = 0
    same_texts: int = 0
    empty: int = 0
    values: int = 0
    exact: int = 0

    def __str__(self) -> str:
        return (
            f"{self.queries} queries: {self.errors} errors ({self.same_texts} with the same text), {self.empty} empty;"
            f" {self.values} values, {self.exact} to the last digit"
        )


def difference(theirs: dict[str, Any], ours: dict[str, Any], tally: Tally) -> str | None:
    """None when the answers agree; else the first thing that differs."""
    tally.queries += 1
    if theirs["status"] == "error" or ours["status"] == "error":
        return _errors(theirs, ours, tally)
    want, got = theirs["data"], ours["data"]
    if want["resultType"] != got["resultType"]:
        return f"type: {want['resultType']}, ours {got['resultType']}"
    if want["resultType"] == "string":
        return None if want["result"] == got["result"] else f"string: {want['result']}, ours {got['result']}"
    rows, our_rows = _rows(want), _rows(got)
    if not rows:
        tally.empty += 1
    missing, extra = rows.keys() - our_rows.keys(), our_rows.keys() - rows.keys()
    if missing or extra:
        return f"series: {len(missing)} missing {sorted(missing)[:3]}, {len(extra)} extra {sorted(extra)[:3]}"
    return next((f for labels in rows for f in _points(labels, rows[labels], our_rows[labels], tally)), None)


def notes_difference(theirs: dict[str, Any], ours: dict[str, Any]) -> str | None:
    """None when warnings and infos are the same; of more than are shown each server shows others."""
    for kind in ("warnings", "infos"):
        want, got = (sorted(_NEWER_DETAIL.sub("", note) for note in answer.get(kind, ())) for answer in (theirs, ours))
        if want != got and not (len(want) == len(got) and len(want) > MAX_NOTES):
            return f"{kind}: {want}, ours {got}"
    return None


def parse_difference(theirs: list[dict[str, Any]], ours: list[dict[str, Any]]) -> str | None:
    """None when formatted text and tree are the same; errors by their class."""
    for want, got in zip(theirs, ours, strict=True):
        if want["status"] == "error" or got["status"] == "error":
            if found := _errors(want, got, Tally()):
                return f"parse {found}"
        elif _as_in_cortex(want["data"]) != got["data"]:
            return f"parse: {want['data']}, ours {got['data']}"
    return None


def _as_in_cortex(tree: Any) -> Any:
    """A tree without the parts since Prometheus 3.10 that the query does not use: null there, left out here."""
    if isinstance(tree, list):
        return [_as_in_cortex(one) for one in tree]
    if isinstance(tree, dict):
        return {key: _as_in_cortex(one) for key, one in tree.items() if key not in UNUSED or one != UNUSED[key]}
    return tree


def _errors(theirs: dict[str, Any], ours: dict[str, Any], tally: Tally) -> str | None:
    tally.errors += 1
    want, got = (f"{answer.get('errorType', 'no error')} {answer['code']}" for answer in (theirs, ours))
    if want != got:
        return f"error: {want} {theirs.get('error', '')!r}, ours {got} {ours.get('error', '')!r}"
    tally.same_texts += error_text(theirs) == error_text(ours)
    return None


def error_text(answer: dict[str, Any]) -> str:
    """The text without the parameter's name, which each API wraps in its own way."""
    text: str = answer["error"]
    return text.removeprefix('invalid parameter "query": ').removeprefix('invalid parameter "query"; ')


def _rows(data: Any) -> dict[str, list[Any]]:
    if data["resultType"] == "scalar":
        return {"": [data["result"]]}
    return {json.dumps(row["metric"], sort_keys=True, ensure_ascii=False): _row(row) for row in data["result"]}


def _row(row: Any) -> list[Any]:
    """Points, floats before histograms."""
    floats = row["values"] if "values" in row else [row["value"]] if "value" in row else []
    histograms = row["histograms"] if "histograms" in row else [row["histogram"]] if "histogram" in row else []
    return [*floats, *histograms]


def _points(labels: str, want: list[Any], got: list[Any], tally: Tally) -> Iterator[str]:
    if [t for t, _ in want] != [t for t, _ in got]:
        times, our_times = {t for t, _ in want}, {t for t, _ in got}
        yield f"times of {labels}: missing {sorted(times - our_times)[:3]}, extra {sorted(our_times - times)[:3]}"
        return
    for (t, a), (_, b) in zip(want, got, strict=True):
        tally.values += 1
        if a == b:
            tally.exact += 1
        elif not same_value(a, b):
            yield f"value of {labels} at {t}: {a}, ours {b}"


def same_value(a: Any, b: Any) -> bool:
    """Whether a number, or each of a histogram's, is the same."""
    if isinstance(a, str) and isinstance(b, str):
        return same_number(a, b)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same_value, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same_value(a[key], b[key]) for key in a)
    return bool(a == b)


def same_number(a: str, b: str) -> bool:
    """Within the tolerance; NaN equals NaN, and zeros of both signs are equal."""
    x, y = float(a), float(b)
    return (math.isnan(x) and math.isnan(y)) or math.isclose(x, y, rel_tol=TOLERANCE)
