//! Reading what a tenant has here: head and blocks as one.
//!
//! A selection is of one moment. It keeps the blocks of that moment, and knows of the head how often it was truncated;
//! when a series is read after another truncation, what the head no longer has is looked for in the blocks that came
//! since. A block is visible before the head forgets what is in it, so nothing is ever missing; what is in both is taken
//! once. Of what came later a selection shows nothing, except samples out of order whose block was merged with one that it
//! looks into.
//!
//! Samples that came out of order are in blocks and chunks of their own, and come last: where an in-order sample has the
//! same time they do not count.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use hashbrown::HashMap;
use neocortex_model::labels::Labels;
use neocortex_model::matchers::{MatchOp, Matcher};
use neocortex_model::sample::Samples;
use neocortex_model::series::{Fetched, SelectHints, Series, StorageError};
use parking_lot::RwLock;

use crate::block::read::BlockSeries;
use crate::block::{Block, dir};
use crate::error::TsdbError;
use crate::head::{Head, HeadSeries, SeriesId};
use crate::merge::merge;
use crate::selections::{self, Found, Selection, Selections};

/// Blocks in the order of their time ranges.
pub(crate) type Blocks = Arc<[Arc<Block>]>;

/// Head and blocks of a tenant.
pub(crate) struct Local {
    head: Arc<Head>,
    blocks: RwLock<Blocks>,
    selections: Selections,
    /// How often the blocks were others.
    changes: AtomicU64,
}

/// A series of a selection, with what head and blocks have of it.
struct LocalSeries {
    local: Arc<Local>,
    labels: Labels,
    head: Option<HeadSeries>,
    blocks: Vec<Arc<BlockSeries>>,
    /// All blocks of the moment of the selection.
    known: Blocks,
}

impl Local {
    pub(crate) fn new(head: Arc<Head>, blocks: Vec<Arc<Block>>, selections: Selections) -> Self {
        Self { head, blocks: RwLock::new(blocks.into()), selections, changes: AtomicU64::new(0) }
    }

    pub(crate) fn head(&self) -> &Arc<Head> {
        &self.head
    }

    pub(crate) fn blocks(&self) -> Blocks {
        Arc::clone(&self.blocks.read())
    }

    /// Makes a block visible.
    pub(crate) fn add_block(&self, block: Block) {
        self.replace_blocks(|_| false, Some(block));
    }

    /// Shows no longer the blocks that `gone` names, and instead of them another; selections that have them can still read
    /// them.
    pub(crate) fn replace_blocks(&self, gone: impl Fn(&Block) -> bool, by: Option<Block>) {
        let mut blocks = self.blocks.write();
        let mut all: Vec<Arc<Block>> = blocks.iter().filter(|block| !gone(block)).map(Arc::clone).collect();
        all.extend(by.map(Arc::new));
        dir::sort(&mut all);
        *blocks = all.into();
        drop(blocks);
        self.changes.fetch_add(1, Relaxed);
        self.selections.forget();
    }

    /// A number that is another one when the blocks are others.
    pub(crate) fn blocks_version(&self) -> u64 {
        self.changes.load(Relaxed)
    }

    /// Series that match and may have samples in the hinted range, sorted by labels.
    pub(crate) fn select(
        self: &Arc<Self>,
        matchers: &[Matcher],
        hints: &SelectHints,
    ) -> Result<Vec<Arc<dyn Series>>, StorageError> {
        let view = self.head.view();
        // The head first: what it forgets afterwards is in the blocks that are seen then.
        let known = self.blocks();
        let overlaps = |block: &&Arc<Block>| block.meta().overlaps(hints.start_ms, hints.end_ms);
        let blocks: Vec<&Arc<Block>> = known.iter().filter(overlaps).collect();
        let kept = self.selections.get(matchers, &blocks).filter(|kept| kept.generation == view.generation());
        if let Some(kept) = kept.as_ref().filter(|kept| kept.next_id == view.next_id()) {
            let in_head = kept.found.iter().map(|found| found.head.and_then(|id| view.series(id, hints))).collect();
            drop(view);
            return Ok(self.series_of(&kept.found, in_head, &known, hints));
        }
        let (generation, next_id) = (view.generation(), view.next_id());
        let ids = view.resolve(matchers);
        let came = &ids[ids.partition_point(|id| kept.as_ref().is_some_and(|kept| *id < kept.next_id))..];
        let mut came: Vec<Found> = came.iter().filter_map(|id| view.found(*id)).collect();
        let mut by_id: HashMap<SeriesId, HeadSeries> =
            ids.iter().filter_map(|id| Some((*id, view.series(*id, hints)?))).collect();
        drop(view);
        came.sort_unstable_by(|a, b| a.labels.cmp(&b.labels));
        let before = match kept {
            Some(kept) => kept.found.clone(),
            None => in_blocks(&blocks, matchers)?,
        };
        let found = selections::merge(before, came);
        let in_head = found.iter().map(|found| found.head.and_then(|id| by_id.remove(&id))).collect();
        let series = self.series_of(&found, in_head, &known, hints);
        self.selections.put(matchers, &blocks, Arc::new(Selection { generation, next_id, found }));
        Ok(series)
    }

    /// Those of the series that have something in the hinted range, in the head or in a block.
    fn series_of(
        self: &Arc<Self>,
        found: &[Found],
        in_head: Vec<Option<HeadSeries>>,
        known: &Blocks,
        hints: &SelectHints,
    ) -> Vec<Arc<dyn Series>> {
        let mut series: Vec<Arc<dyn Series>> = Vec::with_capacity(found.len());
        for (found, head) in found.iter().zip(in_head) {
            let in_range = |part: &&Arc<BlockSeries>| part.overlaps(hints.start_ms, hints.end_ms);
            let blocks: Vec<_> = found.parts.iter().filter(in_range).map(Arc::clone).collect();
            if head.is_some() || !blocks.is_empty() {
                let (local, labels) = (Arc::clone(self), found.labels.clone());
                series.push(Arc::new(LocalSeries { local, labels, head, blocks, known: Arc::clone(known) }));
            }
        }
        series
    }

    /// Label sets of the series that match, sorted.
    pub(crate) fn series(&self, matchers: &[Matcher]) -> Result<Vec<Labels>, TsdbError> {
        let in_head = self.head.series(matchers);
        let blocks = self.blocks();
        if blocks.is_empty() {
            return Ok(in_head);
        }
        let mut all: BTreeSet<Labels> = in_head.into_iter().collect();
        for block in blocks.iter() {
            all.extend(block.label_sets(matchers)?);
        }
        Ok(all.into_iter().collect())
    }

    /// Label names of the series that match, sorted.
    pub(crate) fn label_names(&self, matchers: &[Matcher]) -> Result<Vec<String>, TsdbError> {
        self.gather(self.head.label_names(matchers), |block, all| block.label_names(matchers, all))
    }

    /// Values of a label among the series that match, sorted.
    pub(crate) fn label_values(&self, name: &str, matchers: &[Matcher]) -> Result<Vec<String>, TsdbError> {
        self.gather(self.head.label_values(name, matchers), |block, all| block.label_values(name, matchers, all))
    }

    fn gather(
        &self,
        in_head: Vec<String>,
        add: impl Fn(&Block, &mut BTreeSet<String>) -> Result<(), TsdbError>,
    ) -> Result<Vec<String>, TsdbError> {
        let blocks = self.blocks();
        if blocks.is_empty() {
            return Ok(in_head);
        }
        let mut all: BTreeSet<String> = in_head.into_iter().collect();
        blocks.iter().try_for_each(|block| add(block, &mut all))?;
        Ok(all.into_iter().collect())
    }
}

impl Series for LocalSeries {
    fn labels(&self) -> &Labels {
        &self.labels
    }

    fn read(&self, mint: i64, maxt: i64, out: &mut Samples) -> Result<(), StorageError> {
        if let (Some(head), true) = (&self.head, self.blocks.is_empty() && out.is_empty()) {
            // The common case: what is read is in the head alone.
            if !head.read(mint, maxt, out)? {
                if let Some(late) = head.read_out_of_order(mint, maxt)? {
                    *out = merge(std::mem::take(out), late);
                }
                return Ok(());
            }
            out.clear();
        }
        let merged = self.read_all(mint, maxt)?;
        if out.is_empty() {
            *out = merged;
        } else {
            out.append(&merged);
        }
        Ok(())
    }

    /// What head and blocks have, each for itself: a stretch that both have counts twice.
    fn fetched(&self, mint: i64, maxt: i64) -> Result<Fetched, StorageError> {
        let mut all = self.head.as_ref().map_or(Ok(Fetched::default()), |head| head.fetched(mint, maxt))?;
        for part in &self.blocks {
            all += part.fetched(mint, maxt)?;
        }
        Ok(all)
    }
}

impl LocalSeries {
    /// The samples of all places, of those of the same time the one of the first place.
    fn read_all(&self, mint: i64, maxt: i64) -> Result<Samples, StorageError> {
        let mut merged = Samples::default();
        let mut from_head = Samples::default();
        let truncated = self.head.as_ref().map_or(Ok(false), |head| head.read(mint, maxt, &mut from_head))?;
        for part in self.blocks.iter().filter(|part| !part.is_from_out_of_order()) {
            merged = add(merged, part, mint, maxt)?;
        }
        if let (true, Some(head)) = (truncated, &self.head) {
            for part in self.newer_parts(mint, maxt)? {
                merged = add(merged, &part, mint, maxt.min(head.newest_t()))?;
            }
        }
        merged = merge(merged, from_head);
        for part in self.blocks.iter().filter(|part| part.is_from_out_of_order()) {
            merged = add(merged, part, mint, maxt)?;
        }
        match self.head.as_ref().map(|head| head.read_out_of_order(mint, maxt)).transpose()?.flatten() {
            Some(late) => Ok(merge(merged, late)),
            None => Ok(merged),
        }
    }

    /// What in-order blocks that came after the selection have of the series; it has all its out-of-order samples itself.
    fn newer_parts(&self, mint: i64, maxt: i64) -> Result<Vec<Arc<BlockSeries>>, StorageError> {
        let matchers = self
            .labels
            .iter()
            .map(|(name, value)| Matcher::new(MatchOp::Equal, name, value))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| StorageError::Corrupt(error.to_string()))?;
        let mut parts = Vec::new();
        for block in self.local.blocks().iter() {
            if !self.known.iter().any(|known| Arc::ptr_eq(known, block)) {
                parts.extend(block.select_range(&matchers, mint, maxt)?);
            }
        }
        // Series with further labels match too.
        parts.retain(|part| *part.labels() == self.labels && !part.is_from_out_of_order());
        Ok(parts)
    }
}

/// Series of the blocks that match, sorted by labels.
fn in_blocks(blocks: &[&Arc<Block>], matchers: &[Matcher]) -> Result<Vec<Found>, TsdbError> {
    let mut all = Vec::new();
    for block in blocks {
        let series = block.select_range(matchers, i64::MIN, i64::MAX)?;
        let found = |part: Arc<BlockSeries>| Found { labels: part.labels().clone(), head: None, parts: vec![part] };
        all = selections::merge(all, series.into_iter().map(found).collect());
    }
    Ok(all)
}

fn add(mut merged: Samples, part: &BlockSeries, mint: i64, maxt: i64) -> Result<Samples, StorageError> {
    if merged.t.last().is_none_or(|newest| *newest < part.oldest_t()) {
        part.read(mint, maxt, &mut merged)?;
        return Ok(merged);
    }
    let mut samples = Samples::default();
    part.read(mint, maxt, &mut samples)?;
    Ok(merge(merged, samples))
}
