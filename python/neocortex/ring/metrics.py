"""The metrics of a ring, with Cortex's names."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from neocortex.ring.instance import InstanceState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from neocortex.observe.metrics import Registry
    from neocortex.ring.kv.memory import MemoryStore


def register_ring_metrics(
    registry: Registry, store: MemoryStore, key: str, name: str, heartbeat_timeout_s: float
) -> None:
    """Members by state, and tokens, of the ring under `key`; `name` is the metrics' label."""

    def by_state() -> Iterator[tuple[tuple[str, ...], float]]:
        now = time.time()
        counts = dict.fromkeys([state.name for state in InstanceState] + ["Unhealthy"], 0)
        for member in store.members(key).values():
            counts[member.state.name if member.is_healthy(now, heartbeat_timeout_s) else "Unhealthy"] += 1
        return (((name, state), count) for state, count in sorted(counts.items()))

    registry.observed(
        "gauge", "cortex_ring_members", "Number of members in the ring", label_names=("name", "state"), ask=by_state
    )
    registry.observed(
        "gauge",
        "cortex_ring_tokens_total",
        "Number of tokens in the ring",
        label_names=("name",),
        ask=lambda: [((name,), sum(len(member.tokens) for member in store.members(key).values()))],
    )
