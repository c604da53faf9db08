"""How the schema is written: sections are classes, options are their annotated attributes.

    class Consul(Section, go="consul.Config"):
        host: str = opt("hostname", "localhost:8500")

The attribute's name is its YAML name, its annotation chooses the kind (how the value is parsed and shown), the first
argument of `opt` is the flag below the section's prefix. A section becomes part of another with `section`, which gives
the prefix and, where that place differs, other defaults and flags. `inline` puts the members of a base class into the
place where it stands, as sections share members without a name of their own in YAML.

The class collects its members once; an instance is a plain object whose attributes hold the values in force.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from neocortex.config import kinds
from neocortex.config.lists import Records

if TYPE_CHECKING:
    from neocortex.config.scalars import Kind

T = TypeVar("T")


class Option:
    """One option: its place in YAML, its flag below the section's prefix, its kind and default."""

    __slots__ = ("aliases", "default", "flag", "hidden", "kind", "name", "omitempty", "yaml")

    name: str
    kind: Kind

    def __init__(
        self,
        flag: str | None,
        default: Any,
        *,
        yaml: str | None,
        aliases: tuple[str, ...],
        hidden: bool,
        omitempty: bool,
    ) -> None:
        self.flag = flag
        self.default = default
        self.yaml = yaml
        self.aliases = aliases
        self.hidden = hidden
        self.omitempty = omitempty

    def fresh_default(self) -> Any:
        """The default as a value that may be changed in place."""
        return fresh(self.default)


class Nested:
    """A section within a section. `defaults` and `flags` say, by dotted attribute path, what differs in this place."""

    __slots__ = ("cls", "defaults", "flags", "hidden", "name", "prefix", "yaml")

    name: str

    def __init__(
        self,
        cls: type[Section],
        prefix: str,
        *,
        yaml: str | None,
        defaults: Mapping[str, Any],
        flags: Mapping[str, str],
        hidden: bool,
    ) -> None:
        self.cls = cls
        self.prefix = prefix
        self.yaml = yaml
        self.defaults = defaults
        self.flags = flags
        self.hidden = hidden


class _Inline:
    __slots__ = ("cls", "defaults", "prefix")

    def __init__(self, cls: type[Section], prefix: str, defaults: Mapping[str, Any]) -> None:
        self.cls = cls
        self.prefix = prefix
        self.defaults = defaults


Member = Option | Nested


class Struct(dict[str, Any]):
    """Plain data whose keys pages show in declaration order; other dicts are shown sorted."""


def opt(
    flag: str | None,
    default: Any,
    *,
    yaml: str | None = "",
    aliases: tuple[str, ...] = (),
    hidden: bool = False,
    omitempty: bool = False,
) -> Any:
    """Declares an option.

    `flag` is None for what only YAML can set, `yaml` None for what only a flag can set; `aliases` are further whole
    flag names; `hidden` keeps it out of the reference page; `omitempty` leaves an empty value out of pages.
    """
    return Option(flag, default, yaml=yaml, aliases=aliases, hidden=hidden, omitempty=omitempty)


def section(
    cls: type[T],
    prefix: str = "",
    *,
    yaml: str | None = "",
    defaults: Mapping[str, Any] | None = None,
    flags: Mapping[str, str] | None = None,
    hidden: bool = False,
) -> T:
    """Declares a section within a section, whose flags begin with `prefix` below the outer section's prefix.

    `defaults` and `flags` hold what differs in this place, by attribute path; flags are below the nested prefix.
    """
    nested: Any = Nested(
        cls,  # type: ignore[arg-type]
        prefix,
        yaml=yaml,
        defaults=defaults or {},
        flags=flags or {},
        hidden=hidden,
    )
    return nested  # type: ignore[no-any-return]


def records(cls: type[T], go: str, doc: str, *, omitempty: bool = False) -> list[T]:
    """Declares a list of sections, which only YAML can set. `go` names the list's type in errors, `doc` in the page."""
    option: Any = Option(None, [], yaml="", aliases=(), hidden=False, omitempty=omitempty)
    option.kind = Records(cls, go, doc)  # type: ignore[arg-type]
    return option  # type: ignore[no-any-return]


def inline(cls: type[Section], prefix: str = "", *, defaults: Mapping[str, Any] | None = None) -> Any:
    """Puts the members of the base class `cls` here, their flags below `prefix`."""
    return _Inline(cls, prefix, defaults or {})


class Section:
    """Base of all sections. A new instance holds the defaults."""

    go: str = ""
    """The type's name in messages about the configuration file."""
    members: tuple[Member, ...] = ()
    """Options and sections in declaration order."""
    by_yaml: dict[str, Member]
    """Members by their YAML name."""

    def __init_subclass__(cls, go: str = "", **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.go = go
        annotations = vars(cls).get("__annotations__", {})
        members: list[Member] = []
        for name, value in list(cls.__dict__.items()):
            if isinstance(value, Option):
                _name(value, name)
                if not hasattr(value, "kind"):
                    value.kind = kinds.of(annotations[name])
                value.default = value.kind.default(value.default)
                members.append(value)
            elif isinstance(value, Nested):
                _name(value, name)
                members.append(value)
            elif isinstance(value, _Inline):
                members.extend(_inlined(value))
            else:
                continue
            delattr(cls, name)
        cls.members = tuple(members)
        cls.by_yaml = {member.yaml: member for member in members if member.yaml is not None}

    def __init__(self, defaults: Mapping[str, Any] | None = None) -> None:
        values = self.__dict__
        for member in self.members:
            if isinstance(member, Option):
                values[member.name] = fresh(member.default)
            else:
                values[member.name] = member.cls(below(defaults, member.name, member.defaults))
        if defaults:
            for path, value in defaults.items():
                if "." not in path:
                    member = self.member(path)
                    assert isinstance(member, Option)
                    values[path] = fresh(member.kind.default(value))

    def decoded(self) -> None:
        """Called when a YAML mapping was decoded into the section; raises ValueError when its values do not fit."""

    def shown(self) -> Struct:
        """The section as plain data for a page, secrets masked."""
        out = Struct()
        for member in self.members:
            if member.yaml is None:
                continue
            value = getattr(self, member.name)
            if isinstance(member, Nested):
                out[member.yaml] = value.shown()
            elif not (member.omitempty and member.kind.is_empty(value)):
                out[member.yaml] = member.kind.show(value)
        return out

    @classmethod
    def member(cls, name: str) -> Member:
        """The member with this attribute name. Raises KeyError."""
        for member in cls.members:
            if member.name == name:
                return member
        raise KeyError(name)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def copy(self: T) -> T:
        """A deep copy: changing it leaves this section as it is."""
        twin = object.__new__(type(self))
        for name, value in self.__dict__.items():
            twin.__dict__[name] = value.copy() if isinstance(value, Section) else fresh(value)
        return twin


def below(defaults: Mapping[str, Any] | None, name: str, own: Mapping[str, Any]) -> Mapping[str, Any]:
    """Defaults for the section `name`: the place's own, overruled by those that an outer place gives."""
    if not defaults:
        return own
    head = name + "."
    return {**own, **{path[len(head) :]: value for path, value in defaults.items() if path.startswith(head)}}


def fresh(value: Any) -> Any:
    """`value` itself when it cannot change, else a copy; computes defaults that depend on the machine."""
    if isinstance(value, list):
        return [fresh(item) for item in value]
    if isinstance(value, dict):
        return dict(value)
    if isinstance(value, Section):
        return value.copy()
    if isinstance(value, Callable):  # type: ignore[arg-type]
        return value()
    return value


def _name(member: Member, name: str) -> None:
    member.name = name
    if member.yaml == "":
        member.yaml = name


def _inlined(place: _Inline) -> Iterator[Member]:
    for member in place.cls.members:
        twin: Member
        if isinstance(member, Option):
            flag = None if member.flag is None else place.prefix + member.flag
            default = place.defaults.get(member.name, member.default)
            twin = Option(
                flag,
                member.kind.default(default),
                yaml=member.yaml,
                aliases=member.aliases,
                hidden=member.hidden,
                omitempty=member.omitempty,
            )
            twin.kind = member.kind
        else:
            defaults = below(place.defaults, member.name, member.defaults)
            twin = Nested(
                member.cls,
                place.prefix + member.prefix,
                yaml=member.yaml,
                defaults=defaults,
                flags=member.flags,
                hidden=member.hidden,
            )
        twin.name = member.name
        yield twin
