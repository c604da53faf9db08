"""How far back and ahead a tenant's queries see, and how long a stretch they may ask for.

Source: Cortex's `validateQueryTimeRange` (`pkg/querier/querier.go`) and the limits of its query-frontend
(`pkg/querier/tripperware/queryrange/limits.go`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from neocortex.config.duration import MILLISECOND, Duration
from neocortex.errors import NeocortexError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from neocortex.config.sections.limits import Limits

END_OF_TIME_MS = (1 << 63) - 1


class RangeTooLong(NeocortexError):
    """A stretch of time is longer than `max_query_length`."""

    def __init__(self, length_ms: int, limit_ms: int) -> None:
        length, limit = Duration(length_ms * MILLISECOND), Duration(limit_ms * MILLISECOND)
        super().__init__(f"the query time range exceeds the limit (query length: {length}, limit: {limit})")


@dataclass(frozen=True, slots=True)
class Reach:
    """The reach of one request; all times in milliseconds."""

    first_ms: int
    """Nothing older is seen; 0 without `max_query_lookback`."""
    last_ms: int
    """Nothing newer is seen."""
    max_length_ms: int
    """0 for no limit."""

    @classmethod
    def of(cls, limits: Limits, now_ms: int, max_into_future_ms: int) -> Reach:
        """The reach of a tenant's request at this moment; a `max_into_future_ms` of 0 is no limit."""
        lookback_ms = limits.max_query_lookback.ms
        return cls(
            first_ms=max(0, now_ms - lookback_ms) if lookback_ms > 0 else 0,
            last_ms=now_ms + max_into_future_ms if max_into_future_ms > 0 else END_OF_TIME_MS,
            max_length_ms=limits.max_query_length.ms,
        )

    @property
    def visible_ms(self) -> tuple[int, int]:
        """First and last millisecond that are seen."""
        return self.first_ms, self.last_ms

    def within(self, start_ms: int, end_ms: int) -> tuple[int, int] | None:
        """The part of a stretch that is seen; None when nothing of it is."""
        start, end = max(start_ms, self.first_ms), min(end_ms, self.last_ms)
        return (start, end) if start <= end else None

    def check_length(self, length_ms: int) -> None:
        """Raises `RangeTooLong`."""
        if 0 < self.max_length_ms < length_ms:
            raise RangeTooLong(length_ms, self.max_length_ms)

    def check_selections(self, selections: Iterable[tuple[int, int]]) -> None:
        """Each stretch that the selectors of a query read, as far as it is seen. Raises `RangeTooLong`."""
        for start, end in selections:
            if (seen := self.within(start, end)) is not None:
                self.check_length(seen[1] - seen[0])

    def sees_lookup(self, start_ms: int, end_ms: int) -> bool:
        """Whether a lookup of names, values or series is answered; one from the begin of time may be of any length.

        Raises `RangeTooLong`.
        """
        seen = self.within(start_ms, end_ms)
        if seen is not None and seen[0] > 0:
            self.check_length(seen[1] - seen[0])
        return seen is not None


def covered_ms(selections: Iterable[tuple[int, int]]) -> int:
    """Milliseconds that selections reach over, counted once where several do; their left ends count too."""
    covered, reached = 0, None
    for start, end in sorted(selections):
        begin = start - 1 if reached is None else max(start - 1, reached)
        covered += max(0, end - begin)
        reached = end if reached is None else max(reached, end)
    return covered
