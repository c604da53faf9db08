//! The samples of a result, one after the other.

use neocortex_model::histogram::FloatHistogram;
use neocortex_model::labels::Labels;
use neocortex_model::result::{MatrixSeries, Value, VectorSample};

/// Columns of samples, and whose they are.
#[derive(Default)]
pub(crate) struct Points<'r> {
    /// Label sets, each with its number of rows.
    pub(crate) runs: Vec<(&'r Labels, usize)>,
    /// Milliseconds since the epoch.
    pub(crate) t: Vec<i64>,
    /// 0 where the sample is a histogram.
    pub(crate) v: Vec<f64>,
    /// Empty when all samples are floats.
    pub(crate) h: Vec<Option<&'r FloatHistogram>>,
}

impl<'r> Points<'r> {
    pub(crate) fn of_vector(samples: &'r [VectorSample]) -> Self {
        let mut points = Self::with_capacity(samples.len());
        for sample in samples {
            points.runs.push((&sample.labels, 1));
            match &sample.value {
                Value::Float(v) => points.push_float(sample.t, *v),
                Value::Histogram(h) => points.push_histogram(sample.t, h),
            }
        }
        points
    }

    pub(crate) fn of_matrix(matrix: &'r [MatrixSeries]) -> Self {
        let rows = |series: &MatrixSeries| series.floats.len() + series.histograms.len();
        let mut points = Self::with_capacity(matrix.iter().map(rows).sum());
        for series in matrix {
            points.runs.push((&series.labels, rows(series)));
            points.push_series(series);
        }
        points
    }

    fn with_capacity(rows: usize) -> Self {
        Self { t: Vec::with_capacity(rows), v: Vec::with_capacity(rows), ..Self::default() }
    }

    /// Floats and histograms of a series by time; no time has both.
    fn push_series(&mut self, series: &'r MatrixSeries) {
        let mut histograms = series.histograms.iter().peekable();
        for (t, v) in &series.floats {
            while let Some((earlier, h)) = histograms.next_if(|(earlier, _)| earlier < t) {
                self.push_histogram(*earlier, h);
            }
            self.push_float(*t, *v);
        }
        histograms.for_each(|(t, h)| self.push_histogram(*t, h));
    }

    fn push_float(&mut self, t: i64, v: f64) {
        self.t.push(t);
        self.v.push(v);
        if !self.h.is_empty() {
            self.h.push(None);
        }
    }

    fn push_histogram(&mut self, t: i64, h: &'r FloatHistogram) {
        self.h.resize(self.t.len(), None);
        self.t.push(t);
        self.v.push(0.0);
        self.h.push(Some(h));
    }
}
