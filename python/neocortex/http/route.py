"""A route: what a room registers to answer a path."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from neocortex.http.message import Handler

ADMIN = "Admin Endpoints:"
DANGEROUS = "Dangerous:"

DEFAULT_MAX_BODY_BYTES = 10 << 20
"""Cap of routes that name none: Go's `ParseForm` stops at 10 MiB too."""

ANY_METHOD: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Link:
    """A line of the index page. `path` may carry a query; without one it is the route's pattern."""

    title: str
    path: str = ""
    section: str = ADMIN


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """Methods and path of one handler, and what is checked before the handler is called.

    `pattern` is an undecoded path below `-server.path-prefix`; a segment `{name}` matches one non-empty segment, whose
    percent-decoded text is `request.path_params[name]`. With `prefix=True` every path that begins with the pattern
    matches. Exact paths win over patterns, patterns over prefixes; among equals the first registered wins.
    """

    methods: tuple[str, ...]
    """Accepted methods, `ANY_METHOD` for all. Others get 405 with an empty body."""
    pattern: str
    handler: Handler
    tenant: bool = False
    """With auth on, 401 `no org id` unless `X-Scope-OrgID` is there; needed to read `request.tenant`."""
    max_body_bytes: int = DEFAULT_MAX_BODY_BYTES
    """Bytes of body that are read at most; more is 413 (or what the handler makes of `BodyTooLarge`)."""
    invalid_tenant_status: int = 500
    """Status of the plain-text answer when `request.tenant` raises `InvalidTenant` and the handler lets it pass."""
    cors: bool = False
    """Whether to answer with CORS headers and `Vary: Origin`, as on the Prometheus query paths."""
    links: tuple[Link, ...] = ()
    prefix: bool = False
    compressible: bool = True
    """Whether `-api.response-compression-enabled` applies; not to `/metrics` and `/ready`, as in Cortex."""

    @property
    def name(self) -> str:
        """Label `route` of the request metrics: the pattern with every run of other characters as one underscore."""
        return re.sub(r"[^a-zA-Z0-9]+", "_", self.pattern).strip("_").lower() or "root"
