"""Kinds of single values, and what all kinds have in common."""

from __future__ import annotations

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
