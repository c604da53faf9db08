//! Functions over ranges: a window slides over the columns of each series.

use hashbrown::HashSet;
use neocortex_model::labels::Labels;
use neocortex_model::result::Value;
use neocortex_model::sample::Samples;

use super::annotate::Note;
use super::budget::{column_samples, histogram_samples};
use super::column::{Column, is_absent};
use super::engine::Frame;
use super::error::EvalError;
use super::names;
use super::parallel::in_order;
use super::source::Selected;
use crate::func::{self, Implementation, Params, Window};
use crate::parse::ast::{Expr, TimeShift, ValueType};
use crate::parse::functions::Function;
use crate::plan::tree::{Node, Op};

/// Samples in the windows of a series between two looks at the clock.
const SAMPLES_A_CHECK: u64 = 1 << 16;

/// A function over a range, as the engine calls it.
pub(super) struct RangeCall {
    apply: fn(&Window<'_>, &Params<'_>) -> Option<Value>,
    keep_name: bool,
    /// Which argument is the range.
    pub matrix: usize,
}

/// The series that windows slide over.
pub(super) enum Ranges<'s> {
    /// Of a selector.
    Selected(&'s Selected),
    /// Of a subquery.
    Computed(Vec<ComputedSeries>),
}

/// A series that a subquery computed.
pub(super) struct ComputedSeries {
    pub labels: Labels,
    pub drop_name: bool,
    pub samples: std::sync::Arc<Samples>,
}

/// The windows of one series: which samples each step sees.
pub(super) struct Windows<'f> {
    pub frame: &'f Frame<'f>,
    pub shift: &'f TimeShift,
    pub range_ms: i64,
    pub extension: Extension,
}

/// How far windows reach beyond their range (`anchored`, `smoothed`), in milliseconds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Extension {
    left_ms: i64,
    right_ms: i64,
}

/// A range selector or subquery, ready for windows.
pub(super) struct RangeVector<'s> {
    pub ranges: Ranges<'s>,
    pub range_ms: i64,
    pub shift: &'s TimeShift,
    pub extension: Extension,
}

/// One window of a series.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    pub step: usize,
    pub from: usize,
    pub to: usize,
    pub end_ms: i64,
}

/// Samples in windows, counted as Prometheus does.
#[derive(Debug, Default)]
pub(super) struct WindowCounts {
    pub total: u64,
    pub largest: u64,
    /// The window of the last step, which is still held when the result is complete.
    pub last: u64,
    pub per_step: Vec<(usize, u64)>,
}

impl Ranges<'_> {
    pub fn len(&self) -> usize {
        match self {
            Self::Selected(selected) => selected.len(),
            Self::Computed(series) => series.len(),
        }
    }

    /// Labels, whether their name is to be dropped, and samples without staleness markers.
    pub fn series(&self, i: usize) -> Result<(&Labels, bool, std::sync::Arc<Samples>), EvalError> {
        match self {
            Self::Selected(selected) => Ok((selected.labels(i), false, selected.samples(i)?)),
            Self::Computed(series) => {
                let series = &series[i];
                Ok((&series.labels, series.drop_name, series.samples.clone()))
            }
        }
    }
}

impl RangeVector<'_> {
    /// The windows of each of its series.
    pub fn windows<'f>(&'f self, frame: &'f Frame<'_>) -> Windows<'f> {
        Windows { frame, shift: self.shift, range_ms: self.range_ms, extension: self.extension }
    }
}

impl Windows<'_> {
    /// Calls `visit` with each window that is not empty, in the order of the steps.
    ///
    /// # Errors
    /// As [`super::budget::Budget::check_time`], asked now and then: one series may have long windows at many steps.
    pub fn slide(&self, samples: &Samples, mut visit: impl FnMut(Extent)) -> Result<WindowCounts, EvalError> {
        let per_step = self.frame.query.options.per_step_stats;
        let (mut from, mut to) = (0, 0);
        let mut next_check = SAMPLES_A_CHECK;
        let mut counts = WindowCounts::default();
        // Histograms count by their size; a running total makes a window's count a difference.
        let sizes: Vec<u64> = running_sizes(samples);
        for step in 0..self.frame.steps.count() {
            let end_ms = self.frame.reference_ms(self.shift, step);
            let left_ms = end_ms.saturating_sub(self.range_ms).saturating_sub(self.extension.left_ms);
            let right_ms = end_ms.saturating_add(self.extension.right_ms);
            while samples.t.get(to).is_some_and(|t| *t <= right_ms) {
                to += 1;
            }
            while from < to && samples.t[from] <= left_ms {
                from += 1;
            }
            if from == to {
                counts.last = 0;
                continue;
            }
            let size = if sizes.is_empty() { (to - from) as u64 } else { sizes[to] - sizes[from] };
            counts.total += size;
            counts.largest = counts.largest.max(size);
            counts.last = size;
            if per_step {
                counts.per_step.push((step, size));
            }
            if counts.total >= next_check {
                self.frame.query.budget.check_time()?;
                next_check = counts.total + SAMPLES_A_CHECK;
            }
            visit(Extent { step, from, to, end_ms });
        }
        Ok(counts)
    }
}

/// Functions that know what to do with samples outside of the window.
const WITH_ANCHORED: [&str; 5] = ["changes", "delta", "increase", "rate", "resets"];
const WITH_SMOOTHED: [&str; 3] = ["delta", "increase", "rate"];

/// `anchored` and `smoothed` go with few functions.
fn refuse_extension(function: &Function, arg: &Node<'_>) -> Result<(), EvalError> {
    let Op::Range { matrix, .. } = &arg.op else { return Ok(()) };
    let (modifier, allowed) = match (matrix.selector.anchored, matrix.selector.smoothed) {
        (true, _) => ("anchored", &WITH_ANCHORED[..]),
        (_, true) => ("smoothed", &WITH_SMOOTHED[..]),
        _ => return Ok(()),
    };
    if allowed.contains(&function.name) {
        return Ok(());
    }
    Err(EvalError::execution(format!(
        "{modifier} modifier can only be used with: {} - not with {}",
        allowed.join(", "),
        function.name
    )))
}

/// Sizes of the samples before each index; empty when all are floats.
fn running_sizes(samples: &Samples) -> Vec<u64> {
    if samples.h.is_empty() {
        return Vec::new();
    }
    let mut total = 0;
    let mut sizes = Vec::with_capacity(samples.len() + 1);
    sizes.push(0);
    for h in &samples.h {
        total += h.as_ref().map_or(1, |h| histogram_samples(h));
        sizes.push(total);
    }
    sizes
}

impl Frame<'_> {
    /// How to call a function over a range; `None` for any other function.
    pub(super) fn range_call(&self, function: &Function, args: &[Node<'_>]) -> Option<RangeCall> {
        let matrix = args.iter().position(|arg| arg.value_type() == ValueType::Matrix)?;
        match func::lookup(function.name) {
            Implementation::Range { apply, keep_name } => Some(RangeCall { apply, keep_name, matrix }),
            _ => None,
        }
    }

    /// The series of a range selector or subquery, its range and its shift.
    pub(super) fn ranges<'s>(&'s self, node: &'s Node<'_>) -> Result<RangeVector<'s>, EvalError> {
        match &node.op {
            Op::Range { matrix, selection } => {
                let lookback = self.query.options.lookback_delta_ms;
                let (anchored, smoothed) = (matrix.selector.anchored, matrix.selector.smoothed);
                Ok(RangeVector {
                    ranges: Ranges::Selected(self.query.selected(*selection)?),
                    range_ms: matrix.range_ms,
                    shift: &matrix.selector.shift,
                    extension: Extension {
                        left_ms: if anchored || smoothed { lookback } else { 0 },
                        right_ms: if smoothed { lookback } else { 0 },
                    },
                })
            }
            Op::Subquery { subquery, step_ms, inner } => Ok(RangeVector {
                ranges: Ranges::Computed(self.subquery_series(subquery, *step_ms, inner)?),
                range_ms: subquery.range_ms,
                shift: &subquery.shift,
                extension: Extension::default(),
            }),
            Op::Once(inner) | Op::Keep(inner) => self.ranges(inner),
            _ => Err(EvalError::execution("expression is not a range vector")),
        }
    }

    /// Hands on the column of each series for which the function has a value.
    pub(super) fn range_columns(
        &self,
        call: &RangeCall,
        function: &Function,
        exprs: &[Expr],
        args: &[Node<'_>],
        take: &mut dyn FnMut(Column) -> Result<(), EvalError>,
    ) -> Result<(), EvalError> {
        let before = self.query.budget.held();
        refuse_extension(function, &args[call.matrix])?;
        let vector = self.ranges(&args[call.matrix])?;
        let (ranges, range_ms) = (&vector.ranges, vector.range_ms);
        let after = self.query.budget.held();
        let scalars = self.scalar_args(args, call.matrix)?;
        let width = args.len() - 1;
        let steps = self.steps.count();
        let scalars_at = |step: usize| &scalars[step * width..(step + 1) * width];
        let windows = vector.windows(self);
        let mut seen = HashSet::new();
        let work = |i: usize| {
            self.query.budget.check_time()?;
            let (labels, drop_name, samples) = ranges.series(i)?;
            let mut column: Option<Column> = None;
            let metric = labels.metric_name();
            let mut refused = Ok(());
            let counts = windows.slide(&samples, |extent| {
                let window = Window {
                    samples: &samples,
                    from: extent.from,
                    to: extent.to,
                    start_ms: extent.end_ms.saturating_sub(range_ms),
                    end_ms: extent.end_ms,
                    step_ms: self.steps.times[extent.step],
                    metric,
                };
                if refused.is_ok() {
                    refused = func::check_scalars(function.name, scalars_at(extent.step));
                }
                let params = Params { scalars: scalars_at(extent.step), args: exprs, notes: &self.query.notes };
                if let Some(value) = (call.apply)(&window, &params) {
                    column.get_or_insert_with(|| Column::new(labels.clone(), steps)).set(extent.step, Some(value));
                }
            })?;
            refused?;
            if let Some(column) = &mut column {
                self.note_non_counter(function, column, exprs);
                if drop_name || !call.keep_name {
                    names::drop_name(column, self.delayed());
                }
            }
            Ok((column, counts))
        };
        in_order(ranges.len(), work, &mut |(column, counts): (Option<Column>, WindowCounts)| {
            let samples = column.as_ref().map_or(0, column_samples);
            self.query.budget.pass(counts.largest.max(counts.last + samples))?;
            self.count_windows(&counts);
            let Some(column) = column else { return Ok(()) };
            if !self.delayed() && !seen.insert(column.labels.clone()) {
                return Err(EvalError::duplicate_labels());
            }
            self.query.budget.hold(samples)?;
            take(column)
        })?;
        // What a subquery computed is forgotten.
        let held = self.query.budget.held();
        self.query.budget.set_held(held.saturating_sub(after.saturating_sub(before)))
    }

    /// Adds to the statistics what windows saw.
    pub(super) fn count_windows(&self, counts: &WindowCounts) {
        let mut loaded = self.loaded.lock();
        loaded.total += counts.total;
        for (step, size) in &counts.per_step {
            if let Some(count) = loaded.per_step.get_mut(*step) {
                *count += size;
            }
        }
    }

    /// The scalar arguments beside the range, step by step.
    fn scalar_args(&self, args: &[Node<'_>], matrix: usize) -> Result<Vec<f64>, EvalError> {
        let others: Vec<Vec<f64>> = args
            .iter()
            .enumerate()
            .filter(|(i, _)| *i != matrix)
            .map(|(_, arg)| self.scalar(arg))
            .collect::<Result<_, _>>()?;
        Ok((0..self.steps.count()).flat_map(|step| others.iter().map(move |values| values[step])).collect())
    }

    /// Says so when `rate` or `increase` was asked of a metric that does not look like a counter.
    fn note_non_counter(&self, function: &Function, column: &Column, exprs: &[Expr]) {
        if !matches!(function.name, "rate" | "increase") || column.floats.iter().all(|v| is_absent(*v)) {
            return;
        }
        let metric = column.labels.metric_name();
        if metric.is_empty() {
            return;
        }
        let at = func::noted_at(exprs);
        if self.query.options.type_and_unit_labels {
            let kind = column.labels.get("__type__").unwrap_or("");
            if kind != "counter" && kind != "histogram" {
                self.query.notes.add(Note::PossibleNonCounterLabel { metric, kind }, at);
            }
        } else if !["_total", "_sum", "_count", "_bucket"].iter().any(|suffix| metric.ends_with(suffix)) {
            self.query.notes.add(Note::PossibleNonCounter { metric }, at);
        }
    }
}
