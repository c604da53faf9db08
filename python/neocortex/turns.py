"""Long work on the event loop, in turns with everything else that waits for the loop."""

from __future__ import annotations

import asyncio
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

A_TURN = 1000
"""Items after which the others have their turn: at some microseconds an item, far below the 50 ms of a stall."""

T = TypeVar("T")


async def in_turns(items: Iterable[T]) -> AsyncIterator[T]:
    """The items one after another. Whatever waits for the loop runs after every `A_TURN` of them."""
    left = iter(items)
    while batch := list(islice(left, A_TURN)):
        for item in batch:
            yield item
        await asyncio.sleep(0)


async def joined(pieces: Iterable[str]) -> str:
    """The pieces as one text. Whatever waits for the loop runs after every `A_TURN` of them."""
    left = iter(pieces)
    batches: list[str] = []
    while batch := list(islice(left, A_TURN)):
        batches.append("".join(batch))
        await asyncio.sleep(0)
    return "".join(batches)
