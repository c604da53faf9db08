//! Access to the samples of a window: floats and histograms apart, or in turn.

use std::borrow::Cow;
use std::sync::Arc;

use neocortex_model::histogram::FloatHistogram;

use super::Window;

/// The floats of a window, ascending in time.
pub(super) struct Floats<'a> {
    /// Timestamps in milliseconds.
    pub(super) t: Cow<'a, [i64]>,
    /// Values.
    pub(super) v: Cow<'a, [f64]>,
}

impl Floats<'_> {
    pub(super) fn len(&self) -> usize {
        self.t.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.t.is_empty()
    }
}

/// A histogram of a window and its time in milliseconds.
pub(super) type HistogramPoint<'a> = (i64, &'a Arc<FloatHistogram>);

/// A sample of either kind.
pub(super) enum Sample<'a> {
    Float(f64),
    Histogram(&'a Arc<FloatHistogram>),
}

impl<'a> Window<'a> {
    /// Number of samples.
    pub(super) fn len(&self) -> usize {
        self.to.saturating_sub(self.from)
    }

    /// Length of the range in seconds.
    pub(super) fn range_s(&self) -> f64 {
        (self.end_ms - self.start_ms) as f64 / 1000.0
    }

    /// The same window with other first and last samples.
    pub(super) fn narrowed(&self, from: usize, to: usize) -> Self {
        Self { from, to, ..*self }
    }

    pub(super) fn has_histograms(&self) -> bool {
        !self.samples.h.is_empty() && self.samples.h[self.from..self.to].iter().any(Option::is_some)
    }

    /// The floats; without a copy when there are no histograms.
    pub(super) fn floats(&self) -> Floats<'a> {
        let samples = self.samples;
        if !self.has_histograms() {
            let range = self.from..self.to;
            return Floats { t: Cow::Borrowed(&samples.t[range.clone()]), v: Cow::Borrowed(&samples.v[range]) };
        }
        let floats = (self.from..self.to).filter(|i| samples.h[*i].is_none());
        let (t, v): (Vec<_>, Vec<_>) = floats.map(|i| (samples.t[i], samples.v[i])).unzip();
        Floats { t: Cow::Owned(t), v: Cow::Owned(v) }
    }

    /// The histograms.
    pub(super) fn histograms(&self) -> Vec<HistogramPoint<'a>> {
        if self.samples.h.is_empty() {
            return Vec::new();
        }
        let samples = self.samples;
        (self.from..self.to).filter_map(|i| Some((samples.t[i], samples.h[i].as_ref()?))).collect()
    }

    /// The sample at an index of the series.
    pub(super) fn sample(&self, i: usize) -> Sample<'a> {
        match self.samples.histogram(i) {
            Some(h) => Sample::Histogram(h),
            None => Sample::Float(self.samples.v[i]),
        }
    }

    /// The time of a sample in milliseconds.
    pub(super) fn time(&self, i: usize) -> i64 {
        self.samples.t[i]
    }
}
