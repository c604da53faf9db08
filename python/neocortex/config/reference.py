"""Writes docs/configuration.md from the schema: `python -m neocortex.config.reference docs/configuration.md`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from neocortex.config import flags
from neocortex.config.describe import describe, describe_flag
from neocortex.config.option import Nested
from neocortex.config.registry import entries
from neocortex.config.schema import Config
from neocortex.config.status import is_acted_on, name_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from neocortex.config.registry import Entry

_HEAD = """# Configuration

<!-- Written from the schema by `python -m neocortex.config.reference docs/configuration.md`: change it there. -->

Options come from three places; later ones win: the defaults, the YAML file of `-config.file`, the flags. With
`-config.expand-env` the file may hold `${VAR}` and `${VAR:default}`. Unknown and repeated fields of the file stop the
start. `/config` shows what is in force, `/config?mode=diff` what differs from the defaults.

Durations are written as `1h30m`; in `limits` also in days, weeks and years, as `2w`. A list flag may be given several
times. Options marked *accepted* load and are shown, and have no effect yet: `-config.unsupported` lists them.

The runtime configuration file (`runtime_config.file`) is read again every `runtime_config.period`. Its keys are
`overrides` and `hard_overrides` (a tenant's own values of the options in `limits`), `ingester_limits` (as
`ingester.instance_limits`), `multi_kv_config` (`primary`, `mirror_enabled`),
`ingester_stream_chunks_when_using_blocks` and `api_allowed_limits`. So far it is read from the local disk only
(`runtime_config.backend: filesystem`).

## Where this differs from Cortex 1.21.1

- `-help` has texts of its own, and names a flag's argument by its type.
- `/runtime_config` does not show the keys `compiledregex` and `compileduseragentregex` of query attributes, which
  Cortex shows and does not mean to be set; in a file they are unknown fields.
- A tenant of the runtime file without any limit (`tenant:`) has the defaults; Cortex ends with a panic.
- Regular expressions are checked for their structure when the file is read, and wholly when they are first used; the
  selectors of `limits.active_series_trackers` are not checked yet.
"""


def reference() -> str:
    """The page's text."""
    shown = [entry for entry in entries(Config) if not entry.hidden]
    parts = [_HEAD, _table("Top level", None, [entry for entry in shown if not entry.attributes])]
    for member in Config.members:
        if isinstance(member, Nested) and not member.hidden:
            rows = [entry for entry in shown if entry.attributes[:1] == (member.name,)]
            parts.append(_table(f"`{member.yaml}`", member.cls.__doc__, rows))
    parts.append("\n".join(["## Flags of the process", "", "| flag | default | |", "| --- | --- | --- |", *_further()]))
    return "\n".join(parts) + "\n"


def _table(title: str, text: str | None, rows: Iterable[Entry]) -> str:
    lines = [f"## {title}", ""]
    if text:
        lines += [text, ""]
    lines += ["| YAML | flag | type | default | |", "| --- | --- | --- | --- | --- |"]
    lines += [_line(entry) for entry in rows]
    return "\n".join([*lines, ""])


def _line(entry: Entry) -> str:
    kind, option = entry.option.kind, entry.option
    default = "the host's name" if callable(option.default) else _code(kind.text(entry.default))
    flag = "" if entry.flag is None else _code(f"-{entry.flag}")
    status = "" if is_acted_on(entry) else " *Accepted.*"
    yaml = _code(entry.path) if entry.path else ""
    return f"| {yaml} | {flag} | {kind.doc} | {default} | {_cell(describe(entry))}{status} |"


def _further() -> Iterator[str]:
    for name, (_, default) in sorted(flags.COMMAND_FLAGS.items()):
        yield f"| `-{name}` | `{str(default).lower()}` | {_cell(describe_flag(name))} |"
    yield f"| `-config.file` | | {_cell(describe_flag('config.file'))} |"
    for name, (_, text) in sorted(flags.UNUSED_FLAGS.items()):
        yield f"| `-{name}` | `{text}` | {_cell(describe_flag(name))} |"
    for name in flags.DEPRECATED_FLAGS:
        yield f"| `-{name}` | | Deprecated: accepted with a warning. |"


def _code(text: str) -> str:
    return f"`{text}`".replace("|", "\\|") if text else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def undescribed() -> list[str]:
    """Options of the page that have no text."""
    return [name_of(entry) for entry in entries(Config) if not entry.hidden and not describe(entry)]


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(reference())
