"""Hash rings: who is a member, in which state, and which tokens it owns.

Called by the modules that register themselves (ingester, distributor) and by the pages that show a ring. Calls the
key-value store (`kv`), in which one value is the whole ring. Owns the members' states and heartbeats; token ownership
follows Cortex's `pkg/ring`.

* `instance`: a member and its state.
* `kv`: compare-and-swap stores; in memory so far.
* `lifecycle`: registers this process, keeps its heartbeat, takes it through its states.
* `view`: what a reader of the ring sees.
* `http`: the page and its JSON; `metrics`: the `cortex_ring_*` families.
"""
