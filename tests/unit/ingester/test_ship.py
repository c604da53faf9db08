"""Shipping: what is in the bucket afterwards, what is not, and what is left when it is interrupted."""

import asyncio
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from neocortex import _native
from neocortex.ingester.shipped import read_shipped, write_shipped
from neocortex.ingester.tenants import Tenants
from neocortex.observe import Registry
from support.faulty_bucket import Fault, FaultyBucket
from support.needed import need_program
from support.scrape import scrape
from support.shipping import (
    START_MS,
    complete_blocks,
    filesystem_bucket,
    make_blocks,
    shipping,
)
from support.waiting import eventually


@pytest.fixture
def tenants(tmp_path: Path, pool: _native.Pool, tsdb_options: _native.TsdbOptions) -> Tenants:
    return Tenants(tmp_path / "tsdb", pool, tsdb_options)


async def counts(registry: Registry) -> dict[str, int]:
    prefix = "cortex_ingester_shipper_"
    lines = [line for line in (await scrape(registry)).splitlines() if line.startswith(prefix)]
    return {line.split()[0].removeprefix(prefix).removesuffix("_total"): int(line.split()[1]) for line in lines}


def run(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def edit_meta(folder: Path, **changes: object) -> None:
    meta = json.loads((folder / "meta.json").read_text())
    (folder / "meta.json").write_text(json.dumps(meta | changes))


async def test_blocks_go_to_the_bucket_oldest_first_and_once(
    tmp_path: Path, pool: _native.Pool, tenants: Tenants
) -> None:
    blocks = await make_blocks(pool, await tenants.get_or_open("t"), 3)
    (tmp_path / "tsdb/t/thanos/upload" / blocks[0]).mkdir(parents=True)
    bucket = FaultyBucket(filesystem_bucket(tmp_path / "bucket", pool))
    registry = Registry()
    ship = shipping(tenants, bucket, registry)
    await ship.run()
    marks = [("exists", f"__markers__/t/{MARK}"), ("exists", f"t/markers/{MARK}")]
    steps = [
        step
        for block in blocks
        for step in (
            ("exists", f"t/{block}/meta.json"),
            ("upload", f"t/{block}/chunks/000001"),
            ("upload", f"t/{block}/index"),
            ("put", f"t/{block}/meta.json"),
        )
    ]
    status = [("get", "t/bucket-index-sync-status.json")]
    assert bucket.calls == marks + status + steps
    local = tmp_path / "tsdb" / "t"
    assert complete_blocks(tmp_path / "bucket" / "t", local) == sorted(blocks)
    thanos = json.loads((tmp_path / "bucket/t" / blocks[0] / "meta.json").read_text())["thanos"]
    assert thanos["labels"] == {"__ingester_id__": "ingester-1", "__org_id__": "t"}
    assert thanos["source"] == "receive"
    assert thanos["segment_files"] == ["000001"]
    assert "thanos" not in json.loads((local / blocks[0] / "meta.json").read_text())
    written = json.dumps({"version": 1, "uploaded": blocks}, indent="\t") + "\n"
    assert (local / "thanos.shipper.json").read_text() == written
    assert not (local / "thanos").exists(), "what an interrupted Cortex left"
    before = len(bucket.calls)
    await ship.run()
    assert bucket.calls[before:] == []
    assert await counts(registry) == {
        "dir_syncs": 2,
        "dir_sync_failures": 0,
        "uploads": 3,
        "upload_failures": 0,
        "corrupted_blocks": 0,
    }
    await tenants.close()


MARK = "tenant-deletion-mark.json"


async def test_prometheus_reads_a_shipped_block(tmp_path: Path, pool: _native.Pool, tenants: Tenants) -> None:
    promtool = need_program("promtool")
    blocks = await make_blocks(pool, await tenants.get_or_open("t"), 2)
    await shipping(tenants, filesystem_bucket(tmp_path / "bucket", pool)).run()
    await tenants.close()
    listed = run(promtool, "tsdb", "list", tmp_path / "bucket" / "t")
    rows = [line.split() for line in listed.splitlines()[1:]]
    assert [(row[0], row[4]) for row in rows] == [(block, "12") for block in blocks]
    # It wants a database, which has a log too.
    (tmp_path / "bucket" / "t" / "wal").mkdir()
    dumped = run(promtool, "tsdb", "dump", tmp_path / "bucket" / "t")
    times = [int(line.split()[-1]) for line in dumped.splitlines()]
    assert times == [START_MS + i * 600_000 for i in range(24)]


async def test_an_interruption_anywhere_leaves_whole_blocks_and_the_next_round_finishes(
    tmp_path: Path, pool: _native.Pool, tenants: Tenants, tsdb_options: _native.TsdbOptions
) -> None:
    blocks = sorted(await make_blocks(pool, await tenants.get_or_open("t"), 2))
    whole = FaultyBucket(filesystem_bucket(tmp_path / "whole", pool))
    await shipping(tenants, whole).run()
    await tenants.close()
    (tmp_path / "tsdb/t/thanos.shipper.json").unlink()
    assert len(whole.calls) == 11
    for call in range(len(whole.calls)):
        for fault in Fault:
            folder = tmp_path / f"{fault.name}-{call}"
            shutil.copytree(tmp_path / "tsdb", folder / "tsdb")
            local, shipped = folder / "tsdb" / "t", folder / "bucket" / "t"
            healthy = filesystem_bucket(folder / "bucket", pool)

            interrupted = Tenants(folder / "tsdb", pool, tsdb_options)
            await interrupted.open_existing(2)
            await shipping(interrupted, FaultyBucket(healthy, call, fault)).run()
            done = set(complete_blocks(shipped, local))
            ((_, database),) = interrupted.databases()
            assert database.shipped <= done, f"{fault} at {call}: told shipped, but not there"
            assert read_shipped(local) <= done
            await interrupted.close()

            resumed = Tenants(folder / "tsdb", pool, tsdb_options)
            await resumed.open_existing(2)
            await shipping(resumed, healthy).run()
            assert complete_blocks(shipped, local) == blocks, f"{fault} at {call}"
            assert read_shipped(local) == set(blocks)
            ((_, database),) = resumed.databases()
            assert database.oldest_unshipped_ms is None
            await resumed.close()


async def test_a_block_that_cannot_be_uploaded_does_not_keep_the_others(
    tmp_path: Path, pool: _native.Pool, tenants: Tenants
) -> None:
    blocks = await make_blocks(pool, await tenants.get_or_open("t"), 2)
    registry = Registry()
    # Two marks, the status of the index, then of the first block: exists, chunks.
    ship = shipping(tenants, FaultyBucket(filesystem_bucket(tmp_path / "bucket", pool), 4, Fault.BEFORE), registry)
    await ship.run()
    assert complete_blocks(tmp_path / "bucket/t", tmp_path / "tsdb/t") == blocks[1:]
    counted = await counts(registry)
    assert counted["upload_failures"] == counted["uploads"] == counted["dir_syncs"] == 1
    await ship.run()
    assert complete_blocks(tmp_path / "bucket/t", tmp_path / "tsdb/t") == sorted(blocks)
    await tenants.close()


async def test_a_bucket_that_does_not_answer_ends_the_round(
    tmp_path: Path, pool: _native.Pool, tenants: Tenants
) -> None:
    await make_blocks(pool, await tenants.get_or_open("t"), 2)
    registry = Registry()
    await shipping(tenants, FaultyBucket(filesystem_bucket(tmp_path / "b", pool), 0), registry).run()
    assert (await counts(registry))["dir_sync_failures"] == 1
    assert not (tmp_path / "tsdb/t/thanos.shipper.json").exists()
    await tenants.close()


async def test_what_does_not_belong_in_the_bucket(tmp_path: Path, pool: _native.Pool, tenants: Tenants) -> None:
    blocks = await make_blocks(pool, await tenants.get_or_open("t"), 5)
    local = tmp_path / "tsdb/t"
    edit_meta(local / blocks[0], stats={"numSamples": 0})
    edit_meta(local / blocks[1], compaction={"level": 2})
    (local / blocks[2] / "meta.json").write_text("{")
    (local / blocks[3] / "tombstones").write_bytes(b"not uploaded")
    (local / f"{blocks[4]}.tmp-for-creation").mkdir()
    registry = Registry()
    bucket = filesystem_bucket(tmp_path / "bucket", pool)
    await shipping(tenants, bucket, registry, upload_compacted=False).run()
    assert complete_blocks(tmp_path / "bucket/t", local) == sorted(blocks[3:])
    assert (await counts(registry))["corrupted_blocks"] == 1
    await shipping(tenants, bucket).run()
    assert complete_blocks(tmp_path / "bucket/t", local) == sorted([blocks[1], *blocks[3:]])
    await tenants.close()


async def test_a_stop_begins_no_further_block(tmp_path: Path, pool: _native.Pool, tenants: Tenants) -> None:
    tsdb = await tenants.get_or_open("t")
    first = await make_blocks(pool, tsdb, 1)
    ship = shipping(tenants, filesystem_bucket(tmp_path / "bucket", pool))
    await ship.run()
    await make_blocks(pool, tsdb, 1, START_MS + 24 * 3_600_000)
    stopping = asyncio.Event()
    stopping.set()
    await ship.run(give_up=stopping)
    assert complete_blocks(tmp_path / "bucket/t", tmp_path / "tsdb/t") == first
    assert read_shipped(tmp_path / "tsdb/t") == set(first), "what was shipped before is still known"
    await ship.run()
    assert len(complete_blocks(tmp_path / "bucket/t", tmp_path / "tsdb/t")) == 2
    await tenants.close()


async def test_only_the_tenants_that_are_asked_for(tmp_path: Path, pool: _native.Pool, tenants: Tenants) -> None:
    for name in ("a", "b", "c"):
        await make_blocks(pool, await tenants.get_or_open(name), 1)
    ship = shipping(tenants, filesystem_bucket(tmp_path / "bucket", pool))
    await ship.run(["b", "nobody"])
    assert [path.name for path in (tmp_path / "bucket").iterdir()] == ["b"]
    await ship.run()
    assert sorted(path.name for path in (tmp_path / "bucket").iterdir()) == ["a", "b", "c"]
    await tenants.close()


@pytest.mark.parametrize("place", [f"__markers__/t/{MARK}", f"t/markers/{MARK}"])
async def test_a_tenant_that_is_to_be_deleted_is_not_shipped(
    tmp_path: Path, pool: _native.Pool, tenants: Tenants, place: str
) -> None:
    await make_blocks(pool, await tenants.get_or_open("t"), 1)
    bucket = FaultyBucket(filesystem_bucket(tmp_path / "bucket", pool))
    await bucket.put(place, b'{"deletion_time":1}')
    ship = shipping(tenants, bucket)
    await ship.run()
    asked = len(bucket.calls)
    await ship.run()
    assert len(bucket.calls) == asked
    assert all(operation != "upload" for operation, _ in bucket.calls)
    await tenants.close()


async def test_a_mark_that_cannot_be_looked_for_stops_nothing(
    tmp_path: Path, pool: _native.Pool, tenants: Tenants
) -> None:
    blocks = await make_blocks(pool, await tenants.get_or_open("t"), 1)
    ship = shipping(tenants, FaultyBucket(filesystem_bucket(tmp_path / "bucket", pool), 0, Fault.BEFORE))
    await ship.run()
    assert complete_blocks(tmp_path / "bucket/t", tmp_path / "tsdb/t") == blocks
    await tenants.close()


async def test_the_list_of_shipped_blocks_is_only_a_shortcut(
    tmp_path: Path, pool: _native.Pool, tenants: Tenants
) -> None:
    tsdb = await tenants.get_or_open("t")
    blocks = await make_blocks(pool, tsdb, 1)
    local = tmp_path / "tsdb/t"
    for text in ("", "[]", '{"version":2,"uploaded":[]}', '{"version":1}', '{"version":1,"uploaded":null}'):
        (local / "thanos.shipper.json").write_text(text)
        assert read_shipped(local) == frozenset()
    write_shipped(local, [])
    assert json.loads((local / "thanos.shipper.json").read_text()) == {"version": 1, "uploaded": None}
    ship = shipping(tenants, FaultyBucket(filesystem_bucket(tmp_path / "bucket", pool)))
    await ship.run()
    assert read_shipped(local) == set(blocks)
    # A block that is no longer here leaves the list.
    blocks += await make_blocks(pool, tsdb, 1, START_MS + 100 * 3_600_000)
    write_shipped(local, [blocks[0], "01ARZ3NDEKTSV4RRFFQ69G5FAV"])
    await ship.run()
    assert read_shipped(local) == set(blocks)
    await tenants.close()


async def test_a_round_passes_over_tenants_that_have_nothing_new(
    tmp_path: Path, pool: _native.Pool, tenants: Tenants
) -> None:
    tsdb, registry = await tenants.get_or_open("t"), Registry()
    await make_blocks(pool, tsdb, 1)
    bucket = FaultyBucket(filesystem_bucket(tmp_path / "bucket", pool))
    ship = shipping(tenants, bucket, registry)
    await ship.run()
    calls = len(bucket.calls)
    await ship.run()
    assert len(bucket.calls) == calls
    assert "cortex_ingester_shipper_dir_syncs_total 2" in await scrape(registry)
    await make_blocks(pool, tsdb, 1, START_MS + 24 * 3_600_000)
    await ship.run()
    assert len(bucket.calls) > calls
    assert len(complete_blocks(tmp_path / "bucket/t", tmp_path / "tsdb/t")) == 2
    await tenants.close()


async def test_a_block_that_is_left_is_tried_again(tmp_path: Path, pool: _native.Pool, tenants: Tenants) -> None:
    await make_blocks(pool, await tenants.get_or_open("t"), 1)
    healthy = filesystem_bucket(tmp_path / "bucket", pool)
    bucket = FaultyBucket(healthy, 5, Fault.BEFORE)
    ship = shipping(tenants, bucket)
    await ship.run()
    assert complete_blocks(tmp_path / "bucket/t", tmp_path / "tsdb/t") == []
    await ship.run()
    assert len(complete_blocks(tmp_path / "bucket/t", tmp_path / "tsdb/t")) == 1
    await tenants.close()


class NeverEnds(FaultyBucket):
    """An upload goes on until it is given up."""

    async def upload(self, key: str, path: str) -> int:
        self.calls.append(("upload", key))
        await asyncio.Event().wait()
        return 0


async def test_a_stop_gives_up_an_upload_under_way(tmp_path: Path, pool: _native.Pool, tenants: Tenants) -> None:
    await make_blocks(pool, await tenants.get_or_open("t"), 2)
    bucket = NeverEnds(filesystem_bucket(tmp_path / "bucket", pool))
    stopping = asyncio.Event()
    round_ = asyncio.create_task(shipping(tenants, bucket).run(give_up=stopping))

    async def uploads() -> bool:
        return any(operation == "upload" for operation, _ in bucket.calls)

    await eventually(uploads)
    stopping.set()
    async with asyncio.timeout(10):
        await round_
    assert len([key for operation, key in bucket.calls if operation == "upload"]) == 1
    assert read_shipped(tmp_path / "tsdb/t") == set()
    await tenants.close()


@pytest.mark.parametrize(
    ("document", "ships"),
    [
        ('{"version":1,"status":"CustomerManagedKeyError"}', False),
        ('{"version":1,"status":"Ok"}', True),
        ('{"version":2,"status":"CustomerManagedKeyError"}', True),
        ("[]", True),
        ("{", True),
    ],
)
async def test_nothing_is_shipped_while_the_tenants_own_key_is_refused(
    tmp_path: Path, pool: _native.Pool, tenants: Tenants, document: str, *, ships: bool
) -> None:
    await make_blocks(pool, await tenants.get_or_open("t"), 1)
    bucket = filesystem_bucket(tmp_path / "bucket", pool)
    await bucket.put("t/bucket-index-sync-status.json", document.encode())
    await shipping(tenants, bucket).run()
    assert len(list((tmp_path / "bucket/t").glob("*/meta.json"))) == ships
    await tenants.close()
