"""The open databases: each opened once, whatever callers, failures and cancellations do."""

import asyncio
from pathlib import Path

import pytest

from neocortex import _native
from neocortex.ingester.tenants import Tenants


@pytest.fixture
def tenants(tmp_path: Path, pool: _native.Pool, tsdb_options: _native.TsdbOptions) -> Tenants:
    return Tenants(tmp_path / "tsdb", pool, tsdb_options)


def folders(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "tsdb").iterdir())


async def test_callers_at_the_same_time_get_one_database(tenants: Tenants, tmp_path: Path) -> None:
    assert tenants.get("a") is None
    found = await asyncio.gather(*(tenants.get_or_open("a") for _ in range(50)))
    assert len({id(tsdb) for tsdb in found}) == 1
    assert tenants.get("a") is found[0]
    assert await tenants.get_or_open("a") is found[0]
    assert [name for name, _ in tenants] == ["a"]
    assert folders(tmp_path) == ["a"]
    await tenants.close()
    assert len(tenants) == 0


async def test_a_failure_is_everybodys_and_of_that_time_only(tenants: Tenants, tmp_path: Path) -> None:
    (tmp_path / "tsdb").mkdir()
    obstacle = tmp_path / "tsdb" / "a"
    obstacle.write_text("a file where a folder should be")
    ends = await asyncio.gather(*(tenants.get_or_open("a") for _ in range(5)), return_exceptions=True)
    assert [type(end) for end in ends] == [_native.StorageFailedError] * 5
    assert not tenants.is_held("a")
    with pytest.raises(_native.StorageFailedError):
        await tenants.get_or_open("a")
    obstacle.unlink()
    assert isinstance(await tenants.get_or_open("a"), _native.Tsdb)
    await tenants.close()


async def test_a_waiter_that_is_cancelled_leaves_the_others_theirs(tenants: Tenants) -> None:
    waiters = [asyncio.create_task(tenants.get_or_open("a")) for _ in range(3)]
    await asyncio.sleep(0)
    waiters[0].cancel()
    first, *others = await asyncio.gather(*waiters, return_exceptions=True)
    assert isinstance(first, asyncio.CancelledError)
    assert others == [tenants.get("a")] * 2
    await tenants.close()


async def test_the_only_waiter_is_cancelled(tenants: Tenants) -> None:
    waiter = asyncio.create_task(tenants.get_or_open("a"))
    await asyncio.sleep(0)
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    assert tenants.held == 1
    assert isinstance(await tenants.get_or_open("a"), _native.Tsdb)
    await tenants.close()


async def test_every_tenant_with_a_folder_is_opened(tenants: Tenants, tmp_path: Path) -> None:
    """More of them than fit into the pool's queue; what cannot be a tenant stays closed."""
    await tenants.open_existing(2)
    assert len(tenants) == 0
    names = [f"tenant-{i}" for i in range(60)]
    for name in [*names, "__markers__", "not a tenant"]:
        (tmp_path / "tsdb" / name).mkdir(parents=True)
    (tmp_path / "tsdb" / "file").touch()
    await tenants.open_existing(2)
    assert sorted(name for name, _ in tenants) == sorted(names)
    await tenants.close()
    assert len(tenants) == 0


async def test_one_that_cannot_be_opened_ends_the_start_after_the_others(tenants: Tenants, tmp_path: Path) -> None:
    for name in ("a", "c"):
        (tmp_path / "tsdb" / name).mkdir(parents=True)
    broken = tmp_path / "tsdb" / "b"
    broken.mkdir()
    (broken / "wal").write_text("a file where a folder should be")
    with pytest.raises(_native.StorageFailedError, match="wal"):
        await tenants.open_existing(2)
    assert sorted(name for name, _ in tenants) == ["a", "c"]
    await tenants.close()


async def test_close_waits_for_what_is_being_opened(tenants: Tenants) -> None:
    opening = asyncio.create_task(tenants.get_or_open("a"))
    await asyncio.sleep(0)
    await tenants.close()
    assert len(tenants) == tenants.held == 0
    tsdb = await opening
    with pytest.raises(_native.ClosedError):
        await append_nothing(tsdb, tenants)


async def test_a_closed_tenant_opens_again(tenants: Tenants) -> None:
    first = await tenants.get_or_open("a")
    await tenants.close()
    await tenants.close()
    second = await tenants.get_or_open("a")
    assert second is not first
    await tenants.close()


async def append_nothing(tsdb: _native.Tsdb, tenants: Tenants) -> None:
    """An append of an empty request."""
    limits = _native.SeriesLimits(
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
    request = await _native.WriteRequest.decode(tenants._pool, b"\x00", 1, 100)
    await tsdb.append(tenants._pool, request, limits)
