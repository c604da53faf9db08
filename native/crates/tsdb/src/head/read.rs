//! Reading the head while it is being appended to.
//!
//! A selection is a view of one moment: it holds for every series the time of its newest sample then, and in order samples
//! only ever come after that. So nothing is copied, and chunks are decoded when they are asked for. Of out-of-order samples,
//! which may come anywhere, it holds the chunks themselves.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use neocortex_model::labels::Labels;
use neocortex_model::matchers::Matcher;
use neocortex_model::sample::{Metadata, Samples};
use neocortex_model::series::{Fetched, SelectHints, SeriesExemplars};
use parking_lot::RwLockReadGuard;

use super::Head;
use super::label_sets::SeriesId;
use super::out_of_order::OutOfOrderView;
use super::stats::{MemoryBytes, Stats};
use super::store::Store;
use super::symbols::Symbol;
use crate::error::TsdbError;
use crate::postings::resolve;
use crate::selections::Found;

/// One series of a selection.
pub(crate) struct HeadSeries {
    head: Arc<Head>,
    id: SeriesId,
    /// The truncations that the head had seen.
    generation: u64,
    /// Newer samples came after the selection.
    newest_t: i64,
    out_of_order: Option<Box<OutOfOrderView>>,
}

impl HeadSeries {
    /// Appends the in-order samples that the head has with `mint <= t <= maxt` to `out`. True when the head was truncated since the
    /// selection: what is missing then is in blocks that were there before the truncation.
    pub(crate) fn read(&self, mint: i64, maxt: i64, out: &mut Samples) -> Result<bool, TsdbError> {
        let store = self.head.store.read();
        let maxt = maxt.min(self.newest_t);
        let truncated = store.generation != self.generation;
        let stretch = store.stretch(self.id, mint, maxt);
        drop(store);
        stretch.decode(mint, maxt, out)?;
        Ok(truncated)
    }

    /// The out-of-order samples with `mint <= t <= maxt`, `None` when the series had none at the selection.
    pub(crate) fn read_out_of_order(&self, mint: i64, maxt: i64) -> Result<Option<Samples>, TsdbError> {
        self.out_of_order.as_ref().map(|samples| samples.read(mint, maxt)).transpose()
    }

    /// What the head has between `mint` and `maxt`, in order and not.
    pub(crate) fn fetched(&self, mint: i64, maxt: i64) -> Result<Fetched, TsdbError> {
        let newest = maxt.min(self.newest_t);
        let stretch = self.head.store.read().stretch(self.id, mint, newest);
        let mut all = stretch.fetched(mint, newest)?;
        if let Some(samples) = &self.out_of_order {
            all += samples.fetched(mint, maxt)?;
        }
        Ok(all)
    }

    /// Time of the newest in-order sample that belongs to the selection.
    pub(crate) fn newest_t(&self) -> i64 {
        self.newest_t
    }
}

/// The head at one moment; nothing is appended to it meanwhile.
pub(crate) struct HeadView<'h> {
    head: &'h Arc<Head>,
    store: RwLockReadGuard<'h, Store>,
}

impl HeadView<'_> {
    /// Changes with every truncation, after which series may be gone.
    pub(crate) fn generation(&self) -> u64 {
        self.store.generation
    }

    /// The number that the next series gets.
    pub(crate) fn next_id(&self) -> SeriesId {
        self.store.next_id()
    }

    /// Numbers of the series that match, ascending; there may be some among them of series that just went.
    pub(crate) fn resolve(&self, matchers: &[Matcher]) -> Vec<SeriesId> {
        self.store.resolve(matchers)
    }

    /// The labels of a series, `None` when it is gone.
    pub(crate) fn found(&self, id: SeriesId) -> Option<Found> {
        self.store.get(id)?;
        Some(Found { labels: self.store.labels(id), head: Some(id), parts: Vec::new() })
    }

    /// A series, `None` when it is gone or has no samples in the hinted range.
    pub(crate) fn series(&self, id: SeriesId, hints: &SelectHints) -> Option<HeadSeries> {
        let series = self.store.get(id)?;
        let (oldest, newest) = self.store.time_range_of(id, series)?;
        (oldest <= hints.end_ms && newest >= hints.start_ms).then(|| HeadSeries {
            head: Arc::clone(self.head),
            id,
            generation: self.store.generation,
            newest_t: series.max_t().unwrap_or(i64::MIN),
            out_of_order: self.store.out_of_order_view(id).map(Box::new),
        })
    }
}

impl Head {
    /// What there is now.
    pub(crate) fn view(self: &Arc<Self>) -> HeadView<'_> {
        HeadView { head: self, store: self.store.read() }
    }

    /// Label sets of the series that match, sorted.
    pub(crate) fn series(&self, matchers: &[Matcher]) -> Vec<Labels> {
        let store = self.store.read();
        let there = store.resolve(matchers).into_iter().filter(|id| store.get(*id).is_some());
        let mut found: Vec<Labels> = there.map(|id| store.labels(id)).collect();
        drop(store);
        found.sort_unstable();
        found
    }

    /// Label names of the series that match, sorted.
    pub(crate) fn label_names(&self, matchers: &[Matcher]) -> Vec<String> {
        let store = self.store.read();
        let names: Vec<Symbol> = if matchers.is_empty() {
            store.postings.names().collect()
        } else {
            let series = store.resolve(matchers);
            distinct(series.iter().flat_map(|id| store.sets.pairs(*id)).map(|(name, _)| *name))
        };
        store.sorted_texts(names)
    }

    /// Values of a label among the series that match, sorted.
    pub(crate) fn label_values(&self, name: &str, matchers: &[Matcher]) -> Vec<String> {
        let store = self.store.read();
        let Some(name) = store.symbols.find(name) else { return Vec::new() };
        let values: Vec<Symbol> = if matchers.is_empty() {
            store.postings.label(name).map(|label| label.iter().map(|(value, _)| value).collect()).unwrap_or_default()
        } else {
            distinct(store.resolve(matchers).into_iter().filter_map(|id| store.sets.value(id, name)))
        };
        store.sorted_texts(values)
    }

    /// Exemplars with `mint <= t <= maxt` of series that match one of the sets, sorted by labels.
    pub(crate) fn exemplars(&self, sets: &[Vec<Matcher>], mint: i64, maxt: i64) -> Vec<SeriesExemplars> {
        let store = self.store.read();
        let found = self.ring.read().select(mint, maxt);
        let mut series: Vec<SeriesExemplars> = found
            .into_iter()
            .filter(|(id, _)| store.get(*id).is_some())
            .map(|(id, exemplars)| SeriesExemplars { labels: store.labels(id), exemplars })
            .filter(|series| sets.iter().any(|matchers| all_match(matchers, &series.labels)))
            .collect();
        drop(store);
        series.sort_unstable_by(|a, b| a.labels.cmp(&b.labels));
        series
    }

    /// The metadata, sorted by metric.
    pub(crate) fn metadata(&self) -> Vec<Metadata> {
        self.metadata.read().all()
    }

    /// Figures.
    pub(crate) fn stats(&self) -> Stats {
        let counters = &self.counters;
        let ring = self.ring.read();
        let mut stats = Stats {
            float_samples_appended: counters.float_samples.load(Relaxed),
            histogram_samples_appended: counters.histogram_samples.load(Relaxed),
            out_of_order_samples: counters.out_of_order.load(Relaxed),
            out_of_order_histograms: counters.out_of_order_histograms.load(Relaxed),
            out_of_order_floats_appended: counters.out_of_order_floats_appended.load(Relaxed),
            out_of_order_histograms_appended: counters.out_of_order_histograms_appended.load(Relaxed),
            out_of_order_delta: *counters.out_of_order_delta.lock(),
            too_old_samples: counters.too_old.load(Relaxed),
            out_of_bound_samples: counters.out_of_bounds.load(Relaxed),
            exemplars: ring.len() as u64,
            exemplar_series: ring.series() as u64,
            oldest_exemplar_t: ring.oldest_t().unwrap_or(0),
            exemplars_appended: counters.exemplars.load(Relaxed),
            out_of_order_exemplars: counters.out_of_order_exemplars.load(Relaxed),
            metadata: self.metadata.read().len(),
            last_append_ms: counters.last_append_ms.load(Relaxed),
            wal_bytes: counters.wal_bytes.load(Relaxed),
            wal_failures: counters.wal_failures.load(Relaxed),
            wal: *counters.wal.lock(),
            chunks_mapped: counters.chunks_mapped.load(Relaxed),
            chunk_corruptions: counters.chunk_corruptions.load(Relaxed),
            snapshot_failures: counters.snapshot_failures.load(Relaxed),
            known_keys: self.keys.len() as u64,
            ..Stats::default()
        };
        drop(ring);
        let store = self.store.read();
        stats.series = store.len() as u64;
        stats.series_created = u64::from(store.next_id());
        let (chunks, chunks_created) = store.out_of_order.chunks();
        let (open_bytes, full_bytes) = store.out_of_order.bytes();
        stats.chunks = store.chunks + chunks;
        stats.chunks_created = store.chunks + store.chunks_before + chunks_created;
        (stats.min_t, stats.max_t) = (store.min_t, store.max_t);
        stats.bytes = MemoryBytes {
            symbols: store.symbols.bytes() as u64,
            series: (store.series_bytes() + store.sets.bytes() + self.keys.bytes()) as u64,
            postings: store.postings.bytes() as u64,
            open_chunks: (store.open_bytes + open_bytes) as u64,
            closed_chunks: (store.closed_bytes + full_bytes) as u64,
        };
        stats
    }
}

impl Store {
    /// Numbers of the series that match, ascending; there may be some among them of series that just went.
    fn resolve(&self, matchers: &[Matcher]) -> Vec<SeriesId> {
        resolve(matchers, &self.postings, &self.sets, &self.symbols)
    }

    fn sorted_texts(&self, symbols: Vec<Symbol>) -> Vec<String> {
        let mut texts: Vec<String> = symbols.into_iter().map(|symbol| self.symbols.text(symbol).to_owned()).collect();
        texts.sort_unstable();
        texts
    }
}

fn distinct(symbols: impl Iterator<Item = Symbol>) -> Vec<Symbol> {
    let mut seen: Vec<Symbol> = symbols.collect::<hashbrown::HashSet<_>>().into_iter().collect();
    seen.sort_unstable();
    seen
}

fn all_match(matchers: &[Matcher], labels: &Labels) -> bool {
    matchers.iter().all(|matcher| matcher.matches(labels.get(matcher.name()).unwrap_or("")))
}
