"""Decoding YAML nodes into sections: unknown and repeated fields, wrong types, each with its line.

Problems are collected, as yaml.v2 does in strict mode, so that one reading names them all. An error of a value's own
syntax (a URL, a log level) ends the reading with its text alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from neocortex.config import yamltree
from neocortex.config.duration import quote
from neocortex.config.option import Nested, Option, Section
from neocortex.config.yamltree import FAILED, Failed, YamlError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from neocortex.config.yamltree import Node


class DecodeError(ValueError):
    """The document does not fit the schema; the text lists every problem as yaml.v2 does."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("yaml: unmarshal errors:\n  " + "\n  ".join(problems))
        self.problems = problems


class Decoder:
    """Decodes one document. `problems` grows as it goes."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self._merging: list[Node] = []

    def finish(self) -> None:
        """Raises DecodeError when there were problems."""
        if self.problems:
            raise DecodeError(self.problems)

    def mismatch(self, node: Node, tag: str, go_type: str) -> Failed:
        """Notes that the node is of another type than `go_type`."""
        tag = node.tag or tag
        shown = ""
        if tag not in (yamltree.SEQ, yamltree.MAP):
            value = node.value.encode()
            text = value[:7].decode(errors="replace") + "..." if len(value) > 10 else node.value
            shown = f" `{text}`"
        self.problems.append(f"line {node.line}: cannot unmarshal {tag}{shown} into {go_type}")
        return FAILED

    def collection_mismatch(self, node: Node, go_type: str) -> Failed:
        """Notes that a sequence or mapping stands where `go_type` is expected."""
        return self.mismatch(node, yamltree.SEQ if node.kind == "sequence" else yamltree.MAP, go_type)

    def text(self, node: Node, go_type: str = "string") -> str | Failed:
        """A scalar as the text that was written; no value gives the empty text."""
        if node.kind != "scalar":
            return self.collection_mismatch(node, go_type)
        _, value = yamltree.resolve(node)
        return "" if value is None else node.value

    def key(self, node: Node, seen: Mapping[str, object]) -> str | Failed:
        """A key of a mapping that is data. A key that `seen` already holds is a problem."""
        text = self.text(node)
        if isinstance(text, str) and text in seen:
            self.problems.append(f"line {node.line}: key {quote(text)} already set in map")
            return FAILED
        return text

    def section(self, node: Node, target: Section, go_type: str | None = None) -> bool:
        """Decodes a mapping into `target`, in place. An empty node sets every member to nothing, as in yaml.v2."""
        go_type = go_type or target.go
        if node.is_null:
            clear(target)
            return True
        if node.kind == "scalar":
            tag, value = yamltree.resolve(node)
            if value is None:
                clear(target)
                return True
            self.mismatch(node, tag, go_type)
            return False
        if node.kind == "sequence":
            self.mismatch(node, yamltree.SEQ, go_type)
            return False
        done: set[str] = set()
        name = ""
        for key, value_node in zip(node.items[::2], node.items[1::2], strict=True):
            if key.kind == "scalar" and key.value == "<<" and (key.plain or key.tag == yamltree.MERGE):
                self._merge(value_node, target, go_type)
                continue
            if not key.is_null:
                text = self.text(key)
                if isinstance(text, Failed):
                    continue
                name = text
            member = target.by_yaml.get(name)
            if member is None:
                self.problems.append(f"line {key.line}: field {name} not found in type {go_type}")
                continue
            if name in done:
                self.problems.append(f"line {key.line}: field {name} already set in type {go_type}")
                continue
            done.add(name)
            if isinstance(member, Nested):
                self.section(value_node, getattr(target, member.name))
            else:
                self.option(value_node, target, member)
        if not self.problems:
            target.decoded()
        return True

    def option(self, node: Node, target: Section, option: Option) -> None:
        """Decodes one value and sets it; a problem leaves the old one."""
        if node.is_null:
            setattr(target, option.name, option.kind.zero())
            return
        value = option.kind.decode(self, node, getattr(target, option.name))
        if value is not FAILED:
            setattr(target, option.name, value)

    def _merge(self, node: Node, target: Section, go_type: str) -> None:
        nodes = reversed(node.items) if node.kind == "sequence" else [node]
        for part in nodes:
            if part.kind != "mapping":
                raise YamlError("yaml: map merge requires map or sequence of maps as the value")
            if any(part is outer for outer in self._merging):
                raise YamlError("yaml: a merged map contains itself")
            self._merging.append(part)
            self.section(part, target, go_type)
            self._merging.pop()


def clear(target: Section) -> None:
    """Sets every member to the zero value of its type."""
    for member in target.members:
        if isinstance(member, Nested):
            clear(getattr(target, member.name))
        else:
            setattr(target, member.name, member.kind.zero())
