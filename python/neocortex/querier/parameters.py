"""Parameters of the query API. Source: Cortex's `pkg/util/time.go` and what it calls of Go's strconv and time."""

from __future__ import annotations

import math
import re
from datetime import date

from neocortex.config.duration import MILLISECOND, parse_prometheus_duration, quote
from neocortex.errors import NeocortexError

MAX_POINTS = 11000
"""Points of a series that one range query may ask for."""

MIN_TIME_MS = -(1 << 63) // 1000
"""Stands for "since ever" where a range is left open; far enough from the ends of 64 bits to be added to."""
MAX_TIME_MS = (1 << 63) // 1000 - 1

_DECIMALS = r"[0-9](?:_?[0-9])*"
_HEXES = r"[0-9a-fA-F](?:_?[0-9a-fA-F])*"
_DECIMAL_FLOAT = re.compile(rf"[+-]?(?:{_DECIMALS}(?:\.(?:{_DECIMALS})?)?|\.{_DECIMALS})(?:[eE][+-]?{_DECIMALS})?")
_HEX_FLOAT = re.compile(rf"[+-]?0[xX](?:_?{_HEXES}(?:\.(?:{_HEXES})?)?|\.{_HEXES})[pP][+-]?{_DECIMALS}")
_SPECIAL_FLOAT = re.compile(r"[+-]?inf(?:inity)?|nan", re.ASCII | re.IGNORECASE)
_RFC3339 = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{1,2}):([0-9]{2}):([0-9]{2})(?:[.,]([0-9]+))?"
    r"(?:Z|([+-])([0-9]{2}):([0-9]{2}))"
)
_INTEGER = re.compile(r"[+-]?0*([0-9]{1,19})")
_INT64 = 1 << 63


class BadParameter(NeocortexError):
    """A parameter that cannot be read; the text is the answer's."""


def parse_time_ms(text: str) -> int:
    """Unix seconds with a fraction, or RFC 3339, in milliseconds. Raises `BadParameter`.

    Cortex counts nanoseconds in 64 bits: times before 1677 and after 2262 wrap around, infinities and NaN are the
    earliest time.
    """
    seconds = _parse_float(text)
    if seconds is not None:
        fraction, whole = math.modf(seconds) if math.isfinite(seconds) else (math.nan, seconds)
        ns = _to_int64(whole) * 1_000_000_000 + _to_int64(_rounded(fraction * 1000) / 1000 * 1e9)
    else:
        at = _parse_rfc3339_ns(text)
        if at is None:
            raise BadParameter(f"cannot parse {quote(text)} to a valid timestamp")
        ns = at
    ns = (ns + _INT64) % (2 * _INT64) - _INT64
    return ns // MILLISECOND if ns >= 0 else -(-ns // MILLISECOND)


def parse_duration_ms(text: str) -> int:
    """Seconds with a fraction, or a Prometheus duration (`1h30m`), in milliseconds. Raises `BadParameter`."""
    seconds = _parse_float(text)
    if seconds is not None:
        ms = seconds * 1000
        if abs(ms) > _INT64:
            raise BadParameter(f"cannot parse {quote(text)} to a valid duration. It overflows int64")
        return _to_int64(ms)
    try:
        return parse_prometheus_duration(text).ns // MILLISECOND
    except ValueError:
        raise BadParameter(f"cannot parse {quote(text)} to a valid duration") from None


def parse_limit(text: str) -> int:
    """`limit` of the label APIs; 0 when missing. Raises `BadParameter` with Go's text."""
    if not text:
        return 0
    try:
        limit = parse_integer(text)
    except BadParameter as e:
        raise BadParameter(f'invalid parameter "limit": {e}') from None
    if limit < 0:
        raise BadParameter('invalid parameter "limit": limit must be non-negative')
    return limit


def parse_integer(text: str) -> int:
    """A decimal number of 64 bits, as Go's strconv.Atoi reads it. Raises `BadParameter` with its text."""
    if re.fullmatch(r"[+-]?[0-9]+", text) is None:
        raise BadParameter(f"strconv.Atoi: parsing {quote(text)}: invalid syntax")
    match = _INTEGER.fullmatch(text)
    number = int(match[1]) if match is not None else 2 * _INT64
    if text.startswith("-"):
        number = -number
    if not -_INT64 <= number < _INT64:
        raise BadParameter(f"strconv.Atoi: parsing {quote(text)}: value out of range")
    return number


def _parse_float(text: str) -> float | None:
    """As Go's strconv.ParseFloat: underscores between digits, hexadecimal with `p`; None for what it refuses."""
    if _SPECIAL_FLOAT.fullmatch(text):
        return float(text)
    if _DECIMAL_FLOAT.fullmatch(text):
        value = float(text)
        return value if math.isfinite(value) else None
    if _HEX_FLOAT.fullmatch(text):
        try:
            return float.fromhex(text.replace("_", ""))
        except OverflowError:
            return None
    return None


def _parse_rfc3339_ns(text: str) -> int | None:
    """Nanoseconds since the epoch; None for what Go's time.Parse refuses."""
    match = _RFC3339.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in match.group(1, 2, 3, 4, 5, 6))
    offset_hours, offset_minutes = int(match[9] or 0), int(match[10] or 0)
    if hour > 23 or minute > 59 or second > 59 or offset_hours > 24 or offset_minutes > 60:
        return None
    try:
        # Python has no year 0; the calendar repeats after 400 years of 146,097 days.
        days = date(year, month, day).toordinal() if year else date(400, month, day).toordinal() - 146_097
    except ValueError:
        return None
    offset = offset_hours * 3600 + offset_minutes * 60
    seconds = (days - _EPOCH_DAY) * 86400 + hour * 3600 + minute * 60 + second
    seconds -= -offset if match[8] == "-" else offset
    return seconds * 1_000_000_000 + int((match[7] or "")[:9].ljust(9, "0"))


_EPOCH_DAY = date(1970, 1, 1).toordinal()


def _rounded(x: float) -> float:
    """To the nearest whole number, halves away from zero."""
    if math.isnan(x):
        return x
    whole = math.trunc(x)
    return whole + math.copysign(1, x) if abs(x - whole) >= 0.5 else float(whole)


def _to_int64(x: float) -> int:
    """Go's conversion on amd64: towards zero; the smallest number for what does not fit."""
    return int(x) if -_INT64 <= x < _INT64 else -_INT64
