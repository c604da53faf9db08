"""Ships blocks to the bucket. Sources: Thanos's `pkg/shipper/shipper.go`, Cortex's `Ingester.shipBlocks`.

The block is uploaded from where it lies: no block is removed before it was shipped, so that the hard links that Thanos
makes below `thanos/upload` are not needed; what an interrupted Cortex left there is removed.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from functools import partial
from typing import TYPE_CHECKING

from neocortex import _native
from neocortex.blocks.markers import is_marked_for_deletion
from neocortex.blocks.meta import SOURCE_INGESTER, BlockMeta, InvalidMeta, is_block_name, read_meta
from neocortex.blocks.sync_status import is_key_refused
from neocortex.blocks.upload import upload_block
from neocortex.ingester.shipped import read_shipped, write_shipped
from neocortex.ingester.tenants import in_turn
from neocortex.objstore.prefixed import PrefixedBucket
from neocortex.observe import get_logger
from neocortex.turns import in_turns

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Coroutine
    from pathlib import Path
    from typing import Any

    from neocortex.ingester.database import Database
    from neocortex.ingester.tenants import Tenants
    from neocortex.objstore.bucket import Bucket
    from neocortex.observe.metrics import Registry

log = get_logger()

TENANT_LABEL = "__org_id__"
INGESTER_LABEL = "__ingester_id__"
"""External labels of a block; the compactor takes the latter away."""

DELETION_MARK_CHECK_PERIOD_MS = 3_600_000
"""How often a tenant's deletion mark is looked for; fixed in Cortex too."""

LEFT_BY_THANOS = "thanos"


class Shipping:
    """Ships the blocks of all tenants, `concurrency` tenants at once.

    What is interrupted anywhere is finished by the next round: a block whose `meta.json` is in the bucket is complete,
    any other is uploaded from its beginning.
    """

    def __init__(
        self,
        tenants: Tenants,
        bucket: Bucket,
        registry: Registry,
        *,
        ingester_id: str,
        concurrency: int,
        upload_compacted: bool,
    ) -> None:
        self._tenants = tenants
        self._bucket = bucket
        self._ingester_id = ingester_id
        self._concurrency = concurrency
        self._upload_compacted = upload_compacted

        def counter(name: str, what: str) -> Callable[[], None]:
            return registry.counter(f"cortex_ingester_shipper_{name}_total", f"Total number of {what}").inc

        self._rounds = counter("dir_syncs", "TSDB dir syncs")
        self._failed_rounds = counter("dir_sync_failures", "failed TSDB dir syncs")
        self._uploads = counter("uploads", "uploaded TSDB blocks")
        self._failed_uploads = counter("upload_failures", "TSDB block upload failures")
        self._corrupted = counter("corrupted_blocks", "TSDB blocks corrupted")

    async def run(self, only: Collection[str] = (), *, give_up: asyncio.Event | None = None) -> None:
        """One round over the tenants that are open now, or those of them that `only` names. Failures are logged.

        Once `give_up` is set no further file is begun.
        """
        chosen = []
        async for tenant, database in in_turns(self._tenants.databases()):
            if only and tenant not in only:
                continue
            if database.is_all_shipped and self._knows_of_mark(database):
                # Nothing came since the last round: most tenants, most of the time.
                if not database.deletion_mark_found:
                    self._rounds()
            else:
                chosen.append((tenant, database))
        ship = [partial(self._ship_tenant, tenant, database, give_up) for tenant, database in chosen]
        await in_turn(ship, self._concurrency)

    async def _ship_tenant(self, tenant: str, database: Database, give_up: asyncio.Event | None) -> None:
        if await self._is_marked(tenant, database):
            return
        if database.is_all_shipped:
            self._rounds()
            return
        async with database.busy:
            if database.removed:
                return
            try:
                await self._ship_blocks(tenant, database, give_up)
            except (_native.NativeError, OSError) as error:
                self._failed_rounds()
                log.warn("shipper failed to synchronize TSDB blocks with the storage", user=tenant, err=str(error))
            else:
                self._rounds()

    def _knows_of_mark(self, database: Database) -> bool:
        """Whether the tenant's deletion mark was found, or looked for not long ago."""
        age_ms = time.time_ns() // 1_000_000 - database.deletion_mark_checked_ms
        return database.deletion_mark_found or age_ms <= DELETION_MARK_CHECK_PERIOD_MS

    async def _is_marked(self, tenant: str, database: Database) -> bool:
        if self._knows_of_mark(database):
            return database.deletion_mark_found
        # A failure, too, is not tried again too often.
        database.deletion_mark_checked_ms = time.time_ns() // 1_000_000
        try:
            database.deletion_mark_found = await is_marked_for_deletion(self._bucket, tenant)
        except _native.NativeError as error:
            log.warn("failed to check for tenant deletion mark before shipping blocks", user=tenant, err=str(error))
        if database.deletion_mark_found:
            log.info("tenant deletion mark exists, not shipping blocks", user=tenant)
        return database.deletion_mark_found

    async def _ship_blocks(self, tenant: str, database: Database, give_up: asyncio.Event | None) -> None:
        """Raises what keeps the round from going on; a block that cannot be uploaded does not keep the others."""
        bucket = PrefixedBucket(self._bucket, tenant)
        if await is_key_refused(bucket):
            log.info("skipping shipping blocks due CustomerManagedKeyError", user=tenant)
            return
        known, metas, corrupted = await asyncio.to_thread(_look_through, database.folder)
        for error in corrupted:
            self._corrupted()
            log.error("read metadata for block", user=tenant, err=error)
        shipped: list[str] = []
        left = len(corrupted)
        for meta in metas:
            if meta.ulid in known:
                shipped.append(meta.ulid)
            elif not self._belongs_there(meta):
                continue
            elif await self._ship_block(bucket, tenant, database.folder, meta, give_up):
                shipped.append(meta.ulid)
            else:
                left += 1
        database.shipped = frozenset(shipped)
        if database.shipped != known:
            await asyncio.to_thread(write_shipped, database.folder, shipped)
            _native.failpoint("upload.noted")
        # No block comes or goes meanwhile: the database is held.
        database.all_shipped_version = None if left else database.tsdb.blocks_version

    def _belongs_there(self, meta: BlockMeta) -> bool:
        """Whether a block is to be shipped: not one without samples, and maybe not a compacted one."""
        return meta.samples > 0 and (meta.level <= 1 or self._upload_compacted)

    async def _ship_block(
        self, bucket: Bucket, tenant: str, folder: Path, meta: BlockMeta, give_up: asyncio.Event | None
    ) -> bool:
        """Whether the block is in the bucket now."""
        if give_up is not None and give_up.is_set():
            return False
        if await bucket.exists(f"{meta.ulid}/meta.json"):
            return True
        log.info("upload new block", user=tenant, id=meta.ulid)
        labels = {TENANT_LABEL: tenant, INGESTER_LABEL: self._ingester_id}
        upload = upload_block(bucket, folder / meta.ulid, meta, labels, source=SOURCE_INGESTER)
        try:
            if not await ended_before(give_up, upload):
                log.info("upload given up", user=tenant, block=meta.ulid)
                return False
        except (_native.NativeError, OSError) as error:
            self._failed_uploads()
            log.error("shipping failed", user=tenant, block=meta.ulid, err=str(error))
            return False
        self._uploads()
        return True


async def ended_before(give_up: asyncio.Event | None, work: Coroutine[Any, Any, None]) -> bool:
    """Whether the work ended before `give_up` was set, at which it is cancelled. Raises what it raises."""
    if give_up is None:
        await work
        return True
    task, stop = asyncio.create_task(work), asyncio.create_task(give_up.wait())
    try:
        await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            return False
        task.result()
        return True
    finally:
        stop.cancel()
        task.cancel()


def _look_through(folder: Path) -> tuple[frozenset[str], list[BlockMeta], list[str]]:
    """The blocks known to be shipped, the metas of all blocks from the oldest on, and what is wrong with the others."""
    shutil.rmtree(folder / LEFT_BY_THANOS, ignore_errors=True)
    metas: list[BlockMeta] = []
    corrupted: list[str] = []
    for path in folder.iterdir():
        if is_block_name(path.name) and path.is_dir():
            try:
                metas.append(read_meta(path))
            except InvalidMeta as error:
                corrupted.append(str(error))
    metas.sort(key=lambda meta: (meta.min_time_ms, meta.ulid))
    return read_shipped(folder), metas, corrupted
