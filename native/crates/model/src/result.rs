//! What the evaluator hands to the writers of answers.

use std::sync::Arc;

use crate::histogram::FloatHistogram;
use crate::labels::Labels;

/// A float or a native histogram.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A float.
    Float(f64),
    /// A native histogram.
    Histogram(Arc<FloatHistogram>),
}

/// One element of an instant vector.
#[derive(Clone, Debug, PartialEq)]
pub struct VectorSample {
    /// Labels of the element.
    pub labels: Labels,
    /// Timestamp in milliseconds.
    pub t: i64,
    /// Its value.
    pub value: Value,
}

/// One series of a range vector or matrix. Floats and histograms are apart, each ascending in time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MatrixSeries {
    /// Labels of the series.
    pub labels: Labels,
    /// `(timestamp in ms, value)`.
    pub floats: Vec<(i64, f64)>,
    /// `(timestamp in ms, histogram)`.
    pub histograms: Vec<(i64, Arc<FloatHistogram>)>,
}

/// The value of a query.
#[derive(Clone, Debug, PartialEq)]
pub enum QueryValue {
    /// One number at a time in milliseconds.
    Scalar {
        /// Timestamp in milliseconds.
        t: i64,
        /// The number.
        v: f64,
    },
    /// One string at a time in milliseconds.
    String {
        /// Timestamp in milliseconds.
        t: i64,
        /// The string.
        v: String,
    },
    /// An instant vector, in the order to be shown.
    Vector(Vec<VectorSample>),
    /// A matrix, sorted by labels.
    Matrix(Vec<MatrixSeries>),
}

/// Remarks on an answer that is an answer nevertheless; texts with positions as Prometheus prints them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Annotations {
    /// Something is likely wrong with the answer.
    pub warnings: Vec<String>,
    /// Something is worth knowing about the answer.
    pub infos: Vec<String>,
}

/// How many samples an evaluation touched (`stats` of the query API).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SampleStats {
    /// Samples loaded, counted as Prometheus does.
    pub total_queryable_samples: u64,
    /// The most samples held at once.
    pub peak_samples: u64,
    /// Samples loaded per step, `(timestamp in ms, count)`; filled only when asked for.
    pub per_step: Vec<(i64, u64)>,
}

/// A finished query.
#[derive(Clone, Debug, PartialEq)]
pub struct QueryResult {
    /// Its value.
    pub value: QueryValue,
    /// Warnings and infos.
    pub annotations: Annotations,
    /// Samples touched.
    pub stats: SampleStats,
}
