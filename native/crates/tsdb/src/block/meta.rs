//! What a block says of itself, in `meta.json`.
//!
//! Source: Prometheus `tsdb/block.go` (`BlockMeta`) and, for the section `thanos` that the file has in a bucket, Thanos
//! `pkg/block/metadata`. The text is indented by tabs, as they write it; fields that are not known are passed over.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{META_FILE, Ulid};
use crate::block::output::Output;
use crate::error::TsdbError;
use crate::fs::Fs;

/// The only version there is.
const VERSION: u64 = 1;

/// The hint of blocks of samples that came out of order.
const FROM_OUT_OF_ORDER: &str = "from-out-of-order";

/// Hints of blocks that a newer Prometheus makes of some of its series: stale ones, or chosen ones.
const FROM_SOME_SERIES: [&str; 2] = ["from-stale-series", "from-selected-series"];

/// A longer file is no meta.json.
const MAX_BYTES: u64 = 16 << 20;

/// What a block says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BlockMeta {
    /// Its name.
    pub ulid: Ulid,
    /// First millisecond that it may have samples of.
    pub min_time: i64,
    /// First millisecond after it.
    pub max_time: i64,
    /// Figures.
    #[serde(default)]
    pub stats: BlockStats,
    /// Where it came from.
    #[serde(default)]
    pub compaction: Compaction,
    /// 1
    pub version: u64,
    /// What Thanos and Cortex add in a bucket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thanos: Option<Thanos>,
}

/// How much is in a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BlockStats {
    /// Samples of all kinds.
    #[serde(skip_serializing_if = "is_zero")]
    pub num_samples: u64,
    /// Floats.
    #[serde(skip_serializing_if = "is_zero")]
    pub num_float_samples: u64,
    /// Native histograms.
    #[serde(skip_serializing_if = "is_zero")]
    pub num_histogram_samples: u64,
    /// Series.
    #[serde(skip_serializing_if = "is_zero")]
    pub num_series: u64,
    /// Chunks.
    #[serde(skip_serializing_if = "is_zero")]
    pub num_chunks: u64,
    /// Deleted stretches.
    #[serde(skip_serializing_if = "is_zero")]
    pub num_tombstones: u64,
}

/// Where a block came from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Compaction {
    /// 1 for a block of a head; one more than the highest of the blocks that it was made of.
    pub level: u64,
    /// The blocks of heads whose samples it has.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<Ulid>,
    /// It has no samples and may be removed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub deletable: bool,
    /// The blocks that it was made of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parents: Vec<Parent>,
    /// Its compaction failed and is not to be tried again.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub failed: bool,
    /// Such as `from-out-of-order`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hints: Vec<String>,
}

/// A block that another was made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Parent {
    /// Its name.
    pub ulid: Ulid,
    /// First millisecond of its range.
    pub min_time: i64,
    /// First millisecond after its range.
    pub max_time: i64,
}

/// What Thanos and Cortex say of a block in a bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Thanos {
    /// 1, or 0 in old files.
    #[serde(skip_serializing_if = "is_zero")]
    pub version: u64,
    /// External labels; of Cortex `__org_id__`, the tenant.
    pub labels: BTreeMap<String, String>,
    /// Resolution.
    pub downsample: Downsample,
    /// Who made it: `ingester`, `compactor`...
    pub source: String,
    /// Names of the chunk segments, ascending.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub segment_files: Vec<String>,
    /// All files of the block, ascending by path.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<BlockFile>,
}

/// Resolution of a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Downsample {
    /// Milliseconds between samples, 0 for what was scraped.
    pub resolution: i64,
}

/// A file of a block.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BlockFile {
    /// Path within the block.
    pub rel_path: String,
    /// Its length; not told of `meta.json` itself.
    #[serde(skip_serializing_if = "is_zero")]
    pub size_bytes: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

impl Compaction {
    /// True for a block of samples that came out of order.
    #[must_use]
    pub fn is_from_out_of_order(&self) -> bool {
        self.hints.iter().any(|hint| hint == FROM_OUT_OF_ORDER)
    }

    /// True for a block of some of the series of a head.
    #[must_use]
    pub fn is_from_some_series(&self) -> bool {
        self.hints.iter().any(|hint| FROM_SOME_SERIES.contains(&hint.as_str()))
    }

    /// True for a block that has what the log had up to its end.
    #[must_use]
    pub fn stands_for_the_log(&self) -> bool {
        !self.is_from_out_of_order() && !self.is_from_some_series()
    }
}

impl BlockMeta {
    /// The meta of a block that a head is written to.
    #[must_use]
    pub fn of_head(ulid: Ulid, min_time: i64, max_time: i64) -> Self {
        let compaction = Compaction { level: 1, sources: vec![ulid], ..Compaction::default() };
        Self { ulid, min_time, max_time, stats: BlockStats::default(), compaction, version: VERSION, thanos: None }
    }

    /// The meta of a block that out-of-order samples are written to.
    #[must_use]
    pub fn of_out_of_order(ulid: Ulid, min_time: i64, max_time: i64) -> Self {
        let mut meta = Self::of_head(ulid, min_time, max_time);
        meta.compaction.hints.push(FROM_OUT_OF_ORDER.to_owned());
        meta
    }

    /// The meta of a block that blocks, at least one, are written to.
    #[must_use]
    pub fn of_blocks(ulid: Ulid, blocks: &[&Self]) -> Self {
        let min_time = blocks.iter().map(|meta| meta.min_time).min().unwrap_or_default();
        let max_time = blocks.iter().map(|meta| meta.max_time).max().unwrap_or_default();
        let mut meta = Self::of_head(ulid, min_time, max_time);
        let sources: BTreeSet<Ulid> = blocks.iter().flat_map(|meta| meta.compaction.sources.iter().copied()).collect();
        let parent = |meta: &&Self| Parent { ulid: meta.ulid, min_time: meta.min_time, max_time: meta.max_time };
        meta.compaction.level = 1 + blocks.iter().map(|meta| meta.compaction.level).max().unwrap_or_default();
        meta.compaction.sources = sources.into_iter().collect();
        meta.compaction.parents = blocks.iter().map(parent).collect();
        if blocks.iter().all(|meta| meta.compaction.is_from_out_of_order()) {
            meta.compaction.hints.push(FROM_OUT_OF_ORDER.to_owned());
        }
        meta
    }

    /// True when the block may have samples with `mint <= t <= maxt`.
    #[must_use]
    pub fn overlaps(&self, mint: i64, maxt: i64) -> bool {
        self.min_time <= maxt && mint < self.max_time
    }

    /// Reads the meta of the block in `dir`.
    ///
    /// # Errors
    /// [`TsdbError::Io`]; [`TsdbError::Corrupt`] when it is no JSON of that form or not of version 1.
    pub fn read(fs: &dyn Fs, dir: &Path) -> Result<Self, TsdbError> {
        let path = dir.join(META_FILE);
        let mut text = Vec::new();
        let file = fs.open(&path).map_err(|e| TsdbError::io(&path, "open", e))?;
        file.take(MAX_BYTES).read_to_end(&mut text).map_err(|e| TsdbError::io(&path, "read", e))?;
        let corrupt = |what: String| TsdbError::Corrupt { path: path.clone(), offset: 0, what };
        let meta: Self = serde_json::from_slice(&text).map_err(|e| corrupt(e.to_string()))?;
        match meta.version {
            VERSION if meta.min_time <= meta.max_time => Ok(meta),
            VERSION => Err(corrupt(format!("time range from {} to {}", meta.min_time, meta.max_time))),
            other => Err(corrupt(format!("unexpected meta file version {other}"))),
        }
    }

    /// Writes the meta into `dir`, durably and at once.
    ///
    /// # Errors
    /// [`TsdbError::Io`]
    pub fn write(&self, fs: &dyn Fs, dir: &Path) -> Result<(), TsdbError> {
        let (path, temporary) = (dir.join(META_FILE), dir.join(format!("{META_FILE}.tmp")));
        let failed = |e: std::io::Error| TsdbError::io(&path, "write", e);
        let mut text = Vec::new();
        let tabs = serde_json::ser::PrettyFormatter::with_indent(b"\t");
        self.serialize(&mut serde_json::Serializer::with_formatter(&mut text, tabs)).map_err(|e| failed(e.into()))?;
        let mut out = Output::create(fs, &temporary)?;
        out.write(&text)?;
        out.finish()?;
        fs.rename(&temporary, &path).map_err(failed)
    }
}
