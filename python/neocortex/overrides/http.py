"""`GET /runtime_config`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neocortex.http.message import Response
from neocortex.http.route import Link, Route

if TYPE_CHECKING:
    from neocortex.config import Config
    from neocortex.http.message import Request
    from neocortex.overrides.runtime import RuntimeConfigService


def runtime_config_route(config: Config, service: RuntimeConfigService | None) -> Route:
    """What is in force; `service` is None when no runtime file is configured."""

    async def show(request: Request) -> Response:
        from neocortex.overrides.page import runtime_config_page  # noqa: PLC0415 - brings the YAML writer

        values = None if service is None else service.values
        body = runtime_config_page(values, config.limits, request.query.get("mode"))
        return Response(200, "text/plain; charset=utf-8", body)

    return Route(
        ("GET",),
        "/runtime_config",
        show,
        links=(
            Link("Current Runtime Config (incl. Overrides)"),
            Link(
                "Current Runtime Config (show only values that differ from the defaults)", "/runtime_config?mode=diff"
            ),
        ),
    )
