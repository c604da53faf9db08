"""Removes local blocks that are past retention. Source: Cortex's `userTSDB.blocksToDelete`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neocortex import _native
from neocortex.observe import get_logger

if TYPE_CHECKING:
    from neocortex.ingester.database import Database
    from neocortex.ingester.tenants import Tenants

log = get_logger()


class Retention:
    """Looks through the blocks of all tenants. `only_shipped`: a block that is not in the bucket stays."""

    def __init__(self, tenants: Tenants, pool: _native.Pool, *, only_shipped: bool) -> None:
        self._tenants = tenants
        self._pool = pool
        self._only_shipped = only_shipped

    async def run(self) -> None:
        """One round over the tenants that are open now and may have blocks to remove."""
        async for tenant, database, stats in self._tenants.stats():
            if stats.removal_due and not database.busy.locked() and not database.removed:
                async with database.busy:
                    await self.remove_expired(tenant, database)

    async def remove_expired(self, tenant: str, database: Database) -> None:
        """Looks through the blocks of one tenant, whose database the caller holds. A failure is logged."""
        shipped = list(database.shipped) if self._only_shipped else None
        try:
            removed = await database.tsdb.remove_expired(self._pool, shipped)
        except _native.NativeError as error:
            log.error("failed to delete blocks past retention", user=tenant, err=str(error))
            return
        for block in removed:
            log.info("Deleting obsolete block", user=tenant, block=block)
