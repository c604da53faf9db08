"""The schema laid flat: every option with its YAML path, its flag and its default in that place."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from neocortex.config.option import Option, Section, below, fresh
from neocortex.config.schema import Config

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Entry:
    """One option in one place. `attributes` leads from the configuration to its section."""

    attributes: tuple[str, ...]
    path: str
    """Dotted YAML path; empty when only a flag can set the option."""
    flag: str | None
    """Flag name without dashes, None when only YAML can set the option."""
    option: Option
    default: Any
    hidden: bool

    def owner(self, config: Section) -> Section:
        """The section of `config` that holds this option."""
        for name in self.attributes:
            config = getattr(config, name)
        return config

    def value(self, config: Section) -> Any:
        """The option's value in `config`."""
        return getattr(self.owner(config), self.option.name)


def entries(cls: type[Section]) -> Iterator[Entry]:
    """All options below `cls` in declaration order."""
    return _entries(cls)


def _entries(
    cls: type[Section],
    *,
    attributes: tuple[str, ...] = (),
    path: str | None = "",
    prefix: str = "",
    defaults: Mapping[str, Any] = NOTHING,
    flags: Mapping[str, str] = NOTHING,
    hidden: bool = False,
) -> Iterator[Entry]:
    for member in cls.members:
        place = None if path is None or member.yaml is None else f"{path}.{member.yaml}" if path else member.yaml
        if isinstance(member, Option):
            flag = flags.get(member.name, member.flag)
            default = fresh(member.kind.default(defaults[member.name])) if member.name in defaults else member.default
            yield Entry(
                attributes,
                place or "",
                None if flag is None else prefix + flag,
                member,
                fresh(default),
                hidden or member.hidden,
            )
        else:
            inner = below(flags, member.name, {})
            yield from _entries(
                member.cls,
                attributes=(*attributes, member.name),
                path=place,
                prefix=prefix + member.prefix,
                defaults=below(defaults, member.name, member.defaults),
                flags={**member.flags, **{name: flag.removeprefix(member.prefix) for name, flag in inner.items()}},
                hidden=hidden or member.hidden,
            )


@cache
def flag_index() -> dict[str, Entry]:
    """Entries of the configuration by flag name, aliases included."""
    index: dict[str, Entry] = {}
    for entry in entries(Config):
        if entry.flag is not None:
            index[entry.flag] = entry
            for alias in entry.option.aliases:
                index[alias] = entry
    return index
