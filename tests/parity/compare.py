"""Two answers to one query: equal, or how they differ."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

TOLERANCE = 1e-9
"""Relative; the two engines may add in another order."""


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
        elif not (isinstance(a, str) and isinstance(b, str) and same_number(a, b)):
            yield f"value of {labels} at {t}: {a}, ours {b}"


def same_number(a: str, b: str) -> bool:
    """Within the tolerance; NaN equals NaN, and zeros of both signs are equal."""
    x, y = float(a), float(b)
    return (math.isnan(x) and math.isnan(y)) or math.isclose(x, y, rel_tol=TOLERANCE)
