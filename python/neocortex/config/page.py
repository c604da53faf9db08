"""The configuration as YAML text: the `/config` page, `-print.config`, and plain data for other pages.

The layout is yaml.v2's, which tools that read these pages know: structs in declaration order, maps sorted, strings
quoted only when they would read as something else.
"""

from __future__ import annotations

import base64
import functools
import io
import re
from typing import TYPE_CHECKING, Any

import yaml
from yaml._yaml import CEmitter

from neocortex.config import yamltree
from neocortex.config.lists import Flow
from neocortex.config.option import Struct
from neocortex.config.scalars import go_float
from neocortex.config.yamltree import Node

if TYPE_CHECKING:
    from neocortex.config.option import Section

CONTENT_TYPE = "text/plain; charset=utf-8"
"""The type under which the pages are served."""


def config_page(config: Section, mode: str = "") -> str:
    """The body of `/config?mode=`: all values, `defaults`, or with `diff` those that differ from the defaults."""
    if mode == "defaults":
        return to_yaml(type(config)().shown())
    if mode == "diff":
        return to_yaml(diff(type(config)().shown(), config.shown()))
    return to_yaml(config.shown())


def diff(defaults: dict[str, Any], actual: dict[str, Any]) -> dict[str, Any]:
    """What of `actual` is not the same in `defaults`, without the order of declaration."""
    out: dict[str, Any] = {}
    for key, value in actual.items():
        default = defaults.get(key)
        if isinstance(value, dict) and isinstance(default, dict):
            changed = diff(default, value)
            if changed:
                out[key] = changed
        elif key not in defaults or value != default:
            out[key] = _unordered(value)
    return out


def _unordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _unordered(item) for key, item in value.items()}
    return [_unordered(item) for item in value] if isinstance(value, list) else value


def to_yaml(data: Any) -> str:
    """One YAML document in yaml.v2's layout."""
    stream = io.StringIO()
    emitter = CEmitter(stream, allow_unicode=True, width=1 << 30)
    emitter.open()
    emitter.emit(yaml.DocumentStartEvent(explicit=False))
    _emit(emitter, data)
    emitter.emit(yaml.DocumentEndEvent(explicit=False))
    emitter.close()
    text = stream.getvalue()
    return text.removesuffix("...\n")


def _emit(emitter: CEmitter, value: Any) -> None:
    if isinstance(value, dict):
        emitter.emit(yaml.MappingStartEvent(None, None, True, flow_style=not value))
        for key in value if isinstance(value, Struct) else sorted(value, key=functools.cmp_to_key(compare_keys)):
            _emit(emitter, key)
            _emit(emitter, value[key])
        emitter.emit(yaml.MappingEndEvent())
    elif isinstance(value, list | tuple):
        emitter.emit(yaml.SequenceStartEvent(None, None, True, flow_style=not value or isinstance(value, Flow)))
        for item in value:
            _emit(emitter, item)
        emitter.emit(yaml.SequenceEndEvent())
    else:
        emitter.emit(_scalar(value))


_BASE_60 = r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?\Z"


def _scalar(value: Any) -> yaml.ScalarEvent:
    style: str | None = None
    tag: str | None = None
    if value is None:
        text = "null"
    elif isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, float):
        text = {"+Inf": ".inf", "-Inf": "-.inf", "NaN": ".nan"}.get(go_float(value), go_float(value))
    elif isinstance(value, int):
        text = str(value)
    else:
        text = str(value)
        try:
            text.encode()
        except UnicodeEncodeError:
            text = base64.b64encode(text.encode("utf-8", "surrogateescape")).decode()
            tag = "tag:yaml.org,2002:binary"
        if "\n" in text:
            style = "|"
        elif tag is None and (
            yamltree.resolve(Node("scalar", "", text, True, 0))[0] != yamltree.STR or re.match(_BASE_60, text)
        ):
            style = '"'
    return yaml.ScalarEvent(None, tag, (tag is None, tag is None), text, style=style)


def compare_keys(left: str, right: str) -> int:
    """Orders a map's keys as yaml.v2 does: runs of digits by value, other signs before letters."""
    for position, (a, b) in enumerate(zip(left, right, strict=False)):
        if a == b:
            continue
        if a.isalpha() and b.isalpha():
            return -1 if a < b else 1
        if a.isalpha() or b.isalpha():
            return -1 if b.isalpha() else 1
        run_a, run_b = _digits(left, position), _digits(right, position)
        if run_a and run_b and int(run_a) != int(run_b):
            return -1 if int(run_a) < int(run_b) else 1
        if len(run_a) != len(run_b):
            return -1 if len(run_a) < len(run_b) else 1
        return -1 if a < b else 1
    return len(left) - len(right)


def _digits(text: str, start: int) -> str:
    end = start
    while end < len(text) and text[end].isdigit():
        end += 1
    return text[start:end]
