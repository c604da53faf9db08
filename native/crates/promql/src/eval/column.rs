//! The evaluator's data: one column of values per series, one slot per step.

use std::sync::Arc;

use neocortex_model::histogram::FloatHistogram;
use neocortex_model::labels::Labels;
use neocortex_model::result::Value;
use neocortex_model::sample::{STALE_NAN_BITS, stale_nan};

/// The values of one output series at every step of the query.
///
/// A step without a value holds the staleness marker, which no evaluation yields: selectors drop stale samples and
/// arithmetic turns signalling NaNs into quiet ones. So a column is one dense array, without a bitmap beside it.
#[derive(Clone, Debug)]
pub struct Column {
    /// Labels of the series.
    pub labels: Labels,
    /// The metric name is to be dropped at the end (delayed name removal).
    pub drop_name: bool,
    /// One value a step; the staleness marker where there is none or where `histograms` has one.
    pub floats: Vec<f64>,
    /// One entry a step when the series has any histogram, else empty.
    pub histograms: Vec<Option<Arc<FloatHistogram>>>,
}

/// The marker of an empty slot.
#[must_use]
pub fn absent() -> f64 {
    stale_nan()
}

/// True for the marker of an empty slot.
#[must_use]
pub fn is_absent(v: f64) -> bool {
    v.to_bits() == STALE_NAN_BITS
}

impl Column {
    /// A column without any value.
    #[must_use]
    pub fn new(labels: Labels, steps: usize) -> Self {
        Self { labels, drop_name: false, floats: vec![absent(); steps], histograms: Vec::new() }
    }

    /// The value at a step.
    #[must_use]
    pub fn get(&self, step: usize) -> Option<Value> {
        if let Some(Some(h)) = self.histograms.get(step) {
            return Some(Value::Histogram(Arc::clone(h)));
        }
        let v = self.floats[step];
        (!is_absent(v)).then_some(Value::Float(v))
    }

    /// Sets the value at a step.
    pub fn set(&mut self, step: usize, value: Option<Value>) {
        if let Some(slot) = self.histograms.get_mut(step) {
            *slot = None;
        }
        match value {
            None => self.floats[step] = absent(),
            Some(Value::Float(v)) => self.floats[step] = v,
            Some(Value::Histogram(h)) => {
                self.histograms.resize(self.floats.len(), None);
                self.floats[step] = absent();
                self.histograms[step] = Some(h);
            }
        }
    }

    /// True when no step has a value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.floats.iter().all(|v| is_absent(*v)) && self.histograms.iter().all(Option::is_none)
    }
}
