//! Several blocks as one.
//!
//! Source: Prometheus `tsdb/compact.go` (`LeveledCompactor.Compact`, `DefaultBlockPopulator`), `storage/merge.go`
//! (`NewCompactingChunkSeriesMerger`).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use neocortex_model::labels::Labels;

use super::overlaps::{kept, without_overlaps};
use super::plan::plan;
use super::{Compacted, Compactor};
use crate::block::chunks::SEGMENT_BYTES;
use crate::block::meta::BlockMeta;
use crate::block::write::BlockWriter;
use crate::block::{Block, Ulid, dir};
use crate::chunk::EncodedChunk;
use crate::error::TsdbError;
use crate::index::SeriesRef;
use crate::local::Local;

impl Compactor {
    /// Writes neighbouring blocks as one as long as the plan has some. Those that it was made of are no longer shown; they
    /// stay on the disk until they may go, see [`Self::remove_expired`].
    pub(super) fn merge_blocks(&self, local: &Local, compacted: &mut Compacted) -> Result<(), TsdbError> {
        if self.ranges.len() < 2 {
            return Ok(());
        }
        loop {
            let blocks = self.settled(local);
            let metas: Vec<&BlockMeta> = blocks.iter().map(|block| block.meta()).collect();
            let chosen: Vec<&Block> = plan(&metas, &self.ranges).into_iter().map(|place| &*blocks[place]).collect();
            if chosen.is_empty() {
                return Ok(());
            }
            match local.head().upkeep().count_compaction(|| self.merge(&chosen)) {
                Ok(Some(meta)) => {
                    let merged = Block::open(&self.fs, &dir::path(&self.dir, meta.ulid))?;
                    let parents = chosen.iter().map(|block| block.meta().ulid).collect::<BTreeSet<_>>();
                    local.replace_blocks(|block| parents.contains(&block.meta().ulid), Some(merged));
                    self.hides_blocks.store(true, Relaxed);
                    compacted.created.push(meta.ulid);
                }
                Ok(None) => self.mark(local, &chosen, |meta| meta.compaction.deletable = true)?,
                // Trying again would find the same damage.
                Err(TsdbError::Corrupt { .. }) => self.mark(local, &chosen, |meta| meta.compaction.failed = true)?,
                Err(other) => return Err(other),
            }
        }
    }

    /// Whether [`Self::merge_blocks`] would find something to do.
    pub(super) fn has_blocks_to_merge(&self, local: &Local) -> bool {
        let blocks = if self.ranges.len() < 2 { Vec::new() } else { self.settled(local) };
        let metas: Vec<&BlockMeta> = blocks.iter().map(|block| block.meta()).collect();
        !plan(&metas, &self.ranges).is_empty()
    }

    /// Blocks that can be merged, and the newest. One of samples out of order has to wait until the others of its time can be
    /// merged too: they count where both have a sample, and the merged block stands for the log up to its end.
    fn settled(&self, local: &Local) -> Vec<Arc<Block>> {
        let blocks = local.blocks();
        let in_order = blocks.iter().map(|block| block.meta()).filter(|meta| meta.compaction.stands_for_the_log());
        let newest_begin = in_order.map(|meta| meta.min_time).max().unwrap_or(i64::MIN);
        let is_settled = |meta: &BlockMeta| {
            let waits = meta.compaction.is_from_out_of_order() && meta.max_time > newest_begin;
            !waits && !meta.compaction.is_from_some_series() && !meta.compaction.deletable
        };
        blocks.iter().filter(|block| is_settled(block.meta())).map(Arc::clone).collect()
    }

    /// Writes blocks as one; `None` when they have no samples that are not deleted.
    fn merge(&self, blocks: &[&Block]) -> Result<Option<BlockMeta>, TsdbError> {
        let metas: Vec<&BlockMeta> = blocks.iter().map(|block| block.meta()).collect();
        let meta = BlockMeta::of_blocks(Ulid::new(self.clock.now_ms()), &metas);
        let mut symbols = BTreeSet::new();
        for block in blocks {
            block.index().for_each_symbol(|symbol| symbols.extend([symbol]))?;
        }
        let mut writer = BlockWriter::create(&self.fs, &self.dir, meta, symbols, SEGMENT_BYTES)?;
        let mut parts = blocks.iter().map(|block| Part::new(block)).collect::<Result<Vec<_>, _>>()?;
        // Of samples of the same time those count that came in order.
        parts.sort_by_key(|part| part.block.meta().compaction.is_from_out_of_order());
        while let Some(labels) = parts.iter().filter_map(Part::labels).min().cloned() {
            let mut chunks = Vec::new();
            for part in parts.iter_mut().filter(|part| part.labels() == Some(&labels)) {
                part.take(&mut chunks)?;
            }
            let chunks = without_overlaps(chunks)?;
            if !chunks.is_empty() {
                writer.add_series(&labels, &chunks, &[])?;
            }
        }
        writer.finish()
    }

    /// Writes into the blocks' own meta that they are not to be chosen again.
    fn mark(&self, local: &Local, blocks: &[&Block], mark: impl Fn(&mut BlockMeta)) -> Result<(), TsdbError> {
        for block in blocks {
            let mut meta = block.meta().clone();
            mark(&mut meta);
            let path = dir::path(&self.dir, meta.ulid);
            meta.write(&*self.fs, &path)?;
            local.replace_blocks(|other| other.meta().ulid == meta.ulid, Some(Block::open(&self.fs, &path)?));
        }
        Ok(())
    }
}

/// The series of a block that are still to be written, sorted by labels.
struct Part<'a> {
    block: &'a Block,
    rest: std::vec::IntoIter<SeriesRef>,
    next: Option<(SeriesRef, Labels)>,
}

impl<'a> Part<'a> {
    fn new(block: &'a Block) -> Result<Self, TsdbError> {
        let mut part = Self { block, rest: block.index().all_postings()?.into_iter(), next: None };
        part.advance()?;
        Ok(part)
    }

    /// The labels of the next series.
    fn labels(&self) -> Option<&Labels> {
        self.next.as_ref().map(|(_, labels)| labels)
    }

    /// Appends the chunks of the next series, without what is outside the block's range or deleted.
    fn take(&mut self, chunks: &mut Vec<EncodedChunk>) -> Result<(), TsdbError> {
        let Some((series, _)) = &self.next else { return Ok(()) };
        let (mint, maxt) = (self.block.meta().min_time, self.block.meta().max_time - 1);
        let deleted = self.block.deleted(*series);
        let is_kept =
            |t: i64| (mint..=maxt).contains(&t) && !deleted.iter().any(|(from, to)| (*from..=*to).contains(&t));
        for chunk in self.block.index().series(*series)?.1 {
            let (encoding, bytes) = self.block.chunk(chunk.reference)?;
            let whole = mint <= chunk.min_t
                && chunk.max_t <= maxt
                && !deleted.iter().any(|(from, to)| *from <= chunk.max_t && chunk.min_t <= *to);
            if whole {
                chunks.push(EncodedChunk { min_t: chunk.min_t, max_t: chunk.max_t, encoding, bytes: bytes.into() });
            } else {
                chunks.extend(kept(encoding, bytes, is_kept)?);
            }
        }
        self.advance()
    }

    fn advance(&mut self) -> Result<(), TsdbError> {
        let index = self.block.index();
        self.next = self.rest.next().map(|series| Ok((series, index.labels(series)?))).transpose()?;
        Ok(())
    }
}
