"""The limits in force for a tenant: its own from the runtime file, else the defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from neocortex.config.sections.limits import Limits


class Overrides:
    """Limits by tenant. `by_tenant` gives the runtime file's present entries; it is asked on every call."""

    __slots__ = ("_by_tenant", "defaults")

    def __init__(self, defaults: Limits, by_tenant: Callable[[], Mapping[str, Limits]] | None = None) -> None:
        self.defaults = defaults
        self._by_tenant = by_tenant

    def limits(self, tenant: str) -> Limits:
        """All limits of the tenant. The object is shared: read it, never change it."""
        if self._by_tenant is None:
            return self.defaults
        return self._by_tenant().get(tenant, self.defaults)
