"""Structured logs on stderr: `ts= caller= level= msg=` and further pairs, as logfmt or one JSON object a line.

The form is that of go-kit's loggers in Cortex: timestamps in UTC with nanoseconds, values quoted when they must be,
caller as `file:line`. Warnings of libraries that use `logging` come through `bridge_standard_logging`.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from pathlib import PurePath
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable

LEVELS = {"debug": 10, "info": 20, "warn": 30, "error": 40}

_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


class _Output:
    """Where lines go; one for the process, set up by `configure` before the first thread starts."""

    def __init__(self) -> None:
        self.threshold = LEVELS["info"]
        self.as_json = False
        self.stream: TextIO = sys.stderr
        self.on_line: Callable[[str], None] | None = None


_output = _Output()


def configure(
    level: str = "info",
    log_format: str = "logfmt",
    stream: TextIO | None = None,
    on_line: Callable[[str], None] | None = None,
) -> None:
    """`level` is debug, info, warn or error; `log_format` logfmt or json; `on_line` is told the level of each line."""
    _output.threshold = LEVELS[level]
    _output.as_json = log_format == "json"
    _output.stream = stream if stream is not None else sys.stderr
    _output.on_line = on_line


class Logger:
    """Writes lines with pairs bound to it. Costs little when the level is off: ask `debug_enabled` before much work."""

    __slots__ = ("_bound",)

    def __init__(self, **bound: object) -> None:
        self._bound = bound

    def bind(self, **pairs: object) -> Logger:
        """A logger that adds these pairs to every line."""
        return Logger(**{**self._bound, **pairs})

    @property
    def debug_enabled(self) -> bool:
        """Whether lines of level debug are written."""
        return _output.threshold <= LEVELS["debug"]

    def debug(self, msg: str, /, **pairs: object) -> None:
        """A line for developers."""
        if _output.threshold <= LEVELS["debug"]:
            _write("debug", msg, self._bound, pairs, _caller())

    def info(self, msg: str, /, **pairs: object) -> None:
        """A line about normal work."""
        if _output.threshold <= LEVELS["info"]:
            _write("info", msg, self._bound, pairs, _caller())

    def warn(self, msg: str, /, **pairs: object) -> None:
        """A line about something that went wrong and was coped with."""
        if _output.threshold <= LEVELS["warn"]:
            _write("warn", msg, self._bound, pairs, _caller())

    def error(self, msg: str, /, **pairs: object) -> None:
        """A line about something that failed."""
        if _output.threshold <= LEVELS["error"]:
            _write("error", msg, self._bound, pairs, _caller())


_logger = Logger()


def get_logger(**bound: object) -> Logger:
    """The process's logger, with pairs bound to it."""
    return _logger.bind(**bound) if bound else _logger


def _caller() -> str:
    frame = sys._getframe(2)
    return f"{PurePath(frame.f_code.co_filename).name}:{frame.f_lineno}"


def _write(level: str, msg: str, bound: dict[str, object], pairs: dict[str, object], caller: str) -> None:
    line: dict[str, object] = {"ts": _timestamp(), "caller": caller, "level": level, **bound, "msg": msg, **pairs}
    if _output.as_json:
        text = json.dumps(line, ensure_ascii=False, separators=(",", ":"), default=str)
    else:
        text = " ".join([f"{key}={_logfmt_value(value)}" for key, value in line.items()])
    if _output.on_line is not None:
        _output.on_line(level)
    try:
        _output.stream.write(text + "\n")
        _output.stream.flush()
    except (OSError, ValueError):
        # A closed or full stderr must not take a request down, and there is nowhere left to report it.
        return


def _timestamp() -> str:
    now = time.time_ns()
    seconds, nanos = divmod(now, 1_000_000_000)
    fraction = f"{nanos:09d}".rstrip("0")
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + (f".{fraction}Z" if fraction else "Z")


def _logfmt_value(value: object) -> str:
    if value is None:
        return "null"
    if value is True:
        return "true"
    if value is False:
        return "false"
    text = value if isinstance(value, str) else str(value)
    if all(char > " " and char not in '="\\\x7f\ufffd' for char in text):
        return text
    out = []
    for char in text:
        if char in _ESCAPES:
            out.append(_ESCAPES[char])
        elif char < " " or char == "\x7f":
            out.append(f"\\u{ord(char):04x}")
        else:
            out.append(char)
    return '"' + "".join(out) + '"'


class _Bridge(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        level = next((name for name, number in reversed(LEVELS.items()) if record.levelno >= number), "debug")
        if _output.threshold > LEVELS[level]:
            return
        pairs: dict[str, object] = {}
        if record.exc_info is not None and record.exc_info[1] is not None:
            pairs["err"] = repr(record.exc_info[1])
        _write(level, record.getMessage(), {}, pairs, f"{record.filename}:{record.lineno}")


def bridge_standard_logging() -> None:
    """Sends warnings and errors of libraries through this room's format."""
    root = logging.getLogger()
    root.handlers[:] = [_Bridge()]
    root.setLevel(logging.WARNING)
