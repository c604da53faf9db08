"""What a block says of itself, in `meta.json`.

Sources: Prometheus's `tsdb/block.go` (`BlockMeta`), Thanos's `pkg/block/metadata` (the section `thanos`, which only the
copy in the bucket has). The file is kept as it is but for what is added, so that fields unknown here survive.
"""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from neocortex.errors import NeocortexError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

META_FILE = "meta.json"
VERSION = 1
MAX_META_BYTES = 16 << 20
"""A longer file is no meta.json."""

SOURCE_INGESTER = "receive"
"""What Thanos calls a block that its receiver, or an ingester, made."""

_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
_GO_ESCAPED = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}


class InvalidMeta(NeocortexError):
    """A `meta.json` cannot be read, or does not say what a block must say; the text has the path."""


@dataclass(frozen=True, slots=True)
class File:
    """A file of a block: its path below the block's folder, and its length if that is told."""

    path: str
    size_bytes: int | None


@dataclass(frozen=True, slots=True)
class BlockMeta:
    """A block's `meta.json`. Times are milliseconds, `max_time_ms` is exclusive."""

    ulid: str
    min_time_ms: int
    samples: int
    level: int
    """1 for a block of a head; one more than the highest of the blocks that it was made of."""
    document: dict[str, Any]
    """All of it, in the order of the file."""


def is_block_name(name: str) -> bool:
    """Whether a folder of that name is a block: its name is a ULID."""
    return _ULID.fullmatch(name) is not None


def read_meta(folder: Path) -> BlockMeta:
    """The meta of a local block. Raises `InvalidMeta`. Reads the disk."""
    path = folder / META_FILE
    try:
        with path.open("rb") as file:
            document = json.loads(file.read(MAX_META_BYTES))
        if document["version"] != VERSION:
            raise InvalidMeta(f"{path}: unexpected meta file version {document['version']}")
        return BlockMeta(
            ulid=str(document["ulid"]),
            min_time_ms=int(document["minTime"]),
            samples=int(document.get("stats", {}).get("numSamples", 0)),
            level=int(document.get("compaction", {}).get("level", 0)),
            document=document,
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidMeta(f"{path}: {error!r}") from error


def meta_in_bucket(
    meta: BlockMeta, files: Sequence[File], labels: Mapping[str, str], *, source: str, uploaded_ns: int
) -> bytes:
    """The meta as it goes to the bucket: with the section `thanos`, in Go's form.

    `files` are all files of the block, ascending by path; `uploaded_ns` is now, in nanoseconds since the epoch.
    """
    before = meta.document.get("thanos", {})
    thanos = {
        **({"version": before["version"]} if before.get("version") else {}),
        "labels": dict(sorted({**(before.get("labels") or {}), **labels}.items())),
        "downsample": before.get("downsample", {"resolution": 0}),
        "source": source,
        "segment_files": [file.path.removeprefix("chunks/") for file in files if file.path.startswith("chunks/")],
        "files": [_file(file) for file in files],
        **({"rewrites": before["rewrites"]} if before.get("rewrites") else {}),
        "index_stats": before.get("index_stats", {}),
        **({"extensions": before["extensions"]} if before.get("extensions") else {}),
        "upload_time": rfc3339_nano(uploaded_ns),
    }
    return to_go_json({**meta.document, "thanos": thanos})


def to_go_json(document: Mapping[str, Any]) -> bytes:
    """A document as Go's `json.Encoder` writes it, indented by tabs."""
    text = json.dumps(document, indent="\t", ensure_ascii=False)
    return text.translate(_GO_ESCAPED).encode() + b"\n"


def rfc3339_nano(time_ns: int) -> str:
    """A time as Go's `time.Time` marshals in UTC: nanoseconds without zeros at the end."""
    seconds, nanoseconds = divmod(time_ns, 1_000_000_000)
    fraction = f".{nanoseconds:09d}".rstrip("0").rstrip(".")
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + fraction + "Z"


def _file(file: File) -> dict[str, Any]:
    size = {"size_bytes": file.size_bytes} if file.size_bytes else {}
    return {"rel_path": file.path, **size}
