"""Neocortex: a drop-in replacement of Cortex, with a native core.

`neocortex.__main__` is the command; `neocortex.modules` says which rooms run for a target and in which order.
As a library (`neocortex.library`, docs/library.md): `neocortex.open(path).query("up", time)`.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from neocortex.library import (
        ClosedError,
        Database,
        ExecutionError,
        InternalError,
        LimitError,
        NativeError,
        ParseError,
        QueryResult,
        StorageFailedError,
        open,
    )

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

__version__ = "0.1.0"

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """The library is loaded when it is first asked for, so that the server does not start with it."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from neocortex import library  # noqa: PLC0415 - a server that starts needs none of it

        return getattr(library, name)
