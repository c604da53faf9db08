"""Value types of options that are more than a number or a text."""

from __future__ import annotations

from dataclasses import dataclass

from neocortex.config.duration import Duration, PrometheusDuration

__all__ = [
    "CSV",
    "MASK",
    "URL",
    "CIDRs",
    "CommaFlag",
    "Duration",
    "Durations",
    "Int64",
    "LabelNames",
    "LabelSet",
    "LogFormat",
    "LogLevel",
    "NameValidationScheme",
    "PrometheusDuration",
    "RelabelAction",
    "RelabelRegex",
    "Secret",
    "SecretCSV",
    "StringSlice",
    "UInt",
    "UInt64",
]

MASK = "********"

UInt = int
"""A whole number that may not be negative."""
Int64 = int
"""A whole number; Go's int64 where the texts name the type."""
UInt64 = int
"""A whole number that may not be negative; Go's uint64 where the texts name the type."""

LogLevel = str
LogFormat = str
NameValidationScheme = str
URL = str
"""A URL as it was configured; shown with its password masked."""
CSV = list[str]
"""Values configured as one comma-separated text."""
CIDRs = list[str]
"""Networks configured as one comma-separated text."""
SecretCSV = list[str]
"""Comma-separated values that are never shown."""
Durations = list[Duration]
"""Durations: a list in YAML, comma-separated on the command line."""
LabelSet = dict[str, str]
"""Label names and values, sorted by name."""
StringSlice = list[str]
"""A list of texts whose Go type has a name of its own in errors."""
CommaFlag = list[str]
"""A list of texts in YAML, comma-separated on the command line."""
LabelNames = list[str]
RelabelRegex = str
"""An expression that is anchored at both ends."""
RelabelAction = str


@dataclass(frozen=True, slots=True)
class Secret:
    """A text that pages, logs and tracebacks never show. `value` is what was configured."""

    value: str = ""

    def __bool__(self) -> bool:
        return bool(self.value)

    def __repr__(self) -> str:
        return f"Secret({MASK if self.value else ''})"

    __str__ = __repr__
