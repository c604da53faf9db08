"""`import neocortex` as a library: a directory of samples is opened for reading and asked in PromQL.

Called by whoever imports it (docs/library.md), never by the server. Calls the native core alone. Owns the times as
users write them; samples stay on the native side until a data frame takes them.

* `database`: what can be asked.
* `times`: datetimes and seconds to milliseconds.
"""

from neocortex._native import (
    ClosedError,
    ExecutionError,
    InternalError,
    LimitError,
    NativeError,
    ParseError,
    QueryResult,
    StorageFailedError,
)
from neocortex.library.database import Database, open

__all__ = [
    "ClosedError",
    "Database",
    "ExecutionError",
    "InternalError",
    "LimitError",
    "NativeError",
    "ParseError",
    "QueryResult",
    "StorageFailedError",
    "open",
]
