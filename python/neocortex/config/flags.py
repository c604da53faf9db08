"""The command line in Go's flag syntax: `-name=value`, `--name value`, bare booleans, repeats for lists."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from neocortex.config.duration import quote
from neocortex.config.kinds import of
from neocortex.config.registry import flag_index

if TYPE_CHECKING:
    from collections.abc import Sequence

    from neocortex.config.scalars import Kind
    from neocortex.config.schema import Config

DEPRECATED_FLAGS = (
    "blocks-storage.tsdb.wal-compression-enabled",
    "frontend.cache-split-interval",
    "ingester.max-series-per-query",
    "mem-ballast-size-bytes",
    "querier.batch-iterators",
    "querier.ingester-streaming",
    "querier.iterators",
    "querier.max-outstanding-requests-per-tenant",
    "querier.query-store-for-labels-enabled",
    "query-scheduler.max-outstanding-requests-per-tenant",
    "ruler.alertmanager-use-v2",
    "ruler.client-timeout",
    "ruler.group-timeout",
    "ruler.num-workers",
)
"""Flags that are accepted with a warning and do nothing."""

UNUSED_FLAGS: dict[str, tuple[str, str]] = {
    "ingester-client.expected-labels": ("int", "20"),
    "ingester-client.expected-samples-per-series": ("int", "10"),
    "ingester-client.expected-timeseries": ("int", "100"),
    "validation.max-native-histogram-size-bytes": ("int", "16384"),
}
"""Flags without a place in the configuration: their kind and default. Their value is checked and has no effect."""

COMMAND_FLAGS: dict[str, tuple[str, Any]] = {
    "config.expand-env": ("bool", False),
    "config.unsupported": ("bool", False),
    "debug.block-profile-rate": ("int", 0),
    "debug.mutex-profile-fraction": ("int", 0),
    "event.sample-rate": ("int", 0),
    "modules": ("bool", False),
    "version": ("bool", False),
}
"""Flags of the process itself: their kind and default."""


class FlagError(ValueError):
    """The command line is wrong; the text is what Go's flag package prints."""


class HelpRequested(Exception):
    """-help or -h was met."""


@dataclass(slots=True)
class Command:
    """What the command line asks of the process itself."""

    config_file: str = ""
    expand_env: bool = False
    modules: bool = False
    version: bool = False
    unsupported: bool = False
    event_sample_rate: int = 0
    mutex_profile_fraction: int = 0
    block_profile_rate: int = 0
    deprecated_flags: list[str] = field(default_factory=list)
    """Names of deprecated flags that were given; each deserves a warning."""


_COMMAND_FIELDS = {
    "config.expand-env": "expand_env",
    "config.unsupported": "unsupported",
    "debug.block-profile-rate": "block_profile_rate",
    "debug.mutex-profile-fraction": "mutex_profile_fraction",
    "event.sample-rate": "event_sample_rate",
    "modules": "modules",
    "version": "version",
}


def config_file_of(args: Sequence[str]) -> tuple[str, bool]:
    """The values of -config.file and -config.expand-env, whatever stands around them.

    The file is read before the flags are parsed, so other flags, even unknown ones, are skipped here.
    """
    path, expand = "", False
    rest = list(args)
    while rest:
        name, value, following = _next(rest)
        if name == "config.file":
            if value is None and following:
                value, following = following[0], following[1:]
            if value is not None:
                path = value
                rest = following
                continue
        elif name == "config.expand-env":
            try:
                expand = of("bool").parse("true" if value is None else value, expand)
                rest = following
                continue
            except ValueError:
                pass
        rest = rest[1:]
    return path, expand


def _next(args: list[str]) -> tuple[str, str | None, list[str]]:
    """The first argument as a flag's name and value; an empty name when it is none."""
    text = args[0]
    if len(text) < 2 or text[0] != "-":
        return "", None, args[1:]
    name = text.removeprefix("--") if text.startswith("--") else text[1:]
    if not name or name[0] in "-=":
        return "", None, args[1:]
    name, equals, value = name.partition("=")
    return name, value if equals else None, args[1:]


def parse(args: Sequence[str], config: Config) -> Command:
    """Sets the flags in `config` and returns the rest.

    Raises FlagError at the first wrong flag and HelpRequested at -help, as Go's flag package does; what came before is
    set. Parsing stops at the first argument that is not a flag.
    """
    command = Command()
    index = flag_index()
    rest = list(args)
    while rest:
        text = rest[0]
        if len(text) < 2 or text[0] != "-" or text == "--":
            break
        name, value, rest = _next(rest)
        if not name:
            raise FlagError(f"bad flag syntax: {text}")
        entry = index.get(name)
        kind = entry.option.kind if entry else _kind_of(name)
        if kind is None:
            if name in ("help", "h"):
                raise HelpRequested
            raise FlagError(f"flag provided but not defined: -{name}")
        if value is None and kind.is_bool:
            value = "true"
        elif value is None:
            if not rest:
                raise FlagError(f"flag needs an argument: -{name}")
            value, rest = rest[0], rest[1:]
        try:
            if entry:
                owner = entry.owner(config)
                setattr(owner, entry.option.name, kind.parse(value, getattr(owner, entry.option.name)))
            else:
                _set_command(command, name, kind.parse(value, None))
        except ValueError as err:
            if kind.is_bool:
                raise FlagError(f"invalid boolean value {quote(value)} for -{name}: {err}") from None
            raise FlagError(f"invalid value {quote(value)} for flag -{name}: {err}") from None
    return command


def _kind_of(name: str) -> Kind | None:
    if name in COMMAND_FLAGS:
        return of(COMMAND_FLAGS[name][0])
    if name in UNUSED_FLAGS:
        return of(UNUSED_FLAGS[name][0])
    if name in DEPRECATED_FLAGS or name == "config.file":
        return of("str")
    return None


def _set_command(command: Command, name: str, value: Any) -> None:
    if name in _COMMAND_FIELDS:
        setattr(command, _COMMAND_FIELDS[name], value)
    elif name == "config.file":
        command.config_file = value
    elif name in DEPRECATED_FLAGS:
        command.deprecated_flags.append(name)
