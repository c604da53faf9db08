"""A tenant's open database and what is known of it besides."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from neocortex import _native


@dataclass(slots=True, eq=False)
class Database:
    """Used on the event loop only. Times are milliseconds since the epoch."""

    tsdb: _native.Tsdb
    folder: Path
    opened_ms: int
    shipped: frozenset[str]
    """Blocks that were in the bucket when it was last looked at."""
    all_shipped_version: int | None = None
    """The blocks of which the shipper found that nothing was left to do, by their version."""
    busy: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by who compacts, ships or removes: one at a time."""
    deletion_mark_found: bool = False
    deletion_mark_checked_ms: int = 0
    removal: asyncio.Future[None] | None = None
    """While it is being removed: done when that has ended, whichever way."""
    removed: bool = False
    _writers: int = 0
    _oldest_unshipped_ms: int | None = None
    _oldest_of: tuple[int, frozenset[str]] | None = None
    """Version of the blocks, and what was shipped, of which `_oldest_unshipped_ms` is."""
    _quiet: asyncio.Event = field(default_factory=asyncio.Event)

    def last_update_ms(self, stats: _native.TsdbStats) -> int:
        """When a sample was last taken; before the first one since the start, the time of the newest one in the head.

        With an empty head it is when it was opened, so that a new database is not idle at once.
        """
        if stats.last_append_ms:
            return stats.last_append_ms
        return stats.max_time_ms if stats.series else self.opened_ms

    def is_idle(self, stats: _native.TsdbStats, now_ms: int, timeout_s: float) -> bool:
        """Whether, by these figures of it, it took no sample for that long."""
        return self.last_update_ms(stats) + timeout_s * 1000 < now_ms

    @property
    def is_all_shipped(self) -> bool:
        """Whether there is no block, or the shipper found nothing left to do and no block came or went since."""
        if self.all_shipped_version is None:
            return not self.shipped and not self.tsdb.blocks()
        return self.all_shipped_version == self.tsdb.blocks_version

    @property
    def oldest_unshipped_ms(self) -> int | None:
        """When the oldest block was made that is not in the bucket yet; None when all are."""
        now = self.tsdb.blocks_version, self.shipped
        if now != self._oldest_of:
            made = [made_ms for ulid, made_ms in self.tsdb.blocks() if ulid not in self.shipped]
            self._oldest_unshipped_ms, self._oldest_of = min(made, default=None), now
        return self._oldest_unshipped_ms

    def begin_write(self) -> None:
        """Keeps it from being removed until `end_write`."""
        self._writers += 1
        self._quiet.clear()

    def end_write(self) -> None:
        """Ends what `begin_write` began."""
        self._writers -= 1
        if not self._writers:
            self._quiet.set()

    async def quiet(self) -> None:
        """Returns when nobody writes."""
        if self._writers:
            await self._quiet.wait()
