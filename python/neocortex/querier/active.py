"""The queries that are being evaluated, in a file that outlives the process: after a crash the next start names them.

Format (Prometheus's `promql/query_logger.go`): `queries.active` is `[`, then for each query that may run at once an
entry of 1,000 bytes: the JSON of the query's text and its start, zeros, and a comma at the end; zeros alone when it is
free. The file is memory-mapped, so that what is in it is there however the process ends.
"""

from __future__ import annotations

import asyncio
import mmap
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from neocortex.errors import StartError
from neocortex.http.errors import json_text
from neocortex.observe import get_logger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

ENTRY_BYTES = 1000
FILE_NAME = "queries.active"

log = get_logger()


class ActiveQueries:
    """The file, and the queue before it: no more queries run at once than it has entries."""

    def __init__(self, folder: Path, max_concurrent: int) -> None:
        self._path = folder / FILE_NAME
        self._size = 1 + max_concurrent * ENTRY_BYTES
        self._free = list(range(1, self._size, ENTRY_BYTES))
        self._turn = asyncio.Semaphore(max_concurrent)
        self._map: mmap.mmap

    def open(self) -> None:
        """Names in the log what the file of the last run has, then begins a new one. Raises `StartError`."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            _log_unfinished(self._path, self._size)
            with self._path.open("w+b") as file:
                file.truncate(self._size)
                self._map = mmap.mmap(file.fileno(), self._size)
        except OSError as e:
            raise StartError(f"unable to create the log of active queries: {e}") from e
        self._map[:1] = b"["

    @asynccontextmanager
    async def entered(self, query: str) -> AsyncIterator[None]:
        """Around an evaluation, once the file is open: waits until there is room, in the order of arrival."""
        async with self._turn:
            at = self._free.pop()
            entry = _entry(query)
            self._map[at : at + len(entry)] = entry
            self._map[at + ENTRY_BYTES - 1 : at + ENTRY_BYTES] = b","
            try:
                yield
            finally:
                self._map[at : at + ENTRY_BYTES] = bytes(ENTRY_BYTES)
                self._free.append(at)


def _entry(query: str) -> bytes:
    """The JSON of a query, cut so that it leaves room for the comma."""
    timestamp = int(time.time())
    text = query.encode("utf-8", "replace")[:ENTRY_BYTES].decode("utf-8", "ignore")
    while True:
        entry = json_text({"query": text, "timestamp_sec": timestamp}).encode()
        beyond = len(entry) - (ENTRY_BYTES - 1)
        if beyond <= 0:
            return entry
        # A character takes six bytes at most when it is escaped.
        text = text[: -max(1, beyond // 6)]


def _log_unfinished(path: Path, size: int) -> None:
    if not path.exists():
        return
    with path.open("rb") as file:
        content = file.read(size).replace(b"\x00", b"")
    if len(content) > 1:
        queries = content[:-1].decode("utf-8", "replace") + "]"
        log.info("These queries didn't finish in prometheus' last run:", queries=queries)
