"""Services start after and stop before what they need, and a failure stops the process."""

import asyncio

import pytest

from neocortex.service import Service, State, Supervisor


class Traced(Service):
    """Writes down what happens to it."""

    def __init__(self, name: str, trace: list[str], *, fail: str = "") -> None:
        super().__init__()
        self._name, self._trace, self._fail = name, trace, fail

    async def starting(self) -> None:
        await asyncio.sleep(0)
        if self._fail == "starting":
            raise RuntimeError("cannot start")
        self._trace.append(f"+{self._name}")

    async def running(self) -> None:
        if self._fail == "running":
            raise RuntimeError("broke down")
        if self._fail != "returning":
            await super().running()

    async def stopping(self) -> None:
        await asyncio.sleep(0)
        self._trace.append(f"-{self._name}")
        if self._fail == "stopping":
            raise RuntimeError("cannot stop")


def chain(trace: list[str], **fail: str) -> Supervisor:
    """Server, then ring, then ingester and distributor; the server is below everything."""
    needs = {"ring": ["server"], "ingester": ["server", "ring"], "distributor": ["ring", "server"]}
    names = ("distributor", "ingester", "ring", "server")
    return Supervisor({name: Traced(name, trace, fail=fail.get(name, "")) for name in names}, needs)


async def test_order_of_start_and_stop() -> None:
    trace: list[str] = []
    supervisor = chain(trace)
    run = asyncio.create_task(supervisor.run())
    await supervisor.started.wait()
    assert supervisor.healthy
    assert trace[:2] == ["+server", "+ring"]
    supervisor.request_stop()
    assert not supervisor.healthy
    assert await run
    assert sorted(trace[4:6]) == ["-distributor", "-ingester"]
    assert trace[6:] == ["-ring", "-server"]
    assert supervisor.counts() == {State.TERMINATED: 4}


@pytest.mark.parametrize("when", ["starting", "running", "stopping"])
async def test_a_failure_stops_everything(when: str) -> None:
    trace: list[str] = []
    supervisor = chain(trace, ring=when)
    if when == "stopping":
        asyncio.get_running_loop().call_later(0.01, supervisor.request_stop)
    async with asyncio.timeout(5):
        assert not await supervisor.run()
    assert supervisor.services["ring"].state is State.FAILED
    assert trace[-1] == "-server"
    if when == "starting":
        assert "+ingester" not in trace
        assert supervisor.services["ingester"].state is State.TERMINATED


async def test_a_service_may_end_alone() -> None:
    """As the ingester does on `/ingester/shutdown`: the process goes on, unready."""
    supervisor = chain([])
    run = asyncio.create_task(supervisor.run())
    await supervisor.started.wait()
    assert supervisor.healthy
    await supervisor.services["ingester"].stop()
    await supervisor.services["ingester"].stop()
    assert not supervisor.healthy
    assert supervisor.counts() == {State.RUNNING: 3, State.TERMINATED: 1}
    supervisor.request_stop()
    assert await run


async def test_a_service_that_returns_terminates() -> None:
    service = Traced("x", [], fail="returning")
    await service.start()
    await service.ended()
    assert service.state is State.TERMINATED


async def test_a_stop_while_starting() -> None:
    class Slow(Service):
        async def starting(self) -> None:
            await asyncio.sleep(60)

    slow = Slow()
    supervisor = Supervisor({"slow": slow, "after": Service()}, {"after": ["slow"]})
    asyncio.get_running_loop().call_later(0.01, supervisor.request_stop)
    async with asyncio.timeout(5):
        assert await supervisor.run()
    assert slow.state is State.TERMINATED


async def test_a_service_starts_once() -> None:
    service = Service()
    await service.start()
    with pytest.raises(RuntimeError, match="not New"):
        await service.start()
    await service.stop()
