"""Waiting for what happens from time to time."""

import asyncio
import time
from collections.abc import Awaitable, Callable


async def eventually(ask: Callable[[], Awaitable[bool]], timeout_s: float = 10) -> None:
    """Returns once `ask` gives True; TimeoutError when that takes too long."""
    async with asyncio.timeout(timeout_s):
        for pause_s in (0.01, *[0.05] * int(timeout_s / 0.05)):
            if await ask():
                return
            await asyncio.sleep(pause_s)
    raise TimeoutError


def wait_for(happens: str, ask: Callable[[], bool]) -> None:
    """Asks until the answer is true."""
    end = time.monotonic() + 60
    while not ask():
        assert time.monotonic() < end, f"{happens}: not within a minute"
        time.sleep(0.02)
