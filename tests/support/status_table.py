"""The README's table of endpoints: what Cortex's HTTP API documents, and whether a process of target all answers it.

Writes the table between the README's markers: `PYTHONPATH=python:tests python -m support.status_table README.md`, with
the path of Cortex's `http-api.md` as a second argument when its list of endpoints has changed.
"""

import asyncio
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from neocortex.config.load import load
from neocortex.http.app import Application
from neocortex.modules import build
from neocortex.observe import Registry
from neocortex.process import Process

BEGIN, END = "<!-- status:begin -->", "<!-- status:end -->"
HEAD = ("| API | Service | Endpoint | Status |", "| --- | --- | --- | --- |")

_ROW = re.compile(r"\| (?P<api>[^|]+) \| (?P<service>[^|]+) \| `(?P<methods>[A-Z,]+) (?P<path>[^`|]+)` \|(?: .+ \|)?")
_LINK = re.compile(r"\[([^\]]+)\]\([^)]*\)")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One line of Cortex's list; the path with its placeholders (`<prometheus-http-prefix>`, `{name}`)."""

    api: str
    service: str
    methods: tuple[str, ...]
    path: str


def endpoints(page: str) -> list[Endpoint]:
    """The endpoints of a page that has the table, in its order."""
    rows = (_ROW.fullmatch(line.strip()) for line in page.splitlines())
    return [
        Endpoint(
            _LINK.sub(r"\1", row["api"]).strip(),
            _LINK.sub(r"\1", row["service"]).strip(" _"),
            tuple(row["methods"].split(",")),
            row["path"],
        )
        for row in rows
        if row is not None
    ]


def between_markers(page: str) -> str:
    """What stands between the markers, which must be there once each."""
    _, begin, rest = page.partition(BEGIN)
    table, end, after = rest.partition(END)
    if not begin or not end or BEGIN in after or END in after:
        raise ValueError(f"not one {BEGIN} with one {END} after it")
    return table


def application_of_target_all() -> Application:
    """The routes of a process with the default configuration and everything in it; nothing is started."""

    async def routes() -> Application:
        process = Process(load(["-target=all", "-ring.store=inmemory"]).config, Registry())
        build(process, ["all"])
        await process.workers.stopping()
        return process.app

    return asyncio.run(routes())


def status(app: Application, endpoint: Endpoint) -> str:
    """`served`, `not yet`, or the methods that are served when it is only some of them."""
    path = endpoint.path.replace("<prometheus-http-prefix>", "/prometheus")
    path = path.replace("/<alertmanager-http-prefix>", "/alertmanager")
    path = re.sub(r"\{\w+\}", "x", path)
    served = [method for method in endpoint.methods if app.route(method, path) is not None]
    if len(served) == len(endpoint.methods):
        return "served"
    return f"served for {', '.join(served)}" if served else "not yet"


def table(listed: list[Endpoint], app: Application) -> Iterator[str]:
    """The lines of the table."""
    yield from HEAD
    for endpoint in listed:
        methods = ",".join(endpoint.methods)
        yield f"| {endpoint.api} | {endpoint.service} | `{methods} {endpoint.path}` | {status(app, endpoint)} |"


def rewrite(readme: Path, documented: Path | None) -> None:
    """Replaces the table in `readme`: the endpoints of `documented`, or those that the table has."""
    page = readme.read_text()
    old = between_markers(page)
    listed = endpoints(documented.read_text() if documented is not None else old)
    new = "\n".join(["", *table(listed, application_of_target_all()), ""])
    readme.write_text(page.replace(f"{BEGIN}{old}{END}", f"{BEGIN}{new}{END}"))


if __name__ == "__main__":
    rewrite(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
