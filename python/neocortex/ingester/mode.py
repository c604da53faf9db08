"""What an operator does to one ingester: its mode, its tokens, its end. Source: Cortex's `ModeHandler` and others."""

from __future__ import annotations

import asyncio
import html
from typing import TYPE_CHECKING

from neocortex.http.errors import TEXT
from neocortex.http.message import Response
from neocortex.http.route import DANGEROUS, Link, Route
from neocortex.observe import get_logger
from neocortex.ring.instance import InstanceState

if TYPE_CHECKING:
    from neocortex.http.message import Request
    from neocortex.ingester.service import Ingester

log = get_logger()

MODES = {state.name: state for state in (InstanceState.ACTIVE, InstanceState.READONLY)}
RENEWED_SHARE = 0.1
"""Share of the tokens that a renewal replaces."""


def operator_routes(ingester: Ingester) -> list[Route]:
    """`/ingester/mode`, `/ingester/renewTokens`, `/ingester/flush`, `/ingester/shutdown`, legacy paths."""

    async def mode(request: Request) -> Response:
        form = await request.form()
        if form.error is not None:
            return Response(400, TEXT, "failed to parse HTTP request in mode handler")
        name = form.get("mode").upper()
        state = MODES.get(name)
        if state is None:
            return Response(400, TEXT, f"invalid mode input: {_escaped(name)}")
        if ingester.member.state is not state:
            if not ingester.member.running:
                return Response(400, TEXT, "failed to change state: lifecycler not running")
            log.info("changing instance state", old_state=ingester.member.state.name, new_state=name)
            await ingester.member.change_state(state)
        return Response(200, TEXT, f"Ingester mode {name}")

    async def renew_tokens(_: Request) -> Response:
        await ingester.member.renew_tokens(RENEWED_SHARE)
        return Response(204)

    async def flush(request: Request) -> Response:
        form = await request.form()
        if form.error is not None:
            return Response(400)
        flushing = ingester.flush(form.get_all("tenant"))
        if form.get("wait") == "true":
            # A client that goes away does not end it.
            await asyncio.shield(flushing)
        return Response(204)

    async def shut_down(_: Request) -> Response:
        await ingester.shut_down()
        return Response(204)

    both = ("GET", "POST")
    mode_links = tuple(
        Link(f"Set Ingester to {name} mode", f"/ingester/mode?mode={name}", DANGEROUS)
        for name in ("READONLY", "ACTIVE")
    )
    return [
        Route(both, "/ingester/mode", mode, links=mode_links),
        Route(
            both,
            "/ingester/renewTokens",
            renew_tokens,
            links=(Link("Renew Ingester Tokens (10%)", section=DANGEROUS),),
        ),
        Route(
            both,
            "/ingester/flush",
            flush,
            links=(Link("Trigger a Flush of data from Ingester to storage", section=DANGEROUS),),
        ),
        Route(both, "/flush", flush),
        Route(
            both,
            "/ingester/shutdown",
            shut_down,
            links=(Link("Trigger Ingester Shutdown (Dangerous)", section=DANGEROUS),),
        ),
        Route(both, "/shutdown", shut_down),
    ]


def _escaped(text: str) -> str:
    """As Go's `html.EscapeString`, which numbers quotes in decimal."""
    return html.escape(text, quote=False).replace("'", "&#39;").replace('"', "&#34;")
