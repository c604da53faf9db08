//! The vocabulary of the field: labels, matchers, samples, histograms, series and query results.
//!
//! Depends on no other crate of the workspace and does no I/O; every other crate speaks in these types.
//!
//! * [`labels`]: a sorted label set in one allocation, and its builder.
//! * [`matchers`] and [`regex`]: selection by label, with Go's regular expressions.
//! * [`sample`] and [`histogram`]: values; timestamps are `i64` milliseconds since the epoch everywhere.
//! * [`series`]: what a storage hands to the evaluator.
//! * [`rows`]: what a decoded write request hands to a storage.
//! * [`result`]: what the evaluator hands to the writers of answers.
//! * [`time`], [`float`] and [`shortest`]: durations and numbers as Prometheus and Go print and parse them.
//! * [`kahan`]: compensated sums; [`go_math`]: logarithms and powers to Go's last bit.

pub mod float;
pub mod go_math;
pub mod histogram;
pub mod kahan;
pub mod labels;
pub mod matchers;
pub mod regex;
pub mod result;
pub mod rows;
pub mod sample;
pub mod series;
pub mod shortest;
pub mod time;
pub mod wide;
