"""Stub of the Cython module; what each function promises is written here.

Paths are undecoded text of one character per byte (Latin-1).
"""

from typing import Literal

from neocortex.http.route import Route

def tenant_error(org_id: str) -> str | None:
    """Why `org_id` is no tenant id, in Cortex's words; None when it is one. An empty one is `no org id`."""

def unescape_path(text: str) -> str:
    """Percent-decodes one path segment; `+` stays. Raises ValueError with Go's `invalid URL escape "%zz"`."""

def parse_form(encoded: str | bytes) -> tuple[dict[str, list[str]], str | None]:
    """Go's `url.ParseQuery`: values by name, in order, and the error text or None.

    Ill-formed pairs are left out; more than 10,000 pairs are an error and no values.
    """

def is_form_content_type(content_type: str) -> bool:
    """Whether a Content-Type header says `application/x-www-form-urlencoded`, parameters and case aside."""

def content_length(value: bytes) -> int:
    """Declared bytes of a body; -1 for anything but a decimal number of at most 18 digits."""

def scan_headers(
    pairs: list[tuple[bytes, bytes]],
) -> tuple[int | None, int, bytes | None, bytes | None, bytes | None, int]:
    """What every request needs of its headers, in one walk.

    Declared length (None when chunked, -1 when it is no number, 0 without a body); 1 when the client waits for
    `100 Continue`, -1 when it expects something else, 0 when nothing; the values of `X-Scope-OrgID`, `Origin` and
    `Accept-Encoding` or None; how many `Host` headers there are.
    """

def decode_header(value: bytes) -> str:
    """A header value as UTF-8, or as Latin-1 when it is none."""

def clean_path(path: str) -> str:
    """`path` without empty, `.` and `..` segments, as gorilla/mux cleans it; the same object when it was clean."""

class PathTable:
    """Routes by undecoded, clean path. Filled while modules start, read on every request."""

    def add(self, pattern: str, methods: tuple[str, ...], prefix: bool, route: Route) -> None:
        """Adds a route; among routes of one path and method the first stays."""

    def match(
        self, method: str, path: str
    ) -> tuple[Route, dict[str, str] | None] | tuple[None, Literal[True]] | tuple[None, Literal[False]]:
        """The route with the raw values of its `{name}` segments (None when it has none).

        Without a route: `(None, True)` when the path is known with other methods (405), `(None, False)` when not (404).
        """
