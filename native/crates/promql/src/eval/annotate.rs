//! Warnings and infos that evaluation leaves beside an answer, with Prometheus's texts.
//!
//! Source: Prometheus's `util/annotations`.

use std::fmt;
use std::hash::{Hash, Hasher};

use hashbrown::HashMap;
use neocortex_model::float::{go_g, go_quote};
use neocortex_model::result::Annotations;
use parking_lot::Mutex;
use xxhash_rust::xxh3::Xxh3;

use crate::parse::ast::Span;

/// What histograms were being combined when something was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HistogramOperation {
    /// `+`
    Addition,
    /// `-`
    Subtraction,
    /// `sum`, `avg` and the like.
    Aggregation,
}

impl HistogramOperation {
    fn as_str(self) -> &'static str {
        match self {
            Self::Addition => "addition",
            Self::Subtraction => "subtraction",
            Self::Aggregation => "aggregation",
        }
    }
}

/// One remark. `metric` is a metric name, empty when it is not known.
#[derive(Clone, Copy, Debug)]
pub enum Note<'a> {
    /// Warning: a quantile outside [0, 1], or NaN.
    InvalidQuantile(f64),
    /// Warning: a ratio outside [-1, 1], and what it was capped to.
    InvalidRatio {
        /// As given.
        ratio: f64,
        /// As used.
        capped: f64,
    },
    /// Warning: an `le` that is missing or no number.
    BadBucketLabel {
        /// Metric name.
        metric: &'a str,
        /// The label's value.
        label: &'a str,
    },
    /// Warning: a range or series mixes floats and histograms.
    MixedFloatsHistograms {
        /// Metric name.
        metric: &'a str,
    },
    /// Warning: an aggregation mixes floats and histograms.
    MixedFloatsHistogramsAggregation,
    /// Warning: classic and native histograms together.
    MixedClassicNativeHistograms {
        /// Metric name.
        metric: &'a str,
    },
    /// Warning: a rate of a gauge histogram.
    NativeHistogramNotCounter {
        /// Metric name.
        metric: &'a str,
    },
    /// Warning: a delta of a counter histogram.
    NativeHistogramNotGauge {
        /// Metric name.
        metric: &'a str,
    },
    /// Warning: exponential and custom buckets together.
    MixedExponentialCustomHistograms {
        /// Metric name.
        metric: &'a str,
    },
    /// Warning: histograms that an operator cannot combine.
    IncompatibleBucketLayout {
        /// The operator as written.
        operator: &'a str,
    },
    /// Warning: histograms with conflicting counter resets.
    CounterResetCollision(HistogramOperation),
    /// Warning: sorting a range query has no effect.
    SortInRangeQuery,
    /// Info: the name of the metric is not a counter's.
    PossibleNonCounter {
        /// Metric name.
        metric: &'a str,
    },
    /// Info: the `__type__` label is not a counter's.
    PossibleNonCounterLabel {
        /// Metric name.
        metric: &'a str,
        /// The `__type__` label.
        kind: &'a str,
    },
    /// Info: classic buckets were not monotonic.
    ForcedMonotonicity {
        /// Metric name.
        metric: &'a str,
    },
    /// Info: an operator met sample types that it cannot combine.
    IncompatibleTypes {
        /// `float` or `histogram`.
        left: &'a str,
        /// The operator as written.
        operator: &'a str,
        /// `float` or `histogram`.
        right: &'a str,
    },
    /// Info: an aggregation left histograms out.
    HistogramIgnoredInAggregation {
        /// Name of the aggregation.
        aggregation: &'a str,
    },
    /// Info: a function over a mixed range left the histograms out.
    HistogramIgnoredInMixedRange {
        /// Metric name.
        metric: &'a str,
    },
    /// Info: NaN observations make the quantile NaN.
    QuantileNanResult {
        /// Metric name.
        metric: &'a str,
    },
    /// Info: NaN observations skew the quantile.
    QuantileNanSkew {
        /// Metric name.
        metric: &'a str,
    },
    /// Info: NaN observations are in no fraction.
    FractionNans {
        /// Metric name.
        metric: &'a str,
    },
    /// Info: custom bounds differed and were reconciled.
    MismatchedCustomBuckets(HistogramOperation),
    /// Warning: the start time of a sample lies before the previous sample.
    StartTimeOverlap {
        /// Metric name.
        metric: &'a str,
    },
}

impl Note<'_> {
    /// True for an info, false for a warning.
    #[must_use]
    pub fn is_info(&self) -> bool {
        matches!(
            self,
            Self::PossibleNonCounter { .. }
                | Self::PossibleNonCounterLabel { .. }
                | Self::ForcedMonotonicity { .. }
                | Self::IncompatibleTypes { .. }
                | Self::HistogramIgnoredInAggregation { .. }
                | Self::HistogramIgnoredInMixedRange { .. }
                | Self::QuantileNanResult { .. }
                | Self::QuantileNanSkew { .. }
                | Self::FractionNans { .. }
                | Self::MismatchedCustomBuckets(_)
        )
    }
}

/// ` for metric name "x"`, or nothing.
struct ForMetric<'a>(&'a str);

impl fmt::Display for ForMetric<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, " for metric name {}", go_quote(self.0)) }
    }
}

/// The text without its position.
impl fmt::Display for Note<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_info() { "PromQL info: " } else { "PromQL warning: " })?;
        match *self {
            Self::InvalidQuantile(q) => {
                write!(f, "quantile value should be between 0 and 1, got {}", go_g(q))
            }
            Self::InvalidRatio { ratio, capped } => {
                write!(f, "ratio value should be between -1 and 1, got {}, capping to {}", go_g(ratio), go_g(capped))
            }
            Self::BadBucketLabel { metric, label } => write!(
                f,
                "bucket label \"le\" is missing or has a malformed value of {}{}",
                go_quote(label),
                ForMetric(metric)
            ),
            Self::MixedFloatsHistograms { metric } => {
                write!(f, "encountered a mix of histograms and floats for metric name {}", go_quote(metric))
            }
            Self::MixedFloatsHistogramsAggregation => {
                f.write_str("encountered a mix of histograms and floats for aggregation")
            }
            Self::MixedClassicNativeHistograms { metric } => {
                write!(f, "vector contains a mix of classic and native histograms{}", ForMetric(metric))
            }
            Self::NativeHistogramNotCounter { metric } => {
                write!(f, "this native histogram metric is not a counter: {}", go_quote(metric))
            }
            Self::NativeHistogramNotGauge { metric } => {
                write!(f, "this native histogram metric is not a gauge: {}", go_quote(metric))
            }
            Self::MixedExponentialCustomHistograms { metric } => write!(
                f,
                "vector contains a mix of histograms with exponential and custom buckets schemas for metric name {}",
                go_quote(metric)
            ),
            Self::IncompatibleBucketLayout { operator } => {
                write!(f, "incompatible bucket layout encountered for binary operator {operator}")
            }
            Self::CounterResetCollision(operation) => {
                write!(f, "conflicting counter resets during histogram {}", operation.as_str())
            }
            Self::SortInRangeQuery => {
                f.write_str("sort is ineffective for range queries since results are always ordered by labels")
            }
            Self::PossibleNonCounter { metric } => write!(
                f,
                "metric might not be a counter, name does not end in _total/_sum/_count/_bucket: {}",
                go_quote(metric)
            ),
            Self::PossibleNonCounterLabel { metric, kind } => write!(
                f,
                "metric might not be a counter, __type__ label is not set to \"counter\" or \"histogram\", got {}: {}",
                go_quote(kind),
                go_quote(metric)
            ),
            Self::ForcedMonotonicity { metric } => write!(
                f,
                "input to histogram_quantile needed to be fixed for monotonicity (see \
                 https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile){}",
                ForMetric(metric)
            ),
            Self::IncompatibleTypes { left, operator, right } => write!(
                f,
                "incompatible sample types encountered for binary operator {}: {left} {operator} {right}",
                go_quote(operator)
            ),
            Self::HistogramIgnoredInAggregation { aggregation } => {
                write!(f, "ignored histogram in {aggregation} aggregation")
            }
            Self::HistogramIgnoredInMixedRange { metric } => write!(
                f,
                "ignored histograms in a range containing both floats and histograms for metric name {}",
                go_quote(metric)
            ),
            Self::QuantileNanResult { metric } => {
                write!(f, "input to histogram_quantile has NaN observations, result is NaN{}", ForMetric(metric))
            }
            Self::QuantileNanSkew { metric } => {
                write!(
                    f,
                    "input to histogram_quantile has NaN observations, result is skewed higher{}",
                    ForMetric(metric)
                )
            }
            Self::FractionNans { metric } => write!(
                f,
                "input to histogram_fraction has NaN observations, which are excluded from all fractions{}",
                ForMetric(metric)
            ),
            Self::MismatchedCustomBuckets(operation) => {
                write!(f, "mismatched custom buckets were reconciled during {}", operation.as_str())
            }
            Self::StartTimeOverlap { metric } => write!(
                f,
                "sample has start time that overlaps with previous sample timestamp for metric {}",
                go_quote(metric)
            ),
        }
    }
}

/// The note's identity: equal for notes with equal text, without making the text.
fn identity(note: &Note<'_>) -> u128 {
    let mut hasher = Xxh3::new();
    std::mem::discriminant(note).hash(&mut hasher);
    let mut texts = |a: &str, b: &str, c: &str| {
        for text in [a, b, c] {
            hasher.write(text.as_bytes());
            hasher.write_u8(0xff);
        }
    };
    match *note {
        Note::InvalidQuantile(q) => hasher.write_u64(q.to_bits()),
        Note::InvalidRatio { ratio, capped } => {
            hasher.write_u64(ratio.to_bits());
            hasher.write_u64(capped.to_bits());
        }
        Note::BadBucketLabel { metric, label } => texts(metric, label, ""),
        Note::PossibleNonCounterLabel { metric, kind } => texts(metric, kind, ""),
        Note::IncompatibleTypes { left, operator, right } => texts(left, operator, right),
        Note::IncompatibleBucketLayout { operator } => texts(operator, "", ""),
        Note::HistogramIgnoredInAggregation { aggregation } => texts(aggregation, "", ""),
        Note::CounterResetCollision(operation) | Note::MismatchedCustomBuckets(operation) => {
            texts(operation.as_str(), "", "");
        }
        Note::MixedFloatsHistograms { metric }
        | Note::MixedClassicNativeHistograms { metric }
        | Note::NativeHistogramNotCounter { metric }
        | Note::NativeHistogramNotGauge { metric }
        | Note::MixedExponentialCustomHistograms { metric }
        | Note::PossibleNonCounter { metric }
        | Note::ForcedMonotonicity { metric }
        | Note::HistogramIgnoredInMixedRange { metric }
        | Note::QuantileNanResult { metric }
        | Note::QuantileNanSkew { metric }
        | Note::FractionNans { metric }
        | Note::StartTimeOverlap { metric } => texts(metric, "", ""),
        Note::MixedFloatsHistogramsAggregation | Note::SortInRangeQuery => {}
    }
    hasher.digest128()
}

#[derive(Debug)]
struct Kept {
    info: bool,
    text: String,
    at: Span,
}

#[derive(Debug, Default)]
struct Collected {
    by_identity: HashMap<u128, usize>,
    notes: Vec<Kept>,
}

/// Collects the notes of one evaluation, from any thread. Each text is kept once, with the position of the last.
#[derive(Debug, Default)]
pub struct Notes {
    collected: Mutex<Collected>,
}

impl Notes {
    /// Without notes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a note about the expression at a place of the query. A repeated note costs one hash, not its text.
    pub fn add(&self, note: Note<'_>, at: Span) {
        let identity = identity(&note);
        let mut collected = self.collected.lock();
        if let Some(&i) = collected.by_identity.get(&identity) {
            collected.notes[i].at = at;
            return;
        }
        let i = collected.notes.len();
        collected.by_identity.insert(identity, i);
        collected.notes.push(Kept { info: note.is_info(), text: note.to_string(), at });
    }

    /// The texts with their positions (`(line:column)`, both from 1) in `query`, sorted by place and text, so that equal
    /// queries answer alike. At most `max` warnings and as many infos, then a line that counts the rest; 0 for all.
    #[must_use]
    pub fn finish(self, query: &str, max: usize) -> Annotations {
        let mut notes = self.collected.into_inner().notes;
        notes.sort_by(|a, b| (a.at.start, &a.text).cmp(&(b.at.start, &b.text)));
        let mut annotations = Annotations::default();
        for note in notes {
            let text = format!("{} ({})", note.text, position(query, note.at.start));
            if note.info { annotations.infos.push(text) } else { annotations.warnings.push(text) }
        }
        shorten(&mut annotations.warnings, max, "warning");
        shorten(&mut annotations.infos, max, "info");
        annotations
    }
}

fn shorten(texts: &mut Vec<String>, max: usize, kind: &str) {
    if max > 0 && texts.len() > max {
        let rest = texts.len() - max;
        texts.truncate(max);
        texts.push(format!("{rest} more {kind} annotations omitted"));
    }
}

/// `line:column` of a byte of the query.
fn position(query: &str, start: u32) -> String {
    let start = start as usize;
    if query.is_empty() {
        return "unknown position".to_owned();
    }
    let Some(before) = query.as_bytes().get(..start) else {
        return "invalid position".to_owned();
    };
    let line = 1 + before.iter().filter(|b| **b == b'\n').count();
    let column = match before.iter().rposition(|b| *b == b'\n') {
        Some(at) => start - at,
        None => start + 1,
    };
    format!("{line}:{column}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(start: u32) -> Span {
        Span { start, end: start + 1 }
    }

    #[test]
    fn texts_carry_line_and_column() {
        let notes = Notes::new();
        notes.add(Note::PossibleNonCounter { metric: "foo" }, at(5));
        notes.add(Note::InvalidQuantile(1.5), at(9));
        let found = notes.finish("rate(foo\n[5m])", 0);
        assert_eq!(
            found.infos,
            [
                "PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: \"foo\" (1:6)"
            ]
        );
        assert_eq!(found.warnings, ["PromQL warning: quantile value should be between 0 and 1, got 1.5 (2:1)"]);
    }

    #[test]
    fn a_repeated_text_is_kept_once() {
        let notes = Notes::new();
        for start in [1, 2] {
            notes.add(Note::MixedFloatsHistogramsAggregation, at(start));
        }
        assert_eq!(
            notes.finish("abcd", 0).warnings,
            ["PromQL warning: encountered a mix of histograms and floats for aggregation (1:3)"]
        );
    }

    #[test]
    fn what_is_too_much_is_counted() {
        let notes = Notes::new();
        for metric in ["a", "b", "c"] {
            notes.add(Note::FractionNans { metric }, at(0));
        }
        let found = notes.finish("q", 2);
        assert_eq!(found.infos.len(), 3);
        assert_eq!(found.infos[2], "1 more info annotations omitted");
    }
}
