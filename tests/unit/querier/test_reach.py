"""How far queries see."""

import pytest

from neocortex.config.duration import PrometheusDuration
from neocortex.config.sections.limits import Limits
from neocortex.querier.reach import END_OF_TIME_MS, RangeTooLong, Reach, covered_ms

HOUR_NS = 3600 * 10**9
NOW_MS = 10 * 3600 * 1000


def reach(*, lookback_h: int = 0, length_h: int = 0, into_future_ms: int = 0) -> Reach:
    limits = Limits()
    limits.max_query_lookback = PrometheusDuration(lookback_h * HOUR_NS)
    limits.max_query_length = PrometheusDuration(length_h * HOUR_NS)
    return Reach.of(limits, NOW_MS, into_future_ms)


def test_without_limits_all_is_seen_from_the_epoch_on() -> None:
    assert reach().visible_ms == (0, END_OF_TIME_MS)
    assert reach().within(-5, 7) == (0, 7)
    reach().check_length(END_OF_TIME_MS)


def test_what_is_seen_is_between_the_lookback_and_the_future() -> None:
    seen = reach(lookback_h=1, into_future_ms=60_000)
    assert seen.visible_ms == (NOW_MS - 3_600_000, NOW_MS + 60_000)
    assert seen.within(0, END_OF_TIME_MS) == seen.visible_ms
    assert seen.within(0, NOW_MS - 3_600_000) == (NOW_MS - 3_600_000, NOW_MS - 3_600_000)
    assert seen.within(0, NOW_MS - 3_600_001) is None
    assert seen.within(NOW_MS + 60_001, END_OF_TIME_MS) is None
    assert reach(lookback_h=100).first_ms == 0


def test_a_length_at_the_limit_and_above() -> None:
    limited = reach(length_h=1)
    limited.check_length(3_600_000)
    text = r"^the query time range exceeds the limit \(query length: 1h0m0\.001s, limit: 1h0m0s\)$"
    with pytest.raises(RangeTooLong, match=text):
        limited.check_length(3_600_001)


def test_selections_are_measured_as_far_as_they_are_seen() -> None:
    limited = reach(length_h=1, lookback_h=1)
    limited.check_selections([(0, NOW_MS), (0, 1)])
    with pytest.raises(RangeTooLong):
        limited.check_selections([(NOW_MS - 10, NOW_MS), (NOW_MS - 3_600_000, NOW_MS + 1)])


def test_a_lookup_since_ever_may_be_of_any_length() -> None:
    limited = reach(length_h=1)
    assert limited.sees_lookup(-1, END_OF_TIME_MS)
    assert limited.sees_lookup(1, 3_600_001)
    with pytest.raises(RangeTooLong):
        limited.sees_lookup(1, 3_600_002)
    assert not reach(lookback_h=1).sees_lookup(0, 5)


@pytest.mark.parametrize(
    ("selections", "covered"),
    [
        ([], 0),
        ([(1, 60)], 60),
        ([(1, 60), (1, 60)], 60),
        ([(31, 60), (1, 40)], 60),
        ([(1, 20), (41, 60)], 40),
        ([(1, 60), (11, 20), (61, 70)], 70),
    ],
)
def test_what_selections_share_is_counted_once(selections: list[tuple[int, int]], covered: int) -> None:
    assert covered_ms(selections) == covered
