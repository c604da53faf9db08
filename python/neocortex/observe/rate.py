"""Rates and peaks that limits and pages show. Source: Cortex's `pkg/util/math`."""

SMOOTHING = 0.2
"""Weight of the newest interval in every rate of Cortex's."""


class EwmaRate:
    """Events a second as an exponentially weighted moving average; `tick` must be called every `interval_s`."""

    __slots__ = ("_interval_s", "_new", "_started", "per_second")

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._new = 0
        self._started = False
        self.per_second = 0.0
        """The rate as of the last tick; 0 before the first."""

    def add(self, events: int) -> None:
        """Counts events; they show with the next tick."""
        self._new += events

    def tick(self) -> None:
        """Ends an interval. The first one is taken as it is."""
        instant = self._new / self._interval_s
        self._new = 0
        self.per_second += (instant - self.per_second) * (SMOOTHING if self._started else 1.0)
        self._started = True


class Inflight:
    """How many run now, and the most at a time over this interval and the one before."""

    __slots__ = ("_before", "_most", "now")

    def __init__(self) -> None:
        self.now = 0
        self._most = 0
        self._before = 0

    @property
    def peak(self) -> int:
        """The most at a time since the last tick but one."""
        return max(self._most, self._before)

    def begin(self) -> None:
        """One more runs."""
        self.now += 1
        self._most = max(self._most, self.now)

    def end(self) -> None:
        """One has ended."""
        self.now -= 1

    def tick(self) -> None:
        """Ends an interval."""
        self._before = self._most
        self._most = 0
