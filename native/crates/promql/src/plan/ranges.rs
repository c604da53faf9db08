//! The time range that each selector of a query needs.
//!
//! Source: `getTimeRangesForSelector` and `FindMinMaxTime` of Prometheus's engine.

use neocortex_model::matchers::Matcher;
use neocortex_model::series::SelectHints;

use super::rewrite::{QueryTimes, rewrite};
use super::tree::Plan;
use crate::eval::error::EvalError;
use crate::func::{EXTENDED_LOOKBACK_MS, wants_sample_before};
use crate::parse::ast::{Expr, TimeShift, VectorSelector};

/// What is to be selected from the storage for one or more selectors of a query.
#[derive(Clone, Debug)]
pub struct Selection {
    /// All must match.
    pub matchers: Vec<Matcher>,
    /// Time range, step, range, surrounding function, and how many selectors of the query use it.
    pub hints: SelectHints,
    /// Of histograms only count and sum are needed.
    pub stats_only: bool,
}

/// The selections of a query, each once, in the order of the text. `lookback_ms` and `default_step_ms` (of subqueries) as
/// for the evaluation.
///
/// # Errors
/// [`EvalError::Duration`] when a duration expression has no valid value.
pub fn selections(
    expr: &Expr,
    times: &QueryTimes,
    lookback_ms: i64,
    default_step_ms: i64,
) -> Result<Vec<Selection>, EvalError> {
    let rewritten = rewrite(expr, times)?;
    Ok(Plan::new(&rewritten, times, lookback_ms, default_step_ms).selections)
}

impl Selection {
    /// The selection with a range that ends nowhere outside of `first_ms..=last_ms`; nothing is in it when it lies outside.
    #[must_use]
    pub fn within(mut self, (first_ms, last_ms): (i64, i64)) -> Self {
        self.hints.start_ms = self.hints.start_ms.max(first_ms);
        self.hints.end_ms = self.hints.end_ms.min(last_ms);
        self
    }
}

/// The first and the last millisecond that any of the selections needs; `(0, 0)` when there is none.
#[must_use]
pub fn time_range(selections: &[Selection]) -> (i64, i64) {
    let start = selections.iter().map(|selection| selection.hints.start_ms).min();
    let end = selections.iter().map(|selection| selection.hints.end_ms).max();
    (start.unwrap_or(0), end.unwrap_or(0))
}

/// The subqueries and functions around a selector.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Surroundings<'e> {
    /// Sum of the subqueries' offsets since the last `@`.
    offset_ms: i64,
    /// Sum of the subqueries' ranges since the last `@`.
    range_ms: i64,
    /// The innermost `@` of a subquery.
    at_ms: Option<i64>,
    /// Step of the innermost subquery.
    step_ms: Option<i64>,
    /// The nearest function or aggregation, unless a binary operator is nearer.
    function: &'e str,
    /// Some function around takes count or sum of a histogram.
    takes_stats: bool,
    /// Something around needs the buckets of histograms.
    needs_buckets: bool,
}

impl<'e> Surroundings<'e> {
    /// Inside a function or aggregation; the empty name stands for a binary operator.
    pub fn inside(self, function: &'e str) -> Self {
        let takes_stats = matches!(function, "histogram_avg" | "histogram_count" | "histogram_sum");
        let needs_buckets = matches!(function, "histogram_fraction" | "histogram_quantile" | "histogram_quantiles");
        Self {
            function,
            takes_stats: self.takes_stats || takes_stats,
            needs_buckets: self.needs_buckets || needs_buckets,
            ..self
        }
    }

    /// Inside a histogram trim.
    pub fn inside_trim(self) -> Self {
        Self { needs_buckets: true, ..self }
    }

    /// True when of histograms only count and sum are needed.
    pub fn stats_only(&self) -> bool {
        self.takes_stats && !self.needs_buckets
    }

    /// Inside a subquery as well.
    pub fn inside_subquery(mut self, shift: &TimeShift, range_ms: i64, step_ms: i64) -> Self {
        match at_ms(shift) {
            Some(at) => {
                self.offset_ms = shift.offset_ms;
                self.range_ms = range_ms;
                self.at_ms = Some(at);
            }
            None => {
                self.offset_ms = self.offset_ms.saturating_add(shift.offset_ms);
                self.range_ms = self.range_ms.saturating_add(range_ms);
            }
        }
        self.step_ms = Some(step_ms);
        // Resets between the steps of a subquery are found by comparing buckets.
        self.needs_buckets = true;
        self
    }

    /// What a selector asks of the storage; `range_ms` is 0 for an instant selector.
    pub fn hints(&self, selector: &VectorSelector, range_ms: i64, times: &QueryTimes, lookback_ms: i64) -> SelectHints {
        let (mut start, mut end) = match self.at_ms {
            Some(at) => (at, at),
            None => (times.start_ms, times.end_ms),
        };
        if let Some(at) = at_ms(&selector.shift) {
            (start, end) = (at, at);
        } else {
            start = start.saturating_sub(self.offset_ms).saturating_sub(self.range_ms);
            end = end.saturating_sub(self.offset_ms);
        }
        // The left end is exclusive, so one millisecond less is read.
        let extended = selector.anchored || selector.smoothed;
        if range_ms == 0 || extended {
            start = start.saturating_sub(lookback_ms);
        } else if wants_sample_before(self.function) {
            start = start.saturating_sub(EXTENDED_LOOKBACK_MS);
        }
        start = start.saturating_sub(range_ms).saturating_add(1);
        if selector.smoothed {
            end = end.saturating_add(lookback_ms);
        }
        SelectHints {
            start_ms: start.saturating_sub(selector.shift.offset_ms),
            end_ms: end.saturating_sub(selector.shift.offset_ms),
            step_ms: self.step_ms.unwrap_or(times.step_ms),
            range_ms,
            function: self.function.to_owned(),
            selectors: 1,
        }
    }
}

/// The time that `@` names, once it is resolved.
pub(crate) fn at_ms(shift: &TimeShift) -> Option<i64> {
    match shift.at {
        Some(crate::parse::ast::At::Timestamp(t)) => Some(t),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::{ParseOptions, parse_expr};

    const TIMES: QueryTimes = QueryTimes { start_ms: 100_000, end_ms: 200_000, step_ms: 10_000 };

    /// Start, end, range and step of each selection, and the function.
    fn of(query: &str) -> Vec<(i64, i64, i64, i64, String)> {
        let expr = parse_expr(query, &ParseOptions::everything()).expect("the query is valid");
        let selections = selections(&expr, &TIMES, 5_000, 60_000).expect("durations are valid");
        let shape =
            |s: Selection| (s.hints.start_ms, s.hints.end_ms, s.hints.range_ms, s.hints.step_ms, s.hints.function);
        selections.into_iter().map(shape).collect()
    }

    /// Times as in `TestSelectHintsSetCorrectly` of Prometheus's engine, with a lookback of 5 seconds.
    #[test]
    fn times_that_selectors_need() {
        for (query, start, end, range, step, function) in [
            ("foo", 95_001, 200_000, 0, 10_000, ""),
            ("foo offset 2s", 93_001, 198_000, 0, 10_000, ""),
            ("foo @ 50", 45_001, 50_000, 0, 10_000, ""),
            ("foo @ end()", 195_001, 200_000, 0, 10_000, ""),
            ("rate(foo[20s])", 80_001, 200_000, 20_000, 10_000, "rate"),
            ("rate(foo[20s] @ 300 offset 10s)", 270_001, 290_000, 20_000, 10_000, "rate"),
            ("sum by (a) (foo)", 95_001, 200_000, 0, 10_000, "sum"),
            ("sum(foo + 1)", 95_001, 200_000, 0, 10_000, ""),
            ("max_over_time(foo[60s:15s])", 35_001, 200_000, 0, 15_000, "max_over_time"),
            ("max_over_time(foo[60s:])", 35_001, 200_000, 0, 60_000, "max_over_time"),
            ("max_over_time(rate(foo[10s])[60s:15s] offset 5s)", 25_001, 195_000, 10_000, 15_000, "rate"),
            ("max_over_time(foo[60s:15s] @ 500)", 435_001, 500_000, 0, 15_000, "max_over_time"),
            ("rate(foo[20s] anchored)", 75_001, 200_000, 20_000, 10_000, "rate"),
            ("rate(foo[20s] smoothed)", 75_001, 205_000, 20_000, 10_000, "rate"),
            ("info(foo @ 50, {data=\"x\"})", 45_001, 50_000, 0, 10_000, "info"),
        ] {
            assert_eq!(of(query)[0], (start, end, range, step, function.to_owned()), "{query}");
        }
    }

    #[test]
    fn equal_selections_are_shared() {
        assert_eq!(of("foo / foo").len(), 1);
        assert_eq!(of("rate(foo[1m]) / increase(foo[1m])"), [(40_001, 200_000, 60_000, 10_000, String::new())]);
        assert_eq!(of("foo - foo offset 1m").len(), 2);
        assert_eq!(of("1 + time()").len(), 0);
    }

    #[test]
    fn the_whole_range_covers_all_selections() {
        let expr = parse_expr("foo - foo offset 1m", &ParseOptions::default()).expect("the query is valid");
        let selections = selections(&expr, &TIMES, 5_000, 60_000).expect("no durations");
        assert_eq!(time_range(&selections), (35_001, 200_000));
        assert_eq!(time_range(&[]), (0, 0));
    }
}
