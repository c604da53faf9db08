"""What -help and -version print."""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from neocortex import __version__
from neocortex.config import flags
from neocortex.config.describe import describe, describe_flag
from neocortex.config.duration import quote
from neocortex.config.kinds import of
from neocortex.config.registry import flag_index

if TYPE_CHECKING:
    from neocortex.config.scalars import Kind


@dataclass(frozen=True, slots=True)
class FlagRow:
    """One flag as -help lists it. `default` is empty when it is the kind's zero."""

    name: str
    argument: str
    text: str
    default: str


def version() -> str:
    """The text of -version, in the layout of Prometheus's programs."""
    return (
        f"Neocortex, version {__version__} (branch: , revision: )\n"
        f"  build user:       \n"
        f"  build date:       \n"
        f"  python version:   {platform.python_version()}\n"
        f"  platform:         {sys.platform}/{platform.machine()}\n"
        f"  tags:             \n"
    )


def usage() -> str:
    """The text of -help: every flag in alphabetical order with its kind and default."""
    lines = ["Usage of neocortex:"]
    for row in flag_rows():
        lines.append(f"  -{row.name}" + (f" {row.argument}" if row.argument else ""))
        lines.append(f"    \t{row.text}" + (f" (default {row.default})" if row.default else ""))
    return "\n".join(lines) + "\n"


def flag_rows() -> list[FlagRow]:
    """All flags, sorted by name."""
    rows = [_row(name, entry.option.kind, entry.default, describe(entry)) for name, entry in flag_index().items()]
    for name, (annotation, value) in flags.COMMAND_FLAGS.items():
        rows.append(_row(name, of(annotation), value, describe_flag(name)))
    for name, (annotation, text) in flags.UNUSED_FLAGS.items():
        kind = of(annotation)
        rows.append(_row(name, kind, kind.parse(text, None), describe_flag(name)))
    rows.extend(FlagRow(name, "value", describe_flag(name), "") for name in flags.DEPRECATED_FLAGS)
    rows.append(FlagRow("config.file", "value", describe_flag("config.file"), ""))
    return sorted(rows, key=lambda row: row.name)


def _row(name: str, kind: Kind, default: object, text: str) -> FlagRow:
    shown = "" if default == kind.zero() else kind.text(default)
    return FlagRow(name, kind.argument, text, quote(shown) if shown and kind.argument == "string" else shown)
