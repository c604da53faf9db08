"""The syntax of URLs as Go's net/url checks it."""

from __future__ import annotations

import re

from neocortex.config.duration import quote

_SCHEME = r"[A-Za-z][A-Za-z0-9+.-]*:"
_BAD_ESCAPE = r"%(?![0-9A-Fa-f]{2})"
_HOST = r"[A-Za-z0-9\-_.~!$&'()*+,;=:\[\]<>\"%\x80-\U0010ffff]*\Z"
_PORT = r":[0-9]*\Z"


def check_url(text: str) -> str:
    """The URL itself. Raises ValueError with the text of Go's url.Parse."""
    problem = _problem(text)
    if problem is not None:
        raise ValueError(f"parse {quote(text)}: {problem}")
    return text


def _problem(text: str) -> str | None:
    if any(ord(char) < 0x20 or ord(char) == 0x7F for char in text):
        return "net/url: invalid control character in URL"
    if text.startswith(":"):
        return "missing protocol scheme"
    scheme = re.match(_SCHEME, text)
    rest = text[scheme.end() :] if scheme else text
    if not scheme and ":" in rest.partition("/")[0]:
        return "first path segment in URL cannot contain colon"
    rest = rest.partition("#")[0].partition("?")[0]
    path = rest
    if rest.startswith("//"):
        authority, _, path = rest[2:].partition("/")
        problem = _host_problem(authority.rpartition("@")[2])
        if problem is not None:
            return problem
    return _escape_problem(path)


def _host_problem(host: str) -> str | None:
    if host.startswith("["):
        _, closed, port = host.rpartition("]")
        if not closed:
            return "missing ']' in host"
        if port and not re.match(_PORT, port):
            return f"invalid port {quote(port)} after host"
        return None
    if ":" in host:
        port = host[host.rindex(":") :]
        if not re.match(_PORT, port):
            return f"invalid port {quote(port)} after host"
    for char in host:
        if not re.match(_HOST, char):
            return f"invalid character {quote(char)} in host name"
    return _escape_problem(host)


def _escape_problem(text: str) -> str | None:
    bad = re.search(_BAD_ESCAPE, text)
    return f"invalid URL escape {quote(text[bad.start() : bad.start() + 3])}" if bad else None
