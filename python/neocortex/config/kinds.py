"""Kinds of options: how a value is parsed from a flag, decoded from YAML, shown on a page and printed as a default.

A kind is chosen by an option's annotation (`of`). Texts of errors are those of Go's flag package and of yaml.v2, with
the Go name of the type, since operators know them.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any

from neocortex.config import duration, yamltree
from neocortex.config.duration import Duration, PrometheusDuration, quote
from neocortex.config.regex import regex_error
from neocortex.config.urls import check_url
from neocortex.config.values import MASK, Secret
from neocortex.config.yamltree import Failed

if TYPE_CHECKING:
    from neocortex.config.decode import Decoder
    from neocortex.config.option import Section
    from neocortex.config.yamltree import Node


def go_float(value: float) -> str:
    """A float with the fewest digits that read back as it, as Go's strconv prints it with format g."""
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if math.isnan(value):
        return "NaN"
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    power = int(exponent or 0) + (len(whole) if whole != "0" else len(digits) - len(fraction)) - 1
    digits = digits.rstrip("0") or "0"
    minus = "-" if math.copysign(1.0, value) < 0 else ""
    if value and not -4 <= power < 6:
        tail = f".{digits[1:]}" if len(digits) > 1 else ""
        return f"{minus}{digits[0]}{tail}e{'-' if power < 0 else '+'}{abs(power):02d}"
    if not value:
        return minus + "0"
    if power < 0:
        return f"{minus}0.{'0' * (-power - 1)}{digits}"
    whole, fraction = digits[: power + 1].ljust(power + 1, "0"), digits[power + 1 :]
    return f"{minus}{whole}.{fraction}" if fraction else minus + whole


class Kind:
    """One type of value. `go` is its name in errors, `doc` the one in the reference page."""

    go = "string"
    doc = "string"
    is_bool = False
    """Whether the bare flag, without a value, means true."""
    argument = "value"
    """What -help calls the flag's argument; empty for booleans."""

    def zero(self) -> Any:
        """What an empty YAML node sets."""
        return ""

    def default(self, value: Any) -> Any:
        """A default as written in the schema, as a value."""
        return value

    def parse(self, text: str, current: Any) -> Any:
        """A flag's value. `current` is the value before, for flags that may be repeated. Raises ValueError."""
        return text

    def decode(self, decoder: Decoder, node: Node, current: Any) -> Any:
        """A YAML node's value, or FAILED with the problem noted."""
        text = decoder.text(node)
        return text if isinstance(text, Failed) else self.parse(text, self.zero())

    def text(self, value: Any) -> str:
        """The value as a flag's default is printed."""
        return str(value)

    def is_empty(self, value: Any) -> bool:
        """Whether a page leaves the value out of a section that leaves out empty values."""
        return not value

    def show(self, value: Any) -> Any:
        """The value as plain data for a YAML page, secrets masked."""
        return value


class Text(Kind):
    """A free text."""

    argument = "string"


class Boolean(Kind):
    """True or false."""

    go = "bool"
    doc = "boolean"
    is_bool = True
    argument = ""
    _TRUE = ("1", "t", "T", "TRUE", "true", "True")
    _FALSE = ("0", "f", "F", "FALSE", "false", "False")

    def zero(self) -> bool:
        return False

    def parse(self, text: str, current: Any) -> bool:
        if text in self._TRUE:
            return True
        if text in self._FALSE:
            return False
        raise ValueError("parse error")

    def decode(self, decoder: Decoder, node: Node, current: Any) -> Any:
        if node.kind != "scalar":
            return decoder.collection_mismatch(node, self.go)
        tag, value = yamltree.resolve(node)
        if value is None:
            return False
        return value if isinstance(value, bool) else decoder.mismatch(node, tag, self.go)

    def text(self, value: bool) -> str:
        return "true" if value else "false"


_GO_INTEGER = r"[-+]?(?:0[xX](?:_?[0-9a-fA-F])+|0[bB](?:_?[01])+|0[oO](?:_?[0-7])+|0(?:_?[0-7])*|[1-9](?:_?[0-9])*)\Z"


class Integer(Kind):
    """A whole number between `low` and `high`."""

    doc = "int"

    def __init__(self, go: str, low: int, high: int) -> None:
        self.go = go
        self.argument = "uint" if low == 0 else "int"
        self.low = low
        self.high = high

    def zero(self) -> int:
        return 0

    def parse(self, text: str, current: Any) -> int:
        if not re.match(_GO_INTEGER, text) or (self.low == 0 and text[0] in "+-"):
            raise ValueError("parse error")
        sign = -1 if text[0] == "-" else 1
        digits = text.lstrip("+-").replace("_", "")
        octal = len(digits) > 1 and digits[0] == "0" and digits[1].isdigit()
        value = sign * (int(digits, 8) if octal else int(digits, 0))
        if not self.low <= value <= self.high:
            raise ValueError("value out of range")
        return value

    def decode(self, decoder: Decoder, node: Node, current: Any) -> Any:
        if node.kind != "scalar":
            return decoder.collection_mismatch(node, self.go)
        tag, value = yamltree.resolve(node)
        if value is None:
            return 0
        if isinstance(value, float) and math.isfinite(value):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not self.low <= value <= self.high:
            return decoder.mismatch(node, tag, self.go)
        return value


_GO_FLOAT = r"(?ai)[-+]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|inf|infinity|nan)\Z"
_HEX_FLOAT = r"(?ai)[-+]?0x(?:[0-9a-f]+\.?[0-9a-f]*|\.[0-9a-f]+)p[-+]?\d+\Z"


class Float(Kind):
    """A 64-bit float."""

    argument = "float"
    go = "float64"
    doc = "float"

    def zero(self) -> float:
        return 0.0

    def default(self, value: Any) -> float:
        return float(value)

    def parse(self, text: str, current: Any) -> float:
        hexadecimal = re.match(_HEX_FLOAT, text)
        if not hexadecimal and not re.match(_GO_FLOAT, text):
            raise ValueError("parse error")
        try:
            value = float.fromhex(text) if hexadecimal else float(text)
        except OverflowError:
            raise ValueError("value out of range") from None
        if math.isinf(value) and text[-1].isdigit():
            raise ValueError("value out of range")
        return value

    def decode(self, decoder: Decoder, node: Node, current: Any) -> Any:
        if node.kind != "scalar":
            return decoder.collection_mismatch(node, self.go)
        tag, value = yamltree.resolve(node)
        if value is None:
            return 0.0
        if isinstance(value, bool) or not isinstance(value, int | float):
            return decoder.mismatch(node, tag, self.go)
        return float(value)

    def text(self, value: float) -> str:
        return go_float(value)


class GoDuration(Kind):
    """A duration in Go's syntax; a bare number in YAML is nanoseconds."""

    argument = "duration"
    go = "time.Duration"
    doc = "duration"

    def zero(self) -> Duration:
        return Duration(0)

    def default(self, value: Any) -> Duration:
        return duration.parse_go_duration(value) if isinstance(value, str) else Duration(value.ns)

    def parse(self, text: str, current: Any) -> Duration:
        try:
            return duration.parse_go_duration(text)
        except ValueError:
            raise ValueError("parse error") from None

    def decode(self, decoder: Decoder, node: Node, current: Any) -> Any:
        if node.kind != "scalar":
            return decoder.collection_mismatch(node, self.go)
        tag, value = yamltree.resolve(node)
        if value is None:
            return Duration(0)
        if isinstance(value, str) and tag != yamltree.TIMESTAMP:
            try:
                return duration.parse_go_duration(value)
            except ValueError:
                return decoder.mismatch(node, tag, self.go)
        if isinstance(value, float) and math.isfinite(value):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not -(1 << 63) <= value < 1 << 63:
            return decoder.mismatch(node, tag, self.go)
        return Duration(value)

    def text(self, value: Duration) -> str:
        return duration.format_go_duration(value)

    def show(self, value: Duration) -> str:
        return duration.format_go_duration(value)


class ModelDuration(Kind):
    """A duration in Prometheus's syntax."""

    go = "model.Duration"
    doc = "duration"

    def zero(self) -> PrometheusDuration:
        return PrometheusDuration(0)

    def default(self, value: Any) -> PrometheusDuration:
        return duration.parse_prometheus_duration(value) if isinstance(value, str) else PrometheusDuration(value.ns)

    def parse(self, text: str, current: Any) -> PrometheusDuration:
        return duration.parse_prometheus_duration(text)

    def text(self, value: PrometheusDuration) -> str:
        return duration.format_prometheus_duration(value)

    def show(self, value: PrometheusDuration) -> str:
        return duration.format_prometheus_duration(value)


class SecretText(Kind):
    """A text that is never shown."""

    go = "flagext.Secret"

    def zero(self) -> Secret:
        return Secret()

    def default(self, value: Any) -> Secret:
        return value if isinstance(value, Secret) else Secret(value)

    def parse(self, text: str, current: Any) -> Secret:
        return Secret(text)

    def text(self, value: Secret) -> str:
        return value.value

    def show(self, value: Secret) -> str:
        return MASK if value else ""


class Texts(Kind):
    """A list of texts: a sequence in YAML, one flag an element on the command line."""

    go = "[]string"
    doc = "list of string"

    def __init__(self, go: str = "[]string") -> None:
        self.go = go

    def zero(self) -> list[str]:
        return []

    def parse(self, text: str, current: Any) -> list[str]:
        return [*current, text]

    def decode(self, decoder: Decoder, node: Node, current: Any) -> Any:
        if node.kind == "mapping":
            return decoder.collection_mismatch(node, self.go)
        if node.kind == "scalar":
            tag, value = yamltree.resolve(node)
            return [] if value is None else decoder.mismatch(node, tag, self.go)
        texts = [decoder.text(item) for item in node.items]
        return [text for text in texts if not isinstance(text, Failed)]

    def text(self, value: list[str]) -> str:
        return "[" + " ".join(value) + "]"

    def show(self, value: list[str]) -> list[str]:
        return list(value)


class CommaFlagTexts(Texts):
    """A list of texts: a sequence in YAML, comma-separated on the command line."""

    def parse(self, text: str, current: Any) -> list[str]:
        return text.split(",")

    def text(self, value: list[str]) -> str:
        return ",".join(value)


class Flow(list[Any]):
    """A list that pages show on one line."""


class FlowTexts(Texts):
    """A list of texts that pages show on one line."""

    def show(self, value: list[str]) -> list[str]:
        return Flow(value)


class CommaTexts(Kind):
    """Texts configured as one comma-separated text."""

    def zero(self) -> list[str]:
        return []

    def parse(self, text: str, current: Any) -> list[str]:
        return text.split(",")

    def text(self, value: list[str]) -> str:
        return ",".join(value)

    def show(self, value: list[str]) -> str:
        return ",".join(value)


class SecretCommaTexts(CommaTexts):
    """Comma-separated texts that are never shown."""

    def parse(self, text: str, current: Any) -> list[str]:
        parts = [part.strip() for part in text.split(",")] if text else []
        if not all(parts):
            raise ValueError("invalid value: empty entry after trimming")
        return parts

    def show(self, value: list[str]) -> str:
        return MASK if value else ""


class CommaNetworks(CommaTexts):
    """Networks (CIDR) configured as one comma-separated text."""

    def parse(self, text: str, current: Any) -> list[str]:
        import ipaddress  # noqa: PLC0415 - most configurations name no network

        networks = []
        for part in text.split(","):
            address, slash, _ = part.partition("/")
            try:
                if not slash:
                    raise ValueError
                ipaddress.ip_address(address)
                networks.append(str(ipaddress.ip_network(part, strict=False)))
            except ValueError:
                raise ValueError(f"cidr: {part}: invalid CIDR address: {part}") from None
        return [*current, *networks]

    def decode(self, decoder: Decoder, node: Node, current: Any) -> Any:
        text = decoder.text(node)
        if isinstance(text, Failed):
            return text
        return self.parse(text, []) if text else []


class CommaDurations(Kind):
    """Durations: a sequence in YAML, comma-separated on the command line."""

    go = "tsdb.DurationList"
    doc = "list of duration"

    def zero(self) -> list[Duration]:
        return []

    def default(self, value: Any) -> list[Duration]:
        return [duration.parse_go_duration(text) if isinstance(text, str) else text for text in value]

    def parse(self, text: str, current: Any) -> list[Duration]:
        return [duration.parse_go_duration(part) for part in text.split(",")]

    def decode(self, decoder: Decoder, node: Node, current: Any) -> Any:
        if node.kind != "sequence":
            return (
                decoder.mismatch(node, yamltree.MAP, self.go)
                if node.kind == "mapping"
                else _scalar(self, decoder, node)
            )
        parts = [_DURATION.zero() if item.is_null else _DURATION.decode(decoder, item, None) for item in node.items]
        return [part for part in parts if not isinstance(part, Failed)]

    def text(self, value: list[Duration]) -> str:
        return ",".join(duration.format_go_duration(part) for part in value)

    def show(self, value: list[Duration]) -> list[str]:
        return [duration.format_go_duration(part) for part in value]


def _scalar(kind: Kind, decoder: Decoder, node: Node) -> Any:
    tag, value = yamltree.resolve(node)
    return kind.zero() if value is None else decoder.mismatch(node, tag, kind.go)


class Url(Kind):
    """A URL; shown with its password masked."""

    go = "flagext.URLValue"
    doc = "url"

    def parse(self, text: str, current: Any) -> str:
        return check_url(text)

    def show(self, value: str) -> str:
        if "@" not in value:
            return value
        from urllib.parse import quote as quote_url  # noqa: PLC0415 - most configurations hold no such URL
        from urllib.parse import urlsplit  # noqa: PLC0415

        parts = urlsplit(value)
        if parts.password is None:
            return value
        host = parts.netloc.rpartition("@")[2]
        return parts._replace(netloc=f"{parts.username}:{quote_url(MASK)}@{host}").geturl()


class Choice(Kind):
    """A text of a fixed set; `problem` is the error for others, with {} for the quoted text."""

    def __init__(self, go: str, problem: str, *choices: str) -> None:
        self.go = go
        self.choices = choices
        self.problem = problem

    def parse(self, text: str, current: Any) -> str:
        if text not in self.choices:
            raise ValueError(self.problem.format(quote(text)))
        return text


class AnchoredRegex(Kind):
    """A regular expression of a relabelling rule."""

    go = "relabel.Regexp"
    WHATEVER = "(.*)"

    def parse(self, text: str, current: Any) -> str:
        problem = regex_error(f"^(?s:{text})$")
        if problem is not None:
            raise ValueError(problem)
        return text

    def is_empty(self, value: str) -> bool:
        return value == self.WHATEVER


class RelabelActions(Kind):
    """What a relabelling rule does, in any case of letters."""

    go = "relabel.Action"
    ACTIONS = (
        "replace",
        "keep",
        "drop",
        "hashmod",
        "labelmap",
        "labeldrop",
        "labelkeep",
        "lowercase",
        "uppercase",
        "keepequal",
        "dropequal",
    )

    def parse(self, text: str, current: Any) -> str:
        if text.lower() not in self.ACTIONS:
            raise ValueError(f"unknown relabel action {quote(text)}")
        return text.lower()


INTEGRATIONS = (
    "webhook",
    "email",
    "pagerduty",
    "opsgenie",
    "wechat",
    "slack",
    "victorops",
    "pushover",
    "sns",
    "telegram",
    "discord",
    "webex",
    "msteams",
    "msteamsv2",
    "jira",
    "rocketchat",
)
"""Names of alert receivers that a rate limit may name."""


class IntegrationRates(Kind):
    """Notifications a second by receiver: a mapping in YAML, a JSON object on the command line; values are merged."""

    go = "map[string]float64"
    doc = "map of string to float64"

    def zero(self) -> dict[str, float]:
        return {}

    def parse(self, text: str, current: Any) -> dict[str, float]:
        try:
            rates = json.loads(text)
        except ValueError as err:
            unfinished = isinstance(err, json.JSONDecodeError) and err.pos >= len(text.rstrip())
            raise ValueError("unexpected end of JSON input" if unfinished else f"invalid JSON: {err}") from None
        if not isinstance(rates, dict):
            raise ValueError(_json_mismatch(rates, self.go))
        for rate in rates.values():
            if not _is_number(rate):
                raise ValueError(_json_mismatch(rate, _FLOAT.go))
        return self._merged(current, {name: float(rate) for name, rate in rates.items()})

    def decode(self, decoder: Decoder, node: Node, current: Any) -> Any:
        if node.kind != "mapping":
            return decoder.collection_mismatch(node, self.go) if node.items else _scalar(self, decoder, node)
        rates: dict[str, float] = {}
        for key, item in zip(node.items[::2], node.items[1::2], strict=True):
            name, rate = decoder.key(key, rates), _FLOAT.decode(decoder, item, 0.0)
            if isinstance(name, str) and not isinstance(rate, Failed):
                rates[name] = rate
        return self._merged(current, rates)

    def _merged(self, current: dict[str, float], rates: dict[str, float]) -> dict[str, float]:
        for name in rates:
            if name not in INTEGRATIONS:
                raise ValueError(f"unknown integration name: {name}")
        return {**current, **rates}

    def text(self, value: dict[str, float]) -> str:
        return json.dumps(dict(sorted(value.items())), separators=(",", ":"))

    def show(self, value: dict[str, float]) -> dict[str, float]:
        return dict(sorted(value.items()))


def _json_mismatch(value: object, go_type: str) -> str:
    name = {str: "string", bool: "bool", list: "array", dict: "object"}.get(type(value), "number")
    return f"json: cannot unmarshal {name} into Go value of type {go_type}"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


class Labels(Kind):
    """Label names and values."""

    go = "map[string]string"
    doc = "map of string (labelName) to string (labelValue)"

    def zero(self) -> dict[str, str]:
        return {}

    def decode(self, decoder: Decoder, node: Node, current: Any) -> Any:
        if node.kind != "mapping":
            return decoder.collection_mismatch(node, self.go) if node.items else _scalar(self, decoder, node)
        labels: dict[str, str] = {}
        for key, item in zip(node.items[::2], node.items[1::2], strict=True):
            name, value = decoder.key(key, labels), decoder.text(item)
            if isinstance(name, str) and isinstance(value, str):
                labels[name] = value
        return dict(sorted(labels.items()))

    def text(self, value: dict[str, str]) -> str:
        return "{" + ", ".join(f"{name}={quote(label)}" for name, label in value.items()) + "}"

    def show(self, value: dict[str, str]) -> dict[str, str]:
        return dict(value)


class Records(Kind):
    """A list of sections, which only YAML can set."""

    def __init__(self, cls: type[Section], go: str, doc: str) -> None:
        self.cls = cls
        self.go = go
        self.doc = doc

    def zero(self) -> list[Section]:
        return []

    def decode(self, decoder: Decoder, node: Node, current: Any) -> Any:
        if node.kind != "sequence":
            return decoder.collection_mismatch(node, self.go) if node.items else _scalar(self, decoder, node)
        records = []
        for item in node.items:
            record = self.cls()
            if decoder.section(item, record):
                records.append(record)
        return records

    def text(self, value: list[Section]) -> str:
        return "[]"

    def show(self, value: list[Section]) -> list[Any]:
        return [record.shown() for record in value]


class Optional(Kind):
    """A value of another kind, or none."""

    def __init__(self, inner: Kind) -> None:
        self.inner = inner
        self.go = inner.go
        self.doc = inner.doc

    def zero(self) -> None:
        return None

    def decode(self, decoder: Decoder, node: Node, current: Any) -> Any:
        return self.inner.decode(decoder, node, self.inner.zero())

    def show(self, value: Any) -> Any:
        return None if value is None else self.inner.show(value)


_INT64 = (-(1 << 63), (1 << 63) - 1)
_UINT64 = (0, (1 << 64) - 1)
_TEXT = Text()
_FLOAT = Float()
_BOOLEAN = Boolean()
_DURATION = GoDuration()

_KINDS: dict[str, Kind] = {
    "str": _TEXT,
    "bool": _BOOLEAN,
    "bool | None": Optional(_BOOLEAN),
    "int": Integer("int", *_INT64),
    "Int64": Integer("int64", *_INT64),
    "UInt": Integer("uint", *_UINT64),
    "UInt64": Integer("uint64", *_UINT64),
    "float": _FLOAT,
    "Duration": _DURATION,
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
