"""The page of all tenants' figures, for one ingester and for all of them. Source: Cortex's `http_admin.go`."""

from __future__ import annotations

import json
from itertools import chain
from typing import TYPE_CHECKING

from neocortex.http.errors import TEXT
from neocortex.http.message import Response
from neocortex.http.pages import go_time, long_page
from neocortex.turns import joined

if TYPE_CHECKING:
    from collections.abc import Mapping

    from neocortex.http.message import Request
    from neocortex.ingester.stats import UserStats


async def stats_page(
    request: Request, stats: Mapping[str, UserStats], *, replication_factor: int, queried_ingesters: int
) -> Response:
    """Largest number of series first, then by name. JSON has the content type of text, as in Cortex."""
    rows = sorted(stats.items(), key=lambda row: (-row[1].series, row[0]))
    if "json" in request.headers.get("accept"):
        objects = (
            f'{"," if i else ""}{{"userID":{json.dumps(tenant)},{figures.json_members()}}}'
            for i, (tenant, figures) in enumerate(rows)
        )
        return Response(200, TEXT, await joined(chain("[", objects, "]\n")))
    return await long_page(
        "neocortex.ingester",
        "user_stats.html",
        rows=rows,
        now=go_time(),
        replication_factor=replication_factor,
        queried_ingesters=queried_ingesters,
    )
