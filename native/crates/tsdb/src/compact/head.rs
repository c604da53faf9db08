//! The samples of the head up to a time, as a block.

use std::collections::BTreeSet;

use super::{Compacted, Compactor};
use crate::block::chunks::SEGMENT_BYTES;
use crate::block::meta::BlockMeta;
use crate::block::write::BlockWriter;
use crate::block::{Block, Ulid, dir};
use crate::error::TsdbError;
use crate::failpoint;
use crate::local::Local;

/// Series whose chunks are copied while appends wait.
const SLICE: usize = 256;

/// The end of the range that a time is in, as Prometheus's `rangeForTimestamp`.
pub(super) fn range_end(t: i64, range_ms: i64) -> i64 {
    (t / range_ms).saturating_mul(range_ms).saturating_add(range_ms)
}

impl Compactor {
    /// Writes what the head has before `end` to a block, shows it, and has the head forget it.
    pub(super) fn head_to_block(&self, local: &Local, end: i64, compacted: &mut Compacted) -> Result<(), TsdbError> {
        let upkeep = local.head().upkeep();
        if let Some(meta) = upkeep.count_compaction(|| self.write_block(local, end))? {
            local.add_block(self.open_block(meta.ulid)?);
            compacted.created.push(meta.ulid);
        }
        failpoint::reach("head.before-truncation");
        let truncate = || {
            local.head().truncate(end);
            Ok(())
        };
        upkeep.count(|stats| &mut stats.head_truncations, truncate)?;
        failpoint::reach("head.truncated");
        Ok(())
    }

    /// Opens a block that was just made; one that cannot be opened goes away.
    pub(super) fn open_block(&self, ulid: Ulid) -> Result<Block, TsdbError> {
        Block::open(&self.fs, &dir::path(&self.dir, ulid)).inspect_err(|_| {
            // The head still has it all, and is going to write it again.
            let _ = dir::remove(&*self.fs, &self.dir, ulid);
        })
    }

    /// Nothing before `end` may be appended any more, so that chunks which end before it do not change meanwhile.
    fn write_block(&self, local: &Local, end: i64) -> Result<Option<BlockMeta>, TsdbError> {
        let head = local.head();
        let Some((min_t, _)) = head.time_range() else { return Ok(None) };
        let series = head.series_between(min_t, end - 1);
        let symbols: BTreeSet<&str> =
            series.iter().flat_map(|(labels, _)| labels.iter().flat_map(|(name, value)| [name, value])).collect();
        let meta = BlockMeta::of_head(Ulid::new(self.clock.now_ms()), min_t, end);
        let mut writer = BlockWriter::create(&self.fs, &self.dir, meta, symbols, SEGMENT_BYTES)?;
        for slice in series.chunks(SLICE) {
            for part in head.block_parts(slice, min_t, end - 1)? {
                writer.add_series(&part.labels, &part.chunks, &part.deleted)?;
            }
        }
        writer.finish()
    }
}
