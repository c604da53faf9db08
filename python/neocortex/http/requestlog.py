"""One line a request, at the levels of Cortex's logging middleware."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neocortex.http.message import Response
    from neocortex.http.settings import HTTPSettings
    from neocortex.observe import Logger

_NEVER_LOGGED = frozenset((b"cookie", b"x-csrf-token", b"authorization"))
MAX_LOGGED_BODY_BYTES = 1024


class RequestLog:
    """Below 500, and 502 and 503: debug, or info with `log_request_at_info_level_enabled`. Others: warnings."""

    def __init__(self, settings: HTTPSettings, logger: Logger) -> None:
        self._logger = logger
        self._at_info = settings.log_requests_at_info
        self._with_headers = settings.log_request_headers
        self._excluded = _NEVER_LOGGED | {name.encode("latin-1") for name in settings.log_excluded_headers}
        self._source_ips = _SourceIPs(settings) if settings.log_source_ips else None

    def write(self, scope: dict[str, Any], response: Response, seconds: float) -> None:
        """`scope` is the server's view of the request."""
        status = response.status
        failed = status >= 500 and status not in (502, 503)
        if not failed and not self._at_info and not self._logger.debug_enabled:
            return
        target: str = scope["raw_path"].decode("latin-1")
        if scope["query_string"]:
            target += "?" + scope["query_string"].decode("latin-1")
        line = f"{scope['method']} {target} ({status}) {go_duration(seconds)}"
        pairs = {} if self._source_ips is None else self._source_ips.pairs(scope)
        if failed:
            body = response.body[:MAX_LOGGED_BODY_BYTES].decode("utf-8", "replace")
            self._logger.warn(f"{line} Response: {_quoted(body)} ws: false; {self._headers(scope)}", **pairs)
            return
        write = self._logger.info if self._at_info else self._logger.debug
        write(line, **pairs)
        if self._with_headers:
            write(f"ws: false; {self._headers(scope)}", **pairs)

    def _headers(self, scope: dict[str, Any]) -> str:
        shown = [
            f"{'-'.join(part.capitalize() for part in name.decode('latin-1').split('-'))}: {value.decode('latin-1')}; "
            for name, value in sorted(scope["headers"])
            if name not in self._excluded and name != b"host"
        ]
        return "".join(shown)


class _SourceIPs:
    """`-server.log-source-ips-*`: the peer and the address that a proxy reports."""

    def __init__(self, settings: HTTPSettings) -> None:
        self._header = settings.log_source_ips_header.lower().encode("latin-1")
        self._pattern = re.compile(settings.log_source_ips_regex) if settings.log_source_ips_regex else None

    def pairs(self, scope: dict[str, Any]) -> dict[str, str]:
        peer = str(scope["client"][0])
        reported = self._reported(dict(scope["headers"]))
        return {"sourceIPs": f"{reported}, {peer}" if reported and reported != peer else peer}

    def _reported(self, headers: dict[bytes, bytes]) -> str:
        if self._header and self._pattern is not None:
            match = self._pattern.search(headers.get(self._header, b"").decode("latin-1"))
            return match.group(1) if match and match.re.groups else ""
        forwarded = re.search(r"(?i)for=([^(;|,| )]+)", headers.get(b"forwarded", b"").decode("latin-1"))
        if forwarded:
            return forwarded.group(1).strip('"')
        if real := headers.get(b"x-real-ip"):
            return real.decode("latin-1")
        return headers.get(b"x-forwarded-for", b"").decode("latin-1").partition(",")[0].strip()


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def go_duration(seconds: float) -> str:
    """A duration as Go prints it: `7.989µs`, `1.5ms`, `2.25s`, `1m30s`."""
    nanos = round(seconds * 1e9)
    if nanos < 1_000:
        return f"{nanos}ns"
    if nanos < 1_000_000:
        return f"{_trimmed(nanos / 1e3, 3)}µs"
    if nanos < 1_000_000_000:
        return f"{_trimmed(nanos / 1e6, 6)}ms"
    minutes, rest = divmod(nanos, 60_000_000_000)
    hours, minutes = divmod(minutes, 60)
    text = f"{_trimmed(rest / 1e9, 9)}s"
    if hours:
        return f"{hours}h{minutes}m{text}"
    return f"{minutes}m{text}" if minutes else text


def _trimmed(value: float, places: int) -> str:
    return f"{value:.{places}f}".rstrip("0").rstrip(".")
