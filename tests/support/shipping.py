"""Databases with blocks, and what a bucket must look like whatever happened."""

import json
from collections.abc import Sequence
from pathlib import Path

from neocortex import _native
from neocortex.ingester.ship import Shipping
from neocortex.ingester.tenants import Tenants
from neocortex.objstore.bucket import Bucket
from neocortex.objstore.client import BucketMetrics, Client
from neocortex.observe import Registry
from support.remote_write import encode_v1

HOUR_MS = 3_600_000
START_MS = 236_111 * 2 * HOUR_MS
"""A whole number of block ranges."""

NO_LIMITS = _native.SeriesLimits(
    series_per_user=(0, 0, 0),
    series_per_metric=(0, 0, 0),
    histogram_series_per_user=(0, 0, 0),
    series_per_label_set=[],
    metadata_per_user=(0, 0, 0),
    metadata_per_metric=(0, 0, 0),
    max_exemplars=0,
    native_histograms=False,
    out_of_order_window_ms=0,
    admin_message="",
)


async def append(pool: _native.Pool, tsdb: _native.Tsdb, times_ms: Sequence[int]) -> None:
    """One series with a sample at each of these times."""
    body = encode_v1([({"__name__": "a"}, [(t, float(i)) for i, t in enumerate(times_ms)])])
    request = await _native.WriteRequest.decode(pool, body, 1, 1 << 20)
    outcome = await tsdb.append(pool, request, NO_LIMITS)
    assert outcome.error is None


async def make_blocks(pool: _native.Pool, tsdb: _native.Tsdb, count: int, start_ms: int = START_MS) -> list[str]:
    """Blocks of two hours each; their ids, oldest first."""
    await append(pool, tsdb, [start_ms + i * 600_000 for i in range(12 * count)])
    blocks = await tsdb.flush(pool)
    assert len(blocks) == count
    return blocks


def filesystem_bucket(folder: Path, pool: _native.Pool) -> Client:
    return Client(_native.Bucket.filesystem(str(folder)), pool, BucketMetrics(Registry()), "test")


def shipping(tenants: Tenants, bucket: Bucket, registry: Registry | None = None, **options: bool) -> Shipping:
    return Shipping(
        tenants,
        bucket,
        registry or Registry(),
        ingester_id="ingester-1",
        concurrency=4,
        upload_compacted=options.get("upload_compacted", True),
    )


def complete_blocks(bucket: Path, local: Path) -> list[str]:
    """Ids of the blocks in a tenant's folder of the bucket that have a `meta.json`, sorted.

    Fails unless they have all that it names, the same as the local block has.
    """
    found = []
    for folder in sorted(bucket.iterdir()) if bucket.exists() else ():
        if not (folder / "meta.json").exists():
            continue
        meta = json.loads((folder / "meta.json").read_text())
        assert meta["ulid"] == folder.name
        for file in meta["thanos"]["files"]:
            path = folder / file["rel_path"]
            if file["rel_path"] != "meta.json":
                assert path.stat().st_size == file["size_bytes"], path
                assert path.read_bytes() == (local / folder.name / file["rel_path"]).read_bytes(), path
        names = {file["rel_path"] for file in meta["thanos"]["files"]}
        assert {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} == names
        found.append(folder.name)
    return found
