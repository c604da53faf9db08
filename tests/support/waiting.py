"""Waiting for what happens from time to time."""

import asyncio
from collections.abc import Awaitable, Callable


async def eventually(ask: Callable[[], Awaitable[bool]], timeout_s: float = 10) -> None:
    """Returns once `ask` gives True; TimeoutError when that takes too long."""
    async with asyncio.timeout(timeout_s):
        for pause_s in (0.01, *[0.05] * int(timeout_s / 0.05)):
            if await ask():
                return
            await asyncio.sleep(pause_s)
    raise TimeoutError
