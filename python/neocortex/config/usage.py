"""What -help and -version print."""

from __future__ import annotations

import platform
import sys

from neocortex import __version__


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
    from neocortex.config.flags import flag_table

    lines = ["Usage of neocortex:"]
    for row in flag_table():
        lines.append(f"  -{row.name}" + (f" {row.argument}" if row.argument else ""))
        lines.append(f"    \t{row.text}{row.default}")
    return "\n".join(lines) + "\n"
