"""Registers this process in a ring and keeps it there. Source: Cortex's `pkg/ring/lifecycler.go`."""

import asyncio
import contextlib
import fcntl
import random
import socket
import struct
import time
from collections.abc import Callable

from neocortex.ring.instance import Instance, InstanceState
from neocortex.ring.kv import Members, Store
from neocortex.ring.tokens import random_tokens

SIOCGIFADDR = 0x8915
"""Linux: the address of a network interface."""


class RingMember:
    """One member of one ring: joins it, sends heartbeats, changes state, leaves.

    `token_count` tokens are drawn when it joins; a member that is still registered under the same id keeps its own.
    """

    def __init__(
        self,
        store: Store,
        key: str,
        *,
        instance_id: str,
        address: str,
        zone: str = "",
        token_count: int = 128,
        heartbeat_period_s: float = 5.0,
        unregister_on_shutdown: bool = True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._key = key
        self._id = instance_id
        self._address = address
        self._zone = zone
        self._token_count = token_count
        self._heartbeat_period_s = heartbeat_period_s
        self._unregister = unregister_on_shutdown
        self._clock = clock
        self._heartbeats: asyncio.Task[None] | None = None
        self.state = InstanceState.PENDING

    @property
    def running(self) -> bool:
        """Whether the member has joined and not begun to leave."""
        return self._heartbeats is not None

    @property
    def address(self) -> str:
        """host:port under which the ring knows this member."""
        return self._address

    async def start(self) -> None:
        """Registers the member; it is ACTIVE when this returns."""
        await self.change_state(InstanceState.ACTIVE)
        self._heartbeats = asyncio.create_task(self._heartbeat_loop(), name=f"heartbeat of {self._key}")

    async def stop(self, *, unregister: bool = False) -> None:
        """LEAVING, then out of the ring if configured so or `unregister` says so. Nothing unless it has joined."""
        if self._heartbeats is None:
            return
        self._heartbeats.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._heartbeats
        self._heartbeats = None
        await self.change_state(InstanceState.LEAVING)
        if self._unregister or unregister:
            await self._store.update(self._key, self._without_self)

    async def change_state(self, state: InstanceState) -> None:
        """Sets the state in the ring, with a heartbeat. Back from READONLY the member counts as newly registered."""
        rejoins = self.state is InstanceState.READONLY and state is InstanceState.ACTIVE
        self.state = state

        def change(members: Members) -> Members:
            members = self._with_self(members)
            if rejoins:
                members[self._id].registered_s = int(self._clock())
            return members

        await self._store.update(self._key, change)

    async def renew_tokens(self, share: float) -> None:
        """Replaces this share of the configured number of tokens, chosen at random, by new ones."""
        rng = random.SystemRandom()

        def change(members: Members) -> Members:
            me = members.get(self._id)
            if me is None:
                return members
            renewed = min(int(self._token_count * share), len(me.tokens))
            kept = rng.sample(me.tokens, len(me.tokens) - renewed)
            taken = {token for member in members.values() for token in member.tokens}
            me.tokens = sorted(kept + random_tokens(max(0, self._token_count - len(kept)), taken, rng))
            return members

        await self._store.update(self._key, change)

    def _with_self(self, members: Members) -> Members:
        now = int(self._clock())
        me = members.get(self._id)
        if me is None:
            taken = {token for member in members.values() for token in member.tokens}
            tokens = random_tokens(self._token_count, taken, random.SystemRandom())
            me = Instance(self._id, self._address, zone=self._zone, registered_s=now, tokens=tokens)
            members[self._id] = me
        me.address = self._address
        me.state = self.state
        me.heartbeat_s = now
        return members

    def _without_self(self, members: Members) -> Members:
        members.pop(self._id, None)
        return members

    async def _heartbeat_loop(self) -> None:
        while True:
            await asyncio.sleep(self._heartbeat_period_s)
            await self._store.update(self._key, self._with_self)


def host_address(interfaces: list[str]) -> str:
    """The first address of one of these network interfaces; 127.0.0.1 when none of them has one."""
    for interface in interfaces:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, contextlib.suppress(OSError):
            request = struct.pack("256s", interface.encode()[:15])
            return socket.inet_ntoa(fcntl.ioctl(probe.fileno(), SIOCGIFADDR, request)[20:24])
    return "127.0.0.1"
