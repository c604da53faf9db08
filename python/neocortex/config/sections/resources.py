"""Watching the machine's resources, and refusing queries to protect it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neocortex.config.option import Section, opt, section

if TYPE_CHECKING:
    from neocortex.config.values import CSV, Duration


class ResourceMonitor(Section, go="configs.ResourceMonitor"):
    """Which resources are watched, and how often."""

    resources: CSV = opt("resource-monitor.resources", [])
    interval: Duration = opt("resource-monitor.interval", "100ms")
    cpu_rate_interval: Duration = opt("resource-monitor.cpu-rate-interval", "1m")


class Threshold(Section, go="configs.Threshold"):
    """Utilisation between 0 and 1 from which on a protection acts; 0 is never."""

    cpu_utilization: float = opt("cpu-utilization", 0.0)
    heap_utilization: float = opt("heap-utilization", 0.0)


class Rejection(Section, go="configs.rejection"):
    """Refusing new queries while resources are short."""

    threshold: Threshold = section(Threshold)


class Eviction(Section, go="configs.EvictionConfig"):
    """Ending the heaviest running queries while resources are short."""

    threshold: Threshold = section(Threshold, "threshold.")
    check_interval: Duration = opt("check-interval", "1s")
    cooldown_period: int = opt("cooldown-period", 3)
    eviction_metric: str = opt("eviction-metric", "fetched_samples")
    min_query_age: Duration = opt("min-query-age", "10s")
    max_evictions_per_cycle: int = opt("max-evictions-per-cycle", 1)


class QueryProtection(Section, go="configs.QueryProtection"):
    """Protection of the process against queries."""

    rejection: Rejection = section(Rejection, "rejection.threshold.")
    eviction: Eviction = section(Eviction, "eviction.")
