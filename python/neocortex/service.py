"""The life of a part of the process: states, and starting and stopping many parts in the order of their needs.

A service starts once everything it needs runs, and stops once everything that needs it has stopped, as in Cortex
(`pkg/util/services`, `pkg/util/modules`). All of it runs on the event loop.
"""

from __future__ import annotations

import asyncio
import enum
from typing import TYPE_CHECKING

from neocortex.observe import get_logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

log = get_logger()


class State(enum.Enum):
    """Where a service is in its life; the values are shown by `/services` and `/ready`."""

    NEW = "New"
    STARTING = "Starting"
    RUNNING = "Running"
    STOPPING = "Stopping"
    TERMINATED = "Terminated"
    FAILED = "Failed"


class Service:
    """Override `starting`, `running` and `stopping`, each optional.

    `starting` returns when the service can do its work. `running` does background work until `stop_requested` is set;
    when it returns by itself the service stops, when it raises the service has failed and the process stops. `stopping`
    is called in both cases and also ends a service whose `starting` was interrupted.
    """

    def __init__(self) -> None:
        self.state = State.NEW
        self.failure: BaseException | None = None
        """Why the service failed; None in every other state."""
        self.stop_requested = asyncio.Event()
        self._ended = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def starting(self) -> None:
        """Prepares; raises when the service cannot run."""

    async def running(self) -> None:
        """Works until `stop_requested` is set."""
        await self.stop_requested.wait()

    async def stopping(self) -> None:
        """Finishes what is under way and gives everything back; state on disk is safe when it returns."""

    async def every(
        self, period_s: float, work: Callable[[], Awaitable[None] | None], *, first_s: float | None = None
    ) -> None:
        """Calls `work` at the end of each period until the service is asked to stop; late periods are left out.

        `first_s` is the length of the first period if it is another one. For `running`. A call that is under way ends
        before this returns.
        """
        loop = asyncio.get_running_loop()
        due = loop.time() + (period_s if first_s is None else first_s)
        while True:
            try:
                await asyncio.wait_for(self.stop_requested.wait(), due - loop.time())
            except TimeoutError:
                outcome = work()
                if outcome is not None:
                    await outcome
                due = max(due + period_s, loop.time())
            else:
                return

    async def start(self) -> None:
        """Returns when the service runs; raises what `starting` raised."""
        if self.state is not State.NEW:
            raise RuntimeError(f"service is {self.state.value}, not New")
        self.state = State.STARTING
        try:
            await self.starting()
        except BaseException as error:
            try:
                await self.stopping()
            finally:
                self._end(error)
            raise
        self.state = State.RUNNING
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        failure: BaseException | None = None
        try:
            await self.running()
        except Exception as error:
            failure = error
        self.state = State.STOPPING
        try:
            await self.stopping()
        except Exception as error:
            failure = failure or error
        self._end(failure)

    def _end(self, failure: BaseException | None) -> None:
        self.failure = failure
        interrupted = isinstance(failure, asyncio.CancelledError)
        self.state = State.TERMINATED if failure is None or interrupted else State.FAILED
        self._ended.set()

    async def stop(self) -> None:
        """Asks the service to stop and returns when it has, however it ended; may be called again and by several."""
        self.stop_requested.set()
        if self.state is State.NEW:
            self._end(None)
        await self._ended.wait()

    async def ended(self) -> None:
        """Returns when the service has terminated or failed."""
        await self._ended.wait()


class Supervisor:
    """Runs named services. `dependencies[name]` are the services that must run before and stop after `name`."""

    def __init__(self, services: Mapping[str, Service], dependencies: Mapping[str, Iterable[str]]) -> None:
        self.services = dict(services)
        self._needs = {name: [need for need in dependencies.get(name, ()) if need in services] for name in services}
        self._needed_by: dict[str, list[str]] = {name: [] for name in services}
        for name, needs in self._needs.items():
            for need in needs:
                self._needed_by[need].append(name)
        self._running = {name: asyncio.Event() for name in services}
        self.started = asyncio.Event()
        """Set once every service runs, or when that is given up."""
        self._stop = asyncio.Event()
        self._watches: list[asyncio.Task[None]] = []

    @property
    def healthy(self) -> bool:
        """Whether every service is Running and no stop was asked for."""
        return not self._stop.is_set() and all(service.state is State.RUNNING for service in self.services.values())

    def counts(self) -> dict[State, int]:
        """How many services are in each state that occurs."""
        counts: dict[State, int] = {}
        for service in self.services.values():
            counts[service.state] = counts.get(service.state, 0) + 1
        return counts

    def request_stop(self) -> None:
        """Makes `run` stop everything; called on SIGTERM and SIGINT."""
        self._stop.set()

    async def run(self) -> bool:
        """Starts everything, waits for a stop request or a failure, stops everything; whether no service failed."""
        await self._start()
        if self.healthy:
            log.info("Cortex started")
        self.started.set()
        await self._stop.wait()
        await asyncio.gather(*(self._stop_one(name) for name in self.services))
        for watch in self._watches:
            watch.cancel()
        log.info("Cortex stopped")
        return all(service.state is not State.FAILED for service in self.services.values())

    async def _start(self) -> None:
        starts = [asyncio.create_task(self._start_one(name)) for name in self.services]
        stop = asyncio.create_task(self._stop.wait())
        pending: set[asyncio.Task[object]] = {*starts}
        while pending and not self._stop.is_set():
            _, waiting = await asyncio.wait({*pending, stop}, return_when=asyncio.FIRST_COMPLETED)
            pending = {task for task in waiting if task is not stop}
        for start in starts:
            start.cancel()
        await asyncio.gather(*starts, return_exceptions=True)
        stop.cancel()

    async def _start_one(self, name: str) -> None:
        for need in self._needs[name]:
            await self._running[need].wait()
        service = self.services[name]
        log.info("initialising", module=name)
        try:
            await service.start()
        except Exception as error:
            self._report(name, error)
            return
        self._running[name].set()
        self._watches.append(asyncio.create_task(self._watch(name)))

    async def _watch(self, name: str) -> None:
        service = self.services[name]
        await service.ended()
        if service.state is State.FAILED and service.failure is not None:
            self._report(name, service.failure)

    def _report(self, name: str, error: BaseException) -> None:
        log.error("module failed", module=name, err=str(error) or repr(error))
        self._stop.set()

    async def _stop_one(self, name: str) -> None:
        for dependent in self._needed_by[name]:
            await self.services[dependent].ended()
        service = self.services[name]
        await service.stop()
        if service.state is State.FAILED:
            log.warn("module failed with error", module=name, err=str(service.failure))
        else:
            log.info("module stopped", module=name)
