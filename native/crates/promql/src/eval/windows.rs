//! Windows that slide over the columns of a series.

use neocortex_model::labels::Labels;
use neocortex_model::result::Value;
use neocortex_model::sample::Samples;

use super::budget::histogram_samples;
use super::column::Column;
use super::engine::Frame;
use super::error::EvalError;
use crate::func::sliding::{Extent, FloatWindows, Sliding};
use crate::func::{self, Params, Window};
use crate::parse::ast::Expr;

/// Samples in the windows of a series between two looks at the clock.
const SAMPLES_A_CHECK: u64 = 1 << 16;

/// The windows of one series: which samples each step sees.
pub(super) struct Windows<'f> {
    pub frame: &'f Frame<'f>,
    /// The time that each step looks at, in milliseconds.
    pub ends: Vec<i64>,
    pub range_ms: i64,
    pub extension: Extension,
}

/// How far windows reach beyond their range (`anchored`, `smoothed`), in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Extension {
    pub left_ms: i64,
    pub right_ms: i64,
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

/// The arguments of a function beside its range.
pub(super) struct Arguments<'a> {
    /// Name of the function.
    pub function: &'a str,
    /// All arguments as they are written.
    pub exprs: &'a [Expr],
    /// The scalars, step by step.
    pub scalars: &'a [f64],
    /// How many a step has.
    pub width: usize,
}

impl Arguments<'_> {
    fn scalars_at(&self, step: usize) -> &[f64] {
        &self.scalars[step * self.width..(step + 1) * self.width]
    }
}

impl Windows<'_> {
    /// Calls `visit` with each window that is not empty, in the order of the steps.
    ///
    /// # Errors
    /// As [`super::budget::Budget::check_time`], asked now and then: one series may have long windows at many steps.
    pub fn slide(&self, samples: &Samples, mut visit: impl FnMut(Extent)) -> Result<WindowCounts, EvalError> {
        let per_step = self.frame.query.options.per_step_stats;
        let (mut from, mut to, mut stride) = (0, 0, 0);
        let mut next_check = SAMPLES_A_CHECK;
        let mut counts = WindowCounts::default();
        // Histograms count by their size; a running total makes a window's count a difference.
        let sizes: Vec<u64> = running_sizes(samples);
        for (step, end_ms) in self.ends.iter().copied().enumerate() {
            let left_ms = end_ms.saturating_sub(self.range_ms).saturating_sub(self.extension.left_ms);
            let right_ms = end_ms.saturating_add(self.extension.right_ms);
            to = after(&samples.t, to, right_ms, &mut stride);
            from = after(&samples.t[..to], from, left_ms, &mut stride);
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

    /// True when the samples are what functions can be applied to at once.
    pub fn are_plain(&self, samples: &Samples) -> bool {
        samples.h.is_empty() && samples.st.is_empty() && self.extension == Extension::default()
    }

    /// Applies a function to all windows of a series of plain samples. `scalars` has the function's scalar argument of each
    /// step. The column is `None` when no window has a value.
    ///
    /// # Errors
    /// As [`Windows::slide`].
    pub fn at_once(
        &self,
        apply: Sliding,
        labels: &Labels,
        samples: &Samples,
        scalars: &[f64],
    ) -> Result<(Option<Column>, WindowCounts), EvalError> {
        let steps = &self.frame.steps.times;
        let mut extents = Vec::with_capacity(steps.len());
        let counts = self.slide(samples, |extent| extents.push(extent))?;
        if extents.is_empty() {
            return Ok((None, counts));
        }
        let mut column = Column::new(labels.clone(), steps.len());
        let windows =
            FloatWindows { t: &samples.t, v: &samples.v, extents: &extents, range_ms: self.range_ms, steps, scalars };
        apply(&windows, &mut column.floats);
        Ok(((!column.is_empty()).then_some(column), counts))
    }

    /// Applies a function window by window. The column is `None` when none has a value.
    ///
    /// # Errors
    /// As [`Windows::slide`]; those of [`func::check_scalars`].
    pub fn one_by_one(
        &self,
        apply: fn(&Window<'_>, &Params<'_>) -> Option<Value>,
        arguments: &Arguments<'_>,
        labels: &Labels,
        samples: &Samples,
    ) -> Result<(Option<Column>, WindowCounts), EvalError> {
        let mut column: Option<Column> = None;
        let metric = labels.metric_name();
        let mut refused = Ok(());
        let counts = self.slide(samples, |Extent { step, from, to, end_ms }| {
            let start_ms = end_ms.saturating_sub(self.range_ms);
            let window = Window { samples, from, to, start_ms, end_ms, step_ms: self.frame.steps.times[step], metric };
            let scalars = arguments.scalars_at(step);
            if refused.is_ok() {
                refused = func::check_scalars(arguments.function, scalars);
            }
            let params = Params { scalars, args: arguments.exprs, notes: &self.frame.query.notes };
            if let Some(value) = apply(&window, &params) {
                let new = || Column::new(labels.clone(), self.frame.steps.count());
                column.get_or_insert_with(new).set(step, Some(value));
            }
        })?;
        refused?;
        Ok((column, counts))
    }
}

/// The first place from `from` on with a time after `bound_ms`. Where samples and steps are regular it is as far as it was the
/// last time, `stride`, which is tried first.
fn after(times: &[i64], from: usize, bound_ms: i64, stride: &mut usize) -> usize {
    let guess = from + *stride;
    let is_after = |i: usize| times.get(i).is_none_or(|t| *t > bound_ms);
    if guess <= times.len() && is_after(guess) && (guess == from || !is_after(guess - 1)) {
        return guess;
    }
    let mut place = from;
    while !is_after(place) {
        place += 1;
    }
    *stride = place - from;
    place
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
}
