"""How many connections clients hold open: the server below does not say, the kernel does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from neocortex.observe import Registry

_TABLES = (Path("/proc/self/net/tcp"), Path("/proc/self/net/tcp6"))
_ESTABLISHED = "01"


def register_connection_metrics(registry: Registry, port: int, limit: int) -> None:
    """`cortex_tcp_connections` where this system has a table of them, and the configured limit (0 = none)."""
    registry.gauge_family(
        "cortex_tcp_connections_limit",
        "The max number of TCP connections that can be accepted (0 means no limit).",
        ("protocol",),
    ).labels("http").set(max(limit, 0))
    if _TABLES[0].exists():
        registry.observed(
            "gauge",
            "cortex_tcp_connections",
            "Current number of accepted TCP connections.",
            label_names=("protocol",),
            ask=lambda: [(("http",), open_connections(port))],
        )


def open_connections(port: int) -> int:
    """Established connections whose local port is `port`."""
    ending = f":{port:04X}"
    count = 0
    for table in _TABLES:
        try:
            lines = table.read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            _, local, _, state, *_ = line.split(maxsplit=4)
            count += state == _ESTABLISHED and local.endswith(ending)
    return count
