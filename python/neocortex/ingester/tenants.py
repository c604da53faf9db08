"""The open databases, one a tenant."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from neocortex import _native
from neocortex.tenant.validate import is_valid

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence
    from pathlib import Path

AT_ONCE = 16
"""Databases that are opened or closed at the same time: more than threads, fewer than fit into their queue."""


class Tenants:
    """Opens, finds and closes the databases below one folder. Used on the event loop only."""

    def __init__(self, folder: Path, pool: _native.Pool, options: _native.TsdbOptions) -> None:
        self._folder = folder
        self._pool = pool
        self._options = options
        self._open: dict[str, _native.Tsdb] = {}
        self._opening: dict[str, asyncio.Future[_native.Tsdb]] = {}

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[tuple[str, _native.Tsdb]]:
        """Tenants and their databases."""
        return iter(self._open.items())

    @property
    def held(self) -> int:
        """How many are open or being opened."""
        return len(self._open) + len(self._opening)

    @property
    def series(self) -> int:
        """Series in memory over all tenants."""
        return sum(tsdb.stats().series for tsdb in self._open.values())

    def is_held(self, tenant: str) -> bool:
        """Whether the tenant's database is open or being opened."""
        return tenant in self._open or tenant in self._opening

    def get(self, tenant: str) -> _native.Tsdb | None:
        """The tenant's database, or None when the tenant has not written yet."""
        return self._open.get(tenant)

    async def get_or_open(self, tenant: str) -> _native.Tsdb:
        """The tenant's database, made when there is none. Callers that come while it opens wait for the same one."""
        tsdb = self._open.get(tenant)
        if tsdb is not None:
            return tsdb
        opening = self._opening.get(tenant)
        if opening is None:
            opening = asyncio.ensure_future(self._open_one(tenant))
            self._opening[tenant] = opening
        # One waiter's cancellation must not end the opening that others wait for.
        return await asyncio.shield(opening)

    async def open_existing(self) -> None:
        """Opens every tenant that has a folder: replays their logs, as many at once as the pool has threads."""
        if not self._folder.is_dir():
            return
        names = [entry.name for entry in self._folder.iterdir() if entry.is_dir() and is_valid(entry.name)]
        await in_turn([partial(self.get_or_open, name) for name in sorted(names)])

    async def close(self) -> None:
        """Closes all databases, those that are being opened too; their logs are synced.

        Raises the first failure after all were tried.
        """
        await asyncio.gather(*self._opening.values(), return_exceptions=True)
        closing = [partial(tsdb.close, self._pool) for tsdb in self._open.values()]
        self._open.clear()
        await in_turn(closing)

    async def _open_one(self, tenant: str) -> _native.Tsdb:
        try:
            tsdb = await _native.Tsdb.open(self._pool, str(self._folder / tenant), self._options)
            self._open[tenant] = tsdb
            return tsdb
        finally:
            del self._opening[tenant]


async def in_turn(calls: Sequence[Callable[[], Awaitable[object]]]) -> None:
    """Makes all calls, `AT_ONCE` at a time; raises the first failure when all are done."""
    waiting = iter(calls)
    failures: list[Exception] = []

    async def work() -> None:
        for call in waiting:
            try:
                await call()
            except Exception as failure:
                failures.append(failure)

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    if failures:
        raise failures[0]
