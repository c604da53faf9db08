"""The ingester: replays at start, registers in the ring, appends, closes.

Source: Cortex's `pkg/ingester/ingester.go`.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from neocortex import _native
from neocortex.config.duration import format_go_duration
from neocortex.errors import NeocortexError
from neocortex.service import Service

if TYPE_CHECKING:
    from neocortex.config import Limits
    from neocortex.ingester.metrics import IngesterMetrics
    from neocortex.ingester.tenants import Tenants
    from neocortex.overrides.limits import Overrides
    from neocortex.ring.lifecycle import RingMember

NO_LIMIT = 2**31 - 1
"""What Cortex counts with where there is no limit."""


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
        admin_message: str,
        default_max_exemplars: int,
        min_ready_s: float,
    ) -> None:
        super().__init__()
        self.tenants = tenants
        self.member = member
        self._pool = pool
        self._overrides = overrides
        self._metrics = metrics
        self._min_ready_s = min_ready_s
        self._active_since: float | None = None
        self._admin_message = admin_message
        self._default_max_exemplars = default_max_exemplars
        self._limits: dict[str, tuple[Limits, _native.SeriesLimits]] = {}

    async def starting(self) -> None:
        """Replays what is on disk, then joins the ring: no write is taken before everything acknowledged is back."""
        await self.tenants.open_existing()
        await self.member.start()
        self._active_since = time.monotonic()

    async def stopping(self) -> None:
        """Leaves the ring, then closes the databases."""
        await self.member.stop()
        await self.tenants.close()

    async def not_ready(self) -> str | None:
        """Why `/ready` must not answer 200 yet, None once the ingester was ACTIVE for `min_ready_duration`."""
        if self._active_since is None:
            return f"Ingester not ready: this instance is {self.member.state.name}"
        if time.monotonic() - self._active_since < self._min_ready_s:
            return f"Ingester not ready: waiting for {format_go_duration(self._min_ready_s)} after being ready"
        return None

    def open_tsdb(self, tenant: str) -> _native.Tsdb | None:
        """The tenant's database if it is open: what knows which label sets were accepted before."""
        return self.tenants.get(tenant)

    async def push(self, tenant: str, request: _native.WriteRequest) -> None:
        """Appends a validated request; what it took is in the tenant's log when this returns.

        Raises `IngestError` when a sample was refused, `_native.NativeError` when nothing could be written.
        """
        tsdb = await self.tenants.get_or_open(tenant)
        outcome = await tsdb.append(self._pool, request, self._series_limits(tenant))
        self._metrics.appended(tenant, outcome)
        if outcome.error is not None:
            raise IngestError(f"user={tenant}: {outcome.error}")

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
            metadata_per_user=_share(limits.max_metadata_per_user, limits.max_global_metadata_per_user),
            metadata_per_metric=_share(limits.max_metadata_per_metric, limits.max_global_metadata_per_metric),
            max_exemplars=limits.max_exemplars or self._default_max_exemplars,
            native_histograms=limits.enable_native_histograms,
            admin_message=self._admin_message,
        )
        self._limits[tenant] = (limits, native)
        return native


def _share(local: int, global_: int) -> tuple[int, int, int]:
    """A limit and what counts here: with one ingester that holds all series, the smaller one that is not 0."""
    return local, global_, min(limit for limit in (local, global_, NO_LIMIT) if limit)
