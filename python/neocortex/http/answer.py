"""What is added to an answer after its handler: CORS, compression; and redirects made before it."""

from __future__ import annotations

import re
from urllib.parse import quote

from neocortex.http.message import Response

MIN_COMPRESSED_BYTES = 1024
"""Smaller answers stay as they are: the default of Cortex's gzip handler."""

_CORS = (
    ("access-control-allow-headers", "Accept, Authorization, Content-Type, Origin"),
    ("access-control-allow-methods", "GET, POST, OPTIONS"),
    ("access-control-expose-headers", "Date"),
)


def redirect(path: str, query_string: bytes) -> Response:
    """301 to a cleaned path. As gorilla/mux does, the undecoded path is encoded once more (`%2F` becomes `%252F`)."""
    location = quote(path.encode("latin-1"), safe="/$&+,:;=@~-_.")
    if query_string:
        location += "?" + query_string.decode("latin-1")
    return Response(301, None, b"", (("location", location),))


def cors_pattern(origin: str) -> re.Pattern[str]:
    """`-server.cors-origin`, anchored at both ends."""
    return re.compile(f"^(?:{origin})$")


def cors_headers(response: Response, origin: bytes | None, allowed: re.Pattern[str]) -> Response:
    """The answer with `Vary: Origin` and, for an allowed origin, the CORS headers of the Prometheus API."""
    added: tuple[tuple[str, str], ...] = (("vary", "Origin"),)
    if origin:
        text = origin.decode("latin-1")
        if allowed.match(text):
            added += (*_CORS, ("access-control-allow-origin", text))
    return Response(
        response.status, response.content_type, response.body, response.headers + added, parts=response.parts
    )


def accepts_gzip(encoding: bytes | None) -> bool:
    """Whether an Accept-Encoding header takes gzip."""
    if not encoding or b"gzip" not in encoding:
        return False
    for clause in encoding.decode("latin-1").split(","):
        name, _, params = clause.partition(";")
        if name.strip().lower() == "gzip":
            return params.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def compressed(response: Response, encoding: bytes | None) -> Response:
    """The answer with `Vary: Accept-Encoding`, gzipped when the client takes it and it is large enough."""
    headers = (*response.headers, ("vary", "Accept-Encoding"))
    body = response.body
    if len(body) >= MIN_COMPRESSED_BYTES and accepts_gzip(encoding):
        import gzip  # noqa: PLC0415 - off by default

        body = gzip.compress(body, compresslevel=6, mtime=0)
        headers += (("content-encoding", "gzip"),)
    return Response(response.status, response.content_type, body, headers, parts=response.parts)
