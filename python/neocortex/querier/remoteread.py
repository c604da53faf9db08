"""`POST …/api/v1/read`: remote read, always answered with samples. Source: Cortex's `pkg/querier/remote_read.go`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neocortex import _native
from neocortex.config.duration import format_go_duration
from neocortex.errors import InvalidTenant
from neocortex.http.errors import BodyTooLarge, http_error
from neocortex.http.message import Response
from neocortex.http.route import Route
from neocortex.ingester.limits import IngesterRefusal
from neocortex.ring.view import RingError

if TYPE_CHECKING:
    from neocortex.http.message import Request
    from neocortex.overrides.limits import Overrides
    from neocortex.querier.service import Querier

MAX_BODY_BYTES = 1 << 20
"""Of a packed request; fixed in Cortex too."""


class RemoteRead:
    """The handler. Everything that goes wrong is a 400 with its text."""

    def __init__(self, querier: Querier, overrides: Overrides) -> None:
        self._querier = querier
        self._overrides = overrides

    async def read(self, request: Request) -> Response:
        try:
            tenant = request.tenant
            read = await self._querier.decode_read(await request.body())
            self._check_ranges(tenant, read.ranges)
            body = await self._querier.remote_read(tenant, read)
        except BodyTooLarge as e:
            return http_error(400, f"received message larger than max ({e.length or e.limit + 1} vs {e.limit})")
        except (InvalidTenant, BadRange, RingError, IngesterRefusal, _native.NativeError) as e:
            return http_error(400, str(e))
        return Response(200, "application/x-protobuf", body)

    def _check_ranges(self, tenant: str, ranges: list[tuple[int, int]]) -> None:
        limit_ms = int(self._overrides.limits(tenant).max_query_length * 1000)
        for start, end in ranges:
            if 0 < limit_ms < end - start:
                raise BadRange(
                    f"the query time range exceeds the limit (query length: {format_go_duration((end - start) / 1000)},"
                    f" limit: {format_go_duration(limit_ms / 1000)})"
                )
            if end < start:
                raise BadRange("invalid blocks time range")

    def routes(self, prefixes: list[str]) -> list[Route]:
        """The path under every prefix."""
        return [
            Route(
                ("POST",),
                f"{prefix}/api/v1/read",
                self.read,
                tenant=True,
                max_body_bytes=MAX_BODY_BYTES,
                invalid_tenant_status=400,
                cors=True,
            )
            for prefix in prefixes
        ]


class BadRange(Exception):
    """A query's time range is not answered."""
