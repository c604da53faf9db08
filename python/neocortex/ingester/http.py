"""The ingester's own endpoints."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from neocortex import _native
from neocortex.http.errors import BodyTooLarge, http_error
from neocortex.http.message import Response
from neocortex.http.route import Link, Route
from neocortex.ingester.limits import IngesterRefusal
from neocortex.ingester.service import IngestError
from neocortex.ingester.statspage import stats_page

if TYPE_CHECKING:
    from neocortex.http.message import Request
    from neocortex.ingester.service import Ingester


class DirectPush:
    """`POST /ingester/push`: remote write 1.0 straight into this ingester, without limits. For tests."""

    def __init__(self, ingester: Ingester, pool: _native.Pool, max_bytes: int) -> None:
        self._ingester = ingester
        self._pool = pool
        self._max_bytes = max_bytes

    async def push(self, request: Request) -> Response:
        tenant = request.tenant
        try:
            write = await _native.WriteRequest.decode(self._pool, await request.body(), 1, self._max_bytes)
            now_ms = int(time.time() * 1000)
            checked = await write.validate(self._pool, _UNCHECKED, self._ingester.open_tsdb(tenant), now_ms)
            if checked.refused:
                return http_error(400, checked.error or "")
            await self._ingester.push(tenant, write)
        except BodyTooLarge as e:
            return http_error(400, f"received message larger than max ({e.length or e.limit + 1} vs {e.limit})")
        except (_native.DecodeError, IngestError) as e:
            return http_error(400, str(e))
        except IngesterRefusal as e:
            return http_error(500, str(e) if e.code == "Unknown" else e.status_text)
        return Response()

    def routes(self) -> list[Route]:
        """The path and its legacy form."""
        return [
            Route(("POST",), path, self.push, tenant=True, max_body_bytes=self._max_bytes)
            for path in ("/ingester/push", "/push")
        ]


def stats_route(ingester: Ingester) -> Route:
    """`/ingester/all_user_stats`: this ingester's tenants."""

    async def show(request: Request) -> Response:
        return await stats_page(request, await ingester.stats.of_all(), replication_factor=0, queried_ingesters=0)

    return Route(("GET",), "/ingester/all_user_stats", show, links=(Link("Usage Statistics"),))


_ENOUGH = 1 << 30

_UNCHECKED = _native.ValidationLimits(
    generation=0,
    enforce_metric_name=False,
    utf8_names=True,
    max_label_names_per_series=_ENOUGH,
    max_label_name_length=_ENOUGH,
    max_label_value_length=_ENOUGH,
    max_labels_size_bytes=0,
    reject_old_samples=False,
    reject_old_samples_max_age_ms=0,
    creation_grace_period_ms=1 << 50,
    enforce_metadata_metric_name=False,
    max_metadata_length=_ENOUGH,
    max_native_histogram_buckets=0,
    max_native_histogram_sample_size_bytes=0,
    drop_labels=[],
    remove_replica_label=None,
)
"""Only what a label set must be to be stored: names that are not empty, each once."""
