//! The checks of Cortex's distributor.
//!
//! Source: Cortex's `pkg/distributor/distributor.go` (order) and `pkg/util/validation` (checks, reasons, texts).

mod histogram;
mod labels;
mod limits;
mod outcome;
mod steps;
mod text;

use std::borrow::Cow;
use std::sync::Arc;

use neocortex_model::histogram::CUSTOM_BUCKETS_SCHEMA;
use neocortex_model::rows::{KnownSeries, SeriesKey};
use neocortex_model::sample::{Exemplar, FloatSample, HistogramSample, HistogramValue};

use crate::batch::{Counts, ExemplarSource, LabelStore, Pair, Row, WriteBatch};

pub use limits::{NameValidation, ValidationLimits};
pub use outcome::{Discard, DiscardReason, Discarded, Validated, ValidationError};
pub use steps::{LabelSteps, Relabel, Replicas};

/// The most characters in names and values of an exemplar's labels (OpenMetrics).
const EXEMPLAR_MAX_CHARS: usize = 128;

impl WriteBatch {
    /// Checks every series and every metadata. What is refused disappears from the batch; what is accepted can be
    /// appended. The labels of series that `known` knows are not parsed: what was accepted once stays accepted until
    /// the generation in `steps` changes.
    ///
    /// `now_ms` is the time that "too old" and "too new" refer to. Call it once per batch.
    pub fn validate(
        &mut self,
        limits: &ValidationLimits,
        steps: &Arc<LabelSteps>,
        now_ms: i64,
        known: &impl KnownSeries,
    ) -> Validated {
        self.steps = Arc::clone(steps);
        let mask = self.secret.mask(steps.generation, matches!(steps.replicas, Replicas::Remove(_)));
        let mut rows = std::mem::take(&mut self.rows);
        for row in &mut rows {
            row.key = SeriesKey(row.key.0 ^ mask.0);
        }
        let mut known = known.are_known(rows.iter().map(|row| row.key)).into_iter();
        let mut check = Check {
            store: &self.store,
            floats: &self.floats,
            histograms: &mut self.histograms,
            histogram_bytes: &self.histogram_bytes,
            exemplars: &self.exemplars,
            exemplar_sources: &self.exemplar_sources,
            limits,
            steps,
            oldest_ms: limits.reject_old_samples.then(|| now_ms.saturating_sub(limits.reject_old_samples_max_age_ms)),
            newest_ms: now_ms.saturating_add(limits.creation_grace_period_ms),
            out: Validated::default(),
        };
        rows.retain_mut(|row| {
            let known = known.next().unwrap_or(false);
            check.row(row, known)
        });
        let mut out = check.out;
        if out.refused {
            rows.clear();
            self.metadata.clear();
        }
        self.rows = rows;
        self.metadata.retain(|metadata| match limits.check_metadata(metadata) {
            Ok(()) => {
                out.accepted.metadata += 1;
                true
            }
            Err(error) => {
                out.discarded.add(Discarded::Metadata, error.reason, 1);
                out.first_error.get_or_insert(error);
                false
            }
        });
        out
    }

    pub(crate) fn count_received(&mut self) {
        self.received = Counts {
            series: self.rows.len() as u64,
            floats: self.floats.len() as u64,
            histograms: self.histograms.len() as u64,
            custom_bucket_histograms: custom_bucket_count(&self.histograms),
            exemplars: self.exemplars.len() as u64,
            metadata: self.metadata.len() as u64,
        };
    }
}

/// Everything that the check of a row needs.
struct Check<'a> {
    store: &'a LabelStore,
    floats: &'a [FloatSample],
    histograms: &'a mut [HistogramSample],
    histogram_bytes: &'a [u32],
    exemplars: &'a [Exemplar],
    exemplar_sources: &'a [ExemplarSource],
    limits: &'a ValidationLimits,
    steps: &'a LabelSteps,
    oldest_ms: Option<i64>,
    newest_ms: i64,
    out: Validated,
}

impl<'a> Check<'a> {
    /// True when the row has something to store. The labels of a known series are not parsed.
    fn row(&mut self, row: &mut Row, known: bool) -> bool {
        if self.out.refused {
            return false;
        }
        if row.label_count == 0 {
            self.out.refused = true;
            self.out.accepted = Counts::default();
            self.out.first_error = Some(ValidationError { reason: None, text: "empty labels found".to_owned() });
            return false;
        }
        let mut pairs = None;
        if self.steps.chooses_per_series() {
            let as_sent = self.store.pairs(row.source, false);
            if !self.steps.accepts(&as_sent) {
                return false;
            }
            pairs = Some(as_sent);
        }
        self.note_latest(row);
        if !known {
            let pairs = pairs.unwrap_or_else(|| self.store.pairs(row.source, false));
            match self.labels(row, pairs) {
                Ok(Some(labels)) => row.labels = Some(labels),
                Ok(None) => return false,
                Err(error) => return self.refuse(error),
            }
        }
        if let Err(error) = self.values(row) {
            return self.refuse(error);
        }
        self.accept(row)
    }

    fn refuse(&mut self, error: ValidationError) -> bool {
        self.out.first_error.get_or_insert(error);
        false
    }

    fn note_latest(&mut self, row: &Row) {
        let floats = self.floats[row.floats.range()].last().map(|sample| sample.t);
        let histograms = self.histograms[row.histograms.range()].last().map(|sample| sample.t);
        let latest = floats.max(histograms).unwrap_or(0);
        self.out.latest_sample_ms = self.out.latest_sample_ms.max(latest);
    }

    /// Changes and checks the labels of a series that is not known. `None` when the series is dropped in silence.
    fn labels(
        &mut self,
        row: &Row,
        mut pairs: Vec<Pair<'a>>,
    ) -> Result<Option<neocortex_model::labels::Labels>, ValidationError> {
        self.steps.apply_relabel(&mut pairs);
        if pairs.is_empty() {
            self.discard_all(row, DiscardReason::RelabelConfiguration);
            return Ok(None);
        }
        self.steps.apply_removals(&mut pairs);
        if let Err(error) = labels::check_metric_name(self.limits, &pairs) {
            if let Some(reason) = error.reason {
                self.discard_all(row, reason);
            }
            return Err(error);
        }
        labels::normalise(&mut pairs);
        if pairs.is_empty() {
            self.discard_all(row, DiscardReason::UserLabelRemoval);
            return Ok(None);
        }
        if let Err(error) = labels::check(self.limits, &pairs) {
            self.out.discarded.add(Discarded::Samples, error.reason, 1);
            return Err(error);
        }
        let sorted: Vec<_> = pairs.iter().map(|(name, value)| (name.as_ref(), value.as_ref())).collect();
        Ok(Some(neocortex_model::labels::Labels::from_sorted(&sorted)))
    }

    fn discard_all(&mut self, row: &Row, reason: DiscardReason) {
        let samples = row.floats.len() + row.histograms.len();
        self.out.discarded.add(Discarded::Samples, Some(reason), samples as u64);
        self.out.discarded.add(Discarded::Exemplars, Some(reason), row.exemplars.len() as u64);
    }

    fn values(&mut self, row: &Row) -> Result<(), ValidationError> {
        for at in row.floats.range() {
            self.check_time(row, self.floats[at].t)?;
        }
        for at in row.exemplars.range() {
            self.check_exemplar(row, at)?;
        }
        for at in row.histograms.range() {
            self.check_time(row, self.histograms[at].t)?;
            match histogram::check(self.limits, &mut self.histograms[at].h, self.histogram_bytes[at] as usize) {
                Ok(reduced) => self.out.reduced_histograms += u64::from(reduced),
                Err(refusal) => {
                    let error = refusal.into_error(&self.final_pairs(row));
                    self.out.discarded.add(Discarded::Samples, error.reason, 1);
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    #[inline]
    fn check_time(&mut self, row: &Row, t: i64) -> Result<(), ValidationError> {
        let (reason, how) = if self.oldest_ms.is_some_and(|oldest| t < oldest) {
            (DiscardReason::GreaterThanMaxSampleAge, "old")
        } else if t > self.newest_ms {
            (DiscardReason::TooFarInFuture, "new")
        } else {
            return Ok(());
        };
        self.out.discarded.add(Discarded::Samples, Some(reason), 1);
        let pairs = self.final_pairs(row);
        let name = pairs.iter().find(|(name, _)| name == "__name__").map_or("", |(_, value)| value.as_ref());
        let text = format!("timestamp too {how}: {t} metric: {}", text::quote200(name));
        Err(ValidationError { reason: Some(reason), text })
    }

    fn check_exemplar(&mut self, row: &Row, at: usize) -> Result<(), ValidationError> {
        let (exemplar, source) = (&self.exemplars[at], self.exemplar_sources[at]);
        let (reason, text) = if source.label_count == 0 {
            (DiscardReason::ExemplarLabelsMissing, Cow::Borrowed("exemplar missing labels"))
        } else if exemplar.t == 0 {
            (DiscardReason::ExemplarTimestampInvalid, Cow::Borrowed("exemplar missing timestamp"))
        } else if self.exemplar_chars(source) > EXEMPLAR_MAX_CHARS {
            let text = format!("exemplar combined labelset exceeds {EXEMPLAR_MAX_CHARS} characters");
            (DiscardReason::ExemplarLabelsTooLong, Cow::Owned(text))
        } else {
            return Ok(());
        };
        self.out.discarded.add(Discarded::Exemplars, Some(reason), 1);
        let text = format!(
            "{text}, timestamp: {} series: {} labels: {}",
            exemplar.t,
            text::label_set(&self.final_pairs(row)),
            text::label_set(&self.store.pairs(source.source, true)),
        );
        Err(ValidationError { reason: Some(reason), text })
    }

    fn exemplar_chars(&self, source: ExemplarSource) -> usize {
        let pairs = self.store.pairs(source.source, true);
        pairs.iter().map(|(name, value)| name.chars().count() + value.chars().count()).sum()
    }

    /// The labels as the checks of values see them: changed, without empty values, sorted.
    fn final_pairs(&self, row: &Row) -> Vec<Pair<'a>> {
        let mut pairs = self.store.pairs(row.source, false);
        self.steps.apply(&mut pairs);
        labels::normalise(&mut pairs);
        pairs
    }

    fn accept(&mut self, row: &mut Row) -> bool {
        let accepted = &mut self.out.accepted;
        accepted.series += 1;
        accepted.floats += row.floats.len() as u64;
        accepted.histograms += row.histograms.len() as u64;
        accepted.custom_bucket_histograms += custom_bucket_count(&self.histograms[row.histograms.range()]);
        accepted.exemplars += row.exemplars.len() as u64;
        !(row.floats.is_empty() && row.histograms.is_empty() && row.exemplars.is_empty())
    }
}

fn custom_bucket_count(histograms: &[HistogramSample]) -> u64 {
    let is_custom = |sample: &&HistogramSample| match &sample.h {
        HistogramValue::Integer(h) => h.schema == CUSTOM_BUCKETS_SCHEMA,
        HistogramValue::Float(h) => h.schema == CUSTOM_BUCKETS_SCHEMA,
    };
    histograms.iter().filter(is_custom).count() as u64
}
