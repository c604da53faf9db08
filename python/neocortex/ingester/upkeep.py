"""What is done from time to time, and on demand: mapping chunks, and compacting, shipping and removing blocks."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from neocortex.ingester.compact import HeadCompaction
from neocortex.ingester.idle import IdleClosing, checks_family
from neocortex.ingester.map_chunks import ChunkMapping
from neocortex.ingester.retain import Retention
from neocortex.ingester.ship import Shipping
from neocortex.objstore.client import BucketMetrics
from neocortex.objstore.config import open_bucket
from neocortex.observe import get_logger

if TYPE_CHECKING:
    from collections.abc import Collection, Coroutine, Iterator
    from typing import Any

    from neocortex import _native
    from neocortex.config import Config
    from neocortex.ingester.tenants import Tenants
    from neocortex.observe import Registry
    from neocortex.service import Service

log = get_logger()

CHUNK_MAPPING_PERIOD_S = 60.0
"""How often full chunks go from memory to files; fixed in Cortex too."""

RETENTION_PERIOD_S = 60.0
"""How often blocks past retention are looked for; fixed in Prometheus too."""

IDLE_CHECK_PERIOD_S = 300.0
"""How often idle tenants are looked for; fixed in Cortex too."""

SHIP_JITTER = 0.01
COMPACTION_SLOTS = 10
IDLE_TIMEOUT_JITTER = 0.25


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What there is to be done; None for what is not configured. Periods in seconds."""

    mapping: ChunkMapping
    compaction: HeadCompaction
    compaction_period_s: float
    instance_id: str
    shipping: Shipping | None
    ship_period_s: float
    retention: Retention | None
    closing: IdleClosing | None

    def rounds(self, service: Service) -> Iterator[Coroutine[Any, Any, None]]:
        """What the service does while it runs, each until it is asked to stop."""
        yield service.every(CHUNK_MAPPING_PERIOD_S, self.mapping.run)
        first_s = first_compaction_s(self.instance_id, self.compaction_period_s, time.time(), random.random())
        yield service.every(self.compaction_period_s, self.compaction.run, first_s=first_s)
        if self.shipping is not None:
            # Not in step with the compactions, whose databases would be busy again and again.
            period_s = self.ship_period_s * (1 + random.uniform(-SHIP_JITTER, SHIP_JITTER))
            yield service.every(period_s, partial(self.shipping.run, give_up=service.stop_requested))
        if self.retention is not None:
            yield service.every(RETENTION_PERIOD_S, self.retention.run)
        if self.closing is not None:
            yield service.every(IDLE_CHECK_PERIOD_S, self.closing.run)

    async def flush(self, only: Collection[str] = ()) -> None:
        """Writes all that the heads have to blocks and ships them; of the tenants in `only`, or all. Logs failures."""
        log.info("flushing TSDB blocks: triggering compaction")
        await self.compaction.run(only, forced=True)
        if self.shipping is not None:
            log.info("flushing TSDB blocks: triggering shipping")
            await self.shipping.run(only)
        log.info("flushing TSDB blocks: finished")


def build_upkeep(config: Config, tenants: Tenants, pool: _native.Pool, registry: Registry) -> Upkeep:
    """What the configuration wants. Blocks stay on the local disk when there is no client for the kind of bucket.

    Raises `StartError` when the bucket cannot be used.
    """
    tsdb = config.blocks_storage.tsdb
    instance_id = config.ingester.lifecycler.id
    bucket = open_bucket(config.blocks_storage, pool, BucketMetrics(registry), "ingester")
    if bucket is None:
        backend = config.blocks_storage.backend
        log.warn("blocks are not shipped and stay on the local disk: no client for this backend yet", backend=backend)
    shipping = None
    if bucket is not None and tsdb.ship_interval > 0:
        shipping = Shipping(
            tenants,
            bucket,
            registry,
            ingester_id=instance_id,
            concurrency=tsdb.ship_concurrency,
            upload_compacted=config.ingester.upload_compacted_blocks_enabled,
        )
    ships = shipping is not None
    retention = None if bucket is None else Retention(tenants, pool, only_shipped=ships)
    closing = None
    checks = checks_family(registry)
    if (close_after_s := tsdb.close_idle_tsdb_timeout.seconds) > 0:
        closing = IdleClosing(tenants, pool, checks, timeout_s=close_after_s, ships=ships)
    return Upkeep(
        mapping=ChunkMapping(tenants, pool),
        compaction=HeadCompaction(
            tenants,
            pool,
            registry,
            retention=retention,
            concurrency=tsdb.head_compaction_concurrency,
            idle_timeout_s=with_idle_jitter(tsdb.head_compaction_idle_timeout.seconds, random.random()),
        ),
        compaction_period_s=tsdb.head_compaction_interval.seconds,
        instance_id=instance_id,
        shipping=shipping,
        ship_period_s=tsdb.ship_interval.seconds,
        retention=retention,
        closing=closing,
    )


def first_compaction_s(instance_id: str, period_s: float, now_s: float, chance: float) -> float:
    """Seconds until the first compaction: ingesters take turns within a period, by the hash of their id.

    `chance`, from 0 to 1, spreads those of one slot. Source: Cortex's `SlottedTicker`.
    """
    slot_s = period_s / COMPACTION_SLOTS
    begin_s = fnv1_32(instance_id.encode()) % COMPACTION_SLOTS * slot_s
    return (begin_s - now_s) % period_s + chance * slot_s


def with_idle_jitter(timeout_s: float, chance: float) -> float:
    """The timeout and up to a quarter more, so that not all ingesters compact an idle tenant at the same time."""
    return timeout_s * (1 + chance * IDLE_TIMEOUT_JITTER)


def fnv1_32(data: bytes) -> int:
    """The 32-bit FNV-1 hash."""
    value = 0x811C9DC5
    for byte in data:
        value = (value * 0x01000193 & 0xFFFFFFFF) ^ byte
    return value
