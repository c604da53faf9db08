"""Kinds of options: how a value is parsed from a flag, decoded from YAML, shown on a page and printed as a default.

A kind is chosen by an option's annotation (`of`). Texts of errors are those of Go's flag package and of yaml.v2, with
the Go name of the type, since operators know them. `scalars` has the kinds of single values, `lists` all others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from neocortex.config.lists import (
    DURATION,
    FLOAT,
    CommaDurations,
    CommaFlagTexts,
    CommaNetworks,
    CommaTexts,
    FlowTexts,
    IntegrationRates,
    Labels,
    SecretCommaTexts,
    Texts,
)
from neocortex.config.scalars import (
    AnchoredRegex,
    Boolean,
    Choice,
    Integer,
    ModelDuration,
    Optional,
    RelabelActions,
    SecretText,
    Text,
    Url,
)

if TYPE_CHECKING:
    from neocortex.config.scalars import Kind

_INT64 = (-(1 << 63), (1 << 63) - 1)
_UINT64 = (0, (1 << 64) - 1)
_BOOLEAN = Boolean()

_KINDS: dict[str, Kind] = {
    "str": Text(),
    "bool": _BOOLEAN,
    "bool | None": Optional(_BOOLEAN),
    "int": Integer("int", *_INT64),
    "Int64": Integer("int64", *_INT64),
    "UInt": Integer("uint", *_UINT64),
    "UInt64": Integer("uint64", *_UINT64),
    "float": FLOAT,
    "Duration": DURATION,
    "PrometheusDuration": ModelDuration(),
    "Secret": SecretText(),
    "list[str]": Texts(),
    "CSV": CommaTexts(),
    "SecretCSV": SecretCommaTexts(),
    "CIDRs": CommaNetworks(),
    "Durations": CommaDurations(),
    "URL": Url(),
    "LogLevel": Choice("logging.Level", "unrecognized log level {}", "debug", "info", "warn", "error"),
    "LogFormat": Choice("logging.Format", "unrecognized log format {}", "logfmt", "json"),
    "NameValidationScheme": Choice("model.ValidationScheme", "unrecognized ValidationScheme: {}", "legacy", "utf8"),
    "dict[str, float]": IntegrationRates(),
    "LabelSet": Labels(),
    "StringSlice": Texts("flagext.StringSlice"),
    "CommaFlag": CommaFlagTexts(),
    "LabelNames": FlowTexts("model.LabelNames"),
    "RelabelRegex": AnchoredRegex(),
    "RelabelAction": RelabelActions(),
}


def of(annotation: str) -> Kind:
    """The kind of an option annotated so. Raises KeyError for an annotation without a kind."""
    return _KINDS[annotation]
