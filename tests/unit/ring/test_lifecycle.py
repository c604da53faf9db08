"""A member joins, sends heartbeats, changes state, leaves; and what readers of the ring see of it."""

import asyncio
from collections.abc import Callable

import pytest

from neocortex.ring.instance import Instance, InstanceState
from neocortex.ring.kv import Members
from neocortex.ring.kv.memory import MemoryStore
from neocortex.ring.lifecycle import RingMember, host_address
from neocortex.ring.view import WRITE_STATES, Ring, RingError

KEY = "ring"


class Clock:
    """Seconds since the epoch, set by the test."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Watched(MemoryStore):
    """A store whose changes can be waited for."""

    def __init__(self) -> None:
        super().__init__()
        self._changed = asyncio.Event()

    async def update(self, key: str, change: Callable[[Members], Members]) -> None:
        await super().update(key, change)
        self._changed.set()

    async def change(self) -> None:
        """Returns after the next change."""
        self._changed.clear()
        async with asyncio.timeout(2):
            await self._changed.wait()


def member(store: MemoryStore, clock: Clock, name: str = "a", **changed: object) -> RingMember:
    settings = {"token_count": 4, "heartbeat_period_s": 3600.0, "zone": "z1"} | changed
    return RingMember(
        store,
        KEY,
        instance_id=name,
        address=f"10.0.0.1:{len(name)}",
        clock=clock,
        **settings,  # type: ignore[arg-type]
    )


def ring(store: MemoryStore, clock: Clock, **changed: object) -> Ring:
    settings = {"heartbeat_timeout_s": 60.0} | changed
    return Ring(store, KEY, clock=clock, **settings)  # type: ignore[arg-type]


async def test_a_member_joins_and_leaves() -> None:
    store, clock = MemoryStore(), Clock()
    joining = member(store, clock)
    states = [joining.state]
    await joining.start()
    (me,) = (await store.get(KEY)).values()
    assert (me.id, me.address, me.zone, me.state) == ("a", "10.0.0.1:1", "z1", InstanceState.ACTIVE)
    assert (me.registered_s, me.heartbeat_s) == (1_000_000, 1_000_000)
    assert len(set(me.tokens)) == 4
    assert me.tokens == sorted(me.tokens)
    await joining.stop()
    assert [*states, joining.state] == [InstanceState.PENDING, InstanceState.LEAVING]
    assert await store.get(KEY) == {}


async def test_a_member_that_never_joined_does_not_leave() -> None:
    """As when the ingester cannot open a database: the ring must not learn of it."""
    store = MemoryStore()
    await member(store, Clock(), unregister_on_shutdown=False).stop()
    assert await store.get(KEY) == {}


async def test_a_member_leaves_once() -> None:
    store, clock = Watched(), Clock()
    leaving = member(store, clock, unregister_on_shutdown=False)
    await leaving.start()
    await leaving.stop(unregister=True)
    await leaving.stop()
    assert await store.get(KEY) == {}


async def test_a_member_that_stays_keeps_its_tokens() -> None:
    store, clock = MemoryStore(), Clock()
    first = member(store, clock, unregister_on_shutdown=False)
    await first.start()
    tokens = (await store.get(KEY))["a"].tokens
    clock.now += 10
    await first.stop()
    left = (await store.get(KEY))["a"]
    assert (left.state, left.heartbeat_s, left.tokens) == (InstanceState.LEAVING, 1_000_010, tokens)
    clock.now += 10
    again = member(store, clock, token_count=8)
    await again.start()
    back = (await store.get(KEY))["a"]
    assert (back.state, back.registered_s, back.heartbeat_s) == (InstanceState.ACTIVE, 1_000_000, 1_000_020)
    assert back.tokens == tokens
    await again.stop()


async def test_heartbeats() -> None:
    store, clock = Watched(), Clock()
    beating = member(store, clock, heartbeat_period_s=0.001)
    await beating.start()
    clock.now += 100
    await store.change()
    assert (await store.get(KEY))["a"].heartbeat_s == 1_000_100
    await beating.stop()
    clock.now += 100
    await asyncio.sleep(0.01)
    assert await store.get(KEY) == {}, "no heartbeat after the end"


async def test_a_heartbeat_brings_back_a_member_that_was_forgotten() -> None:
    store, clock = Watched(), Clock()
    beating = member(store, clock, heartbeat_period_s=0.001)
    await beating.start()
    await ring(store, clock).forget("a")
    assert await store.get(KEY) == {}
    await store.change()
    back = (await store.get(KEY))["a"]
    assert (back.state, len(back.tokens)) == (InstanceState.ACTIVE, 4)
    await beating.stop()


async def test_two_members_have_tokens_of_their_own() -> None:
    store, clock = MemoryStore(), Clock()
    members = [member(store, clock, name, token_count=64) for name in ("a", "bb")]
    for joining in members:
        await joining.start()
    tokens = [token for instance in (await store.get(KEY)).values() for token in instance.tokens]
    assert len(set(tokens)) == 128
    await members[0].stop()
    assert list(await store.get(KEY)) == ["bb"]
    await members[1].stop()


@pytest.mark.parametrize(
    ("age_s", "timeout_s", "healthy"),
    [(0, 60, True), (60, 60, True), (61, 60, False), (10**6, 0, True), (-5, 60, True)],
)
def test_health(age_s: int, timeout_s: float, healthy: bool) -> None:
    instance = Instance("a", "x:1", heartbeat_s=1_000_000 - age_s)
    assert instance.is_healthy(1_000_000, timeout_s) is healthy


async def test_writable_members() -> None:
    store, clock = MemoryStore(), Clock()
    with pytest.raises(RingError, match=r"^DoBatch: InstancesCount <= 0$"):
        await ring(store, clock).writable()
    states = {"a": InstanceState.ACTIVE, "b": InstanceState.READONLY, "c": InstanceState.ACTIVE}
    await put(
        store, *(Instance(name, f"{name}:1", state, heartbeat_s=int(clock.now)) for name, state in states.items())
    )
    assert [m.id for m in await ring(store, clock).writable()] == ["a", "c"]
    assert [m.id for m in await ring(store, clock, replication_factor=3).writable()] == ["a", "c"]
    with pytest.raises(RingError) as few:
        await ring(store, clock, replication_factor=5).writable()
    assert str(few.value) == "at least 3 live replicas required, could only find 2 - unhealthy instances: b:1"
    clock.now += 61
    with pytest.raises(RingError) as old:
        await ring(store, clock).writable()
    assert str(old.value) == ("at least 1 live replicas required, could only find 0 - unhealthy instances: a:1,b:1,c:1")


async def test_states_that_take_no_writes() -> None:
    store, clock = MemoryStore(), Clock()
    here = [Instance(state.name, "x:1", state, heartbeat_s=int(clock.now)) for state in InstanceState]
    assert [m.id for m in ring(store, clock).healthy(here, WRITE_STATES)] == ["ACTIVE"]


async def test_forget() -> None:
    store, clock = MemoryStore(), Clock()
    await put(store, Instance("a", "a:1"), Instance("b", "b:1"))
    await ring(store, clock).forget("a")
    assert list(await store.get(KEY)) == ["b"]
    await ring(store, clock).forget("nobody")
    await ring(store, clock).forget("")
    assert list(await store.get(KEY)) == ["b"]


async def test_a_change_is_seen_whole_or_not_at_all() -> None:
    """What a reader holds stays as it was; a change that fails leaves no trace."""
    store = MemoryStore()
    await put(store, Instance("a", "a:1", tokens=[1]))
    before = await store.get(KEY)

    def fail(members: Members) -> Members:
        members["a"].tokens.append(2)
        raise RuntimeError("midway")

    with pytest.raises(RuntimeError, match="midway"):
        await store.update(KEY, fail)
    assert before["a"].tokens == (await store.get(KEY))["a"].tokens == [1]

    def move(members: Members) -> Members:
        members["a"].address = "a:2"
        return members

    await store.update(KEY, move)
    assert before["a"].address == "a:1"
    assert (await store.get(KEY))["a"].address == "a:2"


def test_the_address_of_an_interface() -> None:
    assert host_address(["lo"]) == "127.0.0.1"
    assert host_address(["no-such-interface", "lo"]) == "127.0.0.1"
    assert host_address(["a-name-longer-than-an-interface-can-have"]) == "127.0.0.1"
    assert host_address([]) == "127.0.0.1"


async def put(store: MemoryStore, *instances: Instance) -> None:
    def change(members: Members) -> Members:
        return members | {instance.id: instance for instance in instances}

    await store.update(KEY, change)
