"""The compactor and the Parquet converter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neocortex.config.option import Section, opt, section
from neocortex.config.sections.ring import CompactorRing, ParquetConverterRing

if TYPE_CHECKING:
    from neocortex.config.values import CSV, Duration, Durations


class Compactor(Section, go="compactor.Config"):
    """The compactor."""

    block_ranges: Durations = opt("compactor.block-ranges", ["2h", "12h", "24h"])
    block_sync_concurrency: int = opt("compactor.block-sync-concurrency", 20)
    meta_sync_concurrency: int = opt("compactor.meta-sync-concurrency", 20)
    consistency_delay: Duration = opt("compactor.consistency-delay", "0s")
    data_dir: str = opt("compactor.data-dir", "./data")
    compaction_interval: Duration = opt("compactor.compaction-interval", "1h")
    compaction_retries: int = opt("compactor.compaction-retries", 3)
    compaction_concurrency: int = opt("compactor.compaction-concurrency", 1)
    cleanup_interval: Duration = opt("compactor.cleanup-interval", "15m")
    cleanup_concurrency: int = opt("compactor.cleanup-concurrency", 20)
    deletion_delay: Duration = opt("compactor.deletion-delay", "12h")
    tenant_cleanup_delay: Duration = opt("compactor.tenant-cleanup-delay", "6h")
    skip_blocks_with_out_of_order_chunks_enabled: bool = opt(
        "compactor.skip-blocks-with-out-of-order-chunks-enabled", False
    )
    block_files_concurrency: int = opt("compactor.block-files-concurrency", 10)
    blocks_fetch_concurrency: int = opt("compactor.blocks-fetch-concurrency", 3)
    block_deletion_marks_migration_enabled: bool = opt("compactor.block-deletion-marks-migration-enabled", False)
    enabled_tenants: CSV = opt("compactor.enabled-tenants", [])
    disabled_tenants: CSV = opt("compactor.disabled-tenants", [])
    sharding_enabled: bool = opt("compactor.sharding-enabled", False)
    sharding_strategy: str = opt("compactor.sharding-strategy", "default")
    sharding_ring: CompactorRing = section(CompactorRing)
    sharding_planner_delay: Duration = opt("compactor.sharding-planner-delay", "10s")
    compaction_strategy: str = opt("compactor.compaction-strategy", "default")
    compaction_visit_marker_timeout: Duration = opt("compactor.compaction-visit-marker-timeout", "10m")
    compaction_visit_marker_file_update_interval: Duration = opt(
        "compactor.compaction-visit-marker-file-update-interval", "1m"
    )
    cleaner_visit_marker_timeout: Duration = opt("compactor.cleaner-visit-marker-timeout", "10m")
    cleaner_visit_marker_file_update_interval: Duration = opt(
        "compactor.cleaner-visit-marker-file-update-interval", "5m"
    )
    accept_malformed_index: bool = opt("compactor.accept-malformed-index", False)
    caching_bucket_enabled: bool = opt("compactor.caching-bucket-enabled", False)
    cleaner_caching_bucket_enabled: bool = opt("compactor.cleaner-caching-bucket-enabled", False)


class ParquetConverter(Section, go="parquetconverter.Config"):
    """The converter of blocks to Parquet."""

    meta_sync_concurrency: int = opt("parquet-converter.meta-sync-concurrency", 20)
    conversion_interval: Duration = opt("parquet-converter.conversion-interval", "1m")
    max_rows_per_row_group: int = opt("parquet-converter.max-rows-per-row-group", 1000000)
    num_row_groups: int = opt("parquet-converter.num-row-groups", 0)
    max_num_columns: int = opt("parquet-converter.max-num-columns", 0)
    file_buffer_enabled: bool = opt("parquet-converter.file-buffer-enabled", True)
    data_dir: str = opt("parquet-converter.data-dir", "./data")
    ring: ParquetConverterRing = section(ParquetConverterRing)
