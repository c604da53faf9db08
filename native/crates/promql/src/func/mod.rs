//! The functions, one file a family; [`lookup`] finds the implementation behind a name of the parser's table.
//!
//! Semantics follow Prometheus's `promql/functions.go` and `promql/quantile.go`.

mod absent;
mod classic_histogram;
mod deriv;
mod extended_rate;
mod histogram_input;
mod histogram_quantile;
mod histogram_stats;
mod instant_rate;
mod label;
mod math;
mod over_time;
mod over_time_histogram;
mod quantile;
mod rate;
mod resets;
pub mod sliding;
mod sort;
mod start_time;
mod thanos_rate;
mod time;
mod window;

use neocortex_model::go_math;
use neocortex_model::result::Value;
use neocortex_model::sample::Samples;

use crate::eval::annotate::Notes;
use crate::eval::column::Column;
use crate::eval::error::EvalError;
use crate::parse::ast::{Expr, ExprKind, Span};

pub use absent::absent_labels;
pub use quantile::quantile;
use sliding::Sliding;
pub(crate) use thanos_rate::{LOOKBACK_MS as EXTENDED_LOOKBACK_MS, wants_sample_before};

/// The samples of one series inside one window of a range selector or subquery.
///
/// There are no staleness markers among them. An `anchored` selector also covers the samples within the lookback before
/// the window, a `smoothed` one those within the lookback before and behind it: the functions interpolate themselves.
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

/// Where most notes of a range function point: at the first argument. A subquery has no place: Prometheus puts its result
/// there before it looks.
pub(crate) fn noted_at(args: &[Expr]) -> Span {
    let first = args.first().filter(|arg| !matches!(arg.kind, ExprKind::Subquery(_)));
    first.map(|arg| arg.span).unwrap_or_default()
}

impl Params<'_> {
    fn at(&self) -> Span {
        noted_at(self.args)
    }

    /// The scalar argument of this number; NaN when it is missing, which the parser does not let happen.
    fn scalar(&self, i: usize) -> f64 {
        self.scalars.get(i).copied().unwrap_or(f64::NAN)
    }
}

/// An argument of a function that wants whole vectors.
pub enum Argument {
    /// A scalar: one value a step.
    Scalar(Vec<f64>),
    /// A string literal, which need not be UTF-8.
    String(Vec<u8>),
    /// An instant vector.
    Vector(Vec<Column>),
}

impl Argument {
    /// The columns; none when this is no vector.
    fn into_vector(self) -> Vec<Column> {
        match self {
            Self::Vector(columns) => columns,
            Self::Scalar(_) | Self::String(_) => Vec::new(),
        }
    }

    /// The text, with U+FFFD for what is not UTF-8; empty when this is no string.
    fn into_string(self) -> String {
        match self {
            Self::String(text) => String::from_utf8_lossy(&text).into_owned(),
            Self::Scalar(_) | Self::Vector(_) => String::new(),
        }
    }

    /// The text as the name of a label: UTF-8, and not empty.
    ///
    /// # Errors
    /// [`EvalError::Execution`] with the name behind `wrong`, for what is no name.
    fn into_label_name(self, wrong: &str) -> Result<String, EvalError> {
        match self {
            Self::String(name) if is_label_name(&name) => Ok(String::from_utf8_lossy(&name).into_owned()),
            other => Err(EvalError::execution(format!("{wrong}: {}", other.into_string()))),
        }
    }

    /// The scalar at a step; NaN when this is no scalar.
    fn scalar(&self, step: usize) -> f64 {
        match self {
            Self::Scalar(values) => values.get(step).copied().unwrap_or(f64::NAN),
            Self::String(_) | Self::Vector(_) => f64::NAN,
        }
    }
}

/// Whether something can be the name of a label: UTF-8, and not empty.
pub(crate) fn is_label_name(name: &[u8]) -> bool {
    !name.is_empty() && std::str::from_utf8(name).is_ok()
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
    /// Notes stand where Prometheus 3.14 has them.
    pub newer_messages: bool,
    /// Bytes that labels made by the call may have in all.
    pub max_label_bytes: u64,
}

impl Call<'_> {
    /// Where an argument stands.
    fn at(&self, arg: usize) -> Span {
        self.args.get(arg).map(|arg| arg.span).unwrap_or_default()
    }

    /// Where a note about NaN observations of the histograms in the argument `arg` stands: at the first argument for Cortex.
    fn nan_at(&self, arg: usize) -> Span {
        self.at(if self.newer_messages { arg } else { 0 })
    }

    /// Drops the metric name, type and unit of a result, or marks the column so that they are dropped at the end.
    fn drop_name(&self, column: &mut Column) {
        column.drop_name = true;
        if !self.delayed_name_removal {
            column.labels = column.labels.without(&METADATA_LABELS);
        }
    }
}

/// Labels that name and describe a metric: whatever computes with its values drops them.
pub const METADATA_LABELS: [&str; 3] = ["__name__", "__type__", "__unit__"];

/// How a function is evaluated.
#[derive(Clone, Copy)]
pub enum Implementation {
    /// Number to number, element by element. Histograms are dropped, and the metric name.
    Map(fn(f64) -> f64),
    /// One window of one series to one value, or to none. The engine slides the window. `keep_name`: the metric name stays.
    Range {
        /// The function.
        apply: fn(&Window<'_>, &Params<'_>) -> Option<Value>,
        /// The function over all windows of a series of floats at once, for those that are asked for most.
        sliding: Option<Sliding>,
        /// The metric name stays (`last_over_time`, `first_over_time`).
        keep_name: bool,
    },
    /// Whole vectors to whole vectors.
    Vector(fn(&Call<'_>, Vec<Argument>) -> Result<Vec<Column>, EvalError>),
    /// Evaluated by the engine itself, since it needs the storage or the windows of all series (`absent_over_time`, `info`,
    /// `timestamp`, `time`, `pi`, `scalar`, `vector`, …: the engine says which).
    Engine,
}

/// The implementation of a function of the parser's table.
#[must_use]
pub fn lookup(name: &str) -> Implementation {
    use Implementation::{Engine, Map, Vector};

    let range = |apply| Implementation::Range { apply, sliding: None, keep_name: false };
    let sliding = |apply, at_once: Sliding| Implementation::Range { apply, sliding: Some(at_once), keep_name: false };
    let keeping = |apply, sliding| Implementation::Range { apply, sliding, keep_name: true };
    match name {
        "abs" => Map(f64::abs),
        "acos" => Map(f64::acos),
        "acosh" => Map(go_math::acosh),
        "asin" => Map(f64::asin),
        "asinh" => Map(go_math::asinh),
        "atan" => Map(f64::atan),
        "atanh" => Map(go_math::atanh),
        "ceil" => Map(f64::ceil),
        "cos" => Map(f64::cos),
        "cosh" => Map(go_math::cosh),
        "deg" => Map(math::degrees),
        "exp" => Map(f64::exp),
        "floor" => Map(f64::floor),
        "ln" => Map(go_math::ln),
        "log10" => Map(go_math::log10),
        "log2" => Map(go_math::log2),
        "rad" => Map(math::radians),
        "sgn" => Map(math::sign),
        "sin" => Map(f64::sin),
        "sinh" => Map(go_math::sinh),
        "sqrt" => Map(f64::sqrt),
        "tan" => Map(f64::tan),
        "tanh" => Map(f64::tanh),

        "clamp" => Vector(math::clamp),
        "clamp_max" => Vector(math::clamp_max),
        "clamp_min" => Vector(math::clamp_min),
        "round" => Vector(math::round),

        "day_of_month" => Vector(time::day_of_month),
        "day_of_week" => Vector(time::day_of_week),
        "day_of_year" => Vector(time::day_of_year),
        "days_in_month" => Vector(time::days_in_month),
        "hour" => Vector(time::hour),
        "minute" => Vector(time::minute),
        "month" => Vector(time::month),
        "year" => Vector(time::year),

        "label_join" => Vector(label::join),
        "label_replace" => Vector(label::replace),
        "sort" => Vector(sort::ascending),
        "sort_by_label" => Vector(sort::by_label),
        "sort_by_label_desc" => Vector(sort::by_label_descending),
        "sort_desc" => Vector(sort::descending),
        "absent" => Vector(absent::absent),

        "histogram_avg" => Vector(histogram_stats::average),
        "histogram_count" => Vector(histogram_stats::count),
        "histogram_fraction" => Vector(histogram_quantile::histogram_fraction),
        "histogram_quantile" => Vector(histogram_quantile::histogram_quantile),
        "histogram_quantiles" => Vector(histogram_quantile::histogram_quantiles),
        "histogram_stddev" => Vector(histogram_stats::standard_deviation),
        "histogram_stdvar" => Vector(histogram_stats::variance),
        "histogram_sum" => Vector(histogram_stats::sum),

        "delta" => sliding(rate::delta, sliding::delta),
        "increase" => sliding(rate::increase, sliding::increase),
        "rate" => sliding(rate::rate, sliding::rate),
        "idelta" => sliding(instant_rate::idelta, sliding::idelta),
        "irate" => sliding(instant_rate::irate, sliding::irate),
        "xdelta" => range(thanos_rate::xdelta),
        "xincrease" => range(thanos_rate::xincrease),
        "xrate" => range(thanos_rate::xrate),
        "changes" => sliding(resets::changes, sliding::changes),
        "resets" => sliding(resets::resets, sliding::resets),
        "deriv" => sliding(deriv::deriv, sliding::deriv),
        "predict_linear" => sliding(deriv::predict_linear, sliding::predict_linear),
        "double_exponential_smoothing" | "holt_winters" => range(deriv::double_exponential_smoothing),

        "avg_over_time" => sliding(over_time::average, sliding::average),
        "count_over_time" => sliding(over_time::count, sliding::count),
        "first_over_time" => keeping(over_time::first, None),
        "last_over_time" => keeping(over_time::last, Some(sliding::last)),
        "mad_over_time" => range(over_time::median_absolute_deviation),
        "max_over_time" => sliding(over_time::maximum, sliding::maximum),
        "min_over_time" => sliding(over_time::minimum, sliding::minimum),
        "present_over_time" => sliding(over_time::present, sliding::present),
        "quantile_over_time" => range(over_time::quantile_of),
        "stddev_over_time" => sliding(over_time::standard_deviation, sliding::standard_deviation),
        "stdvar_over_time" => sliding(over_time::variance, sliding::variance),
        "sum_over_time" => sliding(over_time::sum, sliding::sum),
        "ts_of_first_over_time" => range(over_time::time_of_first),
        "ts_of_last_over_time" => range(over_time::time_of_last),
        "ts_of_max_over_time" => range(over_time::time_of_maximum),
        "ts_of_min_over_time" => range(over_time::time_of_minimum),

        _ => Engine,
    }
}

/// Checks the scalar arguments of a range function at a step at which some series has samples.
///
/// # Errors
/// [`EvalError::Execution`] for a smoothing or trend factor outside of (0, 1).
pub fn check_scalars(name: &str, scalars: &[f64]) -> Result<(), EvalError> {
    match name {
        "double_exponential_smoothing" | "holt_winters" => deriv::check_factors(scalars),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use neocortex_model::histogram::{CUSTOM_BUCKETS_SCHEMA, CounterReset, FloatHistogram, Span as Spans};
    use proptest::prelude::*;

    use super::*;
    use crate::parse::ast::ValueType;
    use crate::parse::functions::FUNCTIONS;

    #[test]
    fn every_function_over_a_range_is_here_or_the_engines() {
        let engines = ["absent_over_time"];
        for function in FUNCTIONS.iter().filter(|function| function.args.contains(&ValueType::Matrix)) {
            let here = matches!(lookup(function.name), Implementation::Range { .. });
            assert_ne!(here, engines.contains(&function.name), "{}", function.name);
        }
    }

    /// Histograms as a broken storage might hand them out: spans need not fit the buckets.
    fn histogram() -> impl Strategy<Value = FloatHistogram> {
        let numbers = || prop::collection::vec(prop_oneof![Just(0.0), Just(f64::NAN), -3.0..9.0], 0..5);
        let spans = || prop::collection::vec((-2..4_i32, 0..4_u32), 0..3);
        let schema = prop_oneof![Just(CUSTOM_BUCKETS_SCHEMA), Just(-60), Just(40), -4..=8_i32];
        let hint = prop_oneof![Just(CounterReset::Unknown), Just(CounterReset::Reset), Just(CounterReset::Gauge)];
        (schema, hint, numbers(), numbers(), numbers(), spans(), spans()).prop_map(
            |(schema, counter_reset, positive_buckets, negative_buckets, custom_values, positive, negative)| {
                let spans = |list: Vec<(i32, u32)>| {
                    list.into_iter().map(|(offset, length)| Spans { offset, length }).collect::<Vec<_>>()
                };
                FloatHistogram {
                    counter_reset,
                    schema,
                    zero_threshold: 0.5 * custom_values.len() as f64,
                    zero_count: 1.0,
                    count: positive_buckets.iter().sum(),
                    sum: 1.0,
                    positive_spans: spans(positive),
                    negative_spans: spans(negative),
                    positive_buckets,
                    negative_buckets,
                    custom_values,
                }
            },
        )
    }

    proptest! {
        #[test]
        fn no_window_makes_a_function_panic(
            values in prop::collection::vec(
                prop_oneof![
                    3 => any::<f64>().prop_map(Value::Float),
                    1 => histogram().prop_map(|h| Value::Histogram(Arc::new(h))),
                ],
                0..6,
            ),
            start in -5_000..5_000_i64,
            scalars in prop::collection::vec(-1.0..2.0_f64, 2),
        ) {
            let mut samples = Samples::default();
            for (value, i) in values.into_iter().zip(0..) {
                match value {
                    Value::Float(v) => samples.push_float(i * 1000, v),
                    Value::Histogram(h) => samples.push_histogram(i * 1000, h),
                }
            }
            let from = samples.t.partition_point(|t| *t <= start);
            let to = samples.t.partition_point(|t| *t <= start + 4000);
            let (start_ms, end_ms) = (start, start + 4000);
            let window = Window { samples: &samples, from, to, start_ms, end_ms, step_ms: end_ms, metric: "m" };
            let notes = Notes::new();
            for function in FUNCTIONS {
                if let Implementation::Range { apply, .. } = lookup(function.name) {
                    let value = apply(&window, &Params { scalars: &scalars, args: &[], notes: &notes });
                    if let Some(Value::Histogram(h)) = value {
                        let _ = h.to_string();
                    }
                }
            }
        }
    }
}
