"""The tenants' figures over all ingesters. Source: Cortex's `UserStats` and `AllUserStats` of the distributor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neocortex.http.errors import http_error
from neocortex.http.message import Response
from neocortex.http.route import Link, Route
from neocortex.ingester.statspage import stats_page
from neocortex.ring.view import RingError

if TYPE_CHECKING:
    from neocortex.http.message import Request
    from neocortex.ingester.service import Ingester
    from neocortex.ring.view import Ring


class StatsEndpoints:
    """Asks the ingesters of the ring, of which this process has one."""

    def __init__(self, ring: Ring, ingester: Ingester) -> None:
        self._ring = ring
        self._ingester = ingester

    async def of_tenant(self, request: Request) -> Response:
        """Rates and series count each sample and series once; API and rule rates count every replica, as in Cortex."""
        tenant = request.tenant
        try:
            await self._ring.readable()
        except RingError as e:
            return http_error(500, str(e))
        stats = await self._ingester.stats.of(tenant)
        factor = self._ring.replication_factor
        stats.ingestion_rate /= factor
        stats.series //= factor
        stats.active_series //= factor
        stats.loaded_blocks = 0
        return Response(200, "application/json", f"{{{stats.json_members()}}}")

    async def of_all(self, request: Request) -> Response:
        """The page of all tenants; no figure is divided by the replication factor."""
        try:
            await self._ring.readable()
        except RingError as e:
            return http_error(500, str(e))
        stats = await self._ingester.stats.of_all()
        for figures in stats.values():
            figures.queried_ingesters = 1
        return await stats_page(request, stats, replication_factor=self._ring.replication_factor, queried_ingesters=1)

    def distributor_routes(self) -> list[Route]:
        """What every distributor has."""
        return [
            Route(("GET",), "/distributor/all_user_stats", self.of_all, links=(Link("Usage Statistics"),)),
            Route(("GET",), "/all_user_stats", self.of_all),
        ]

    def querier_routes(self, legacy_prefix: str) -> list[Route]:
        """What is there where a querier runs."""
        return [
            Route(("GET",), path, self.of_tenant, tenant=True)
            for path in ("/api/v1/user_stats", f"{legacy_prefix}/user_stats")
        ]
