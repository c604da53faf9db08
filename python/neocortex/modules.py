"""The wiring: which modules a target runs, how each is built and what it needs. One row a module.

`build` registers routes and metrics on the `Process` and gives the module's service, or None when it has none. Modules
are built once each, dependencies first; their services start and stop in that order too (`service.Supervisor`).
Source of names and dependencies: Cortex's `pkg/cortex/modules.go`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from neocortex.errors import StartError
from neocortex.http.server import HTTPServer
from neocortex.http.status import config_route, index_route, metrics_route, ready_route, services_route
from neocortex.observe import get_logger
from neocortex.process import Process, http_settings
from neocortex.service import Service, Supervisor

if TYPE_CHECKING:
    from collections.abc import Iterable

log = get_logger()

Builder = Callable[[Process], Service | None]


@dataclass(frozen=True, slots=True)
class Module:
    """One row of the table."""

    name: str
    build: Builder | None
    needs: tuple[str, ...] = ()
    internal: bool = False
    """Left out of `-modules`; as a target it is accepted with a warning."""


def _server(process: Process) -> Service:
    settings = http_settings(process.config)
    if settings.register_instrumentation:
        process.app.add([metrics_route(process.registry)])
    return HTTPServer(settings, process.app)


def _api(process: Process) -> None:
    process.app.add([index_route(process.app), config_route(process.config)])


MODULES: dict[str, Module] = {
    module.name: module
    for module in (
        Module("server", _server, internal=True),
        Module("api", _api, ("server",), internal=True),
        Module("all", None, ("api",)),
    )
}


def ordered(targets: Iterable[str]) -> list[str]:
    """The targets and everything they need, each after its needs; StartError for a name that is no module."""
    done: dict[str, None] = {}

    def visit(name: str) -> None:
        if name not in MODULES:
            raise StartError(f"unrecognised module name: {name}")
        for need in MODULES[name].needs:
            visit(need)
        done.setdefault(name)

    for target in targets:
        visit(target)
    return list(done)


def build(process: Process, targets: list[str]) -> Supervisor:
    """Builds every module that the targets need and registers the endpoints that show the result."""
    for target in targets:
        if target in MODULES and MODULES[target].internal:
            log.warn("selected target is an internal module, is this intended?", target=target)
    services: dict[str, Service] = {}
    names = ordered(targets)
    for name in names:
        builder = MODULES[name].build
        try:
            service = builder(process) if builder is not None else None
        except StartError as error:
            raise StartError(f"error initialising module: {name}: {error}") from error
        if service is not None:
            services[name] = service
    supervisor = Supervisor(services, {name: _service_needs(name, services) for name in services})
    process.supervisor = supervisor
    process.app.add([services_route(supervisor), ready_route(supervisor, process.ready_checks)])
    return supervisor


def _service_needs(name: str, services: dict[str, Service]) -> list[str]:
    """Services below `name`, looking through modules that have none; the server is below everything."""
    found: dict[str, None] = {}
    for need in ordered([name])[:-1]:
        if need in services:
            found.setdefault(need)
    return list(found)


def describe() -> str:
    """What `-modules` prints: names sorted, `*` at those that target all includes."""
    included = set(ordered(["all"])) - {"all"}
    lines = [f"{name} *" if name in included else name for name in sorted(MODULES) if not MODULES[name].internal]
    return "\n".join([*lines, "", "Modules marked with * are included in target All.", ""])
