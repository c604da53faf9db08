"""YAML text to a tree of nodes with lines, and the meaning of plain scalars as Go's yaml.v2 sees it.

Built on libyaml's events: the same scanner that yaml.v2 is a port of, so that syntax errors read the same. Decoding a
node into an option's type is `decode`'s.
"""

from __future__ import annotations

import math
import re
from datetime import datetime
from typing import Any

import yaml
from yaml._yaml import CParser

MAX_DEPTH = 10_000
"""Nesting that a document may have, as in yaml.v2."""

STR = "!!str"
INT = "!!int"
FLOAT = "!!float"
BOOL = "!!bool"
NULL = "!!null"
SEQ = "!!seq"
MAP = "!!map"
TIMESTAMP = "!!timestamp"
MERGE = "!!merge"
BINARY = "!!binary"

_LONG_TAG = "tag:yaml.org,2002:"


class Failed:
    """The answer of a decoding that gave no value; the problem was noted."""

    __slots__ = ()


FAILED = Failed()


class YamlError(ValueError):
    """A document cannot be read at all; the text is yaml.v2's, with its line."""


class Node:
    """A scalar, sequence or mapping. `items` are elements, or keys and values in turn; `line` counts from 1."""

    __slots__ = ("items", "kind", "line", "plain", "tag", "value")

    def __init__(self, kind: str, tag: str, value: str, plain: bool, line: int) -> None:
        self.kind = kind
        self.tag = tag
        self.value = value
        self.plain = plain
        self.items: list[Node] = []
        self.line = line

    @property
    def is_null(self) -> bool:
        """Whether the node stands for no value: empty, `~` or `null`."""
        if self.tag == NULL:
            return True
        return self.kind == "scalar" and not self.tag and self.plain and self.value in ("null", "~", "")


def documents(text: str | bytes, limit: int | None = None) -> list[Node]:
    """The root nodes of the first `limit` documents. Raises YamlError on bad syntax."""
    roots: list[Node] = []
    parser = CParser(text)
    try:
        while limit is None or len(roots) < limit:
            event = parser.get_event()
            if isinstance(event, yaml.StreamEndEvent):
                break
            if isinstance(event, yaml.DocumentStartEvent):
                roots.append(_document(parser))
    except yaml.MarkedYAMLError as err:
        raise YamlError(_syntax_text(err)) from None
    except yaml.reader.ReaderError as err:
        raise YamlError(f"yaml: {err.reason}") from None
    finally:
        parser.dispose()
    return roots


def _document(parser: CParser) -> Node:
    anchors: dict[str, Node] = {}
    root: Node | None = None
    open_nodes: list[Node] = []
    while True:
        event: Any = parser.get_event()
        if isinstance(event, yaml.DocumentEndEvent):
            assert root is not None
            return root
        if isinstance(event, yaml.CollectionEndEvent):
            open_nodes.pop()
            continue
        node: Node
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in anchors:
                raise YamlError(f"yaml: unknown anchor '{event.anchor}' referenced")
            node = anchors[event.anchor]
        else:
            line = event.start_mark.line + 1
            tag = _short(event.tag) if event.tag and event.tag != "!" else ""
            if isinstance(event, yaml.ScalarEvent):
                node = Node("scalar", tag, event.value, bool(event.implicit[0]), line)
            else:
                kind = "sequence" if isinstance(event, yaml.SequenceStartEvent) else "mapping"
                node = Node(kind, tag, "", True, line)
            if event.anchor:
                anchors[event.anchor] = node
        if open_nodes:
            open_nodes[-1].items.append(node)
        elif root is None:
            root = node
        if isinstance(event, yaml.CollectionStartEvent):
            open_nodes.append(node)
            if len(open_nodes) > MAX_DEPTH:
                raise YamlError(f"yaml: exceeded max depth of {MAX_DEPTH}")


def _short(tag: str) -> str:
    return "!!" + tag[len(_LONG_TAG) :] if tag.startswith(_LONG_TAG) else tag


def _syntax_text(err: yaml.MarkedYAMLError) -> str:
    line = 0
    if err.problem_mark is not None and err.problem_mark.line:
        line = err.problem_mark.line
        if isinstance(err, yaml.scanner.ScannerError):
            line += 1
    elif err.context_mark is not None:
        line = err.context_mark.line
    where = f"line {line}: " if line else ""
    return f"yaml: {where}{err.problem or 'unknown problem parsing YAML content'}"


_WORDS: dict[str, tuple[str, Any]] = {
    word: (tag, value)
    for tag, value, words in (
        (BOOL, True, "y Y yes Yes YES true True TRUE on On ON"),
        (BOOL, False, "n N no No NO false False FALSE off Off OFF"),
        (NULL, None, "~ null Null NULL"),
        (FLOAT, math.nan, ".nan .NaN .NAN"),
        (FLOAT, math.inf, ".inf .Inf .INF +.inf +.Inf +.INF"),
        (FLOAT, -math.inf, "-.inf -.Inf -.INF"),
        (MERGE, "<<", "<<"),
    )
    for word in words.split()
}
_WORDS[""] = (NULL, None)

_INTEGER = r"[-+]?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]*|[1-9][0-9]*)\Z"
_FLOAT = r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z"
_DOT_FLOAT = r"\.[0-9]+(?:[eE][-+]?[0-9]+)?\Z"
_DATE = (
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"
    r"(?:([Tt ])([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:[.,][0-9]+)?(Z|[-+][0-9]{2}:[0-9]{2})?)?\Z"
)
_RESOLVABLE = ("", STR, BOOL, INT, FLOAT, NULL, TIMESTAMP)


def resolve(node: Node) -> tuple[str, Any]:
    """The tag and value of a scalar: None, bool, int, float or str. Raises YamlError when its own tag does not fit."""
    if not node.tag and not node.plain:
        return STR, node.value
    if node.tag not in _RESOLVABLE:
        return node.tag, node.value
    if node.tag == STR:
        return STR, node.value
    tag, value = _resolve_plain(node.value, node.tag)
    if node.tag in ("", tag):
        return tag, value
    if node.tag == FLOAT and tag == INT:
        return FLOAT, float(value)
    raise YamlError(f"yaml: cannot decode {tag} `{node.value}` as a {node.tag}")


def _resolve_plain(text: str, tag: str) -> tuple[str, Any]:
    if text in _WORDS:
        return _WORDS[text]
    first = text[0]
    if first == ".":
        return (FLOAT, float(text)) if re.match(_DOT_FLOAT, text) else (STR, text)
    if first not in "+-0123456789":
        return STR, text
    if tag in ("", TIMESTAMP) and _is_timestamp(text):
        return TIMESTAMP, text
    digits = text.replace("_", "")
    if re.match(_INTEGER, digits):
        value = _integer(digits)
        if -(1 << 63) <= value < 1 << 64:
            return INT, value
    if re.match(_FLOAT, digits):
        number = float(digits)
        if not math.isinf(number):
            return FLOAT, number
    return STR, text


def _integer(digits: str) -> int:
    sign = -1 if digits[0] == "-" else 1
    bare = digits.lstrip("+-").lower()
    if bare.startswith("0x"):
        return sign * int(bare, 16)
    if bare.startswith("0b"):
        return sign * int(bare, 2)
    if bare.startswith("0") and len(bare) > 1:
        return sign * int(bare.removeprefix("0o") or "0", 8)
    return sign * int(bare)


def _is_timestamp(text: str) -> bool:
    match = re.match(_DATE, text)
    if match is None:
        return False
    year, month, day, separator, hour, minute, second, zone = match.groups()
    if (separator == " " and zone) or (separator in ("T", "t") and not zone):
        return False
    try:
        datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0))
    except ValueError:
        return False
    return True
