"""`POST …/api/v1/read`: remote read, always answered with samples. Source: Cortex's `pkg/querier/remote_read.go`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neocortex import _native
from neocortex.http.errors import BodyTooLarge, http_error
from neocortex.http.message import Response
from neocortex.http.route import Route
from neocortex.ingester.limits import IngesterRefusal
from neocortex.querier.reach import RangeTooLong
from neocortex.ring.view import RingError

if TYPE_CHECKING:
    from neocortex.querier.call import Answering, Call
    from neocortex.querier.reach import Reach
    from neocortex.querier.service import Querier

MAX_BODY_BYTES = 1 << 20
"""Of a packed request; fixed in Cortex too."""


class RemoteRead:
    """The handler. Everything that goes wrong is a 400 with its text."""

    def __init__(self, querier: Querier) -> None:
        self._querier = querier

    async def read(self, call: Call) -> Response:
        try:
            read = await self._querier.decode_read(await call.request.body())
            _check_ranges(self._querier.reach(call.tenant), read.ranges)
            body = await self._querier.remote_read(call.tenant, read, call.stats)
        except BodyTooLarge as e:
            return http_error(400, f"received message larger than max ({e.length or e.limit + 1} vs {e.limit})")
        except (BadRange, RangeTooLong, RingError, IngesterRefusal, _native.NativeError) as e:
            return http_error(400, str(e))
        return Response(200, "application/x-protobuf", body)

    def routes(self, prefixes: list[str], answering: Answering) -> list[Route]:
        """The path under every prefix."""
        return [
            Route(
                ("POST",),
                f"{prefix}/api/v1/read",
                answering.route("remote_read", self.read),
                tenant=True,
                max_body_bytes=MAX_BODY_BYTES,
                invalid_tenant_status=400,
                cors=True,
            )
            for prefix in prefixes
        ]


class BadRange(Exception):
    """A query's time range is not answered."""


def _check_ranges(reach: Reach, ranges: list[tuple[int, int]]) -> None:
    """Raises `BadRange`, `RangeTooLong`."""
    for start, end in ranges:
        reach.check_length(end - max(start, reach.first_ms))
        if end < start:
            raise BadRange("invalid blocks time range")
