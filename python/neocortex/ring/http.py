"""The ring page: members as HTML or JSON, and the button that forgets one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from neocortex.http.message import Response
from neocortex.http.pages import go_time, page_or_json
from neocortex.http.route import Link, Route
from neocortex.ring.tokens import ownership

if TYPE_CHECKING:
    from collections.abc import Sequence

    from neocortex.http.message import Request
    from neocortex.ring.view import Ring

GO_ZERO_TIME = "0001-01-01T00:00:00Z"


def ring_routes(ring: Ring, paths: Sequence[str], link: Link) -> list[Route]:
    """The same page under every path; the first is the one that the index links to."""

    async def show(request: Request) -> Response:
        if request.method == "POST":
            form = await request.form()
            await ring.forget(form.get("forget"))
            return Response(302, headers=(("location", "#"),))
        members = sorted((await ring.members()).values(), key=lambda member: member.id)
        now = datetime.now(UTC)
        owned = ownership({member.id: member.tokens for member in members})
        expected = 1 / len(members) if members else 0.0
        rows = [
            {
                "id": member.id,
                "state": member.state.name if ring.is_healthy(member) else "Unhealthy",
                "address": member.address,
                "zone": member.zone,
                "timestamp": _time(member.heartbeat_s),
                "registered_timestamp": _time(member.registered_s),
                "tokens": member.tokens,
                "ownership": f"{owned[member.id]:.2%}",
                "ownership_diff": f"{owned[member.id] - expected:+.2%}",
            }
            for member in members
        ]
        shards = [{key: row[key] for key in _JSON_KEYS} for row in rows]
        return page_or_json(
            request,
            {"shards": shards or None, "now": go_time(now), "storageLastUpdated": go_time(now)},
            "neocortex.ring",
            "ring.html",
            rows=rows,
            now=go_time(now),
            show_tokens=request.query.get("tokens") == "true",
        )

    first, *others = paths
    return [
        Route(("GET", "POST"), first, show, links=(link,)),
        *(Route(("GET", "POST"), path, show) for path in others),
    ]


_JSON_KEYS = ("id", "state", "address", "timestamp", "registered_timestamp", "zone", "tokens")


def _time(seconds: int) -> str:
    return go_time(datetime.fromtimestamp(seconds, UTC)) if seconds else GO_ZERO_TIME
