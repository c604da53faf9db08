"""HTML pages from templates, and the choice between page and JSON that Cortex's status pages offer."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from neocortex.http.errors import json_response
from neocortex.http.message import Response
from neocortex.turns import joined

if TYPE_CHECKING:
    from jinja2 import Environment

    from neocortex.http.message import Request

HTML = "text/html; charset=utf-8"


@cache
def _environment(package: str) -> Environment:
    # Imported with the first page that somebody looks at: nothing that a scrape or a push needs.
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415

    return Environment(loader=PackageLoader(package), autoescape=True, undefined=StrictUndefined)


def page(package: str, template: str, **values: Any) -> Response:
    """`templates/<template>` of the room `package` (`neocortex.http`), all values escaped."""
    return Response(200, HTML, _environment(package).get_template(template).render(**values))


async def long_page(package: str, template: str, **values: Any) -> Response:
    """As `page`, for one that grows with the number of tenants: what waits for the event loop has its turns."""
    pieces = _environment(package).get_template(template).generate(**values)
    return Response(200, HTML, await joined(pieces))


def wants_json(request: Request) -> bool:
    """Whether the Accept header names JSON: what Cortex's pages look at."""
    return "application/json" in request.headers.get("accept")


def page_or_json(request: Request, value: Any, package: str, template: str, **values: Any) -> Response:
    """`value` as JSON when asked for, else the page."""
    return json_response(value) if wants_json(request) else page(package, template, **values)


def go_time(moment: datetime | None = None) -> str:
    """A time as Go's JSON has it (RFC 3339 with fraction); now without an argument."""
    moment = moment if moment is not None else datetime.now(UTC)
    text = moment.astimezone(UTC).isoformat().removesuffix("+00:00")
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text}Z"
