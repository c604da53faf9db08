"""The two duration syntaxes of the configuration, and the value type both give.

Most options use the Go syntax (`1h0m0s`, fractions allowed); limits use the Prometheus syntax (`1d`, whole numbers, no
sign, unit years to milliseconds). Each option parses and prints in its own syntax.
"""

from __future__ import annotations

import re
from typing import Self

NANOSECOND = 1
MICROSECOND = 1000 * NANOSECOND
MILLISECOND = 1000 * MICROSECOND
SECOND = 1000 * MILLISECOND
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE

_INT64_MAX = (1 << 63) - 1

_GO_UNITS = {
    "ns": NANOSECOND,
    "us": MICROSECOND,
    "µs": MICROSECOND,
    "μs": MICROSECOND,
    "ms": MILLISECOND,
    "s": SECOND,
    "m": MINUTE,
    "h": HOUR,
}
_GO_PART = re.compile(r"(\d*)(\.\d*)?([^\d.]*)")

# Largest first: the order in which units must appear in a Prometheus duration.
_PROMETHEUS_UNITS = {
    "y": 365 * 24 * HOUR,
    "w": 7 * 24 * HOUR,
    "d": 24 * HOUR,
    "h": HOUR,
    "m": MINUTE,
    "s": SECOND,
    "ms": MILLISECOND,
}
_PROMETHEUS_PART = re.compile(r"([0-9]+)([^0-9]*)")


class Duration(float):
    """A length of time: a number of seconds, as timers take it, that also knows its exact whole nanoseconds."""

    __slots__ = ("ns",)

    ns: int

    def __new__(cls, ns: int) -> Self:
        """A duration of `ns` nanoseconds."""
        self = float.__new__(cls, ns / SECOND)
        self.ns = ns
        return self

    @property
    def seconds(self) -> float:
        """The duration in seconds, the same number as the duration itself."""
        return float(self)

    @property
    def ms(self) -> int:
        """The duration in whole milliseconds, rounded towards zero."""
        return self.ns // MILLISECOND if self.ns >= 0 else -(-self.ns // MILLISECOND)

    def __str__(self) -> str:
        return format_go_duration(self)

    def __repr__(self) -> str:
        return f"Duration({format_go_duration(self)})"


class PrometheusDuration(Duration):
    """A duration whose text is in Prometheus's syntax."""

    __slots__ = ()

    def __str__(self) -> str:
        return format_prometheus_duration(self)


def _ns(seconds: float) -> int:
    return seconds.ns if isinstance(seconds, Duration) else round(seconds * SECOND)


def quote(text: str) -> str:
    """`text` as Go prints it with %q."""
    out = ['"']
    for char in text:
        if char in '"\\':
            out.append("\\" + char)
        elif char in _ESCAPES:
            out.append(_ESCAPES[char])
        elif char.isprintable():
            out.append(char)
        else:
            code = ord(char)
            out.append(f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}")
    out.append('"')
    return "".join(out)


_ESCAPES = {"\n": "\\n", "\t": "\\t", "\r": "\\r", "\a": "\\a", "\b": "\\b", "\f": "\\f", "\v": "\\v"}


def parse_go_duration(text: str) -> Duration:
    """Parses `1h2m3.5s`. Raises ValueError with the text that Go's time.ParseDuration gives."""
    rest = text
    sign = 1
    if rest[:1] in ("-", "+"):
        sign = -1 if rest[0] == "-" else 1
        rest = rest[1:]
    if rest == "0":
        return Duration(0)
    invalid = ValueError(f"time: invalid duration {quote(text)}")
    if not rest:
        raise invalid
    total = 0
    while rest:
        match = _GO_PART.match(rest)
        if match is None or (not match.group(1) and match.group(2) in (None, ".")):
            raise invalid
        whole, fraction, unit = match.groups()
        if not unit:
            raise ValueError(f"time: missing unit in duration {quote(text)}")
        if unit not in _GO_UNITS:
            raise ValueError(f"time: unknown unit {quote(unit)} in duration {quote(text)}")
        size = _GO_UNITS[unit]
        total += int(whole or 0) * size
        if fraction and len(fraction) > 1:
            total += int(fraction[1:19]) * size // 10 ** len(fraction[1:19])
        if total > _INT64_MAX + (sign < 0):
            raise invalid
        rest = rest[match.end() :]
    return Duration(sign * total)


def format_go_duration(seconds: float) -> str:
    """Prints as Go's time.Duration.String: `1h0m0s`, `1.5s`, `200ms`, `0s`."""
    ns = _ns(seconds)
    value = abs(ns)
    sign = "-" if ns < 0 else ""
    if value == 0:
        return "0s"
    if value < SECOND:
        for unit, size in (("ms", MILLISECOND), ("µs", MICROSECOND), ("ns", NANOSECOND)):
            if value >= size:
                return f"{sign}{_decimal(value, size)}{unit}"
    minutes, rest = divmod(value, MINUTE)
    text = f"{_decimal(rest, SECOND)}s"
    if minutes:
        hours, minutes = divmod(minutes, 60)
        text = f"{minutes}m{text}"
        if hours:
            text = f"{hours}h{text}"
    return sign + text


def _decimal(value: int, unit: int) -> str:
    whole, rest = divmod(value, unit)
    if not rest:
        return str(whole)
    digits = len(str(unit)) - 1
    return f"{whole}.{rest:0{digits}d}".rstrip("0")


def parse_prometheus_duration(text: str) -> PrometheusDuration:
    """Parses `1d2h`. Raises ValueError with the text that Prometheus's model.ParseDuration gives."""
    if text == "0":
        return PrometheusDuration(0)
    if not text:
        raise ValueError("empty duration string")
    invalid = ValueError(f"not a valid duration string: {quote(text)}")
    units = list(_PROMETHEUS_UNITS)
    total, position, last = 0, 0, -1
    while position < len(text):
        match = _PROMETHEUS_PART.match(text, position)
        if match is None or not match.group(2):
            raise invalid
        count, unit = int(match.group(1)), match.group(2)
        if count >= 1 << 64:
            raise invalid
        if unit not in _PROMETHEUS_UNITS:
            raise ValueError(f"unknown unit {quote(unit)} in duration {quote(text)}")
        if units.index(unit) <= last:
            raise invalid
        last = units.index(unit)
        total += count * _PROMETHEUS_UNITS[unit]
        if total > _INT64_MAX:
            raise ValueError("duration out of range")
        position = match.end()
    return PrometheusDuration(total)


def format_prometheus_duration(seconds: float) -> str:
    """Prints as Prometheus's model.Duration: years and weeks only when exact, so 90d stays 90d."""
    ns = _ns(seconds)
    value = abs(ns) // MILLISECOND
    if value == 0:
        return "0s"
    out = "-" if ns < 0 else ""
    for unit, size_ns in _PROMETHEUS_UNITS.items():
        size = size_ns // MILLISECOND
        if unit in "yw" and value % size:
            continue
        count, value = divmod(value, size)
        if count:
            out += f"{count}{unit}"
    return out
