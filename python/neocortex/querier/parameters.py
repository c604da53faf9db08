"""Parameters of the query API. Source: Cortex's `pkg/util/time.go` and `pkg/querier/tripperware`."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime

from neocortex.errors import NeocortexError

MAX_POINTS = 11000
"""Points of a series that one range query may ask for."""

MIN_TIME_MS = -(1 << 63) // 1000
"""Stands for "since ever" where a range is left open; far enough from the ends of 64 bits to be added to."""
MAX_TIME_MS = (1 << 63) // 1000 - 1

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
_GO_FLOAT = re.compile(r"[+-]?(\d+\.?\d*([eE][+-]?\d+)?|\.\d+([eE][+-]?\d+)?|[iI]nf(inity)?|[nN]a[nN])")
_DURATION_PART = re.compile(r"(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?")
_DURATION_MS = (365 * 86400000, 7 * 86400000, 86400000, 3600000, 60000, 1000, 1)


class BadParameter(NeocortexError):
    """A parameter that cannot be read; the text is the answer's."""


def parse_time_ms(text: str) -> int:
    """Unix seconds with a fraction, or RFC 3339, in milliseconds. Raises `BadParameter`."""
    if _GO_FLOAT.fullmatch(text):
        seconds = float(text)
        if math.isfinite(seconds) and abs(seconds) < 9.2e15:
            fraction, whole = math.modf(seconds)
            return int(whole) * 1000 + round(fraction * 1000)
    elif _RFC3339.fullmatch(text):
        try:
            # Go keeps nanoseconds and then cuts to milliseconds; Python cuts at microseconds, which is as good.
            at = datetime.fromisoformat(text.upper())
        except ValueError:
            pass
        else:
            since = at - datetime(1970, 1, 1, tzinfo=UTC)
            return (since.days * 86400 + since.seconds) * 1000 + since.microseconds // 1000
    raise BadParameter(f'cannot parse "{text}" to a valid timestamp')


def parse_duration_ms(text: str) -> int:
    """Seconds with a fraction, or a Prometheus duration (`1h30m`), in milliseconds. Raises `BadParameter`."""
    if _GO_FLOAT.fullmatch(text):
        ms = float(text) * 1000
        if math.isfinite(ms) and abs(ms) < float(1 << 63) / 1e6:
            return int(ms)
        raise BadParameter(f'cannot parse "{text}" to a valid duration. It overflows int64')
    if text == "0":
        return 0
    match = _DURATION_PART.fullmatch(text)
    if text and match:
        return sum(int(n) * unit for n, unit in zip(match.groups(), _DURATION_MS, strict=True) if n is not None)
    raise BadParameter(f'cannot parse "{text}" to a valid duration')


def parse_limit(text: str) -> int:
    """`limit` of the label APIs; 0 when missing. Raises `BadParameter` with Go's text."""
    if not text:
        return 0
    if not re.fullmatch(r"[+-]?\d+", text):
        raise BadParameter(f'invalid parameter "limit": strconv.Atoi: parsing "{text}": invalid syntax')
    limit = int(text)
    if limit < 0:
        raise BadParameter('invalid parameter "limit": limit must be non-negative')
    return limit
