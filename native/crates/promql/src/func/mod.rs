//! The functions, one file a family; [`lookup`] finds the implementation behind a name of the parser's table.

use neocortex_model::labels::Labels;
use neocortex_model::result::Value;
use neocortex_model::sample::Samples;

use crate::eval::annotate::Notes;
use crate::eval::column::Column;
use crate::eval::error::EvalError;
use crate::parse::ast::Expr;

/// The samples of one series inside one window of a range selector or subquery.
#[derive(Clone, Copy)]
pub struct Window<'a> {
    /// Columns of the whole series.
    pub samples: &'a Samples,
    /// First sample inside the window.
    pub from: usize,
    /// One past the last sample inside the window.
    pub to: usize,
    /// Left end of the window, exclusive, in milliseconds (`end_ms - range`).
    pub start_ms: i64,
    /// Right end of the window, inclusive, in milliseconds, offset and `@` applied.
    pub end_ms: i64,
    /// The time of the step itself in milliseconds, without offset.
    pub step_ms: i64,
    /// Metric name of the series, for annotations.
    pub metric: &'a str,
}

/// The scalar and string arguments of a call at one step (`quantile_over_time(0.9, …)`: `scalars[0]` is 0.9).
#[derive(Clone, Copy)]
pub struct Params<'a> {
    /// Values of the scalar arguments, in order.
    pub scalars: &'a [f64],
    /// Where the arguments stand, for annotations.
    pub args: &'a [Expr],
    /// Collects warnings and infos.
    pub notes: &'a Notes,
}

/// An argument of a function that wants whole vectors.
pub enum Argument {
    /// A scalar: one value a step.
    Scalar(Vec<f64>),
    /// A string literal.
    String(String),
    /// An instant vector.
    Vector(Vec<Column>),
}

/// What a function that wants whole vectors may know of its call.
pub struct Call<'a> {
    /// Timestamps of the steps in milliseconds.
    pub steps: &'a [i64],
    /// The argument expressions, e.g. for `absent`, which takes labels from the selector.
    pub args: &'a [Expr],
    /// Collects warnings and infos.
    pub notes: &'a Notes,
    /// Keep the metric name and mark the column instead (delayed name removal).
    pub delayed_name_removal: bool,
}

/// How a function is evaluated.
#[derive(Clone, Copy)]
pub enum Implementation {
    /// Number to number, element by element. Histograms are dropped, and the metric name.
    Map(fn(f64) -> f64),
    /// One window of one series to one value, or to none. The engine slides the window. `keep_name`: the metric name stays.
    Range {
        /// The function.
        apply: fn(&Window<'_>, &Params<'_>) -> Option<Value>,
        /// The metric name stays (`last_over_time`, `first_over_time`).
        keep_name: bool,
    },
    /// Whole vectors to whole vectors.
    Vector(fn(&Call<'_>, Vec<Argument>) -> Result<Vec<Column>, EvalError>),
    /// Evaluated by the engine itself, since it needs the storage or the windows of all series (`absent_over_time`, `info`,
    /// `timestamp`, `time`, `pi`, `scalar`, `vector`, …: the engine says which).
    Engine,
}

/// Keeps the unused import of labels honest until the families are here.
pub type SeriesLabels = Labels;
