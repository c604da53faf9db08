"""Checks of the querier, its workers, the splitting and caching of queries, and the protection against queries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neocortex.config.duration import quote
from neocortex.config.invalid import InvalidConfig, within

if TYPE_CHECKING:
    from neocortex.config.sections.querier import FrontendWorker, Querier, ThanosEngine
    from neocortex.config.sections.query_range import QueryRange
    from neocortex.config.sections.resources import QueryProtection

EVICTION_METRICS = ("fetched_samples", "fetched_series", "fetched_chunks", "fetched_chunk_bytes")
OPTIMIZERS = (
    "default",
    "all",
    "propagate-matchers",
    "sort-matchers",
    "merge-selects",
    "detect-histogram-stats",
)


def check_querier(querier: Querier, monitored: list[str]) -> None:
    """Raises InvalidConfig for the first mistake. `monitored` names the resources that are watched."""
    if querier.response_compression not in ("", "gzip", "snappy", "zstd"):
        raise InvalidConfig(
            "unsupported response compression. Supported compression 'gzip', 'snappy', 'zstd' and '' "
            "(disable compression)"
        )
    if querier.store_gateway_consistency_check_max_attempts < 1:
        raise InvalidConfig("store gateway consistency check max attempts should be greater or equal than 1")
    if querier.store_gateway_series_batch_size < 0:
        raise InvalidConfig("store gateway series batch size should be greater or equal than 0")
    if querier.ingester_query_max_attempts < 1:
        raise InvalidConfig("ingester query max attempts should be greater or equal than 1")
    if querier.enable_parquet_queryable and querier.parquet_queryable_default_block_store not in ("tsdb", "parquet"):
        raise InvalidConfig("unsupported parquet queryable default block store. Supported options are tsdb and parquet")
    if querier.timeout_classification_enabled:
        _check_timeout_classification(querier)
    check_thanos_engine(querier.thanos_engine)
    check_query_protection(querier.query_protection, monitored)


def _check_timeout_classification(querier: Querier) -> None:
    deadline, threshold = querier.timeout_classification_deadline, querier.timeout_classification_eval_threshold
    if deadline <= 0:
        raise InvalidConfig("timeout_classification_deadline must be positive when timeout classification is enabled")
    if threshold <= 0:
        raise InvalidConfig(
            "timeout_classification_eval_threshold must be positive when timeout classification is enabled"
        )
    if threshold > deadline:
        raise InvalidConfig(
            "timeout_classification_eval_threshold must be less than or equal to timeout_classification_deadline"
        )
    if deadline >= querier.timeout:
        raise InvalidConfig("timeout_classification_deadline must be less than the querier timeout")


def check_thanos_engine(engine: ThanosEngine) -> None:
    """Raises InvalidConfig for unknown optimizers."""
    optimizers = engine.optimizers.split(",")
    for optimizer in optimizers:
        if optimizer in ("all", "default") and len(optimizers) > 1:
            raise InvalidConfig(f"special optimizer {optimizer} cannot be combined with other optimizers")
        if optimizer not in OPTIMIZERS:
            raise InvalidConfig(f"unknown optimizer {optimizer}")


def check_frontend_worker(worker: FrontendWorker) -> None:
    """Raises InvalidConfig when two sources of queries are named."""
    if worker.frontend_address and worker.scheduler_address:
        raise InvalidConfig("frontend address and scheduler address are mutually exclusive, please use only one")


def check_query_range(query_range: QueryRange, querier: Querier) -> None:
    """Raises InvalidConfig for the first mistake."""
    splits = query_range.dynamic_query_splits
    if query_range.cache_results:
        if query_range.split_queries_by_interval <= 0:
            raise InvalidConfig(
                "querier.cache-results may only be enabled in conjunction with querier.split-queries-by-interval. "
                "Please set the latter"
            )
        with within("invalid ResultsCache config"):
            _check_results_cache(query_range, querier)
    dynamic = splits.max_shards_per_query > 0 or splits.max_fetched_data_duration_per_query > 0
    if dynamic and query_range.split_queries_by_interval <= 0:
        raise InvalidConfig(
            "configs under dynamic-query-splits requires that a value for split-queries-by-interval is set."
        )


def _check_results_cache(query_range: QueryRange, querier: Querier) -> None:
    results = query_range.results_cache
    if results.compression not in ("snappy", ""):
        raise InvalidConfig(f"unsupported compression type: {results.compression}")
    if results.cache_queryable_samples_stats and not querier.per_step_stats_enabled:
        raise InvalidConfig(
            "frontend.cache-queryable-samples-stats may only be enabled in conjunction with "
            "querier.per-step-stats-enabled. Please set the latter"
        )


def check_query_protection(protection: QueryProtection, monitored: list[str]) -> None:
    """Raises InvalidConfig for the first mistake. `monitored` names the resources that are watched."""
    resources = ",".join(monitored)
    rejection, eviction = protection.rejection.threshold, protection.eviction
    for name, value in (("cpu", rejection.cpu_utilization), ("heap", rejection.heap_utilization)):
        if not 0 <= value <= 1:
            raise InvalidConfig(f"{name}_utilization must be between 0 and 1")
        if value > 0 and name not in resources:
            raise InvalidConfig(f'monitored_resources config must include "{name}" as well')
    thresholds = (("cpu", eviction.threshold.cpu_utilization), ("heap", eviction.threshold.heap_utilization))
    for name, value in thresholds:
        if not 0 <= value <= 1:
            raise InvalidConfig(f"eviction {name}_utilization must be between 0 and 1")
    if not any(value > 0 for _, value in thresholds):
        return
    if eviction.check_interval <= 0:
        raise InvalidConfig("eviction check_interval must be greater than 0 when eviction is enabled")
    if eviction.cooldown_period < 0:
        raise InvalidConfig("eviction cooldown_period must be >= 0")
    if eviction.eviction_metric not in EVICTION_METRICS:
        raise InvalidConfig(
            f"unrecognized eviction_metric {quote(eviction.eviction_metric)}; "
            f"supported values: {', '.join(EVICTION_METRICS)}"
        )
    if eviction.max_evictions_per_cycle < 1:
        raise InvalidConfig("eviction max_evictions_per_cycle must be >= 1")
    for name, value in thresholds:
        if value > 0 and name not in resources:
            raise InvalidConfig(
                f'monitored_resources config must include "{name}" when eviction {name} threshold is set'
            )
