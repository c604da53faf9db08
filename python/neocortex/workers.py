"""The native worker pools of the process: threads that complete futures of the event loop."""

from __future__ import annotations

import asyncio
import os

from neocortex import _native
from neocortex.service import Service

QUEUED_WRITES = 4096
"""Pushes that may wait for a thread; beyond that they are refused."""


class Workers(Service):
    """Pushes, queries and compaction have threads of their own: a long query must not hold up writes."""

    def __init__(self, max_concurrent_queries: int, max_concurrent_compactions: int) -> None:
        super().__init__()
        loop = asyncio.get_running_loop()
        cores = os.cpu_count() or 1
        self.write = _native.Pool(loop, cores, QUEUED_WRITES, "write")
        self.background = _native.Pool(loop, min(cores, max_concurrent_compactions), QUEUED_WRITES, "background")
        self.query = _native.Pool(loop, cores, QUEUED_WRITES + max_concurrent_queries, "query")

    async def stopping(self) -> None:
        """What is queued is done first."""
        self.query.close()
        self.background.close()
        self.write.close()
