//! `topk`, `bottomk`, `limitk`, `limit_ratio`: some of the series of each group, step by step.

use hashbrown::HashMap;
use neocortex_model::float::go_g;
use neocortex_model::labels::Labels;
use neocortex_model::result::Value;

use super::Grouping;
use crate::eval::annotate::Note;
use crate::eval::column::Column;
use crate::eval::engine::Frame;
use crate::eval::error::EvalError;
use crate::parse::ast::{Aggregate, AggregateOp, Span};
use crate::plan::tree::{Node, aggregate_name};

/// A value and the series it is from.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    /// The float, or the sum of the histogram.
    rank: f64,
    series: usize,
}

/// A binary heap with the first candidate to go at the root. It is built as Go's `container/heap` is, so that ties are
/// resolved, and the results of `limitk` ordered, as in Prometheus.
struct Heap {
    items: Vec<Candidate>,
    /// The largest at the root.
    largest: bool,
}

impl Heap {
    fn before(&self, a: usize, b: usize) -> bool {
        let (a, b) = (self.items[a].rank, self.items[b].rank);
        a.is_nan() || (if self.largest { a > b } else { a < b })
    }

    fn push(&mut self, candidate: Candidate) {
        self.items.push(candidate);
        let mut i = self.items.len() - 1;
        while i > 0 {
            let parent = (i - 1) / 2;
            if !self.before(i, parent) {
                break;
            }
            self.items.swap(i, parent);
            i = parent;
        }
    }

    /// Puts a candidate in the place of the root if the root should go first.
    fn offer(&mut self, candidate: Candidate) {
        let Some(root) = self.items.first_mut() else { return };
        let better = if self.largest { root.rank > candidate.rank } else { root.rank < candidate.rank };
        let number_for_nan = root.rank.is_nan() && !candidate.rank.is_nan();
        if !better && !number_for_nan {
            return;
        }
        *root = candidate;
        let mut i = 0;
        loop {
            let (left, right) = (2 * i + 1, 2 * i + 2);
            if left >= self.items.len() {
                break;
            }
            let child = if right < self.items.len() && self.before(right, left) { right } else { left };
            if !self.before(child, i) {
                break;
            }
            self.items.swap(i, child);
            i = child;
        }
    }

    /// The last to go first, NaN at the end.
    fn sorted(mut self) -> Vec<Candidate> {
        let largest = self.largest;
        self.items.sort_by(|a, b| {
            let order = if largest { a.rank.partial_cmp(&b.rank) } else { b.rank.partial_cmp(&a.rank) };
            order.unwrap_or_else(|| a.rank.is_nan().cmp(&b.rank.is_nan()))
        });
        self.items
    }
}

impl Frame<'_> {
    /// `params` is `k` or the ratio at each step, `param_at` where it stands.
    pub(super) fn rank(
        &self,
        at: Span,
        aggregate: &Aggregate,
        params: &[f64],
        param_at: Span,
        input: &Node<'_>,
    ) -> Result<Vec<Column>, EvalError> {
        let columns = self.vector(input)?;
        if !self.check_params(aggregate.op, params, param_at)? {
            return Ok(Vec::new());
        }
        let groups = group(&Grouping::new(aggregate), &columns);
        let mut output = Chosen::new(columns.len(), self.steps.count());
        for (step, param) in params.iter().enumerate() {
            self.query.budget.check_time()?;
            for members in &groups {
                let chosen = self.choose(at, aggregate.op, *param, step, members, &columns);
                chosen.iter().for_each(|candidate| output.take(candidate.series, step, &columns));
            }
            self.query.budget.check_slots(output.columns.len(), self.steps.count())?;
        }
        Ok(output.columns)
    }

    /// False when nothing can come out.
    fn check_params(&self, op: AggregateOp, params: &[f64], at: Span) -> Result<bool, EvalError> {
        let (max, min) = bounds(params);
        let nan = params.iter().any(|v| v.is_nan());
        if op == AggregateOp::LimitRatio {
            if max == 0.0 && min == 0.0 {
                return Ok(false);
            }
            if nan {
                return Err(EvalError::execution("Ratio value is NaN"));
            }
            if max > 1.0 {
                self.query.notes.add(Note::InvalidRatio { ratio: max, capped: 1.0 }, at);
            }
            if min < -1.0 {
                self.query.notes.add(Note::InvalidRatio { ratio: min, capped: -1.0 }, at);
            }
            return Ok(true);
        }
        if max < 1.0 {
            return Ok(false);
        }
        if nan {
            return Err(EvalError::execution("Parameter value is NaN"));
        }
        if min <= MIN_INT {
            return Err(EvalError::execution(format!("Scalar value {} underflows int64", go_g(min))));
        }
        if max >= MAX_INT {
            return Err(EvalError::execution(format!("Scalar value {} overflows int64", go_g(max))));
        }
        Ok(true)
    }

    /// The series of one group that are chosen at a step, in the order in which an instant query shows them.
    fn choose(
        &self,
        at: Span,
        op: AggregateOp,
        param: f64,
        step: usize,
        members: &[usize],
        columns: &[Column],
    ) -> Vec<Candidate> {
        let k = (param as i64).clamp(0, columns.len() as i64) as usize;
        let ratio = (op == AggregateOp::LimitRatio).then(|| param.clamp(-1.0, 1.0));
        if ratio.map_or(k == 0, |ratio| ratio == 0.0) {
            return Vec::new();
        }
        let ranked = matches!(op, AggregateOp::Topk | AggregateOp::Bottomk);
        let mut heap = Heap { items: Vec::new(), largest: op == AggregateOp::Bottomk };
        for series in members.iter().copied() {
            let rank = match columns[series].get(step) {
                None => continue,
                Some(Value::Float(v)) => v,
                Some(Value::Histogram(_)) if ranked => {
                    let aggregation = aggregate_name(op);
                    self.query.notes.add(Note::HistogramIgnoredInAggregation { aggregation }, at);
                    continue;
                }
                Some(Value::Histogram(h)) => h.sum,
            };
            let candidate = Candidate { rank, series };
            match ratio {
                Some(ratio) if sampled(&columns[series].labels, ratio) => heap.push(candidate),
                Some(_) => {}
                None if heap.items.len() < k => heap.push(candidate),
                None if ranked => heap.offer(candidate),
                None => break,
            }
        }
        if ranked { heap.sorted() } else { heap.items }
    }
}

/// -2^63 and the largest float below 2^63.
const MIN_INT: f64 = -9_223_372_036_854_775_808.0;
const MAX_INT: f64 = 9_223_372_036_854_774_784.0;

/// The largest and the smallest; NaN if there is any.
pub(super) fn bounds(params: &[f64]) -> (f64, f64) {
    if params.iter().any(|v| v.is_nan()) {
        return (f64::NAN, f64::NAN);
    }
    params.iter().fold((f64::MIN, f64::MAX), |(max, min), v| (max.max(*v), min.min(*v)))
}

/// Indices of each group's series, groups in the order in which they are met.
fn group(grouping: &Grouping<'_>, columns: &[Column]) -> Vec<Vec<usize>> {
    let mut places: HashMap<Labels, usize> = HashMap::new();
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (i, column) in columns.iter().enumerate() {
        let place = *places.entry(grouping.key(&column.labels)).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[place].push(i);
    }
    groups
}

/// Whether the series is in a sample of this size: by its hash, from below for positive ratios, from above for negative.
fn sampled(labels: &Labels, ratio: f64) -> bool {
    let offset = labels.hash64() as f64 / u64::MAX as f64;
    if ratio >= 0.0 { offset < ratio } else { offset >= 1.0 + ratio }
}

/// The values that were chosen, series in the order in which they first were.
struct Chosen {
    places: Vec<Option<usize>>,
    columns: Vec<Column>,
    steps: usize,
}

impl Chosen {
    fn new(series: usize, steps: usize) -> Self {
        Self { places: vec![None; series], columns: Vec::new(), steps }
    }

    fn take(&mut self, series: usize, step: usize, from: &[Column]) {
        let place = *self.places[series].get_or_insert_with(|| {
            let mut column = Column::new(from[series].labels.clone(), self.steps);
            column.drop_name = from[series].drop_name;
            self.columns.push(column);
            self.columns.len() - 1
        });
        self.columns[place].set(step, from[series].get(step));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The two candidates that stay of some values, best first.
    fn best(values: &[f64], largest_goes: bool) -> Vec<f64> {
        let mut heap = Heap { items: Vec::new(), largest: largest_goes };
        for (series, rank) in values.iter().copied().enumerate() {
            let candidate = Candidate { rank, series };
            if heap.items.len() < 2 { heap.push(candidate) } else { heap.offer(candidate) }
        }
        heap.sorted().iter().map(|candidate| candidate.rank).collect()
    }

    #[test]
    fn the_best_stay_and_nan_goes_first() {
        assert_eq!(best(&[3.0, 1.0, 5.0, 4.0], false), [5.0, 4.0]);
        assert_eq!(best(&[3.0, 1.0, 5.0, 2.0], true), [1.0, 2.0]);
        assert_eq!(best(&[f64::NAN, 1.0, f64::NAN, 2.0], false), [2.0, 1.0]);
        let with_nan = best(&[f64::NAN, 7.0], true);
        assert!(with_nan[0] == 7.0 && with_nan[1].is_nan());
    }

    #[test]
    fn a_ratio_and_its_complement_share_the_series() {
        for i in 0..100 {
            let labels = Labels::from_pairs([("i", i.to_string())]);
            assert_ne!(sampled(&labels, 0.3), sampled(&labels, -0.7));
        }
    }
}
