"""One push, from the decoded request to the ingesters' answer. Source: Cortex's `pkg/distributor/distributor.go`."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from neocortex import _native
from neocortex.config.scalars import go_float
from neocortex.distributor.limits import RATE_PERIOD_S, DistributorBusy
from neocortex.distributor.rate import IngestionLimiter
from neocortex.errors import NeocortexError
from neocortex.ingester.limits import IngesterRefusal
from neocortex.ingester.service import IngestError
from neocortex.ring.view import RingError
from neocortex.service import Service

if TYPE_CHECKING:
    from neocortex.config import Limits
    from neocortex.distributor.limits import InstanceGuard
    from neocortex.distributor.metrics import DistributorMetrics
    from neocortex.ingester.service import Ingester
    from neocortex.overrides.limits import Overrides
    from neocortex.ring.instance import Instance
    from neocortex.ring.view import Ring


@dataclass(frozen=True, slots=True)
class Written:
    """What a push wrote: the counts of the remote write 2.0 headers."""

    samples: int = 0
    histograms: int = 0
    exemplars: int = 0


class PushError(NeocortexError):
    """A push was refused, wholly or in part: status and text of the answer, and what was written all the same."""

    def __init__(self, status: int, text: str, written: Written) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.written = written


class Distributor(Service):
    """Validates, rate-limits and distributes the writes of all tenants."""

    def __init__(
        self,
        pool: _native.Pool,
        overrides: Overrides,
        ring: Ring,
        ingester: Ingester,
        metrics: DistributorMetrics,
        *,
        guard: InstanceGuard,
        utf8_names: bool,
    ) -> None:
        super().__init__()
        self._pool = pool
        self._guard = guard
        self._overrides = overrides
        self._ring = ring
        self._ingester = ingester
        self._metrics = metrics
        self._utf8_names = utf8_names
        self._limiter = IngestionLimiter()
        self._validation: dict[str, tuple[Limits, _native.ValidationLimits]] = {}
        self._generation = 0

    async def running(self) -> None:
        await self.every(RATE_PERIOD_S, self._guard.ingestion.tick)

    async def push(self, tenant: str, request: _native.WriteRequest) -> Written:
        """Writes a decoded request for a valid tenant.

        Raises `PushError` with the status and text of the answer; series that were good are written nevertheless,
        as Cortex does.
        """
        with self._guard.push():
            self._metrics.received(tenant, request)
            try:
                self._guard.check()
            except DistributorBusy as e:
                raise PushError(503, str(e), Written()) from e
            return await self._push(tenant, request)

    async def _push(self, tenant: str, request: _native.WriteRequest) -> Written:
        limits = self._overrides.limits(tenant)
        now_ms = int(time.time() * 1000)
        checked = await request.validate(
            self._pool, self._validation_limits(tenant, limits), self._ingester.open_tsdb(tenant), now_ms
        )
        self._metrics.validated(tenant, checked)
        if checked.refused:
            raise PushError(400, checked.error or "", Written())
        written = Written(checked.samples, checked.histograms, checked.exemplars)
        total = checked.samples + checked.histograms + checked.exemplars + checked.metadata
        if total and not self._limiter.allow(tenant, total, limits.ingestion_rate, limits.ingestion_burst_size):
            self._metrics.rate_limited(tenant, checked)
            raise PushError(
                429,
                f"ingestion rate limit ({go_float(limits.ingestion_rate)}) exceeded while adding"
                f" {checked.samples + checked.histograms} samples and {checked.metadata} metadata",
                Written(),
            )
        self._guard.ingestion.add(total)
        if checked.series or checked.metadata:
            await self._write(tenant, request, checked)
        if checked.error is not None:
            raise PushError(400, checked.error, written)
        return written

    async def _write(self, tenant: str, request: _native.WriteRequest, checked: _native.Validated) -> None:
        try:
            target, *_ = await self._ring.writable()
        except RingError as e:
            raise PushError(500, str(e), Written()) from e
        try:
            with self._guard.client_request():
                await self._ingester.push(tenant, request)
        except IngestError as e:
            self._metrics.sent(target.id, checked, "4xx")
            raise _no_quorum(400, target, f"rpc error: code = Code(400) desc = {e}") from e
        except IngesterRefusal as e:
            self._metrics.sent(target.id, checked, "5xx")
            raise _no_quorum(500, target, e.status_text) from e
        self._metrics.sent(target.id, checked)

    def _validation_limits(self, tenant: str, limits: Limits) -> _native.ValidationLimits:
        """The native form of a tenant's limits, made anew when the runtime configuration changed them.

        Each has a generation of its own: labels accepted under other limits are checked again.
        """
        cached = self._validation.get(tenant)
        if cached is not None and cached[0] is limits:
            return cached[1]
        self._generation += 1
        native = _native.ValidationLimits(
            generation=self._generation,
            enforce_metric_name=limits.enforce_metric_name,
            utf8_names=self._utf8_names,
            max_label_names_per_series=limits.max_label_names_per_series,
            max_label_name_length=limits.max_label_name_length,
            max_label_value_length=limits.max_label_value_length,
            max_labels_size_bytes=limits.max_labels_size_bytes,
            reject_old_samples=limits.reject_old_samples,
            reject_old_samples_max_age_ms=int(limits.reject_old_samples_max_age * 1000),
            creation_grace_period_ms=int(limits.creation_grace_period * 1000),
            enforce_metadata_metric_name=limits.enforce_metadata_metric_name,
            max_metadata_length=limits.max_metadata_length,
            max_native_histogram_buckets=limits.max_native_histogram_buckets,
            max_native_histogram_sample_size_bytes=limits.max_native_histogram_sample_size_bytes,
            drop_labels=list(limits.drop_labels),
            remove_replica_label=None,
        )
        self._validation[tenant] = (limits, native)
        return native


def _no_quorum(status: int, target: Instance, reason: str) -> PushError:
    """Too many ingesters failed for the same reason; `target` is the last of them."""
    return PushError(
        status,
        f"maxFailure (quorum) on a given error family, addr={target.address} state={target.state.name}"
        f" zone={target.zone}, {reason}",
        Written(),
    )
