//! The out-of-order samples of the head, as blocks of their own.
//!
//! Source: Prometheus `tsdb/db.go` (`compactOOOHead`, `compactOOO`).

use std::collections::BTreeSet;

use super::overlaps::without_overlaps;
use super::{Compacted, Compactor};
use crate::block::chunks::SEGMENT_BYTES;
use crate::block::meta::BlockMeta;
use crate::block::write::BlockWriter;
use crate::block::{Block, Ulid, dir};
use crate::error::TsdbError;
use crate::failpoint;
use crate::head::{FrozenOutOfOrder, FrozenSeries};
use crate::local::Local;

impl Compactor {
    /// Writes all out-of-order samples to one block a range, shows the blocks, and has the head and its log forget them.
    /// They overlap other blocks. Interrupted before the log forgets them, they are in blocks and in the head, which reads
    /// as if they were there once.
    pub(super) fn out_of_order_to_blocks(&self, local: &Local, compacted: &mut Compacted) -> Result<(), TsdbError> {
        let Some(frozen) = local.head().freeze_out_of_order()? else { return Ok(()) };
        let mut blocks = Vec::new();
        let written = self.write_ranges(local, &frozen, &mut blocks);
        if written.is_err() {
            // The head still has it all, and is going to write it again.
            for block in &blocks {
                let _ = dir::remove(&*self.fs, &self.dir, block.meta().ulid);
            }
        }
        written?;
        failpoint::reach("late.blocks-written");
        for block in blocks {
            compacted.created.push(block.meta().ulid);
            local.add_block(block);
        }
        local.head().forget_out_of_order(&frozen)
    }

    fn write_ranges(&self, local: &Local, frozen: &FrozenOutOfOrder, blocks: &mut Vec<Block>) -> Result<(), TsdbError> {
        let mut next = frozen.oldest_from(i64::MIN);
        while let Some(t) = next {
            let begin = t.div_euclid(self.range_ms).saturating_mul(self.range_ms);
            let end = begin.saturating_add(self.range_ms);
            let written = local.head().upkeep().count_compaction(|| self.write_range(frozen, begin, end))?;
            if let Some(meta) = written {
                blocks.push(self.open_block(meta.ulid)?);
            }
            // Samples may be far apart: on to the next range that has some.
            next = frozen.oldest_from(end);
        }
        Ok(())
    }

    fn write_range(&self, frozen: &FrozenOutOfOrder, begin: i64, end: i64) -> Result<Option<BlockMeta>, TsdbError> {
        let series: Vec<&FrozenSeries> = frozen.series.iter().filter(|s| s.has_chunks(begin, end - 1)).collect();
        let symbols: BTreeSet<&str> =
            series.iter().flat_map(|s| s.labels.iter().flat_map(|(name, value)| [name, value])).collect();
        let meta = BlockMeta::of_out_of_order(Ulid::new(self.clock.now_ms()), begin, end);
        let mut writer = BlockWriter::create(&self.fs, &self.dir, meta, symbols, SEGMENT_BYTES)?;
        for one in series {
            writer.add_series(&one.labels, &without_overlaps(frozen.chunks(one, begin, end - 1)?)?, &[])?;
        }
        writer.finish()
    }
}
