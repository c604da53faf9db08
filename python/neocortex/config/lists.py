"""Kinds of lists, mappings and records."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from neocortex.config import duration, yamltree
from neocortex.config.duration import Duration, quote
from neocortex.config.scalars import Float, GoDuration, Kind
from neocortex.config.values import MASK
from neocortex.config.yamltree import Failed

if TYPE_CHECKING:
    from neocortex.config.decode import Decoder
    from neocortex.config.option import Section
    from neocortex.config.yamltree import Node


DURATION = GoDuration()
FLOAT = Float()
"""What some of the lists and maps are made of."""


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
        parts = [DURATION.zero() if item.is_null else DURATION.decode(decoder, item, None) for item in node.items]
        return [part for part in parts if not isinstance(part, Failed)]

    def text(self, value: list[Duration]) -> str:
        return ",".join(duration.format_go_duration(part) for part in value)

    def show(self, value: list[Duration]) -> list[str]:
        return [duration.format_go_duration(part) for part in value]


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
                raise ValueError(_json_mismatch(rate, FLOAT.go))
        return self._merged(current, {name: float(rate) for name, rate in rates.items()})

    def decode(self, decoder: Decoder, node: Node, current: Any) -> Any:
        if node.kind != "mapping":
            return decoder.collection_mismatch(node, self.go) if node.items else _scalar(self, decoder, node)
        rates: dict[str, float] = {}
        for key, item in zip(node.items[::2], node.items[1::2], strict=True):
            name, rate = decoder.key(key, rates), FLOAT.decode(decoder, item, 0.0)
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


def _scalar(kind: Kind, decoder: Decoder, node: Node) -> Any:
    tag, value = yamltree.resolve(node)
    return kind.zero() if value is None else decoder.mismatch(node, tag, kind.go)
