"""Answers in the forms of Go's `http.Error` and of the Prometheus API."""

from __future__ import annotations

import json
from typing import Any

from neocortex.errors import NeocortexError
from neocortex.http.message import Response

TEXT = "text/plain; charset=utf-8"
_JSON_ESCAPES = tuple((char, f"\\u{ord(char):04x}") for char in "<>&\u2028\u2029")
_NOSNIFF = (("x-content-type-options", "nosniff"),)


class HTTPError(NeocortexError):
    """Raised by a handler to answer with a plain-text error (`http_error`)."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


class BodyTooLarge(HTTPError):
    """The body is larger than `limit` bytes; `length` is what was declared. Answered with 413 unless caught."""

    def __init__(self, limit: int, length: int | None) -> None:
        super().__init__(413, "http: request body too large")
        self.limit = limit
        self.length = length


class BodyTimeout(HTTPError):
    """The body did not arrive within `-server.http-read-timeout`; answered with 408."""

    def __init__(self) -> None:
        super().__init__(408, "request body read timeout")


class ClientGone(HTTPError):
    """The client closed the connection before its body was complete; 499 in logs and metrics."""

    def __init__(self) -> None:
        super().__init__(499, "unexpected EOF")


def http_error(status: int, text: str, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    """Go's `http.Error`: the text with a newline, `text/plain; charset=utf-8`, `X-Content-Type-Options: nosniff`."""
    return Response(status, TEXT, text + "\n", _NOSNIFF + headers)


def prometheus_error(status: int, error_type: str, error: str) -> Response:
    """The Prometheus API's error: `{"status":"error","errorType":…,"error":…}` as `application/json`."""
    return json_response({"status": "error", "errorType": error_type, "error": error}, status)


def json_response(value: Any, status: int = 200) -> Response:
    """`value` as `json_text` writes it, as `application/json`."""
    return Response(status, "application/json", json_text(value))


def json_text(value: Any) -> str:
    """`value` as Go's `json.Marshal` writes it: compact, `<`, `>` and `&` escaped, no newline at the end."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for char, escape in _JSON_ESCAPES:
        if char in text:
            text = text.replace(char, escape)
    return text
