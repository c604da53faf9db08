"""Keeps the pauses of Python's garbage collector short.

A full collection goes over all objects that live, and everything stands still meanwhile: with ten thousand tenants it
takes a fifth of a second. What has just survived one is no garbage and most of it stays for long, so after a long one
all that lives is left out of later ones. It is freed all the same once nobody refers to it; only what becomes part of a
cycle afterwards and is forgotten stays, which a process that no longer grows does not add to.
"""

from __future__ import annotations

import gc
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

LONG_S = 0.005
OLDEST_GENERATION = 2


class ShortPauses:
    """A callback of the collector, which leaves out what is there after a full collection that took over `LONG_S`."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._began = 0.0

    def __call__(self, phase: str, info: dict[str, Any]) -> None:
        """`phase` is `start` or `stop` of a collection."""
        if info["generation"] != OLDEST_GENERATION:
            return
        if phase == "start":
            self._began = self._clock()
        elif self._clock() - self._began > LONG_S:
            gc.freeze()


def keep_pauses_short() -> None:
    """To be called once, when all is imported."""
    gc.freeze()
    gc.callbacks.append(ShortPauses())
