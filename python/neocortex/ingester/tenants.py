"""The open databases, one a tenant."""

from __future__ import annotations

import asyncio
import os
import time
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from neocortex import _native
from neocortex.errors import NeocortexError
from neocortex.ingester.database import Database
from neocortex.ingester.shipped import read_shipped
from neocortex.tenant.validate import is_valid
from neocortex.turns import A_TURN, in_turns

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
    from pathlib import Path

AT_ONCE = 16
"""Databases that are closed at the same time: more than threads, fewer than fit into their queue."""


class CloseFailed(NeocortexError):
    """A database that was to be removed could not be closed well; its files are there, and what is in them."""


class Tenants:
    """Opens, finds and closes the databases below one folder. Used on the event loop only."""

    def __init__(self, folder: Path, pool: _native.Pool, options: _native.TsdbOptions) -> None:
        self._folder = folder
        self._pool = pool
        self._options = options
        self._open: dict[str, Database] = {}
        self._opening: dict[str, asyncio.Future[Database]] = {}
        self._told_of_removal: list[Callable[[str], None]] = []
        self._closed = False

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[tuple[str, _native.Tsdb]]:
        """Tenants and their native databases."""
        return ((tenant, database.tsdb) for tenant, database in self._open.items())

    def databases(self) -> list[tuple[str, Database]]:
        """Tenants and their databases, of this moment."""
        return list(self._open.items())

    def when_removed(self, tell: Callable[[str], None]) -> None:
        """Has `tell` called with every tenant whose database is removed, so that nothing is kept of it elsewhere."""
        self._told_of_removal.append(tell)

    @property
    def held(self) -> int:
        """How many are open or being opened."""
        return len(self._open) + len(self._opening)

    @property
    def series(self) -> int:
        """Series in memory over all tenants; a count that is kept, not a sum."""
        return self._options.series

    async def stats(self) -> AsyncIterator[tuple[str, Database, _native.TsdbStats]]:
        """Tenants that are open now, their databases and figures. Whatever waits for the event loop has its turns."""
        left = iter(self.databases())
        while some := list(islice(left, A_TURN)):
            figures = await _native.stats_of(self._pool, [database.tsdb for _, database in some])
            for (tenant, database), stats in zip(some, figures, strict=True):
                yield tenant, database, stats

    async def figures(self) -> _native.Figures | None:
        """The figures of all databases; what only grows has those of removed ones too. None when the process stops."""
        if self._closed:
            return None
        tsdbs = [database.tsdb for database in self._open.values()]
        return await _native.figures_of(self._pool, self._options, tsdbs)

    async def oldest_unshipped_ms(self) -> int | None:
        """When the oldest block of all was made that is not in the bucket yet; None when all are."""
        made = [ms async for _, one in in_turns(self.databases()) if (ms := one.oldest_unshipped_ms) is not None]
        return min(made, default=None)

    def is_held(self, tenant: str) -> bool:
        """Whether the tenant's database is open or being opened."""
        return tenant in self._open or tenant in self._opening

    def get(self, tenant: str) -> _native.Tsdb | None:
        """The tenant's database, or None when the tenant has not written yet."""
        database = self._open.get(tenant)
        return None if database is None else database.tsdb

    async def get_or_open(self, tenant: str) -> _native.Tsdb:
        """The tenant's database, made when there is none. Callers that come while it opens wait for the same one."""
        return (await self._database(tenant)).tsdb

    async def begin_write(self, tenant: str) -> Database:
        """The tenant's database, made when there is none; it is not removed before its `end_write` is called."""
        database = await self._database(tenant)
        database.begin_write()
        return database

    async def _database(self, tenant: str) -> Database:
        while True:
            database = self._open.get(tenant)
            if database is None:
                opening = self._opening.get(tenant)
                if opening is None:
                    opening = self._begin_to_open(tenant, self._pool)
                # One waiter's cancellation must not end what others wait for; the same holds for a removal.
                database = await asyncio.shield(opening)
            if database.removal is not None:
                await asyncio.shield(database.removal)
            elif not database.removed:
                return database

    async def remove(self, tenant: str, database: Database, still: Callable[[], Awaitable[bool]]) -> bool:
        """Removes a database with its folder, unless `still` says no once nobody writes; whether it did.

        Writes that come meanwhile wait, and open a new one. Raises `CloseFailed`, and `_native.NativeError` when files
        are left; the database is closed then all the same.
        """
        database.removal = removal = asyncio.get_running_loop().create_future()
        try:
            await database.quiet()
            if not await still():
                return False
            database.removed = True
            try:
                try:
                    await database.tsdb.end(self._pool)
                except _native.StorageFailedError as error:
                    raise CloseFailed(str(error)) from error
                await database.tsdb.remove(self._pool)
            finally:
                del self._open[tenant]
                for tell in self._told_of_removal:
                    tell(tenant)
            return True
        finally:
            database.removal = None
            removal.set_result(None)

    async def open_existing(self, at_once: int) -> None:
        """Opens every tenant that has a folder: replays their logs, `at_once` at a time.

        On threads of their own, and more than there are cores: a small tenant's start waits for the disk most of the
        time.
        """
        found = await asyncio.to_thread(_look_through, self._folder)
        pool = _native.Pool(asyncio.get_running_loop(), min(at_once, len(found)), at_once, "open")
        try:
            opening = [partial(self._begin_to_open, tenant, pool, shipped) for tenant, shipped in found]
            await in_turn(opening, at_once)
        finally:
            pool.close()

    async def close(self) -> None:
        """Closes all databases, those that are being opened too; their logs are synced.

        Raises the first failure after all were tried.
        """
        self._closed = True
        await asyncio.gather(*self._opening.values(), return_exceptions=True)
        closing = [partial(database.tsdb.close, self._pool) for database in self._open.values()]
        self._open.clear()
        await in_turn(closing, AT_ONCE)

    def _begin_to_open(
        self, tenant: str, pool: _native.Pool, shipped: frozenset[str] = frozenset()
    ) -> asyncio.Future[Database]:
        """`shipped` may lack what is in the bucket. Whoever wants the database meanwhile waits for the same one."""
        opening = self._opening[tenant] = asyncio.ensure_future(self._open_one(tenant, pool, shipped))
        return opening

    async def _open_one(self, tenant: str, pool: _native.Pool, shipped: frozenset[str]) -> Database:
        folder = self._folder / tenant
        try:
            tsdb = await _native.Tsdb.open(pool, str(folder), self._options)
            database = Database(tsdb, folder, opened_ms=time.time_ns() // 1_000_000, shipped=shipped)
            self._open[tenant] = database
            return database
        finally:
            del self._opening[tenant]


def _look_through(folder: Path) -> list[tuple[str, frozenset[str]]]:
    """The tenants that have a folder, sorted, and which of their blocks were shipped. Reads the disk."""
    try:
        with os.scandir(folder) as entries:
            tenants = sorted(entry.name for entry in entries if is_valid(entry.name) and entry.is_dir())
    except FileNotFoundError:
        return []
    return [(tenant, read_shipped(folder / tenant)) for tenant in tenants]


async def in_turn(calls: Sequence[Callable[[], Awaitable[object]]], at_once: int) -> None:
    """Makes all calls, `at_once` at a time; raises the first failure when all are done."""
    waiting = iter(calls)
    failures: list[Exception] = []

    async def work() -> None:
        for call in waiting:
            try:
                await call()
            except Exception as failure:
                failures.append(failure)

    await asyncio.gather(*(work() for _ in range(min(at_once, len(calls)))))
    if failures:
        raise failures[0]
