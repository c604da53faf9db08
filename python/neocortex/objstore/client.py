"""The native client, with Cortex's metrics of bucket operations."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from neocortex import _native

if TYPE_CHECKING:
    from collections.abc import Iterator

    from neocortex.observe.metrics import Registry

OPERATIONS = ("attributes", "delete", "exists", "get", "get_range", "iter", "upload")
"""The values of the label `operation`; all are there from the beginning, as in Thanos."""

DURATION_BUCKETS_S = (0.001, 0.01, 0.1, 0.3, 0.6, 1, 3, 6, 9, 20, 30, 60, 90, 120)


class BucketMetrics:
    """The `thanos_objstore_bucket_*` families; one for all buckets of the process.

    Source: Thanos's `objstore.go` (`BucketMetrics`). The label `bucket` is always empty, as in Cortex.
    """

    def __init__(self, registry: Registry) -> None:
        labels = ("bucket", "component", "operation")
        self.operations = registry.counter_family(
            "thanos_objstore_bucket_operations_total",
            "Total number of all attempted operations against a bucket.",
            labels,
        )
        self.failures = registry.counter_family(
            "thanos_objstore_bucket_operation_failures_total",
            "Total number of operations against a bucket that failed, but were not expected to fail in certain way from"
            " caller perspective. Those errors have to be investigated.",
            labels,
        )
        self.duration = registry.histogram_family(
            "thanos_objstore_bucket_operation_duration_seconds",
            "Duration of successful operations against the bucket per operation - iter operations include time spent on"
            " each callback.",
            labels,
            DURATION_BUCKETS_S,
        )
        self.last_upload = registry.gauge_family(
            "thanos_objstore_bucket_last_successful_upload_time",
            "Second timestamp of the last successful upload to the bucket.",
            ("bucket", "component"),
        )


class Client:
    """A native bucket bound to the pool that is told when its calls are done. `component` names who uses it."""

    def __init__(self, bucket: _native.Bucket, pool: _native.Pool, metrics: BucketMetrics, component: str) -> None:
        self._bucket = bucket
        self._pool = pool
        self._counters = {
            operation: (
                metrics.operations.labels("", component, operation),
                metrics.failures.labels("", component, operation),
                metrics.duration.labels("", component, operation),
            )
            for operation in OPERATIONS
        }
        self._last_upload = metrics.last_upload.labels("", component)

    async def upload(self, key: str, path: str) -> int:
        """Makes an object of a file; gives its length in bytes."""
        with self._counted("upload"):
            length = await self._bucket.upload(self._pool, key, path)
        self._last_upload.set(time.time())
        return length

    async def put(self, key: str, body: bytes) -> None:
        """Makes an object of bytes."""
        with self._counted("upload"):
            await self._bucket.put(self._pool, key, body)
        self._last_upload.set(time.time())

    async def get(self, key: str, max_bytes: int) -> bytes:
        """An object; raises `_native.ObjectNotFoundError`, and `_native.BucketError` when it is longer."""
        with self._counted("get"):
            return await self._bucket.get(self._pool, key, max_bytes)

    async def exists(self, key: str) -> bool:
        """Whether there is such an object."""
        with self._counted("exists"):
            return await self._bucket.exists(self._pool, key)

    @contextmanager
    def _counted(self, operation: str) -> Iterator[None]:
        operations, failures, duration = self._counters[operation]
        operations.inc()
        begin = time.perf_counter()
        try:
            yield
        except _native.ObjectNotFoundError:
            # Whoever asks expects that it may not be there.
            raise
        except _native.NativeError:
            failures.inc()
            raise
        duration.observe(time.perf_counter() - begin)
