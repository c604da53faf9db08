"""Cuts the heads of the tenants' databases into blocks: from time to time, when a tenant is idle, and on demand.

Source: Cortex's `Ingester.compactBlocks`.
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from neocortex import _native
from neocortex.ingester.tenants import in_turn
from neocortex.observe import get_logger

if TYPE_CHECKING:
    from collections.abc import Collection

    from neocortex.ingester.database import Database
    from neocortex.ingester.retain import Retention
    from neocortex.ingester.tenants import Tenants
    from neocortex.observe.metrics import Registry

log = get_logger()


class HeadCompaction:
    """Compacts the tenants, `concurrency` at once, on a pool apart: neither pushes nor queries wait for a thread.

    A head is cut once it spans one and a half block ranges, and wholly when the tenant took no sample for
    `idle_timeout_s` (0: never). After that blocks that `retention` no longer keeps go. Whatever fails is tried again
    the next time, and the samples stay in the head and in the log until then.
    """

    def __init__(
        self,
        tenants: Tenants,
        pool: _native.Pool,
        registry: Registry,
        *,
        retention: Retention | None,
        concurrency: int,
        idle_timeout_s: float,
    ) -> None:
        self._tenants = tenants
        self._pool = pool
        self._retention = retention
        self._concurrency = concurrency
        self._idle_timeout_s = idle_timeout_s
        self._triggered = registry.counter(
            "cortex_ingester_tsdb_compactions_triggered_total",
            "Total number of triggered compactions.",
        )
        self._failed = registry.counter(
            "cortex_ingester_tsdb_compactions_failed_total",
            "Total number of compactions that failed.",
        )

    async def run(self, only: Collection[str] = (), *, forced: bool = False) -> None:
        """One round over the tenants that are open now, or those of them that `only` names; all of a head if `forced`.

        Failures are logged.
        """
        chosen = []
        async for tenant, database, stats in self._tenants.stats():
            if not stats.series or (only and tenant not in only):
                continue
            self._triggered.inc()
            reason = "forced" if forced else "idle" if self._is_idle(database, stats) else "regular"
            # Most tenants have nothing to do: they are counted, and not called.
            if reason != "regular" or stats.compaction_due or stats.mapping_due:
                chosen.append(partial(self._compact, tenant, database, reason))
        await in_turn(chosen, self._concurrency)

    async def _compact(self, tenant: str, database: Database, reason: str) -> None:
        async with database.busy:
            if database.removed:
                return
            tsdb = database.tsdb
            if reason == "idle":
                log.info("TSDB is idle, forcing compaction", user=tenant)
            try:
                blocks = await (tsdb.compact(self._pool) if reason == "regular" else tsdb.flush(self._pool))
            except _native.ClosedError:
                return
            except _native.NativeError as err:
                self._failed.inc()
                log.warn("TSDB blocks compaction for user has failed", user=tenant, err=str(err), compactReason=reason)
                return
            for block in blocks:
                log.info("write block", user=tenant, ulid=block, compactReason=reason)
            if blocks and self._retention is not None:
                # New blocks may have others stand for what they have, and make these old.
                await self._retention.remove_expired(tenant, database)

    def _is_idle(self, database: Database, stats: _native.TsdbStats) -> bool:
        return self._idle_timeout_s > 0 and database.is_idle(stats, time.time_ns() // 1_000_000, self._idle_timeout_s)
