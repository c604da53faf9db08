"""From the configuration to a bucket, its metrics, and the view of one tenant."""

from pathlib import Path

import pytest

from neocortex import _native
from neocortex.config.sections.bucket import Bucket as BucketConfig
from neocortex.errors import StartError
from neocortex.objstore.client import BucketMetrics
from neocortex.objstore.config import open_bucket
from neocortex.objstore.prefixed import PrefixedBucket
from neocortex.observe import Registry
from support.scrape import scrape


def config(folder: Path | str, backend: str = "filesystem") -> BucketConfig:
    section = BucketConfig()
    section.backend = backend
    section.filesystem.dir = str(folder)
    return section


async def test_operations_are_counted(pool: _native.Pool, tmp_path: Path) -> None:
    registry = Registry()
    bucket = open_bucket(config(tmp_path / "b"), pool, BucketMetrics(registry), "ingester")
    assert bucket is not None
    await bucket.put("t/a", b"1")
    assert await bucket.upload("t/b", __file__) > 0
    assert await bucket.exists("t/a")
    with pytest.raises(_native.BucketError):
        await bucket.upload("t/c", str(tmp_path / "none"))
    page = await scrape(registry)
    for line in (
        'operations_total{bucket="",component="ingester",operation="upload"} 3',
        'operations_total{bucket="",component="ingester",operation="exists"} 1',
        'operations_total{bucket="",component="ingester",operation="get"} 0',
        'operation_failures_total{bucket="",component="ingester",operation="upload"} 1',
        'operation_duration_seconds_count{bucket="",component="ingester",operation="upload"} 2',
        'last_successful_upload_time{bucket="",component="ingester"} 1',
    ):
        assert f"\nthanos_objstore_bucket_{line}" in page


async def test_a_tenant_sees_its_own_folder(pool: _native.Pool, tmp_path: Path) -> None:
    bucket = open_bucket(config(tmp_path), pool, BucketMetrics(Registry()), "ingester")
    assert bucket is not None
    tenant = PrefixedBucket(bucket, "t-1_a.b'(c)")
    await tenant.put("u/meta.json", b"{}")
    await tenant.upload("u/index", __file__)
    assert sorted(path.name for path in (tmp_path / "t-1_a.b'(c)" / "u").iterdir()) == ["index", "meta.json"]
    assert await tenant.exists("u/index")
    assert not await PrefixedBucket(bucket, "other").exists("u/index")


async def test_kinds_of_stores(pool: _native.Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    metrics = BucketMetrics(Registry())
    for backend in ("s3", "gcs", "azure", "swift", "oci"):
        assert open_bucket(config(tmp_path, backend), pool, metrics, "ingester") is None
    (tmp_path / "file").touch()
    with pytest.raises(StartError, match=r"failed to create the bucket client: .*file"):
        open_bucket(config(tmp_path / "file"), pool, metrics, "ingester")
    monkeypatch.chdir(tmp_path)
    bucket = open_bucket(config(""), pool, metrics, "ingester")
    assert bucket is not None
    assert await bucket.exists("file")
