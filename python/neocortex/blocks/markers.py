"""The mark of a tenant that is to be deleted. Source: Cortex's `pkg/util/users/tenant_deletion_mark.go`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from neocortex.objstore.bucket import Bucket

TENANT_DELETION_MARK = "tenant-deletion-mark.json"


def tenant_deletion_marks(tenant: str) -> tuple[str, str]:
    """Where the mark is: its place, and the older one that is still looked at."""
    return f"__markers__/{tenant}/{TENANT_DELETION_MARK}", f"{tenant}/markers/{TENANT_DELETION_MARK}"


async def is_marked_for_deletion(bucket: Bucket, tenant: str) -> bool:
    """Whether the tenant is to be deleted; `bucket` is that of all tenants."""
    for key in tenant_deletion_marks(tenant):
        if await bucket.exists(key):
            return True
    return False
