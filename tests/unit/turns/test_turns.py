"""Long work lets others have their turns."""

import asyncio
from collections.abc import Iterator

from neocortex.turns import A_TURN, in_turns, joined


class Beside:
    """Counts the turns that a task has, and how many items were made between two of them."""

    def __init__(self) -> None:
        self.turns = 0
        self._since = 0
        self.longest = 0

    def items(self, count: int) -> Iterator[str]:
        for i in range(count):
            self._since += 1
            self.longest = max(self.longest, self._since)
            yield str(i)

    async def run(self) -> None:
        while True:
            self.turns += 1
            self._since = 0
            await asyncio.sleep(0)


async def test_items_come_in_order_and_in_turns() -> None:
    beside = Beside()
    task = asyncio.create_task(beside.run())
    assert [item async for item in in_turns(beside.items(3 * A_TURN + 1))] == [str(i) for i in range(3 * A_TURN + 1)]
    assert beside.turns >= 3
    assert beside.longest <= A_TURN
    task.cancel()


async def test_pieces_are_joined_in_turns() -> None:
    beside = Beside()
    task = asyncio.create_task(beside.run())
    assert await joined(beside.items(2 * A_TURN + 1)) == "".join(str(i) for i in range(2 * A_TURN + 1)).encode()
    assert beside.turns >= 2
    assert beside.longest <= A_TURN
    task.cancel()
    assert await joined([]) == b""
