//! What the caller decides about an evaluation.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use crate::plan::rewrite::QueryTimes;

/// Times, limits and features of one evaluation. Durations and timestamps are milliseconds.
#[derive(Clone, Debug)]
pub struct EvalOptions {
    /// First step.
    pub start_ms: i64,
    /// No step is later.
    pub end_ms: i64,
    /// Distance of steps; 0, with equal start and end, for an instant query.
    pub step_ms: i64,
    /// First and last time of which samples are seen, whatever selectors ask for.
    pub visible_ms: (i64, i64),
    /// How far an instant selector looks back, exclusive.
    pub lookback_delta_ms: i64,
    /// Step of subqueries that name none (`-querier.default-evaluation-interval`).
    pub default_subquery_step_ms: i64,
    /// Most samples held at once (`-querier.max-samples`); 0 for no limit.
    pub max_samples: u64,
    /// When to give up.
    pub deadline: Option<Instant>,
    /// Set to true by the caller to stop the evaluation.
    pub cancel: Option<Arc<AtomicBool>>,
    /// Drop metric names at the end of the evaluation only.
    pub delayed_name_removal: bool,
    /// Trust the labels `__type__` and `__unit__`.
    pub type_and_unit_labels: bool,
    /// See resets and the begin of counting in start timestamps.
    pub start_timestamps: bool,
    /// Messages of Prometheus 3.14: a warning of `sort` in range queries, notes about NaN observations at the histograms,
    /// duplicates of a match in the order of their texts.
    pub newer_messages: bool,
    /// Count samples per step as well.
    pub per_step_stats: bool,
    /// The text of the query, for positions in annotations.
    pub query: String,
    /// Most warnings, and most infos, in an answer; 0 for all.
    pub max_annotations: usize,
}

impl EvalOptions {
    /// An instant query with Cortex's defaults.
    #[must_use]
    pub fn instant(time_ms: i64) -> Self {
        Self::range(time_ms, time_ms, 0)
    }

    /// A range query with Cortex's defaults.
    #[must_use]
    pub fn range(start_ms: i64, end_ms: i64, step_ms: i64) -> Self {
        Self {
            start_ms,
            end_ms,
            step_ms,
            visible_ms: (i64::MIN, i64::MAX),
            lookback_delta_ms: 5 * 60 * 1000,
            default_subquery_step_ms: 60 * 1000,
            max_samples: 50_000_000,
            deadline: None,
            cancel: None,
            delayed_name_removal: false,
            type_and_unit_labels: false,
            start_timestamps: false,
            newer_messages: false,
            per_step_stats: false,
            query: String::new(),
            max_annotations: 0,
        }
    }

    /// The times alone.
    #[must_use]
    pub fn times(&self) -> QueryTimes {
        QueryTimes { start_ms: self.start_ms, end_ms: self.end_ms, step_ms: self.step_ms }
    }

    /// True when the answer is a vector at one time rather than a matrix.
    #[must_use]
    pub fn is_instant(&self) -> bool {
        self.start_ms == self.end_ms && self.step_ms == 0
    }
}
