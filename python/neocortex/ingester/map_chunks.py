"""Moves the full chunks of the heads from memory to files. Source: Cortex's and Prometheus's `Head.mmapHeadChunks`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neocortex import _native
from neocortex.observe import get_logger

if TYPE_CHECKING:
    from neocortex.ingester.tenants import Tenants

log = get_logger()


class ChunkMapping:
    """Goes through the tenants one after the other. It runs beside compactions, to which a database belongs alone."""

    def __init__(self, tenants: Tenants, pool: _native.Pool) -> None:
        self._tenants = tenants
        self._pool = pool

    async def run(self) -> None:
        """One round over the tenants that are open now and have full chunks in memory.

        Failures are logged: the chunks stay in memory until the next one.
        """
        async for tenant, database, stats in self._tenants.stats():
            if not stats.mapping_due:
                continue
            try:
                await database.tsdb.map_chunks(self._pool)
            except _native.ClosedError:
                # Removed since the round began.
                continue
            except _native.NativeError as err:
                log.warn("writing head chunks for user has failed", user=tenant, err=str(err))
