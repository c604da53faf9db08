"""What is done to keep databases small is told with Cortex's names."""

from pathlib import Path

from neocortex import _native
from neocortex.ingester.tenants import Tenants
from neocortex.ingester.tsdbmetrics import register_tsdb_metrics
from neocortex.observe import Registry
from support.scrape import scrape
from support.shipping import make_blocks


async def shown(registry: Registry) -> dict[str, str]:
    lines = (await scrape(registry)).splitlines()
    return dict(line.removeprefix("cortex_ingester_tsdb_").rsplit(" ", 1) for line in lines if line[0] != "#")


async def test_sums_over_all_tenants(tmp_path: Path, pool: _native.Pool, tsdb_options: _native.TsdbOptions) -> None:
    tenants, registry = Tenants(tmp_path, pool, tsdb_options), Registry()
    register_tsdb_metrics(registry, tenants, pool)
    nothing = await shown(registry)
    assert nothing["compactions_total"] == nothing["wal_fsync_duration_seconds_count"] == "0"
    for tenant, blocks in (("a", 2), ("b", 1)):
        await make_blocks(pool, await tenants.get_or_open(tenant), blocks)
    figures = await shown(registry)
    assert figures["compactions_total"] == figures["compaction_duration_seconds_count"] == "3"
    assert figures['compaction_duration_seconds_bucket{le="+Inf"}'] == "3"
    assert figures["head_truncations_total"] == figures["head_gc_duration_seconds_count"] == "3"
    assert figures["wal_truncations_total"] == figures["wal_truncate_duration_seconds_count"] == "2"
    assert figures["wal_truncations_failed_total"] == figures["wal_corruptions_total"] == "0"
    assert int(figures["wal_page_flushes_total"]) >= 2
