"""Durations in Go's and in Prometheus's syntax."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neocortex.config.duration import (
    Duration,
    format_go_duration,
    format_prometheus_duration,
    parse_go_duration,
    parse_prometheus_duration,
)


@pytest.mark.parametrize(
    ("text", "ns", "shown"),
    [
        ("0", 0, "0s"),
        ("5s", 5_000_000_000, "5s"),
        ("1h", 3_600_000_000_000, "1h0m0s"),
        ("1h30m0.5s", 5_400_500_000_000, "1h30m0.5s"),
        ("-1.5h", -5_400_000_000_000, "-1h30m0s"),
        (".5s", 500_000_000, "500ms"),
        ("1us", 1_000, "1µs"),
        ("3ns", 3, "3ns"),
        ("100h1ns", 360_000_000_000_001, "100h0m0.000000001s"),
        ("2562047h47m16.854775807s", (1 << 63) - 1, "2562047h47m16.854775807s"),
    ],
)
def test_go(text: str, ns: int, shown: str) -> None:
    duration = parse_go_duration(text)
    assert duration.ns == ns
    assert str(duration) == shown
    assert duration.seconds == pytest.approx(ns / 1e9)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", 'time: invalid duration ""'),
        ("5", 'time: missing unit in duration "5"'),
        ("5x", 'time: unknown unit "x" in duration "5x"'),
        (".s", 'time: invalid duration ".s"'),
        ("1d", 'time: unknown unit "d" in duration "1d"'),
        ("2562048h", 'time: invalid duration "2562048h"'),
    ],
)
def test_go_refuses(text: str, problem: str) -> None:
    with pytest.raises(ValueError) as error:
        parse_go_duration(text)
    assert str(error.value) == problem


@pytest.mark.parametrize(
    ("text", "ms", "shown"),
    [
        ("0", 0, "0s"),
        ("1d12h", 129_600_000, "1d12h"),
        ("14d", 1_209_600_000, "2w"),
        ("90d", 7_776_000_000, "90d"),
        ("365d", 31_536_000_000, "1y"),
        ("1500ms", 1_500, "1s500ms"),
    ],
)
def test_prometheus(text: str, ms: int, shown: str) -> None:
    duration = parse_prometheus_duration(text)
    assert duration.ms == ms
    assert str(duration) == shown


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "empty duration string"),
        ("1", 'not a valid duration string: "1"'),
        ("-1s", 'not a valid duration string: "-1s"'),
        ("1s1h", 'not a valid duration string: "1s1h"'),
        ("1x", 'unknown unit "x" in duration "1x"'),
        ("300y", "duration out of range"),
    ],
)
def test_prometheus_refuses(text: str, problem: str) -> None:
    with pytest.raises(ValueError) as error:
        parse_prometheus_duration(text)
    assert str(error.value) == problem


@given(st.integers(min_value=-(1 << 63) + 1, max_value=(1 << 63) - 1))
def test_go_reads_what_it_prints(ns: int) -> None:
    assert parse_go_duration(format_go_duration(Duration(ns))).ns == ns


@given(st.integers(min_value=0, max_value=9_000_000_000_000))
def test_prometheus_reads_what_it_prints(ms: int) -> None:
    assert parse_prometheus_duration(format_prometheus_duration(Duration(ms * 1_000_000))).ms == ms


@given(st.text(max_size=12))
def test_bad_text_never_crashes(text: str) -> None:
    for parse in (parse_go_duration, parse_prometheus_duration):
        try:
            parse(text)
        except ValueError:
            continue
