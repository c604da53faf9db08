//! What readers see: symbols, label sets, postings and the samples of every series.

use std::sync::Arc;

use hashbrown::HashMap;
use neocortex_model::labels::Labels;
use neocortex_model::sample::HistogramValue;

use super::by_series::BySeries;
use super::label_sets::{LabelSets, Pair, SeriesId};
use super::out_of_order::OutOfOrder;
use super::series::{ChunkChange, ChunkRules, ClosedChunk, Place, Series, range_end};
use super::symbols::Symbols;
use super::waiting::Waiting;
use crate::chunk::xor::XorChunk;
use crate::chunk::{EncodedChunk, Encoding};
use crate::chunk_files::ChunkRef;
use crate::chunk_files::read::ChunkFiles;
use crate::error::TsdbError;
use crate::postings::MemPostings;

/// The series of a head and the indexes over them. Appenders change it under one lock per request.
pub(crate) struct Store {
    pub(crate) symbols: Symbols,
    pub(crate) sets: LabelSets,
    pub(crate) postings: MemPostings,
    series: BySeries<Series>,
    pub(super) out_of_order: OutOfOrder,
    /// Full chunks that are not in a file yet.
    pub(super) waiting: Waiting,
    /// The files of the others.
    pub(super) files: Arc<ChunkFiles>,
    /// Changes with every truncation, after which series may have fewer samples, or be gone.
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
    /// Chunks that there were and that are no more.
    pub(crate) chunks_before: u64,
    pub(crate) open_bytes: usize,
    pub(crate) closed_bytes: usize,
}

impl Store {
    pub(crate) fn new(rules: ChunkRules, out_of_order: OutOfOrder) -> Self {
        Self {
            symbols: Symbols::new(),
            sets: LabelSets::new(),
            postings: MemPostings::new(),
            series: BySeries::new(),
            out_of_order,
            waiting: Waiting::default(),
            files: Arc::default(),
            generation: 0,
            deleted: HashMap::new(),
            aliases: HashMap::new(),
            rules,
            min_valid_t: i64::MIN,
            min_t: i64::MAX,
            max_t: i64::MIN,
            chunks: 0,
            chunks_before: 0,
            open_bytes: 0,
            closed_bytes: 0,
        }
    }

    /// One without series, with the same rules and files.
    pub(super) fn emptied(&self) -> Self {
        Self { files: Arc::clone(&self.files), ..Self::new(self.rules, self.out_of_order.emptied()) }
    }

    /// How many series there are.
    pub(crate) fn len(&self) -> usize {
        self.series.len()
    }

    /// The number that the next series gets: how many there ever were.
    pub(crate) fn next_id(&self) -> SeriesId {
        self.series.next()
    }

    /// The series with numbers from `from` on, and before `to`, ascending.
    pub(crate) fn ids(&self, from: SeriesId, to: SeriesId) -> impl DoubleEndedIterator<Item = SeriesId> {
        self.series.ids(from, to)
    }

    /// A series, `None` when it is gone.
    pub(crate) fn get(&self, id: SeriesId) -> Option<&Series> {
        self.series.get(id)
    }

    /// A series that is there.
    pub(crate) fn series(&self, id: SeriesId) -> &Series {
        &self.series[id]
    }

    pub(crate) fn labels(&self, id: SeriesId) -> Labels {
        self.sets.labels(id, &self.symbols)
    }

    pub(crate) fn find(&self, labels: &Labels) -> Option<SeriesId> {
        self.sets.find(labels, &self.symbols)
    }

    /// Number of series with a label.
    pub(crate) fn count(&self, name: &str, value: &str) -> usize {
        self.list(name, value).len()
    }

    /// The series with a label, ascending; there may be some among them that just went.
    pub(super) fn list(&self, name: &str, value: &str) -> &[SeriesId] {
        let (Some(name), Some(value)) = (self.symbols.find(name), self.symbols.find(value)) else { return &[] };
        self.postings.label(name).map_or(&[], |label| label.get(value))
    }

    /// Adds a series that is not there yet.
    pub(crate) fn create(&mut self, labels: &Labels, wal_ref: u64) -> SeriesId {
        let id = self.sets.add(labels, &mut self.symbols);
        self.postings.add(id, self.sets.pairs(id));
        self.series.push(Series::new(wal_ref))
    }

    /// Gives a series another number in the log.
    pub(super) fn renumber(&mut self, id: SeriesId, wal_ref: u64) {
        if let Some(series) = self.series.get_mut(id) {
            series.wal_ref = wal_ref;
        }
    }

    /// Takes a series without samples out, and gives its labels. Postings still list it, and its symbols are in use.
    pub(super) fn remove(&mut self, id: SeriesId) -> Vec<Pair> {
        self.series.remove(id);
        self.deleted.remove(&id);
        self.aliases.remove(&id);
        self.sets.remove(id)
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
        let Some(series) = self.series.get_mut(id) else { return };
        let before = series.open_bytes();
        let change = append(series);
        let after = series.open_bytes();
        self.open_bytes = self.open_bytes - before + after;
        self.chunks += u64::from(change.begun);
        self.min_t = self.min_t.min(t);
        self.max_t = self.max_t.max(t);
        if let Some(full) = change.full {
            self.closed_bytes += keep(id, series, full, &mut self.waiting);
        }
    }

    /// Gives a series a full chunk from a file; its open chunk, if there is one, is ended. A chunk that is not newer than
    /// all samples of the series is not taken.
    pub(super) fn attach(&mut self, id: SeriesId, chunk: ClosedChunk) {
        let Some(series) = self.series.get_mut(id) else { return };
        if series.max_t().is_some_and(|newest| chunk.min_t <= newest) {
            return;
        }
        self.open_bytes -= series.open_bytes();
        if let Some(full) = series.seal() {
            self.closed_bytes += keep(id, series, full, &mut self.waiting);
        }
        series.close(chunk);
        self.closed_bytes += size_of::<ClosedChunk>();
        self.chunks += 1;
        self.min_t = self.min_t.min(chunk.min_t);
        self.max_t = self.max_t.max(chunk.max_t);
    }

    /// Gives a series the chunk that it was filling, newer than all its samples: floats go on in it, a chunk of histograms
    /// counts as full.
    ///
    /// # Errors
    /// [`TsdbError::Corrupt`] when it is damaged, or ends in another range than it begins in.
    pub(super) fn resume(&mut self, id: SeriesId, chunk: EncodedChunk) -> Result<(), TsdbError> {
        let rules = self.rules;
        let Some(series) = self.series.get_mut(id) else { return Ok(()) };
        if series.max_t().is_some_and(|newest| chunk.min_t <= newest) {
            return Ok(());
        }
        let (min_t, max_t) = (chunk.min_t, chunk.max_t);
        // Begun under other settings: no block would have all of it, and the head would never be done with it.
        if !(min_t..range_end(min_t, rules.range_ms)).contains(&max_t) {
            return Err(TsdbError::corrupt_bytes(0, format_args!("chunk does not end within its range")));
        }
        if chunk.encoding == Encoding::Xor {
            series.resume(min_t, XorChunk::resume(&chunk.bytes)?, rules);
            self.open_bytes += series.open_bytes();
        } else {
            self.closed_bytes += keep(id, series, chunk, &mut self.waiting);
        }
        self.chunks += 1;
        self.min_t = self.min_t.min(min_t);
        self.max_t = self.max_t.max(max_t);
        Ok(())
    }

    /// Has a series find a chunk that waited in a file from now on.
    pub(super) fn settle(&mut self, id: SeriesId, ticket: u32, at: ChunkRef) {
        let Some(series) = self.series.get_mut(id) else { return };
        if let Some(chunk) = series.closed_mut().iter_mut().find(|chunk| chunk.place == Place::Waiting(ticket)) {
            chunk.place = Place::File(at);
        }
    }

    /// How the newest full chunk of a series is encoded; `None` when it cannot be found.
    pub(super) fn newest_encoding(&self, id: SeriesId) -> Option<Encoding> {
        match self.series(id).closed().last()?.place {
            Place::Waiting(ticket) => self.waiting.get(ticket).map(|full| full.encoding),
            Place::File(at) => self.files.chunk(at).ok().map(|(encoding, _)| encoding),
        }
    }

    /// Hides the samples with `mint <= t <= maxt` that the series has now and those that it gets.
    pub(crate) fn delete(&mut self, id: SeriesId, mint: i64, maxt: i64) {
        self.deleted.entry(id).or_default().push((mint, maxt));
    }

    /// Drops the chunks of a series that end before `mint`; gives the time of its oldest sample left, `None` without any.
    pub(super) fn truncate_series(&mut self, id: SeriesId, mint: i64) -> Option<i64> {
        let series = self.series.get_mut(id)?;
        let (waiting, mut closed_bytes) = (&mut self.waiting, 0);
        let dropped = series.truncate(mint, |chunk| {
            closed_bytes += size_of::<ClosedChunk>();
            if let Place::Waiting(ticket) = chunk.place {
                closed_bytes += waiting.forget(ticket);
            }
        });
        // A chunk that begins before and ends later is kept whole; what is before counts as gone all the same.
        let min_t = series.min_t().map(|t| t.max(mint));
        self.chunks -= dropped.chunks;
        self.chunks_before += dropped.chunks;
        self.open_bytes -= dropped.open_bytes;
        self.closed_bytes -= closed_bytes;
        min_t
    }

    /// Bytes of the series' own records, without their chunks.
    pub(crate) fn series_bytes(&self) -> usize {
        self.series.bytes()
    }
}

/// Keeps a chunk of a series that became full; gives the bytes that it takes.
fn keep(id: SeriesId, series: &mut Series, full: EncodedChunk, waiting: &mut Waiting) -> usize {
    let (min_t, max_t, bytes) = (full.min_t, full.max_t, full.bytes.len());
    let place = Place::Waiting(waiting.push(id, series.wal_ref, full));
    series.close(ClosedChunk { min_t, max_t, place });
    size_of::<ClosedChunk>() + bytes
}
