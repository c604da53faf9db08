"""The native bucket through Python: values, exceptions, and the end of the pool that is told."""

import asyncio
import time
from pathlib import Path

import pytest

from neocortex import _native


async def test_objects_come_and_go(pool: _native.Pool, tmp_path: Path) -> None:
    bucket = _native.Bucket.filesystem(str(tmp_path / "b"))
    source = tmp_path / "source"
    source.write_bytes(b"0123456789")
    assert await bucket.upload(pool, "t/u/index", str(source)) == 10
    await bucket.put(pool, "t/u/meta.json", b"{}")
    assert (tmp_path / "b/t/u/index").read_bytes() == b"0123456789"
    assert await bucket.get(pool, "t/u/meta.json", 2) == b"{}"
    assert await bucket.get_range(pool, "t/u/index", 8, 20) == b"89"
    assert await bucket.exists(pool, "t/u/index")
    assert not await bucket.exists(pool, "t/u")
    size, modified_ms = await bucket.attributes(pool, "t/u/index")
    assert size == 10
    assert abs(modified_ms - time.time() * 1000) < 60_000
    assert [(key, size) for key, size, _ in await bucket.list_all(pool, "")] == [
        ("t/u/index", 10),
        ("t/u/meta.json", 2),
    ]
    assert await bucket.list_folder(pool, "t") == ([], ["t/u"])
    await bucket.delete(pool, "t/u/index")
    await bucket.delete(pool, "t/u/index")
    assert not await bucket.exists(pool, "t/u/index")


async def test_each_failure_has_its_class(pool: _native.Pool, tmp_path: Path) -> None:
    bucket = _native.Bucket.filesystem(str(tmp_path / "b"))
    with pytest.raises(_native.ObjectNotFoundError, match="t/none"):
        await bucket.get(pool, "t/none", 1)
    await bucket.put(pool, "file", b"12")
    with pytest.raises(_native.BucketError, match="file: 2 is more than 1") as too_large:
        await bucket.get(pool, "file", 1)
    assert not isinstance(too_large.value, _native.ObjectNotFoundError | _native.BucketUnavailableError)
    with pytest.raises(_native.BucketError, match=r"put file/below: .*ot a directory"):
        await bucket.put(pool, "file/below", b"")
    with pytest.raises(_native.BucketError, match=r"open .*/none"):
        await bucket.upload(pool, "x", str(tmp_path / "none"))
    for key in ("", "/a", "a/../b", "a//b"):
        with pytest.raises(_native.BucketError, match="cannot be the key of an object"):
            await bucket.put(pool, key, b"")
    with pytest.raises(_native.BucketError, match="create"):
        _native.Bucket.filesystem(str(tmp_path / "b" / "file"))


async def test_a_pool_ends_after_the_calls_that_it_is_told_of(tmp_path: Path) -> None:
    pool = _native.Pool(asyncio.get_running_loop(), 1, 1, "test")
    bucket = _native.Bucket.filesystem(str(tmp_path))
    writes = [bucket.put(pool, f"object-{i}", bytes(100_000)) for i in range(50)]
    pool.close()
    assert all(write.done() for write in writes)
    assert all((tmp_path / f"object-{i}").stat().st_size == 100_000 for i in range(50))
    with pytest.raises(_native.ClosedError):
        bucket.exists(pool, "object-1")
