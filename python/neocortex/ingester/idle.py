"""Removes the local databases of tenants that write no more. Source: Cortex's `closeAndDeleteUserTSDBIfIdle`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from neocortex import _native
from neocortex.ingester.tenants import CloseFailed
from neocortex.observe import get_logger

if TYPE_CHECKING:
    from neocortex.ingester.database import Database
    from neocortex.ingester.tenants import Tenants
    from neocortex.observe.metrics import Counter, Family, Registry

log = get_logger()

RESULTS = (
    "shipping_disabled",
    "not_idle",
    "not_compacted",
    "not_shipped",
    "check_failed",
    "close_failed",
    "not_active",
    "data_removal_failed",
    "tenant_marked_for_deletion",
    "idle_closed",
)
"""What a check comes to; the label `result`."""

IDLE = "idle"


def checks_family(registry: Registry) -> Family[Counter]:
    """The metric of the checks, which Cortex shows even when there are none."""
    checks = registry.counter_family(
        "cortex_ingester_idle_tsdb_checks_total",
        "The total number of various results for idle TSDB checks.",
        ("result",),
    )
    for result in RESULTS:
        checks.labels(result)
    return checks


class IdleClosing:
    """Looks through the tenants. `ships`: whether blocks go to the bucket; otherwise nothing may be removed."""

    def __init__(
        self, tenants: Tenants, pool: _native.Pool, checks: Family[Counter], *, timeout_s: float, ships: bool
    ) -> None:
        self._tenants = tenants
        self._pool = pool
        self._timeout_s = timeout_s
        self._ships = ships
        self._checks = checks

    async def run(self) -> None:
        """One round over the tenants that are open now."""
        async for tenant, database, stats in self._tenants.stats():
            self._checks.labels(await self._check(tenant, database, stats)).inc()

    async def _check(self, tenant: str, database: Database, stats: _native.TsdbStats) -> str:
        if not self._ships:
            return "shipping_disabled"
        reason = self._state(database, stats)
        if reason not in (IDLE, "tenant_marked_for_deletion"):
            return reason
        if database.busy.locked() or database.removed:
            return "not_active"

        async def still() -> bool:
            return await self._state_now(database) == reason

        async with database.busy:
            try:
                if not await self._tenants.remove(tenant, database, still):
                    return await self._state_now(database)
            except CloseFailed as error:
                log.error("failed to close idle TSDB", user=tenant, err=str(error))
                return "close_failed"
            except _native.NativeError as error:
                log.error("failed to delete local TSDB", user=tenant, err=str(error))
                return "data_removal_failed"
        log.info("deleted local TSDB", user=tenant, reason=reason)
        return "idle_closed" if reason == IDLE else reason

    async def _state_now(self, database: Database) -> str:
        (stats,) = await _native.stats_of(self._pool, [database.tsdb])
        return self._state(database, stats)

    def _state(self, database: Database, stats: _native.TsdbStats) -> str:
        """Why the database must stay, or why it may go."""
        if database.deletion_mark_found:
            return "tenant_marked_for_deletion"
        if not database.is_idle(stats, time.time_ns() // 1_000_000, self._timeout_s):
            return "not_idle"
        if stats.series:
            return "not_compacted"
        return IDLE if database.oldest_unshipped_ms is None else "not_shipped"
