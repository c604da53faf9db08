"""What the last update of a tenant's bucket index came to: `bucket-index-sync-status.json`.

Source: Cortex's `pkg/storage/tsdb/bucketindex/storage.go` (`ReadSyncStatus`).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from neocortex import _native

if TYPE_CHECKING:
    from neocortex.objstore.bucket import Bucket

SYNC_STATUS_FILE = "bucket-index-sync-status.json"
VERSION = 1
MAX_BYTES = 1 << 20

CUSTOMER_MANAGED_KEY_ERROR = "CustomerManagedKeyError"


async def is_key_refused(bucket: Bucket) -> bool:
    """Whether the tenant's own key did not open its objects then; `bucket` is that of the tenant.

    False when that cannot be told.
    """
    try:
        document = json.loads(await bucket.get(SYNC_STATUS_FILE, MAX_BYTES))
    except (_native.NativeError, ValueError, RecursionError):
        return False
    if not isinstance(document, dict) or document.get("version") != VERSION:
        return False
    return document.get("status") == CUSTOMER_MANAGED_KEY_ERROR
