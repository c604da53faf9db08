"""Which blocks of a database are in the bucket: `thanos.shipper.json` beside them.

Only so that the bucket need not be asked again: what is not in here is looked for there before it is uploaded. Source:
Thanos's `pkg/shipper/shipper.go` (`Meta`).
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from neocortex.blocks.meta import to_go_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SHIPPED_FILE = "thanos.shipper.json"
VERSION = 1
MAX_BYTES = 16 << 20


def read_shipped(folder: Path) -> frozenset[str]:
    """The blocks that were shipped; none when the file is missing or not what it should be. Reads the disk."""
    try:
        with (folder / SHIPPED_FILE).open("rb") as file:
            document = json.loads(file.read(MAX_BYTES))
        if document["version"] != VERSION:
            return frozenset()
        return frozenset(str(ulid) for ulid in document["uploaded"] or ())
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return frozenset()


def write_shipped(folder: Path, ulids: Sequence[str]) -> None:
    """Replaces the file, durably and at once. Raises `OSError`. Writes to the disk."""
    path, temporary = folder / SHIPPED_FILE, folder / f"{SHIPPED_FILE}.tmp"
    with temporary.open("wb") as file:
        # Go writes a list that nothing was added to as null.
        file.write(to_go_json({"version": VERSION, "uploaded": list(ulids) or None}))
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
