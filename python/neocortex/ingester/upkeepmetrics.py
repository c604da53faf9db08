"""The metrics of what keeps the databases small, with Cortex's names: sums over all tenants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neocortex.observe.exposition import Exposed, Observations
from neocortex.observe.metrics import Histogram

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from neocortex import _native

COMPACTION_BUCKETS_S = tuple(float(1 << exponent) for exponent in range(14))
"""The buckets in which the native side counts; Prometheus's own."""

COUNTERS: tuple[tuple[str, str, Callable[[_native.UpkeepStats], int]], ...] = (
    ("compactions_total", "Total number of TSDB compactions that were executed.", lambda u: u.compactions[0]),
    ("head_truncations_total", "Total number of TSDB head truncations attempted.", lambda u: u.head_truncations[0]),
    (
        "head_truncations_failed_total",
        "Total number of TSDB head truncations that failed.",
        lambda u: u.head_truncations[1],
    ),
    ("wal_truncations_total", "Total number of TSDB  WAL truncations attempted.", lambda u: u.log_truncations[0]),
    (
        "wal_truncations_failed_total",
        "Total number of TSDB WAL truncations that failed.",
        lambda u: u.log_truncations[1],
    ),
    ("wal_page_flushes_total", "Total number of TSDB WAL page flushes.", lambda u: u.log_writes),
    ("wal_completed_pages_total", "Total number of TSDB WAL completed pages.", lambda u: u.log_pages),
    ("wal_corruptions_total", "Total number of TSDB WAL corruptions.", lambda u: u.log_corruptions),
    ("checkpoint_creations_total", "Total number of TSDB checkpoint creations attempted.", lambda u: u.checkpoints[0]),
    (
        "checkpoint_creations_failed_total",
        "Total number of TSDB checkpoint creations that failed.",
        lambda u: u.checkpoints[1],
    ),
    (
        "checkpoint_deletions_total",
        "Total number of TSDB checkpoint deletions attempted.",
        lambda u: u.checkpoint_removals[0],
    ),
    (
        "checkpoint_deletions_failed_total",
        "Total number of TSDB checkpoint deletions that failed.",
        lambda u: u.checkpoint_removals[1],
    ),
    ("reloads_total", "Number of times the database reloaded block data from disk.", lambda u: u.reloads[0]),
    (
        "reloads_failures_total",
        "Number of times the database failed to reloadBlocks block data from disk.",
        lambda u: u.reloads[1],
    ),
    (
        "time_retentions_total",
        "The number of times that blocks were deleted because the maximum time limit was exceeded.",
        lambda u: u.retentions,
    ),
)
"""Name after `cortex_ingester_tsdb_`, help, and what is counted."""

SUMMARIES: tuple[tuple[str, str, Callable[[_native.UpkeepStats], tuple[int, int, float]]], ...] = (
    ("wal_fsync_duration_seconds", "Duration of TSDB WAL fsync.", lambda u: u.log_syncs),
    ("wal_truncate_duration_seconds", "Duration of TSDB WAL truncation.", lambda u: u.log_truncations),
    (
        "head_gc_duration_seconds",
        "Runtime of garbage collection in the TSDB head.",
        lambda u: u.head_truncations,
    ),
)
"""As `COUNTERS`. Without quantiles: Cortex adds up those of its tenants, which says nothing."""


def upkeep_families(upkeep: _native.UpkeepStats) -> Iterator[Exposed]:
    """What one scrape shows."""

    def exposed(kind: str, name: str, text: str, value: float | Histogram | Observations) -> Exposed:
        return Exposed(kind, f"cortex_ingester_tsdb_{name}", text, label_names=(), samples=[((), value)])

    for name, text, count in COUNTERS:
        yield exposed("counter", name, text, count(upkeep))
    for name, text, counted in SUMMARIES:
        attempts, _, seconds = counted(upkeep)
        yield exposed("summary", name, text, Observations(attempts, seconds))
    durations = Histogram(COMPACTION_BUCKETS_S)
    durations.counts, durations.total = upkeep.compactions_by_duration, upkeep.compactions[2]
    yield exposed("histogram", "compaction_duration_seconds", "Duration of TSDB compaction runs.", durations)
