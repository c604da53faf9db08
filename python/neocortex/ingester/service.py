"""The ingester: replays at start, registers in the ring, appends, closes. Source: Cortex's `pkg/ingester/ingester.go`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neocortex import _native
from neocortex.errors import NeocortexError

if TYPE_CHECKING:
    from neocortex.ingester.metrics import IngesterMetrics
    from neocortex.ingester.tenants import Tenants
    from neocortex.overrides.runtime import Overrides
    from neocortex.ring.lifecycle import Lifecycler

ADMIN_MESSAGE = "please contact administrator to raise it"


class IngestError(NeocortexError):
    """Some samples of a request were refused (the others are written); the text names the tenant and the first of them."""


class Ingester:
    """Appends to and serves the tenants' databases of this process."""

    def __init__(
        self, tenants: Tenants, pool: _native.Pool, overrides: Overrides, lifecycler: Lifecycler, metrics: IngesterMetrics
    ) -> None:
        self.tenants = tenants
        self.lifecycler = lifecycler
        self._pool = pool
        self._overrides = overrides
        self._metrics = metrics

    async def start(self) -> None:
        """Replays what is on disk, then joins the ring: no write is taken before everything acknowledged is back."""
        await self.tenants.open_existing()
        await self.lifecycler.start()

    async def stop(self) -> None:
        """Leaves the ring, then closes the databases."""
        await self.lifecycler.stop()
        await self.tenants.close()

    def open_tsdb(self, tenant: str) -> _native.Tsdb | None:
        """The tenant's database if it is open: what knows which label sets were accepted before."""
        return self.tenants.get(tenant)

    async def push(self, tenant: str, request: _native.WriteRequest) -> None:
        """Appends a validated request; what it took is in the tenant's log when this returns.

        Raises `IngestError` when a sample was refused, `_native.NativeError` when nothing could be written.
        """
        tsdb = await self.tenants.get_or_open(tenant)
        limits = self._overrides.limits(tenant)
        outcome = await tsdb.append(
            self._pool,
            request,
            _native.SeriesLimits(
                max_series_per_user=limits.max_series_per_user,
                max_series_per_metric=limits.max_series_per_metric,
                max_native_histogram_series_per_user=limits.max_native_histogram_series_per_user,
                max_exemplars=limits.max_exemplars,
                out_of_order_window_ms=int(limits.out_of_order_time_window * 1000),
                max_metadata_per_user=limits.max_metadata_per_user,
                max_metadata_per_metric=limits.max_metadata_per_metric,
            ),
        )
        self._metrics.appended(tenant, outcome)
        if outcome.error is not None:
            raise IngestError(f"user={tenant}: {outcome.error}")
