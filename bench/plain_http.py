"""`neocortex.http._http` in plain Python: the twin that benchmarks compare with and tests differ against."""

import re
from typing import Any
from urllib.parse import unquote_to_bytes

_TENANT = re.compile(r"[A-Za-z0-9\-_.!*'()]*")
_FAULTY_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")


def tenant_error(org_id: str) -> str | None:
    """Why a tenant id is refused."""
    if not org_id:
        return "no org id"
    match = _TENANT.match(org_id)
    assert match is not None
    if match.end() < len(org_id):
        byte = org_id[match.end()].encode("utf-8", "replace")[0]
        return f"tenant ID '{org_id}' contains unsupported character '{chr(byte)}'"
    if len(org_id) > 150:
        return "tenant ID is too long: max 150 characters"
    if org_id in {".", ".."}:
        return "tenant ID is '.' or '..'"
    if org_id in {"__markers__", "user-index.json.gz"}:
        return f"tenant ID '{org_id}' is not allowed"
    return None


def _unescape(text: bytes, *, plus_is_space: bool) -> str:
    fault = _FAULTY_ESCAPE.search(text)
    if fault is not None:
        shown = text[fault.start() : fault.start() + 3].decode("utf-8", "replace")
        raise ValueError(f'invalid URL escape "{shown}"')
    if plus_is_space:
        text = text.replace(b"+", b" ")
    return unquote_to_bytes(text).decode("utf-8", "replace")


def unescape_path(text: str) -> str:
    """One path segment, decoded."""
    return _unescape(text.encode("utf-8", "replace"), plus_is_space=False)


def parse_form(encoded: str | bytes) -> tuple[dict[str, list[str]], str | None]:
    """Go's `url.ParseQuery`."""
    raw = encoded if isinstance(encoded, bytes) else encoded.encode("utf-8", "replace")
    values: dict[str, list[str]] = {}
    error: str | None = None
    if raw.count(b"&") >= 10_000:
        return values, "number of URL query parameters exceeded limit"
    for pair in raw.split(b"&"):
        if not pair:
            continue
        if b";" in pair:
            error = "invalid semicolon separator in query"
            continue
        name, _, value = pair.partition(b"=")
        try:
            decoded = _unescape(name, plus_is_space=True), _unescape(value, plus_is_space=True)
        except ValueError as fault:
            error = error or str(fault)
            continue
        values.setdefault(decoded[0], []).append(decoded[1])
    return values, error


def scan_headers(
    pairs: list[tuple[bytes, bytes]],
) -> tuple[int | None, int, bytes | None, bytes | None, bytes | None, int]:
    """Length, what is expected, tenant, origin, accepted encodings, number of hosts."""
    headers = dict(pairs)
    declared: int | None = 0
    if b"transfer-encoding" in headers:
        declared = None
    elif b"content-length" in headers:
        text = headers[b"content-length"]
        declared = int(text) if text.isdigit() and len(text) <= 18 else -1
    return (
        declared,
        (1 if headers[b"expect"].lower() == b"100-continue" else -1) if b"expect" in headers else 0,
        headers.get(b"x-scope-orgid"),
        headers.get(b"origin"),
        headers.get(b"accept-encoding"),
        sum(name == b"host" for name, _ in pairs),
    )


def clean_path(path: str) -> str:
    """gorilla/mux's `cleanPath`."""
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            if kept:
                kept.pop()
        elif segment not in {"", "."}:
            kept.append(segment)
    cleaned = "/" + "/".join(kept)
    return cleaned + "/" if path.endswith("/") and cleaned != "/" else cleaned


class PathTable:
    """Routes by path."""

    def __init__(self) -> None:
        self._exact: dict[str, dict[str | None, Any]] = {}
        self._patterns: list[tuple[list[str], tuple[str, ...], Any]] = []
        self._prefixes: list[tuple[str, tuple[str, ...], Any]] = []

    def add(self, pattern: str, methods: tuple[str, ...], prefix: bool, route: Any) -> None:
        """Adds a route."""
        if prefix:
            self._prefixes.append((pattern, methods, route))
        elif "{" in pattern:
            self._patterns.append((pattern.split("/"), methods, route))
        else:
            by_method = self._exact.setdefault(pattern, {})
            for method in methods or (None,):
                by_method.setdefault(method, route)

    def match(self, method: str, path: str) -> tuple[Any, Any]:
        """The route and its parameters, or None and whether the path is known."""
        known = False
        by_method = self._exact.get(path)
        if by_method is not None:
            route = by_method.get(method) or by_method.get(None)
            if route is not None:
                return route, None
            known = True
        parts = path.split("/")
        for segments, methods, route in self._patterns:
            params = _params(segments, parts)
            if params is not None:
                if not methods or method in methods:
                    return route, params
                known = True
        for start, methods, route in self._prefixes:
            if path.startswith(start):
                if not methods or method in methods:
                    return route, None
                known = True
        return None, known


def _params(segments: list[str], parts: list[str]) -> dict[str, str] | None:
    if len(segments) != len(parts):
        return None
    params: dict[str, str] = {}
    for segment, part in zip(segments, parts, strict=True):
        if segment.startswith("{"):
            if not part:
                return None
            params[segment[1:-1]] = part
        elif segment != part:
            return None
    return params
