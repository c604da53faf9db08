"""Limits of one distributor over all tenants. Source: Cortex's `pkg/distributor/distributor.go` (`InstanceLimits`)."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from neocortex.errors import NeocortexError
from neocortex.observe.rate import EwmaRate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from neocortex.config.sections.distributor import DistributorInstanceLimits
    from neocortex.observe.metrics import Registry

RATE_PERIOD_S = 1.0
"""How often the ingestion rate is updated."""


class DistributorBusy(NeocortexError):
    """A limit of this distributor is reached; the text is that of the 503."""


class InstanceGuard:
    """Counts what runs and refuses what is over the limits, 0 being none."""

    def __init__(self, limits: DistributorInstanceLimits, registry: Registry) -> None:
        self._limits = limits
        self.ingestion = EwmaRate(RATE_PERIOD_S)
        family = registry.gauge_family(
            "cortex_distributor_instance_limits", "Instance limits used by this distributor.", ("limit",)
        )
        for name in ("max_inflight_push_requests", "max_inflight_client_requests", "max_ingestion_rate"):
            family.labels(name).set(getattr(limits, name))
        self._pushes = registry.gauge(
            "cortex_distributor_inflight_push_requests", "Current number of inflight push requests in distributor."
        )
        self._client_requests = registry.gauge(
            "cortex_distributor_inflight_client_requests",
            "Current number of inflight client requests in distributor.",
        )
        registry.observed_gauge(
            "cortex_distributor_ingestion_rate_samples_per_second",
            "Current ingestion rate in samples/sec that distributor is using to limit access.",
            lambda: self.ingestion.per_second,
        )

    @contextmanager
    def push(self) -> Iterator[None]:
        """Around a push."""
        self._pushes.inc()
        try:
            yield
        finally:
            self._pushes.dec()

    def check(self) -> None:
        """Within a push, once it is counted as received. Raises `DistributorBusy`."""
        limits = self._limits
        if 0 < limits.max_inflight_push_requests < self._pushes.value:
            raise DistributorBusy("too many inflight push requests in distributor")
        if 0 < limits.max_ingestion_rate <= self.ingestion.per_second:
            raise DistributorBusy("distributor's samples push rate limit reached")
        if 0 < limits.max_inflight_client_requests < self._client_requests.value:
            raise DistributorBusy("too many inflight ingester client requests in distributor")

    @contextmanager
    def client_request(self) -> Iterator[None]:
        """Around a request to an ingester."""
        self._client_requests.inc()
        try:
            yield
        finally:
            self._client_requests.dec()
