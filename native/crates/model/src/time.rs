//! Timestamps and durations as Prometheus prints and parses them.
