//! The input of functions that take classic and native histograms alike: buckets gathered into histograms.

use hashbrown::HashMap;
use neocortex_model::histogram::FloatHistogram;
use neocortex_model::labels::Labels;

use super::Call;
use super::classic_histogram::ClassicBucket;
use crate::eval::annotate::Note;
use crate::eval::column::{Column, absent, is_absent};

/// Label of the upper bound of a classic bucket.
const BUCKET_LABEL: &str = "le";

/// The buckets of one classic histogram.
struct Classic {
    /// Labels without `le`.
    labels: Labels,
    /// Upper bounds and cumulative counts.
    buckets: Vec<(f64, Column)>,
}

impl Classic {
    fn is_present(&self, step: usize) -> bool {
        self.buckets.iter().any(|(_, column)| !is_absent(column.floats[step]))
    }
}

/// A vector as histograms.
pub(super) struct Histograms {
    native: Vec<Column>,
    classic: Vec<Classic>,
    /// For each native histogram the classic one of the same labels, and the other way round.
    classic_of_native: Vec<Option<usize>>,
    native_of_classic: Vec<Option<usize>>,
}

/// How a single histogram becomes a number; the name is the metric's, or empty where it is dropped.
pub(super) trait Evaluate {
    fn native(&self, step: usize, h: &FloatHistogram, metric: &str) -> f64;
    fn classic(&self, step: usize, buckets: &mut Vec<ClassicBucket>, metric: &str) -> f64;
}

/// The upper bound in a label, as Go's `ParseFloat`: a number that is too large is none.
fn parse_bound(text: &str) -> Option<f64> {
    let bound: f64 = text.parse().ok()?;
    (bound.is_finite() || text.bytes().any(|b| b.eq_ignore_ascii_case(&b'n'))).then_some(bound)
}

/// The metric name for notes: it is known only while names are not dropped on the way.
fn noted_name<'a>(call: &Call<'_>, labels: &'a Labels) -> &'a str {
    if call.delayed_name_removal { labels.metric_name() } else { "" }
}

impl Histograms {
    /// Sorts the columns of the argument `arg` into histograms; notes buckets without a usable `le`.
    pub(super) fn gather(call: &Call<'_>, arg: usize, columns: Vec<Column>) -> Self {
        let mut native: Vec<Column> = Vec::new();
        let mut classic: Vec<Classic> = Vec::new();
        let mut by_labels: HashMap<Labels, usize> = HashMap::new();
        for mut column in columns {
            if column.histograms.iter().any(Option::is_some) {
                native.push(Column { floats: Vec::new(), ..column.clone() });
                column.histograms = Vec::new();
            }
            if column.is_empty() {
                continue;
            }
            let le = column.labels.get(BUCKET_LABEL).unwrap_or("");
            let Some(bound) = parse_bound(le) else {
                let metric = noted_name(call, &column.labels);
                call.notes.add(Note::BadBucketLabel { metric, label: le }, call.at(arg));
                continue;
            };
            let labels = column.labels.without(&[BUCKET_LABEL]);
            let i = *by_labels.entry(labels).or_insert_with_key(|labels| {
                classic.push(Classic { labels: labels.clone(), buckets: Vec::new() });
                classic.len() - 1
            });
            classic[i].buckets.push((bound, column));
        }
        let classic_of_native: Vec<_> = native.iter().map(|column| by_labels.get(&column.labels).copied()).collect();
        let mut native_of_classic = vec![None; classic.len()];
        for (i, of) in classic_of_native.iter().enumerate() {
            if let Some(of) = of {
                native_of_classic[*of] = Some(i);
            }
        }
        Self { native, classic, classic_of_native, native_of_classic }
    }

    /// Number of histograms.
    pub(super) fn len(&self) -> usize {
        self.native.len() + self.classic.len()
    }

    /// One column a histogram, at the steps that are wanted. Where a classic and a native histogram have the same labels
    /// at the same time neither has a value, with a note.
    pub(super) fn evaluate(
        &self,
        call: &Call<'_>,
        arg: usize,
        wanted: impl Fn(usize) -> bool,
        evaluation: &impl Evaluate,
    ) -> Vec<Column> {
        let steps = call.steps.len();
        let mut results = Vec::with_capacity(self.len());
        for (column, classic) in self.native.iter().zip(&self.classic_of_native) {
            let metric = noted_name(call, &column.labels);
            let mut result = Column::new(column.labels.clone(), steps);
            for (step, h) in column.histograms.iter().enumerate() {
                let Some(h) = h.as_deref().filter(|_| wanted(step)) else { continue };
                if classic.is_some_and(|i| self.classic[i].is_present(step)) {
                    call.notes.add(Note::MixedClassicNativeHistograms { metric }, call.at(arg));
                } else {
                    result.floats[step] = evaluation.native(step, h, metric);
                }
            }
            results.push(result);
        }
        let mut buckets = Vec::new();
        for (classic, native) in self.classic.iter().zip(&self.native_of_classic) {
            let metric = noted_name(call, &classic.labels);
            let mut result = Column::new(classic.labels.clone(), steps);
            for (step, v) in result.floats.iter_mut().enumerate() {
                if !wanted(step) || native.is_some_and(|i| self.native[i].histograms[step].is_some()) {
                    continue;
                }
                buckets.clear();
                buckets.extend(classic.buckets.iter().filter_map(|(upper, column)| {
                    let count = column.floats[step];
                    (!is_absent(count)).then_some(ClassicBucket { upper: *upper, count })
                }));
                *v = if buckets.is_empty() { absent() } else { evaluation.classic(step, &mut buckets, metric) };
            }
            results.push(result);
        }
        results.retain(|column| !column.is_empty());
        results.iter_mut().for_each(|column| call.drop_name(column));
        results
    }
}
