//! The series of a selection: selected when first needed, decoded once for all its uses.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use neocortex_model::labels::Labels;
use neocortex_model::sample::{Samples, is_stale_nan};
use neocortex_model::series::{Queryable, Series, StorageError};

use super::budget::histogram_samples;
use super::error::EvalError;
use super::histogram_stats::keep_stats;
use crate::func::METADATA_LABELS;
use crate::plan::ranges::Selection;

/// Samples of one selection that are kept for its next use (64 MiB of floats); what is beyond is decoded again.
const KEPT_SAMPLES: u64 = 4 << 20;

/// One selection of the query.
pub(super) struct Source {
    selection: Selection,
    selected: OnceLock<Result<Selected, EvalError>>,
}

/// The series that the storage gave.
pub(super) struct Selected {
    series: Vec<Arc<dyn Series>>,
    /// Decoded samples of each series; empty when the selection has one use, which decodes and forgets.
    decoded: Vec<OnceLock<Arc<Samples>>>,
    /// Samples in `decoded`.
    kept: AtomicU64,
    /// How many the series that was read last has; the next one is likely as long.
    usual_len: AtomicUsize,
    start_ms: i64,
    end_ms: i64,
    /// Windows never show staleness markers.
    without_stale: bool,
    /// Of histograms only count and sum are needed.
    stats_only: bool,
    /// Start timestamps are looked at.
    with_starts: bool,
}

impl Source {
    pub fn new(selection: Selection) -> Self {
        Self { selection, selected: OnceLock::new() }
    }

    /// Asks the storage, the first time; `with_starts` keeps the start timestamps of samples.
    ///
    /// # Errors
    /// [`EvalError::Select`], the same each time.
    pub fn selected(&self, storage: &dyn Queryable, with_starts: bool) -> Result<&Selected, EvalError> {
        let selected = self.selected.get_or_init(|| {
            let Selection { matchers, hints, stats_only } = &self.selection;
            let series = storage.select(matchers, hints).map_err(|error| match error {
                StorageError::Cancelled => EvalError::Cancelled,
                other => EvalError::Select(other),
            })?;
            let decoded =
                if hints.selectors > 1 { series.iter().map(|_| OnceLock::new()).collect() } else { Vec::new() };
            Ok(Selected {
                series,
                decoded,
                kept: AtomicU64::new(0),
                usual_len: AtomicUsize::new(0),
                start_ms: hints.start_ms,
                end_ms: hints.end_ms,
                without_stale: hints.range_ms > 0,
                stats_only: *stats_only,
                with_starts,
            })
        });
        selected.as_ref().map_err(Clone::clone)
    }
}

impl Selected {
    /// How many series there are.
    pub fn len(&self) -> usize {
        self.series.len()
    }

    /// True when metric name, type and unit of all series are the same.
    pub fn have_one_name(&self) -> bool {
        let of = |series: &Arc<dyn Series>| METADATA_LABELS.map(|name| series.labels().get(name).map(str::to_owned));
        let Some(first) = self.series.first().map(of) else { return true };
        let same =
            |labels: &Labels| METADATA_LABELS.iter().zip(&first).all(|(name, v)| labels.get(name) == v.as_deref());
        self.series[1..].iter().all(|series| same(series.labels()))
    }

    /// The labels of a series.
    pub fn labels(&self, i: usize) -> &Labels {
        self.series[i].labels()
    }

    /// The samples of a series.
    ///
    /// # Errors
    /// [`EvalError::Storage`] when it cannot be decoded.
    pub fn samples(&self, i: usize) -> Result<Arc<Samples>, EvalError> {
        if let Some(decoded) = self.decoded.get(i).and_then(OnceLock::get) {
            return Ok(Arc::clone(decoded));
        }
        let mut samples = Samples::with_capacity(self.usual_len.load(Ordering::Relaxed));
        self.series[i].read(self.start_ms, self.end_ms, &mut samples).map_err(|error| match error {
            StorageError::Cancelled => EvalError::Cancelled,
            other => EvalError::Storage(other),
        })?;
        self.usual_len.store(samples.len(), Ordering::Relaxed);
        if !self.with_starts {
            samples.st = Vec::new();
        }
        if self.without_stale {
            drop_stale(&mut samples);
        }
        if self.stats_only {
            keep_stats(&mut samples);
        }
        let samples = Arc::new(samples);
        if let Some(slot) = self.decoded.get(i) {
            let size = size(&samples);
            if self.kept.fetch_add(size, Ordering::Relaxed).saturating_add(size) <= KEPT_SAMPLES {
                return Ok(Arc::clone(slot.get_or_init(|| samples)));
            }
            self.kept.fetch_sub(size, Ordering::Relaxed);
        }
        Ok(samples)
    }
}

/// Samples, histograms by their size.
fn size(samples: &Samples) -> u64 {
    samples.len() as u64 + samples.h.iter().flatten().map(|h| histogram_samples(h)).sum::<u64>()
}

/// True for a staleness marker, float or histogram.
pub(super) fn is_stale(samples: &Samples, i: usize) -> bool {
    match samples.histogram(i) {
        Some(h) => is_stale_nan(h.sum),
        None => is_stale_nan(samples.v[i]),
    }
}

/// A copy without staleness markers.
pub(super) fn without_stale(samples: &Samples) -> Samples {
    let mut samples = samples.clone();
    drop_stale(&mut samples);
    samples
}

fn drop_stale(samples: &mut Samples) {
    // Nearly always there is none. All are looked at, which takes less time than to stop at the first.
    let stale = samples.v.iter().filter(|v| is_stale_nan(**v)).count();
    if stale == 0 && samples.h.is_empty() {
        return;
    }
    let Some(first) = (0..samples.len()).find(|i| is_stale(samples, *i)) else { return };
    let mut kept = first;
    for i in first..samples.len() {
        if is_stale(samples, i) {
            continue;
        }
        samples.t[kept] = samples.t[i];
        samples.v[kept] = samples.v[i];
        if !samples.h.is_empty() {
            samples.h.swap(kept, i);
        }
        if !samples.st.is_empty() {
            samples.st[kept] = samples.st[i];
        }
        kept += 1;
    }
    samples.t.truncate(kept);
    samples.v.truncate(kept);
    samples.h.truncate(kept);
    samples.st.truncate(kept);
}
