"""The rules of a tenant id, in the order in which Cortex checks them (`pkg/util/users/tenant.go`)."""

from __future__ import annotations

import re

from neocortex.errors import InvalidTenant

MAX_LENGTH_BYTES = 150
GLOBAL_MARKERS = "__markers__"
USER_INDEX = "user-index.json.gz"

_ALLOWED = re.compile(r"[A-Za-z0-9!\-_.*'()]*\Z")
_REFUSED = re.compile(r"[^A-Za-z0-9!\-_.*'()]")

_FORBIDDEN = {
    GLOBAL_MARKERS: "tenant ID '__markers__' is not allowed",
    USER_INDEX: "tenant ID 'user-index.json.gz' is not allowed",
    ".": "tenant ID is '.' or '..'",
    "..": "tenant ID is '.' or '..'",
}


def tenant_error(tenant: str) -> str | None:
    """The text of the first rule that the id breaks, None for a valid one. The empty id breaks none."""
    if not _ALLOWED.match(tenant):
        refused = _REFUSED.search(tenant)
        assert refused is not None
        # The text names the first byte of the character, read as Latin-1.
        first_byte = refused.group().encode("utf-8", "surrogateescape")[0]
        return f"tenant ID '{tenant}' contains unsupported character '{chr(first_byte)}'"
    if len(tenant) > MAX_LENGTH_BYTES:
        return "tenant ID is too long: max 150 characters"
    return _FORBIDDEN.get(tenant)


def is_valid(tenant: str) -> bool:
    """Whether the id may name a tenant: it breaks no rule and is not empty."""
    return bool(tenant) and tenant_error(tenant) is None


def check(tenant: str) -> str:
    """The id itself. Raises InvalidTenant with the text of the rule it breaks."""
    error = tenant_error(tenant)
    if error is not None:
        raise InvalidTenant(error)
    return tenant
