"""Cuts the heads of the tenants' databases into blocks from time to time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neocortex import _native
from neocortex.observe import get_logger

if TYPE_CHECKING:
    from neocortex.ingester.tenants import Tenants
    from neocortex.observe.metrics import Registry

log = get_logger()


class HeadCompaction:
    """Compacts one tenant after another on a pool of its own, so that neither pushes nor queries wait for a thread.

    A head is cut once it spans one and a half block ranges. Whatever fails is tried again the next time, and the
    samples stay in the head and in the log until then.
    """

    def __init__(self, tenants: Tenants, pool: _native.Pool, registry: Registry) -> None:
        self._tenants = tenants
        self._pool = pool
        self._triggered = registry.counter(
            "cortex_ingester_tsdb_compactions_triggered_total",
            "Total number of triggered compactions.",
        )
        self._done = registry.counter(
            "cortex_ingester_tsdb_compactions_total",
            "Total number of TSDB compactions that were executed.",
        )
        self._failed = registry.counter(
            "cortex_ingester_tsdb_compactions_failed_total",
            "Total number of compactions that failed.",
        )

    async def run(self) -> None:
        """One round over the tenants that are open now."""
        for tenant, tsdb in list(self._tenants):
            self._triggered.inc()
            try:
                blocks = await tsdb.compact(self._pool)
            except _native.ClosedError:
                continue
            except _native.NativeError as err:
                self._failed.inc()
                log.warn("TSDB blocks compaction for user has failed", user=tenant, err=str(err))
                continue
            self._done.inc(len(blocks))
            for block in blocks:
                log.info("write block", user=tenant, ulid=block)
