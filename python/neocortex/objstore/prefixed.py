"""The objects below a folder as a bucket of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from neocortex.objstore.bucket import Bucket


class PrefixedBucket:
    """Every key goes below `folder`; that of a tenant is its id."""

    def __init__(self, bucket: Bucket, folder: str) -> None:
        self._bucket = bucket
        self._folder = folder

    async def upload(self, key: str, path: str) -> int:
        """Makes an object of a file; gives its length in bytes."""
        return await self._bucket.upload(f"{self._folder}/{key}", path)

    async def put(self, key: str, body: bytes) -> None:
        """Makes an object of bytes."""
        await self._bucket.put(f"{self._folder}/{key}", body)

    async def get(self, key: str, max_bytes: int) -> bytes:
        """An object; raises `_native.ObjectNotFoundError`, and `_native.BucketError` when it is longer."""
        return await self._bucket.get(f"{self._folder}/{key}", max_bytes)

    async def exists(self, key: str) -> bool:
        """Whether there is such an object."""
        return await self._bucket.exists(f"{self._folder}/{key}")
