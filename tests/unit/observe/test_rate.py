"""Moving averages and peaks."""

import pytest

from neocortex.observe.rate import EwmaRate, Inflight


def test_the_first_interval_is_taken_as_it_is_and_later_ones_weigh_a_fifth() -> None:
    rate = EwmaRate(15)
    rate.add(10)
    rate.add(20)
    assert rate.per_second == 0
    rate.tick()
    assert rate.per_second == pytest.approx(2)
    rate.tick()
    assert rate.per_second == pytest.approx(1.6)
    rate.add(150)
    rate.tick()
    assert rate.per_second == pytest.approx(1.6 + 0.2 * (10 - 1.6))


def test_a_first_interval_without_events_counts_as_one() -> None:
    rate = EwmaRate(1)
    rate.tick()
    rate.add(10)
    rate.tick()
    assert rate.per_second == pytest.approx(2)


def test_a_peak_is_shown_for_the_interval_and_the_next() -> None:
    running = Inflight()
    running.begin()
    running.begin()
    running.end()
    assert (running.now, running.peak) == (1, 2)
    running.tick()
    assert running.peak == 2
    running.tick()
    assert (running.now, running.peak) == (1, 0)
