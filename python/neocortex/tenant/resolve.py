"""From the tenant header to tenant ids: one, or with federation several separated by `|`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neocortex.errors import InvalidTenant
from neocortex.tenant.validate import check

if TYPE_CHECKING:
    from collections.abc import Iterable

SEPARATOR = "|"
NO_ORG_ID = "no org id"
MULTIPLE_ORG_IDS = "multiple org IDs present"


class Resolver:
    """Resolves the header. With `federation`, ids separated by `|` name several tenants where that is allowed."""

    __slots__ = ("federation",)

    def __init__(self, *, federation: bool = False) -> None:
        self.federation = federation

    def tenant(self, org_id: str) -> str:
        """The one tenant of the header. Raises InvalidTenant when it is invalid or names several."""
        tenants = self.tenants(org_id)
        if len(tenants) > 1:
            raise InvalidTenant(MULTIPLE_ORG_IDS)
        return tenants[0]

    def tenants(self, org_id: str) -> list[str]:
        """The header's tenants, sorted and distinct; never empty. Raises InvalidTenant at the first invalid one."""
        if not self.federation:
            return [check(org_id)]
        return normalized(check(tenant) for tenant in org_id.split(SEPARATOR))


def normalized(tenants: Iterable[str]) -> list[str]:
    """Sorted by byte order, without repetitions."""
    return sorted(set(tenants), key=str.encode)


def joined(tenants: Iterable[str]) -> str:
    """The header that names these tenants."""
    return SEPARATOR.join(tenants)
