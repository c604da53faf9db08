"""Long work on the event loop, in turns with everything else that waits for the loop."""

from __future__ import annotations

import asyncio
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

A_TURN = 1000
"""Items after which the others have their turn: at some microseconds an item, far below the 50 ms of a stall."""

PAUSE_S = 0.001
"""How long their turn is at least. Without a pause, threads that wait for the GIL might not get it: whoever lets go of
it more often than every 5 ms, CPython's switch interval, and takes it again at once may win it each time."""

T = TypeVar("T")


async def in_turns(items: Iterable[T]) -> AsyncIterator[T]:
    """The items one after another. Whatever waits for the loop runs after every `A_TURN` of them."""
    async for batch in _batches(items):
        for item in batch:
            yield item


async def joined(pieces: Iterable[str]) -> bytes:
    """The pieces as one text in UTF-8. Whatever waits for the loop runs after every `A_TURN` of them."""
    return b"".join([part async for part in in_parts(pieces)])


async def in_parts(pieces: Iterable[str]) -> AsyncIterator[bytes]:
    """The pieces in UTF-8, `A_TURN` of them together. Whatever waits for the loop runs after each such part."""
    async for batch in _batches(pieces):
        yield "".join(batch).encode()


async def _batches(items: Iterable[T]) -> AsyncIterator[list[T]]:
    left = iter(items)
    while batch := list(islice(left, A_TURN)):
        yield batch
        if len(batch) == A_TURN:
            await asyncio.sleep(PAUSE_S)
