"""A database that is only read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from neocortex import _native
from neocortex.library.times import Duration, Time, datetime_of, duration_ms, time_ms

if TYPE_CHECKING:
    import os
    from datetime import datetime

DIALECT = _native.Dialect(experimental_functions=True, extended_range_functions=False, features=[])

LOOKBACK_S = 300.0
"""How far back an instant selector looks, Prometheus's default."""

MAX_SAMPLES = 50_000_000
"""The most samples that a query may hold at once, Prometheus's default."""


def open(path: str | os.PathLike[str]) -> Database:
    """Opens the directory of a Prometheus, of one tenant of Cortex or Neocortex, or of a single block, for reading.

    Nothing there is changed, and the process it belongs to may go on writing: what is read is what was there at the
    time of the opening. A torn write at the end of the log is passed over.

    Raises `FileNotFoundError`, and `StorageFailedError` when the directory is no database or a block, a checkpoint or
    the log before its last segment is damaged.
    """
    return Database(_native.ReadOnlyTsdb.open(path))


class Database:
    """A database opened by `open`. May be shared by threads; can be used in a `with` statement.

    Selectors are Prometheus's, such as `up{job="node"}`. Everything raises `ParseError` for a bad query or selector,
    `StorageFailedError` when a block turns out to be damaged, `ClosedError` after `close`.
    """

    def __init__(self, tsdb: _native.ReadOnlyTsdb) -> None:
        self._tsdb = tsdb

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Lets go of memory and files. Results that were given out stay."""
        self._tsdb.close()

    @property
    def time_range(self) -> tuple[datetime, datetime] | None:
        """First and last millisecond that there may be samples of, in UTC; None without any.

        Blocks name the range that they cover, which may reach beyond their samples.
        """
        ends = self._tsdb.time_range_ms
        return None if ends is None else (datetime_of(ends[0]), datetime_of(ends[1]))

    def query(
        self, expr: str, time: Time, *, lookback: Duration = LOOKBACK_S, max_samples: int = MAX_SAMPLES
    ) -> _native.QueryResult:
        """Evaluates at one time. Raises `ExecutionError`, for more than `max_samples` (0 for no limit) too."""
        at = time_ms(time)
        return self._evaluate(expr, at, at, 0, lookback=lookback, max_samples=max_samples)

    def query_range(
        self,
        expr: str,
        start: Time,
        end: Time,
        step: Duration,
        *,
        lookback: Duration = LOOKBACK_S,
        max_samples: int = MAX_SAMPLES,
    ) -> _native.QueryResult:
        """Evaluates at `start` and every `step` after it up to `end`.

        Raises as `query`, and `ValueError` for a step that is not at least a millisecond.
        """
        step_ms = duration_ms(step)
        if step_ms <= 0:
            raise ValueError("the step must be at least a millisecond")
        times = time_ms(start), time_ms(end), step_ms
        return self._evaluate(expr, *times, lookback=lookback, max_samples=max_samples)

    def select(self, selector: str, start: Time, end: Time, *, max_samples: int = MAX_SAMPLES) -> _native.QueryResult:
        """The samples from `start` to `end`, both inclusive, as they were stored, without staleness markers.

        Raises `ExecutionError` for more than `max_samples` (0 for no limit).
        """
        return self._tsdb.select(selector, start_ms=time_ms(start), end_ms=time_ms(end), max_samples=max_samples)

    def series(self, selector: str | None = None) -> _native.QueryResult:
        """The labels of the series that match, all of them without a selector, sorted; one row a series."""
        return self._tsdb.series(selector)

    def label_names(self, selector: str | None = None) -> list[str]:
        """Label names of the series that match, sorted."""
        return self._tsdb.label_names(selector)

    def label_values(self, name: str, selector: str | None = None) -> list[str]:
        """Values of a label among the series that match, sorted."""
        return self._tsdb.label_values(name, selector)

    def _evaluate(
        self, expr: str, start_ms: int, end_ms: int, step_ms: int, *, lookback: Duration, max_samples: int
    ) -> _native.QueryResult:
        return self._tsdb.evaluate(
            _native.Query.parse(expr, DIALECT),
            start_ms=start_ms,
            end_ms=end_ms,
            step_ms=step_ms,
            lookback_ms=duration_ms(lookback),
            max_samples=max_samples,
        )
