"""Which options the server acts on, and which it only accepts so that a Cortex's configuration loads unchanged.

One table of patterns: a room that begins to use an option adds its YAML path here. A start logs the options that are
set away from their default without effect; `-config.unsupported` lists all without effect.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from neocortex.config.registry import Entry, entries
from neocortex.config.schema import Config

if TYPE_CHECKING:
    from collections.abc import Iterator

ACTED_ON = (
    "target",
    "auth_enabled",
    "http_prefix",
    "print_config",
    "name_validation_scheme",
    "api.build_info_enabled",
    "api.cors_origin",
    "api.prometheus_http_prefix",
    "api.response_compression_enabled",
    "server.graceful_shutdown_timeout",
    "server.http_listen_address",
    "server.http_listen_conn_limit",
    "server.http_listen_port",
    "server.http_path_prefix",
    "server.http_server_idle_timeout",
    "server.http_server_read_timeout",
    "server.http_tls_config.*",
    "server.log_format",
    "server.log_level",
    "server.log_request_at_info_level_enabled",
    "server.log_request_exclude_headers_list",
    "server.log_request_headers",
    "server.log_source_ips_enabled",
    "server.log_source_ips_header",
    "server.log_source_ips_regex",
    "server.register_instrumentation",
    "server.tls_min_version",
    "distributor.accept_unknown_remote_write_content_type",
    "distributor.instance_limits.*",
    "distributor.max_recv_msg_size",
    "distributor.remote_writev2_enabled",
    "querier.active_query_tracker_dir",
    "querier.default_evaluation_interval",
    "querier.enable_promql_experimental_functions",
    "querier.ignore_max_query_length",
    "querier.lookback_delta",
    "querier.max_concurrent",
    "querier.max_query_into_future",
    "querier.max_samples",
    "querier.max_subquery_steps",
    "querier.per_step_stats_enabled",
    "querier.promql_features",
    "querier.thanos_engine.enable_x_functions",
    "querier.thanos_engine.enabled",
    "querier.timeout",
    "frontend.log_queries_longer_than",
    "frontend.max_body_size",
    "frontend.query_stats_enabled",
    "frontend_worker.match_max_concurrent",
    "frontend_worker.parallelism",
    "ingester.active_series_metrics_enabled",
    "ingester.active_series_metrics_idle_timeout",
    "ingester.active_series_metrics_update_period",
    "ingester.admin_limit_message",
    "ingester.instance_limits.*",
    "ingester.lifecycler.address",
    "ingester.lifecycler.availability_zone",
    "ingester.lifecycler.heartbeat_period",
    "ingester.lifecycler.id",
    "ingester.lifecycler.interface_names",
    "ingester.lifecycler.min_ready_duration",
    "ingester.lifecycler.num_tokens",
    "ingester.lifecycler.port",
    "ingester.lifecycler.ring.heartbeat_timeout",
    "ingester.lifecycler.ring.kvstore.store",
    "ingester.lifecycler.ring.replication_factor",
    "ingester.lifecycler.unregister_on_shutdown",
    "ingester.metadata_retain_period",
    "ingester.rate_update_period",
    "ingester.upload_compacted_blocks_enabled",
    "blocks_storage.backend",
    "blocks_storage.filesystem.dir",
    "blocks_storage.tsdb.block_ranges_period",
    "blocks_storage.tsdb.close_idle_tsdb_timeout",
    "blocks_storage.tsdb.dir",
    "blocks_storage.tsdb.flush_blocks_on_shutdown",
    "blocks_storage.tsdb.head_chunks_write_buffer_size_bytes",
    "blocks_storage.tsdb.head_compaction_concurrency",
    "blocks_storage.tsdb.head_compaction_idle_timeout",
    "blocks_storage.tsdb.head_compaction_interval",
    "blocks_storage.tsdb.max_exemplars",
    "blocks_storage.tsdb.max_tsdb_opening_concurrency_on_startup",
    "blocks_storage.tsdb.memory_snapshot_on_shutdown",
    "blocks_storage.tsdb.out_of_order_cap_max",
    "blocks_storage.tsdb.retention_period",
    "blocks_storage.tsdb.ship_concurrency",
    "blocks_storage.tsdb.ship_interval",
    "blocks_storage.tsdb.wal_compression_type",
    "blocks_storage.tsdb.wal_segment_size_bytes",
    "runtime_config.backend",
    "runtime_config.file",
    "runtime_config.filesystem.dir",
    "runtime_config.period",
    "limits.creation_grace_period",
    "limits.drop_labels",
    "limits.enable_native_histograms",
    "limits.enforce_metadata_metric_name",
    "limits.enforce_metric_name",
    "limits.ingestion_burst_size",
    "limits.ingestion_rate",
    "limits.limits_per_label_set",
    "limits.max_exemplars",
    "limits.max_fetched_chunk_bytes_per_query",
    "limits.max_fetched_chunks_per_query",
    "limits.max_fetched_data_bytes_per_query",
    "limits.max_fetched_series_per_query",
    "limits.max_global_metadata_per_metric",
    "limits.max_global_metadata_per_user",
    "limits.max_global_native_histogram_series_per_user",
    "limits.max_global_series_per_metric",
    "limits.max_global_series_per_user",
    "limits.max_label_name_length",
    "limits.max_label_names_per_series",
    "limits.max_label_value_length",
    "limits.max_labels_size_bytes",
    "limits.max_metadata_length",
    "limits.max_metadata_per_metric",
    "limits.max_metadata_per_user",
    "limits.max_native_histogram_buckets",
    "limits.max_native_histogram_sample_size_bytes",
    "limits.max_native_histogram_series_per_user",
    "limits.max_outstanding_requests_per_tenant",
    "limits.max_query_length",
    "limits.max_query_lookback",
    "limits.max_query_response_size",
    "limits.max_series_per_metric",
    "limits.max_series_per_user",
    "limits.out_of_order_time_window",
    "limits.query_priority.default_priority",
    "limits.query_priority.enabled",
    "limits.query_priority.priorities",
    "limits.query_rejection.*",
    "limits.reject_old_samples",
    "limits.reject_old_samples_max_age",
)
"""Dotted YAML paths (for options without YAML, paths of attributes); `*` stands for any rest of a name."""


@dataclass(frozen=True, slots=True)
class Setting:
    """An option that is set and has no effect."""

    name: str
    """YAML path, or the path of the attribute when it has none."""
    flag: str | None
    value: object
    """As a page shows it: secrets masked."""


def is_acted_on(entry: Entry) -> bool:
    """Whether the server does what the option says."""
    return bool(_acted_pattern().match(name_of(entry)))


def unsupported_settings(config: Config) -> list[Setting]:
    """Options set away from their default that the server does not act on, in declaration order."""
    return [
        Setting(name_of(entry), entry.flag, entry.option.kind.show(entry.value(config)))
        for entry in _not_acted_on()
        if not _same(entry, config)
    ]


def unsupported_page() -> str:
    """What -config.unsupported prints: every option that is accepted without effect, one a line."""
    return "".join(f"{name_of(entry)}\n" for entry in _not_acted_on())


def name_of(entry: Entry) -> str:
    """The option's YAML path, or the path of its attribute when it has none."""
    return entry.path or ".".join((*entry.attributes, entry.option.name))


def _not_acted_on() -> Iterator[Entry]:
    return (entry for entry in entries(Config) if not is_acted_on(entry))


def _same(entry: Entry, config: Config) -> bool:
    return bool(entry.value(config) == entry.default)


@lru_cache(maxsize=1)
def _acted_pattern() -> re.Pattern[str]:
    return re.compile("(?:" + "|".join(re.escape(path).replace(r"\*", ".*") for path in ACTED_ON) + r")\Z")
