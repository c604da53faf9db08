"""The ingester: replays at start, registers in the ring, appends, closes.

Source: Cortex's `pkg/ingester/ingester.go`.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from neocortex import _native
from neocortex.config.duration import format_go_duration
from neocortex.errors import NeocortexError
from neocortex.ingester.limits import PEAK_PERIOD_S, RATE_PERIOD_S, IngesterRefusal
from neocortex.observe import get_logger
from neocortex.ring.instance import InstanceState
from neocortex.service import Service, State
from neocortex.turns import in_turns

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from neocortex.config import Limits
    from neocortex.ingester.limits import InstanceGuard
    from neocortex.ingester.metrics import IngesterMetrics
    from neocortex.ingester.stats import IngestionStats
    from neocortex.ingester.tenants import Tenants
    from neocortex.ingester.upkeep import Upkeep
    from neocortex.overrides.limits import Overrides
    from neocortex.ring.lifecycle import RingMember

log = get_logger()

NO_LIMIT = 2**31 - 1
"""What Cortex counts with where there is no limit."""

METADATA_PURGE_PERIOD_S = 300.0
"""How often metadata is looked through for what was not sent for long; fixed in Cortex too."""


@dataclass(frozen=True, slots=True)
class Periods:
    """How often, and how long, in seconds."""

    min_ready: float
    rate_update: float
    metadata_retain: float
    active_series_update: float | None
    """None when active series are not counted."""


class IngestError(NeocortexError):
    """Some samples of a request were refused, the others are written; the text names the tenant and the first one."""


class Ingester(Service):
    """Appends to and serves the tenants' databases of this process."""

    def __init__(
        self,
        tenants: Tenants,
        pool: _native.Pool,
        overrides: Overrides,
        member: RingMember,
        metrics: IngesterMetrics,
        *,
        guard: InstanceGuard,
        stats: IngestionStats,
        admin_message: str,
        default_max_exemplars: int,
        periods: Periods,
        upkeep: Upkeep,
        opened_at_once: int,
        flush_on_shutdown: bool,
    ) -> None:
        super().__init__()
        self.tenants = tenants
        self.member = member
        self.stats = stats
        self.guard = guard
        self._pool = pool
        self._overrides = overrides
        self.metrics = metrics
        self._periods = periods
        self._upkeep = upkeep
        self._active_since: float | None = None
        self._admin_message = admin_message
        self._default_max_exemplars = default_max_exemplars
        self._limits: dict[str, tuple[Limits, _native.SeriesLimits]] = {}
        self._unregister = False
        self._opened_at_once = opened_at_once
        self._flush_on_shutdown = flush_on_shutdown
        self._flushes: set[asyncio.Task[None]] = set()
        tenants.when_removed(self._forget)

    async def starting(self) -> None:
        """Replays what is on disk, then joins the ring: no write is taken before everything acknowledged is back."""
        await self.tenants.open_existing(self._opened_at_once)
        async for _, tsdb in in_turns(list(self.tenants)):
            self.metrics.opening.observe(tsdb.opening_s)
        await self.member.start()
        self._active_since = time.monotonic()

    async def running(self) -> None:
        """What is done from time to time. The first failure ends the ingester."""
        periods = self._periods
        work = [
            self.every(RATE_PERIOD_S, self.guard.ingestion.tick),
            self.every(PEAK_PERIOD_S, self.guard.pushes.tick),
            self.every(PEAK_PERIOD_S, self.guard.queries.tick),
            self.every(periods.rate_update, self.stats.tick_rates),
            self.every(METADATA_PURGE_PERIOD_S, self._purge_metadata),
            *self._upkeep.rounds(self),
        ]
        if periods.active_series_update is not None:
            work.append(self.every(periods.active_series_update, self._update_active_series))
        async with asyncio.TaskGroup() as tasks:
            for one in work:
                tasks.create_task(one)

    async def stopping(self) -> None:
        """Ships everything if that is wanted, leaves the ring, then closes the databases."""
        await asyncio.gather(*self._flushes)
        if self.member.running:
            await self.member.change_state(InstanceState.LEAVING)
            if self._flush_on_shutdown:
                await self._upkeep.flush()
        await self.member.stop(unregister=self._unregister)
        await self.tenants.close()

    async def shut_down(self) -> None:
        """Ships everything, leaves the ring, whatever the configuration says, and stops; the process goes on.

        May be called again.
        """
        self._unregister = self._flush_on_shutdown = True
        await self.stop()

    def flush(self, only: Collection[str]) -> asyncio.Task[None]:
        """Begins to write the heads to blocks and to ship them, of the tenants in `only` or of all.

        Nothing happens unless the ingester runs. Whoever gives up waiting does not end it.
        """
        task = asyncio.create_task(self._flush(only))
        self._flushes.add(task)
        task.add_done_callback(self._flushes.discard)
        return task

    async def _flush(self, only: Collection[str]) -> None:
        if self.state is State.RUNNING:
            await self._upkeep.flush(only)
        else:
            log.info("flushing TSDB blocks: ingester not running, ignoring flush request")

    async def not_ready(self) -> str | None:
        """Why `/ready` must not answer 200 yet, None once the ingester was ACTIVE for `min_ready_duration`."""
        if self._active_since is None:
            return f"Ingester not ready: this instance is {self.member.state.name}"
        if time.monotonic() - self._active_since < self._periods.min_ready:
            return f"Ingester not ready: waiting for {format_go_duration(self._periods.min_ready)} after being ready"
        return None

    @contextmanager
    def reading(self, tenant: str) -> Iterator[_native.Tsdb | None]:
        """Around a read of the tenant's database, None when it has none here. Raises `IngesterRefusal`."""
        with self.guard.query():
            yield self.tenants.get(tenant)

    def open_tsdb(self, tenant: str) -> _native.Tsdb | None:
        """The tenant's database if it is open: what knows which label sets were accepted before."""
        return self.tenants.get(tenant)

    async def push(self, tenant: str, request: _native.WriteRequest) -> None:
        """Appends a validated request; what it took is in the tenant's log when this returns.

        Raises `IngestError` when a sample was refused, `IngesterRefusal` when this instance takes nothing now,
        `_native.NativeError` when nothing could be written.
        """
        if self.state is not State.RUNNING:
            raise IngesterRefusal(self.state.value, "Unavailable")
        with self.guard.push():
            try:
                outcome = await self._append(tenant, request)
            except _native.LimitError as e:
                raise IngesterRefusal(f"user={tenant}: {e}") from e
            except _native.ClosedError as e:
                raise IngesterRefusal("ingester stopping") from e
        _native.failpoint("push.before-answer")
        self.metrics.appended(tenant, outcome)
        samples = outcome.samples + outcome.histograms
        self.guard.ingestion.add(samples + outcome.metadata)
        self.stats.appended(tenant, samples, from_rule=request.is_from_rule)
        if outcome.error is not None:
            raise IngestError(f"user={tenant}: {outcome.error}")

    async def _append(self, tenant: str, request: _native.WriteRequest) -> _native.Appended:
        """Appends to the tenant's database; a new one is made only while this member is ACTIVE and may hold more."""
        if not self.tenants.is_held(tenant):
            if self.member.state is not InstanceState.ACTIVE:
                raise IngesterRefusal(
                    f"user={tenant}: cannot create a new TSDB while the ingester is not in active state"
                    f" (current state: {self.member.state.name})"
                )
            try:
                self.guard.check_new_tenant(self.tenants.held)
            except IngesterRefusal as e:
                raise IngesterRefusal(f"user={tenant}: {e}") from e
        database = await self.tenants.begin_write(tenant)
        self.metrics.appending.inc()
        try:
            limits = self._series_limits(tenant)
            return await database.tsdb.append(self._pool, request, limits, self.guard.max_series)
        finally:
            self.metrics.appending.dec()
            database.end_write()

    def _forget(self, tenant: str) -> None:
        """Keeps nothing of a tenant whose database was removed."""
        self._limits.pop(tenant, None)
        self.stats.forget(tenant)
        self.metrics.forget(tenant)

    async def _purge_metadata(self) -> None:
        before_ms = int((time.time() - self._periods.metadata_retain) * 1000)
        async for tenant, database, stats in self.tenants.stats():
            if stats.metadata and (entries := await database.tsdb.purge_metadata(self._pool, before_ms)):
                self.metrics.metadata_removed(tenant, entries)

    async def _update_active_series(self) -> None:
        counted = await self.stats.purge_idle()
        limited = [
            (tenant, tsdb) for tenant, tsdb in self.tenants if self._overrides.limits(tenant).limits_per_label_set
        ]
        usage = {
            tenant: await tsdb.label_set_series(self._pool, self._series_limits(tenant)) for tenant, tsdb in limited
        }
        # What was removed meanwhile must not come back.
        async for tenant, active in in_turns(counted.items()):
            if self.tenants.get(tenant):
                self.metrics.active_series(tenant, *active)
        self.metrics.label_sets({tenant: series for tenant, series in usage.items() if self.tenants.get(tenant)})

    def _series_limits(self, tenant: str) -> _native.SeriesLimits:
        """The native form of a tenant's limits, made anew when the runtime configuration changed them."""
        limits = self._overrides.limits(tenant)
        cached = self._limits.get(tenant)
        if cached is not None and cached[0] is limits:
            return cached[1]
        native = _native.SeriesLimits(
            series_per_user=_share(limits.max_series_per_user, limits.max_global_series_per_user),
            series_per_metric=_share(limits.max_series_per_metric, limits.max_global_series_per_metric),
            histogram_series_per_user=_share(
                limits.max_native_histogram_series_per_user, limits.max_global_native_histogram_series_per_user
            ),
            series_per_label_set=[
                (dict(one.label_set), _share(one.limits.max_series, one.limits.max_series))
                for one in limits.limits_per_label_set
            ],
            metadata_per_user=_share(limits.max_metadata_per_user, limits.max_global_metadata_per_user),
            metadata_per_metric=_share(limits.max_metadata_per_metric, limits.max_global_metadata_per_metric),
            max_exemplars=limits.max_exemplars or self._default_max_exemplars,
            native_histograms=limits.enable_native_histograms,
            out_of_order_window_ms=limits.out_of_order_time_window.ms,
            admin_message=self._admin_message,
        )
        self._limits[tenant] = (limits, native)
        return native


def _share(local: int, global_: int) -> tuple[int, int, int]:
    """A limit and what counts here: with one ingester that holds all series, the smaller one that is not 0."""
    return local, global_, min(limit for limit in (local, global_, NO_LIMIT) if limit)
