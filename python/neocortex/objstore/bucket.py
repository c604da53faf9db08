"""What a bucket can do. Keys are paths with `/`; every operation may be repeated without harm."""

from __future__ import annotations

from typing import Protocol


class Bucket(Protocol):
    """Raises `_native.BucketUnavailableError` for what may pass, `_native.BucketError` for what will not."""

    async def upload(self, key: str, path: str) -> int:
        """Makes an object of a file; gives its length in bytes."""

    async def put(self, key: str, body: bytes) -> None:
        """Makes an object of bytes."""

    async def get(self, key: str, max_bytes: int) -> bytes:
        """An object; raises `_native.ObjectNotFoundError`, and `_native.BucketError` when it is longer."""

    async def exists(self, key: str) -> bool:
        """Whether there is such an object."""
