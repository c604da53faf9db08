"""What one request of the query API took. Source: Cortex's `pkg/querier/stats/stats.go`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from neocortex import _native


@dataclass(slots=True)
class QueryStats:
    """Figures of a request; times in seconds."""

    wall_s: float = 0.0
    """From its turn to its answer."""
    storage_s: float = 0.0
    """Of that, selecting series."""
    response_series: int = 0
    series: int = 0
    chunks: int = 0
    samples: int = 0
    chunk_bytes: int = 0
    data_bytes: int = 0
    scanned_samples: int = 0
    peak_samples: int = 0
    turns: int = 0
    """1 once it had its turn."""
    priority: int | None = None
    selected_ms: tuple[int, int] | None = None
    """First and last millisecond of its selectors, where rules looked at them."""

    def fetched(self, fetch: _native.Fetch) -> None:
        """Adds what was read from the storage."""
        self.storage_s += fetch.storage_s
        self.series += fetch.series
        self.chunks += fetch.chunks
        self.samples += fetch.samples
        self.chunk_bytes += fetch.chunk_bytes
        self.data_bytes += fetch.data_bytes

    def evaluated(self, evaluated: _native.Evaluated) -> None:
        """Takes over what an evaluation has looked at."""
        self.scanned_samples = evaluated.samples
        self.peak_samples = evaluated.peak_samples
