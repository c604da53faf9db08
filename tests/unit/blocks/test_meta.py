"""`meta.json` as Thanos and Cortex write it."""

import json
from pathlib import Path

import pytest

from neocortex.blocks.markers import tenant_deletion_marks
from neocortex.blocks.meta import (
    File,
    InvalidMeta,
    is_block_name,
    meta_in_bucket,
    read_meta,
    rfc3339_nano,
    to_go_json,
)

ULID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
LOCAL = {
    "ulid": ULID,
    "minTime": 1000,
    "maxTime": 2000,
    "stats": {"numSamples": 3, "numSeries": 2, "numChunks": 2},
    "compaction": {"level": 1, "sources": [ULID]},
    "version": 1,
}
FILES = [File("chunks/000001", 50), File("chunks/000002", 7), File("index", 500), File("meta.json", None)]
IN_BUCKET = """{
	"ulid": "01ARZ3NDEKTSV4RRFFQ69G5FAV",
	"minTime": 1000,
	"maxTime": 2000,
	"stats": {
		"numSamples": 3,
		"numSeries": 2,
		"numChunks": 2
	},
	"compaction": {
		"level": 1,
		"sources": [
			"01ARZ3NDEKTSV4RRFFQ69G5FAV"
		]
	},
	"version": 1,
	"thanos": {
		"labels": {
			"__ingester_id__": "host\\u003c1\\u003e",
			"__org_id__": "t"
		},
		"downsample": {
			"resolution": 0
		},
		"source": "receive",
		"segment_files": [
			"000001",
			"000002"
		],
		"files": [
			{
				"rel_path": "chunks/000001",
				"size_bytes": 50
			},
			{
				"rel_path": "chunks/000002",
				"size_bytes": 7
			},
			{
				"rel_path": "index",
				"size_bytes": 500
			},
			{
				"rel_path": "meta.json"
			}
		],
		"index_stats": {},
		"upload_time": "2023-11-14T22:13:20.12Z"
	}
}
"""


def write(folder: Path, document: object) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "meta.json").write_text(document if isinstance(document, str) else json.dumps(document))
    return folder


def test_the_copy_in_the_bucket(tmp_path: Path) -> None:
    meta = read_meta(write(tmp_path / ULID, LOCAL))
    assert (meta.ulid, meta.min_time_ms, meta.samples, meta.level) == (ULID, 1000, 3, 1)
    labels = {"__org_id__": "t", "__ingester_id__": "host<1>"}
    text = meta_in_bucket(meta, FILES, labels, source="receive", uploaded_ns=1_700_000_000_120_000_000)
    assert text.decode() == IN_BUCKET


def test_what_a_block_says_already_stays(tmp_path: Path) -> None:
    before = {"version": 1, "labels": {"a": "b"}, "extensions": {"x": 1}, "source": "compactor", "files": []}
    meta = read_meta(write(tmp_path / ULID, LOCAL | {"thanos": before, "future": [1]}))
    document = json.loads(meta_in_bucket(meta, FILES, {"__org_id__": "t"}, source="receive", uploaded_ns=0))
    assert document["future"] == [1]
    thanos = document["thanos"]
    assert thanos["version"] == 1
    assert thanos["labels"] == {"__org_id__": "t", "a": "b"}
    assert thanos["extensions"] == {"x": 1}
    assert thanos["source"] == "receive"
    assert len(thanos["files"]) == 4


@pytest.mark.parametrize(
    "document",
    [
        "",
        "{",
        "[]",
        "null",
        "7",
        {},
        LOCAL | {"version": 2},
        LOCAL | {"minTime": None},
        LOCAL | {"stats": 3},
        "[" * 100_000,
    ],
)
def test_what_is_no_meta(tmp_path: Path, document: object) -> None:
    with pytest.raises(InvalidMeta, match=r"block/meta\.json"):
        read_meta(write(tmp_path / "block", document))


def test_a_block_without_one(tmp_path: Path) -> None:
    with pytest.raises(InvalidMeta, match="FileNotFoundError"):
        read_meta(tmp_path)


def test_names_and_keys() -> None:
    assert is_block_name(ULID)
    for name in ("wal", "81ARZ3NDEKTSV4RRFFQ69G5FAV", ULID + ".tmp-for-creation", ULID[:-1], ULID[:-1] + "U"):
        assert not is_block_name(name)
    assert tenant_deletion_marks("t") == (
        "__markers__/t/tenant-deletion-mark.json",
        "t/markers/tenant-deletion-mark.json",
    )


def test_text_as_go_writes_it() -> None:
    assert to_go_json({"version": 1, "uploaded": None}) == b'{\n\t"version": 1,\n\t"uploaded": null\n}\n'
    assert to_go_json({"a": "<ü&\u2028>"}).decode() == '{\n\t"a": "\\u003cü\\u0026\\u2028\\u003e"\n}\n'
    assert rfc3339_nano(1_700_000_000_000_000_000) == "2023-11-14T22:13:20Z"
    assert rfc3339_nano(1_700_000_000_000_000_001) == "2023-11-14T22:13:20.000000001Z"
