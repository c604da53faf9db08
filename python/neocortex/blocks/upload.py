"""A local block into the bucket. Source: Thanos's `pkg/block/block.go` (`Upload`)."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from neocortex import _native
from neocortex.blocks.meta import META_FILE, File, meta_in_bucket

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from neocortex.blocks.meta import BlockMeta
    from neocortex.objstore.bucket import Bucket

INDEX_FILE = "index"


async def upload_block(
    bucket: Bucket, folder: Path, meta: BlockMeta, labels: Mapping[str, str], *, source: str
) -> None:
    """Uploads chunks, then the index, `meta.json` last: what an interruption leaves is no block, and is written over.

    `bucket` is that of the tenant. Raises `_native.BucketError`, and `OSError` when the block cannot be read.
    """
    files = await asyncio.to_thread(files_of, folder)
    for file in sorted(files, key=lambda file: file.path == INDEX_FILE):
        if file.path != META_FILE:
            await bucket.upload(f"{meta.ulid}/{file.path}", str(folder / file.path))
            _native.failpoint("upload.file")
    body = meta_in_bucket(meta, files, labels, source=source, uploaded_ns=time.time_ns())
    await bucket.put(f"{meta.ulid}/{META_FILE}", body)
    _native.failpoint("upload.meta")


def files_of(folder: Path) -> list[File]:
    """The files of a block that belong in the bucket, ascending by path; tombstones do not. Reads the disk."""
    chunks = sorted((folder / "chunks").iterdir())
    return [
        *(File(f"chunks/{path.name}", path.stat().st_size) for path in chunks),
        File(INDEX_FILE, (folder / INDEX_FILE).stat().st_size),
        File(META_FILE, None),
    ]
