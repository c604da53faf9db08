"""Token buckets count as golang.org/x/time/rate does."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neocortex.distributor.rate import IngestionLimiter, TokenBucket


class Clock:
    """Seconds of a monotonic clock, set by the test."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_it_starts_full_and_fills_with_time() -> None:
    bucket = TokenBucket(10, 0.0)
    assert bucket.allow(10, 2.0, 10, 0.0)
    assert not bucket.allow(1, 2.0, 10, 0.0)
    assert not bucket.allow(1, 2.0, 10, 0.499)
    assert bucket.allow(1, 2.0, 10, 0.5)
    assert bucket.allow(2, 2.0, 10, 1.5)
    assert not bucket.allow(1, 2.0, 10, 1.5)


def test_it_never_holds_more_than_the_burst() -> None:
    bucket = TokenBucket(10, 0.0)
    assert bucket.allow(10, 2.0, 10, 1000.0)
    assert not bucket.allow(1, 2.0, 10, 1000.0)


def test_more_than_the_burst_never_passes() -> None:
    bucket = TokenBucket(10, 0.0)
    assert not bucket.allow(11, 1e9, 10, 1e6)
    assert bucket.allow(10, 1e9, 10, 1e6)


def test_what_is_refused_takes_nothing() -> None:
    bucket = TokenBucket(10, 0.0)
    assert bucket.allow(5, 1.0, 10, 0.0)
    for _ in range(100):
        assert not bucket.allow(6, 1.0, 10, 0.5)
    assert bucket.allow(5, 1.0, 10, 0.5)


def test_time_before_the_last_counts_as_none() -> None:
    bucket = TokenBucket(10, 100.0)
    assert bucket.allow(10, 1.0, 10, 100.0)
    assert not bucket.allow(1, 1.0, 10, 50.0)
    assert bucket.allow(1, 1.0, 10, 101.0)


def test_the_rate_and_the_burst_may_change() -> None:
    bucket = TokenBucket(10, 0.0)
    assert bucket.allow(10, 1.0, 10, 0.0)
    assert not bucket.allow(20, 100.0, 10, 1.0), "over the burst of now"
    assert bucket.allow(20, 100.0, 20, 1.0)
    assert bucket.allow(5, 1.0, 5, 1000.0)
    assert not bucket.allow(1, 1.0, 5, 1000.0), "the smaller burst cut what was held"


def test_nothing_passes_after_the_burst_at_rate_0() -> None:
    bucket = TokenBucket(10, 0.0)
    assert bucket.allow(10, 0.0, 10, 0.0)
    assert not bucket.allow(1, 0.0, 10, 1e9)
    assert not bucket.allow(1, -5.0, 10, 2e9)
    assert bucket.allow(0, 0.0, 10, 1e9)


def test_an_infinite_rate_lets_everything_pass() -> None:
    bucket = TokenBucket(0, 0.0)
    assert bucket.allow(10**12, math.inf, 0, 0.0)


def test_less_than_a_nanosecond_is_not_waited_for() -> None:
    """Go rounds the wait down to whole nanoseconds: a fraction of a token that fills sooner is there."""
    bucket = TokenBucket(3, 0.0)
    assert bucket.allow(3, 25000.0, 3, 0.0)
    assert bucket.allow(1, 25000.0, 3, 0.00004 - 5e-10)
    assert not bucket.allow(1, 25000.0, 3, 0.00008 - 5e-9)


@given(
    rate=st.floats(0.1, 1e6),
    burst=st.integers(1, 10**6),
    asks=st.lists(st.tuples(st.floats(0, 10), st.integers(0, 10**6)), max_size=50),
)
def test_no_more_passes_than_was_filled(rate: float, burst: int, asks: list[tuple[float, int]]) -> None:
    bucket, now, passed = TokenBucket(burst, 0.0), 0.0, 0
    for wait, n in asks:
        now += wait
        if bucket.allow(n, rate, burst, now):
            passed += n
    assert passed <= (burst + now * rate) * (1 + 1e-9) + 1e-9 * rate * len(asks)


def test_tenants_have_buckets_of_their_own() -> None:
    clock = Clock()
    limiter = IngestionLimiter(clock)
    assert limiter.allow("a", 10, 1.0, 10)
    assert not limiter.allow("a", 1, 1.0, 10)
    assert limiter.allow("b", 10, 1.0, 10)
    clock.now += 1
    assert limiter.allow("a", 1, 1.0, 10)


@pytest.mark.parametrize("burst", [0, 5])
def test_the_first_sight_of_a_tenant_has_the_burst_of_then(burst: int) -> None:
    limiter = IngestionLimiter(Clock())
    assert limiter.allow("a", burst, 1.0, burst)
    assert not limiter.allow("a", 1, 1.0, burst)
