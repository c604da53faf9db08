"""From the configuration to a bucket."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neocortex import _native
from neocortex.errors import StartError
from neocortex.objstore.client import Client

if TYPE_CHECKING:
    from neocortex.config.sections.bucket import Bucket as BucketConfig
    from neocortex.objstore.client import BucketMetrics


def open_bucket(config: BucketConfig, pool: _native.Pool, metrics: BucketMetrics, component: str) -> Client | None:
    """The configured bucket; None for a kind of store that there is no client of yet.

    Raises `StartError` when it cannot be used. An empty `filesystem.dir` is the working directory, as in Cortex.
    """
    if config.backend != "filesystem":
        return None
    try:
        bucket = _native.Bucket.filesystem(config.filesystem.dir or ".")
    except _native.BucketError as error:
        raise StartError(f"failed to create the bucket client: {error}") from error
    return Client(bucket, pool, metrics, component)
