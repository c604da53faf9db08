"""The store of a single process (`store: inmemory`)."""

import copy
from collections.abc import Callable

from neocortex.ring.kv import Members


class MemoryStore:
    """Rings in a dictionary. Every change happens on the event loop, so none is ever lost to another."""

    def __init__(self) -> None:
        self._rings: dict[str, Members] = {}

    def members(self, key: str) -> Members:
        """As `get`, for callers that cannot wait."""
        return self._rings.get(key, {})

    async def get(self, key: str) -> Members:
        return self.members(key)

    async def update(self, key: str, change: Callable[[Members], Members]) -> None:
        self._rings[key] = change(copy.deepcopy(self._rings.get(key, {})))
