"""Limits of one ingester over all its tenants. Source: Cortex's `pkg/ingester/instance_limits.go`."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from neocortex.errors import NeocortexError
from neocortex.observe.rate import EwmaRate, Inflight

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from neocortex.config.sections.ingester import InstanceLimits
    from neocortex.observe.metrics import Registry

RATE_PERIOD_S = 1.0
"""How often the ingestion rate is updated."""
PEAK_PERIOD_S = 60.0
"""How long a peak of requests in flight is shown."""


class IngesterRefusal(NeocortexError):
    """This instance does not take the request; nothing of it was done. `code` is that of Cortex's gRPC status."""

    def __init__(self, text: str, code: str = "Unknown") -> None:
        super().__init__(text)
        self.code = code

    @property
    def status_text(self) -> str:
        """What a caller over gRPC gets to see."""
        return f"rpc error: code = {self.code} desc = {self}"


class InstanceGuard:
    """Counts what runs and refuses what is over the limits; `limits` gives those in force, 0 being none."""

    def __init__(self, limits: Callable[[], InstanceLimits], registry: Registry) -> None:
        self._limits = limits
        self.ingestion = EwmaRate(RATE_PERIOD_S)
        self.pushes = Inflight()
        self.queries = Inflight()
        shown = ("max_inflight_push_requests", "max_ingestion_rate", "max_series", "max_tenants")
        registry.observed(
            "gauge",
            "cortex_ingester_instance_limits",
            "Instance limits used by this ingester.",
            label_names=("limit",),
            ask=lambda: [((name,), getattr(limits(), name)) for name in shown],
        )
        registry.observed_gauge(
            "cortex_ingester_ingestion_rate_samples_per_second",
            "Current ingestion rate in samples/sec that ingester is using to limit access.",
            lambda: self.ingestion.per_second,
        )
        registry.observed_gauge(
            "cortex_ingester_inflight_push_requests",
            "Max number of inflight push requests in ingester in the last minute.",
            lambda: self.pushes.peak,
        )
        registry.observed_gauge(
            "cortex_ingester_max_inflight_query_requests",
            "Max number of inflight query requests in ingester.",
            lambda: self.queries.peak,
        )

    @contextmanager
    def push(self) -> Iterator[None]:
        """Around a push. Raises `IngesterRefusal`."""
        limits = self._limits()
        self.pushes.begin()
        try:
            if 0 < limits.max_inflight_push_requests < self.pushes.now:
                raise IngesterRefusal("cannot push: too many inflight push requests in ingester")
            if 0 < limits.max_ingestion_rate <= self.ingestion.per_second:
                raise IngesterRefusal("cannot push more samples: ingester's samples push rate limit reached")
            yield
        finally:
            self.pushes.end()

    @contextmanager
    def query(self) -> Iterator[None]:
        """Around a query. Raises `IngesterRefusal`; its text speaks of a push in Cortex too."""
        if 0 < self._limits().max_inflight_query_requests <= self.queries.now:
            raise IngesterRefusal("cannot push: too many inflight query requests in ingester")
        self.queries.begin()
        try:
            yield
        finally:
            self.queries.end()

    @property
    def max_series(self) -> int | None:
        """How many series all tenants together may have; None without a limit."""
        limit = self._limits().max_series
        return limit if limit > 0 else None

    def check_new_tenant(self, tenants: int) -> None:
        """Before a database is made beside the `tenants` that are there. Raises `IngesterRefusal`."""
        if 0 < self._limits().max_tenants <= tenants:
            raise IngesterRefusal("cannot create TSDB: ingesters's max tenants limit reached")
