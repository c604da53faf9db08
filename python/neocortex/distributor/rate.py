"""Ingestion rate limits: one token bucket a tenant, as Cortex's limiter (golang.org/x/time/rate) counts."""

import math
import time
from collections.abc import Callable


class TokenBucket:
    """A bucket of `burst` tokens, filled with `rate` tokens a second; starts full.

    A request larger than the burst never passes, unless the rate is infinite. Rate and burst may change between calls.
    """

    __slots__ = ("_last", "_tokens")

    def __init__(self, burst: int, now: float) -> None:
        self._tokens = float(burst)
        self._last = now

    def allow(self, n: int, rate: float, burst: int, now: float) -> bool:
        """Takes `n` tokens if they are there; `now` in seconds of a monotonic clock."""
        if rate == math.inf:
            return True
        filled = max(0.0, now - self._last) * max(0.0, rate)
        tokens = min(float(burst), self._tokens + filled) - n
        # What is filled in less than a nanosecond is there: Go's limiter counts time in whole ones.
        if n > burst or (tokens < 0 and (rate <= 0 or -tokens / rate * 1e9 >= 1)):
            return False
        self._last = now
        self._tokens = tokens
        return True


class IngestionLimiter:
    """The buckets of all tenants. Not thread-safe: used on the event loop only."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: dict[str, TokenBucket] = {}

    def allow(self, tenant: str, n: int, rate: float, burst: int) -> bool:
        """True when `tenant` may write `n` more samples, exemplars and metadata now."""
        now = self._clock()
        bucket = self._buckets.get(tenant)
        if bucket is None:
            bucket = self._buckets[tenant] = TokenBucket(burst, now)
        return bucket.allow(n, rate, burst, now)
