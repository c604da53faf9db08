"""Key-value stores that hold rings. One interface (`Store`), one file a backend."""

from collections.abc import Callable
from typing import Protocol

from neocortex.ring.instance import Instance

Members = dict[str, Instance]
"""A ring: its members by id."""


class Store(Protocol):
    """Holds one ring under each key and changes it by compare-and-swap."""

    async def get(self, key: str) -> Members:
        """The members under a key; empty when there is none. The caller may not change them."""

    async def update(self, key: str, change: Callable[[Members], Members]) -> None:
        """Replaces the members by `change(members)`, called again when somebody else was faster."""
