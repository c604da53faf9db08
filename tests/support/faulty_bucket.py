"""A bucket whose calls fail on purpose."""

from enum import Enum

from neocortex import _native
from neocortex.objstore.bucket import Bucket


class Fault(Enum):
    """How the call with the chosen number fails."""

    BEFORE = "it does nothing"
    AFTER = "it does its work, its answer gets lost"
    FROM = "it does nothing, nor do all later ones"


class FaultyBucket:
    """Calls of `inner` are counted from 0; `fail_at` is the one that fails, None for none."""

    def __init__(self, inner: Bucket, fail_at: int | None = None, fault: Fault = Fault.FROM) -> None:
        self._inner = inner
        self._fail_at = fail_at
        self._fault = fault
        self.calls: list[tuple[str, str]] = []

    async def upload(self, key: str, path: str) -> int:
        self._begin("upload", key)
        length = await self._inner.upload(key, path)
        self._end()
        return length

    async def put(self, key: str, body: bytes) -> None:
        self._begin("put", key)
        await self._inner.put(key, body)
        self._end()

    async def get(self, key: str, max_bytes: int) -> bytes:
        self._begin("get", key)
        body = await self._inner.get(key, max_bytes)
        self._end()
        return body

    async def exists(self, key: str) -> bool:
        self._begin("exists", key)
        exists = await self._inner.exists(key)
        self._end()
        return exists

    def _begin(self, operation: str, key: str) -> None:
        number = len(self.calls)
        self.calls.append((operation, key))
        if self._fail_at is None:
            return
        if (number == self._fail_at and self._fault is not Fault.AFTER) or (
            number > self._fail_at and self._fault is Fault.FROM
        ):
            raise _native.BucketUnavailableError(f"injected failure of call {number}")

    def _end(self) -> None:
        if self._fault is Fault.AFTER and len(self.calls) - 1 == self._fail_at:
            raise _native.BucketUnavailableError(f"the answer to call {self._fail_at} got lost")
