"""Parameters are read as Cortex reads them. The tables were made by Go: Cortex's functions on Go's standard library."""

import re

import pytest

from neocortex.querier.parameters import (
    BadParameter,
    parse_duration_ms,
    parse_integer,
    parse_limit,
    parse_time_ms,
)

TIMES = [
    ("0", 0),
    ("-0", 0),
    ("1", 1000),
    ("+1", 1000),
    ("-1", -1000),
    ("1.5", 1500),
    ("-1.5", -1500),
    ("1.0005", 1000),
    ("-1.0005", -1000),
    ("1.9995", 2000),
    ("-1.9995", -2000),
    ("0.0004999", 0),
    (".5", 500),
    ("5.", 5000),
    ("1e3", 1000000),
    ("1E3", 1000000),
    ("1e+3", 1000000),
    ("1e-3", 1),
    ("0x1p4", 16000),
    ("0X1.8P3", 12000),
    ("1_000", 1000000),
    ("0x_1p0", 1000),
    ("1_0.5_0e1_0", -5680464442257),
    ("inf", -9223372036854),
    ("-Inf", -9223372036854),
    ("+inf", -9223372036854),
    ("Infinity", -9223372036854),
    ("INFINITY", -9223372036854),
    ("nan", -9223372036854),
    ("NaN", -9223372036854),
    ("NAN", -9223372036854),
    ("9223372036", 9223372036000),
    ("9223372036.854", 9223372036854),
    ("9223372036.855", -9223372036854),
    ("9223372037", -9223372036709),
    ("-9223372036.854", -9223372036854),
    ("-9223372037", 9223372036709),
    ("1e15", 2003764205206),
    ("9.2e15", -12113385806),
    ("9.3e18", 0),
    ("1e19", 0),
    ("-1e19", 0),
    ("1e300", 0),
    ("1500000000000", 5813730029526),
    ("2020-01-01T00:00:00Z", 1577836800000),
    ("2020-01-01T00:00:00.123456789Z", 1577836800123),
    ("2020-01-01T00:00:00.9999Z", 1577836800999),
    ("2020-01-01T00:00:00,5Z", 1577836800500),
    ("1969-12-31T23:59:59.9999Z", 0),
    ("1960-01-01T00:00:00.0005Z", -315619199999),
    ("2020-01-01T00:00:00+01:30", 1577831400000),
    ("2020-01-01T00:00:00-00:00", 1577836800000),
    ("2020-01-01T00:00:00+24:00", 1577750400000),
    ("2020-01-01T00:00:00+23:59", 1577750460000),
    ("2020-01-01T00:00:00+01:60", 1577829600000),
    ("2020-02-29T00:00:00Z", 1582934400000),
    ("0001-01-01T00:00:00Z", -6795364578871),
    ("0000-01-01T00:00:00Z", -6826986978871),
    ("9999-12-31T23:59:59Z", -4852116232933),
    ("1677-09-21T00:12:44Z", -9223372036000),
    ("2262-04-11T23:47:16.854Z", 9223372036854),
    ("2262-04-11T23:47:17Z", -9223372036709),
    ("2020-01-01T0:00:00Z", 1577836800000),
]

NO_TIMES = [
    "",
    ".",
    "1e",
    "0x10",
    "0x1p",
    "1__0",
    "_1",
    "1_",
    "infi",
    "+nan",
    "1e309",
    " 1",
    "1 ",
    "1\n",
    "2020-01-01t00:00:00z",
    "2020-01-01T00:00:00z",
    "2020-01-01t00:00:00Z",
    "2020-01-01T00:00:00.Z",
    "2020-01-01T00:00:00+25:00",
    "2020-01-01T00:00:00+01:61",
    "2020-02-30T00:00:00Z",
    "2021-02-29T00:00:00Z",
    "2020-13-01T00:00:00Z",
    "2020-01-01T24:00:00Z",
    "2020-01-01T23:59:60Z",
    "2020-01-01 00:00:00Z",
    "2020-01-01T00:00:00",
    "2020-01-01",
    "20200101T000000Z",
    "2020-1-1T00:00:00Z",
    "2020-01-01T00:00:00+0100",
    "2020-01-01T00:00:00+01",
    "\u0663",
    "\uff11",
    'a"b',
    "a\\b",
    "a\x00b",
    "é",
    "\u2028",
    "a\x7fb",
    "😀",
    "\xa0",
    "\u200b",
    "\ufeff",
]

DURATIONS = [
    ("0", 0),
    ("00", 0),
    ("1", 1000),
    ("1.5", 1500),
    ("-1", -1000),
    ("0.0001", 0),
    ("0.0019", 1),
    ("-0.0019", -1),
    ("1e3", 1000000),
    ("nan", -9223372036854775808),
    ("1e15", 1000000000000000000),
    ("9223372036854775.807", -9223372036854775808),
    ("9223372036854776", -9223372036854775808),
    ("-9223372036854775.808", -9223372036854775808),
    ("9223372036.9", 9223372036900),
    ("0x1p2", 4000),
    ("1_0", 10000),
    ("5m", 300000),
    ("1h30m", 5400000),
    ("1y2w3d4h5m6s7ms", 33019506007),
    ("1ms", 1),
    ("5", 5000),
    ("292y", 9208512000000),
    ("106751d", 9223286400000),
    ("9223372036854ms", 9223372036854),
    ("0y", 0),
    ("0ms", 0),
    ("00005m", 300000),
    ("0h", 0),
]

NO_DURATIONS = [
    "",
    "1e309",
    "1m1h",
    "1m1m",
    "1.5h",
    "-5m",
    "5M",
    "1us",
    "1ns",
    "h",
    "5 m",
    " 5m",
    "5m ",
    "293y",
    "106752d",
    "292y300d",
    "9223372036855ms",
    "9223372036854775807ms",
    "18446744073709551616s",
    "1h0",
    "\u0661m",
    "5m\n",
    "1d1y",
]

TOO_LONG = ["inf", "-inf", "9.3e15", "1e16"]


@pytest.mark.parametrize(("text", "ms"), TIMES)
def test_times(text: str, ms: int) -> None:
    assert parse_time_ms(text) == ms


@pytest.mark.parametrize("text", NO_TIMES)
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(BadParameter, match=r"^cannot parse \".*\" to a valid timestamp$"):
        parse_time_ms(text)


@pytest.mark.parametrize(("text", "ms"), DURATIONS)
def test_durations(text: str, ms: int) -> None:
    assert parse_duration_ms(text) == ms


@pytest.mark.parametrize("text", NO_DURATIONS)
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(BadParameter, match=r"^cannot parse \".*\" to a valid duration$"):
        parse_duration_ms(text)


@pytest.mark.parametrize("text", TOO_LONG)
def test_durations_beyond_64_bits(text: str) -> None:
    expected = f'cannot parse "{text}" to a valid duration. It overflows int64'
    with pytest.raises(BadParameter, match=f"^{re.escape(expected)}$"):
        parse_duration_ms(text)


@pytest.mark.parametrize(
    ("text", "quoted"),
    [('a"b', r"a\"b"), ("a\\b", r"a\\b"), ("a\x00b\n", r"a\x00b\n"), ("é😀", "é😀"), ("\u2028\ufeff", r"\u2028\ufeff")],
)
def test_errors_quote_as_go_does(text: str, quoted: str) -> None:
    with pytest.raises(BadParameter) as time_error:
        parse_time_ms(text)
    assert str(time_error.value) == f'cannot parse "{quoted}" to a valid timestamp'
    with pytest.raises(BadParameter) as duration_error:
        parse_duration_ms(text)
    assert str(duration_error.value) == f'cannot parse "{quoted}" to a valid duration'


@pytest.mark.parametrize("parse", [parse_time_ms, parse_duration_ms, parse_integer])
@pytest.mark.parametrize("text", ["9" * 100_000, "9" * 100_000 + "x", "1_" * 50_000, "1h" * 50_000])
def test_long_input_is_refused_quickly(parse: object, text: str) -> None:
    assert callable(parse)
    with pytest.raises(BadParameter):
        parse(text)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("+1", 1),
        ("-1", -1),
        ("-0", 0),
        ("007", 7),
        ("0" * 5000 + "7", 7),
        ("9223372036854775807", 9223372036854775807),
        ("-9223372036854775808", -9223372036854775808),
    ],
)
def test_integers(text: str, number: int) -> None:
    assert parse_integer(text) == number


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "invalid syntax"),
        ("+", "invalid syntax"),
        (" 1", "invalid syntax"),
        ("1_000", "invalid syntax"),
        ("0x10", "invalid syntax"),
        ("1.0", "invalid syntax"),
        ("1\n", "invalid syntax"),
        ("\u0661", "invalid syntax"),
        ("9223372036854775808", "value out of range"),
        ("-9223372036854775809", "value out of range"),
        ("99999999999999999999999", "value out of range"),
    ],
)
def test_what_is_no_integer(text: str, reason: str) -> None:
    with pytest.raises(BadParameter, match=f"^strconv\\.Atoi: parsing .*: {reason}$"):
        parse_integer(text)


@pytest.mark.parametrize(("text", "limit"), [("", 0), ("0", 0), ("+5", 5)])
def test_limits(text: str, limit: int) -> None:
    assert parse_limit(text) == limit


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("-1", 'invalid parameter "limit": limit must be non-negative'),
        ("x", 'invalid parameter "limit": strconv.Atoi: parsing "x": invalid syntax'),
        ("9" * 19, 'invalid parameter "limit": strconv.Atoi: parsing "9999999999999999999": value out of range'),
    ],
)
def test_what_is_no_limit(text: str, error: str) -> None:
    with pytest.raises(BadParameter) as raised:
        parse_limit(text)
    assert str(raised.value) == error
