//! What readers see: symbols, label sets, postings and the samples of every series.

use std::sync::Arc;

use hashbrown::HashMap;
use neocortex_model::labels::Labels;
use neocortex_model::sample::{HistogramValue, Samples};

use super::label_sets::{LabelSets, SeriesId};
use super::series::{ChunkChange, ChunkRules, Series};
use super::symbols::Symbols;
use crate::error::TsdbError;
use crate::postings::MemPostings;

/// Series are kept in blocks of this many, so that growing never copies what is already there.
const BLOCK_SERIES: usize = 1024;

/// The series of a head and the indexes over them. Appenders change it under one lock per request.
pub(crate) struct Store {
    pub(crate) symbols: Symbols,
    pub(crate) sets: LabelSets,
    pub(crate) postings: MemPostings,
    blocks: Vec<Vec<Series>>,
    /// Changes with every truncation, after which series may have other numbers and fewer samples.
    pub(crate) generation: u64,
    /// Time ranges that tombstones of the log hide; only Prometheus writes such.
    pub(super) deleted: HashMap<SeriesId, Vec<(i64, i64)>>,
    /// Further numbers that series have in the log; samples under them may be needed as long as the series is there.
    pub(super) aliases: HashMap<SeriesId, Vec<u64>>,
    pub(super) rules: ChunkRules,
    /// Samples before this are in blocks already; none are taken.
    pub(crate) min_valid_t: i64,
    /// Time of the oldest sample in milliseconds, `i64::MAX` without samples.
    pub(crate) min_t: i64,
    /// Time of the newest sample in milliseconds, `i64::MIN` without samples.
    pub(crate) max_t: i64,
    pub(crate) chunks: u64,
    /// Series and chunks that there were and that are no more.
    pub(crate) created_before: u64,
    pub(crate) chunks_before: u64,
    pub(crate) open_bytes: usize,
    pub(crate) closed_bytes: usize,
}

impl Store {
    pub(crate) fn new(rules: ChunkRules) -> Self {
        Self {
            symbols: Symbols::new(),
            sets: LabelSets::new(),
            postings: MemPostings::new(),
            blocks: Vec::new(),
            generation: 0,
            deleted: HashMap::new(),
            aliases: HashMap::new(),
            rules,
            min_valid_t: i64::MIN,
            min_t: i64::MAX,
            max_t: i64::MIN,
            chunks: 0,
            created_before: 0,
            chunks_before: 0,
            open_bytes: 0,
            closed_bytes: 0,
        }
    }

    /// Number of series; the next series gets this number.
    pub(crate) fn len(&self) -> usize {
        self.sets.len()
    }

    pub(crate) fn series(&self, id: SeriesId) -> &Series {
        &self.blocks[id as usize / BLOCK_SERIES][id as usize % BLOCK_SERIES]
    }

    pub(super) fn series_mut(&mut self, id: SeriesId) -> &mut Series {
        &mut self.blocks[id as usize / BLOCK_SERIES][id as usize % BLOCK_SERIES]
    }

    pub(crate) fn labels(&self, id: SeriesId) -> Labels {
        self.sets.labels(id, &self.symbols)
    }

    pub(crate) fn find(&self, labels: &Labels) -> Option<SeriesId> {
        self.sets.find(labels, &self.symbols)
    }

    /// Number of series with a label.
    pub(crate) fn count(&self, name: &str, value: &str) -> usize {
        let (Some(name), Some(value)) = (self.symbols.find(name), self.symbols.find(value)) else { return 0 };
        self.postings.label(name).map_or(0, |label| label.get(value).len())
    }

    /// Adds a series that is not there yet.
    pub(crate) fn create(&mut self, labels: &Labels, wal_ref: u64) -> SeriesId {
        self.add(labels, Series::new(wal_ref))
    }

    /// Adds a series that is not there yet, with its samples.
    pub(super) fn add(&mut self, labels: &Labels, series: Series) -> SeriesId {
        let id = self.sets.add(labels, &mut self.symbols);
        self.postings.add(id, self.sets.pairs(id));
        if self.blocks.last().is_none_or(|block| block.len() == BLOCK_SERIES) {
            // The first block grows as it must: a small tenant stays small.
            self.blocks.push(if self.blocks.is_empty() { Vec::new() } else { Vec::with_capacity(BLOCK_SERIES) });
        }
        if let Some(block) = self.blocks.last_mut() {
            block.push(series);
        }
        id
    }

    /// Appends a float newer than all samples of the series.
    pub(crate) fn append_float(&mut self, id: SeriesId, t: i64, v: f64) {
        let rules = self.rules;
        self.append(id, t, |series| series.append_float(t, v, rules));
    }

    /// Appends a histogram newer than all samples of the series.
    pub(crate) fn append_histogram(&mut self, id: SeriesId, t: i64, value: &HistogramValue) {
        let rules = self.rules;
        self.append(id, t, |series| series.append_histogram(t, value, rules));
    }

    fn append(&mut self, id: SeriesId, t: i64, append: impl FnOnce(&mut Series) -> ChunkChange) {
        let series = self.series_mut(id);
        let before = series.open_bytes();
        let change = append(series);
        let after = series.open_bytes();
        self.open_bytes = self.open_bytes - before + after;
        self.closed_bytes += change.closed_bytes;
        self.chunks += u64::from(change.begun);
        self.min_t = self.min_t.min(t);
        self.max_t = self.max_t.max(t);
    }

    /// Hides the samples with `mint <= t <= maxt` that the series has now and those that it gets.
    pub(crate) fn delete(&mut self, id: SeriesId, mint: i64, maxt: i64) {
        self.deleted.entry(id).or_default().push((mint, maxt));
    }

    /// Appends the samples of a series with `mint <= t <= maxt` to `out`, without the deleted ones.
    pub(crate) fn read(&self, id: SeriesId, mint: i64, maxt: i64, out: &mut Samples) -> Result<(), TsdbError> {
        let Some(deleted) = self.deleted.get(&id) else { return self.series(id).read(mint, maxt, out) };
        let mut all = Samples::default();
        self.series(id).read(mint, maxt, &mut all)?;
        for (i, t) in all.t.iter().enumerate() {
            if deleted.iter().any(|(from, to)| (*from..=*to).contains(t)) {
                continue;
            }
            match all.histogram(i) {
                Some(h) => out.push_histogram(*t, Arc::clone(h)),
                None => out.push_float(*t, all.v[i]),
            }
        }
        Ok(())
    }

    /// Bytes of the series' own records, without their chunks.
    pub(crate) fn series_bytes(&self) -> usize {
        self.blocks.iter().map(Vec::capacity).sum::<usize>() * size_of::<Series>()
    }
}
