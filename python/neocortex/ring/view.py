"""What a reader of a ring sees."""

import time
from collections.abc import Callable, Iterable

from neocortex.ring.instance import Instance, InstanceState
from neocortex.ring.kv import Members, Store

WRITE_STATES = frozenset({InstanceState.ACTIVE})
READ_STATES = frozenset(InstanceState) - {InstanceState.LEFT}


class RingError(Exception):
    """The ring cannot serve an operation; the text is the answer's."""


class Ring:
    """A ring under a key of a store."""

    def __init__(
        self,
        store: Store,
        key: str,
        *,
        heartbeat_timeout_s: float,
        replication_factor: int = 1,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.key = key
        self.heartbeat_timeout_s = heartbeat_timeout_s
        self.replication_factor = replication_factor
        self._store = store
        self._clock = clock

    async def members(self) -> Members:
        """All members, healthy or not."""
        return await self._store.get(self.key)

    def healthy(self, members: Iterable[Instance], states: frozenset[InstanceState]) -> list[Instance]:
        """The members in one of these states whose heartbeat is young enough."""
        return [m for m in members if m.state in states and self.is_healthy(m)]

    def is_healthy(self, member: Instance) -> bool:
        """Whether the member's heartbeat is young enough."""
        return member.is_healthy(self._clock(), self.heartbeat_timeout_s)

    async def writable(self) -> list[Instance]:
        """The members that take writes.

        Raises `RingError` with Cortex's text when too few of them are alive for a quorum.
        """
        members = await self.members()
        if not members:
            raise RingError("DoBatch: InstancesCount <= 0")
        healthy = self.healthy(members.values(), WRITE_STATES)
        wanted = self.replication_factor // 2 + 1
        if len(healthy) < wanted:
            unhealthy = ",".join(m.address for m in members.values() if m not in healthy)
            raise RingError(
                f"at least {wanted} live replicas required, could only find {len(healthy)}"
                f" - unhealthy instances: {unhealthy}"
            )
        return healthy

    async def readable(self) -> list[Instance]:
        """The members to read from, which together have all data.

        Raises `RingError` with Cortex's text when there are none, or too few of them are alive.
        """
        members = await self.members()
        if not any(m.tokens for m in members.values()):
            raise RingError("empty ring")
        healthy = self.healthy(members.values(), READ_STATES)
        if len(healthy) < max(len(members), self.replication_factor) - self.replication_factor // 2:
            raise RingError("too many unhealthy instances in the ring")
        return healthy

    async def forget(self, member: str) -> None:
        """Removes a member, as the page's button does; an unknown one is no error."""

        def change(members: Members) -> Members:
            members.pop(member, None)
            return members

        await self._store.update(self.key, change)
