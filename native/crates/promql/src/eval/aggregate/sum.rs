//! `sum`, `avg`: compensated sums of floats and of histograms.

use std::sync::Arc;

use neocortex_model::histogram::{CounterReset, FloatHistogram};
use neocortex_model::kahan;
use neocortex_model::result::Value;
use neocortex_model::wide::wide;

use super::{Context, Fold};
use crate::eval::annotate::{HistogramOperation, Note};
use crate::eval::column::{Column, absent, is_absent};

/// The histograms of a group at one step.
#[derive(Default)]
struct Histograms {
    /// `None` when there were floats first: the step will have no value anyway.
    sum: Option<FloatHistogram>,
    lost: Option<FloatHistogram>,
    /// How many were added.
    count: f64,
    /// `sum` is the mean so far, since the sum overflows.
    incremental: bool,
    /// Custom and exponential buckets met.
    incompatible: bool,
    reset: bool,
    not_reset: bool,
}

/// The histograms of a group, step by step; nothing is allocated while there are only floats.
#[derive(Default)]
struct HistogramSteps {
    steps: Vec<Option<Box<Histograms>>>,
}

impl HistogramSteps {
    fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// True when the step is spoilt: whatever comes is ignored.
    fn incompatible(&self, step: usize) -> bool {
        matches!(self.steps.get(step), Some(Some(histograms)) if histograms.incompatible)
    }

    fn add(&mut self, step: usize, h: &FloatHistogram, floats_first: bool, column: &Column, context: &Context<'_>) {
        self.steps.resize_with(context.steps, || None);
        let slot = &mut self.steps[step];
        let Some(histograms) = slot else {
            let sum = (!floats_first).then(|| h.clone());
            let mut histograms = Histograms { sum, count: 1.0, ..Histograms::default() };
            histograms.note_hint(h);
            *slot = Some(Box::new(histograms));
            return;
        };
        histograms.add(h, column, context);
    }

    /// The finished histogram of a step; `None` when there is none to show.
    fn finish(histograms: Histograms, context: &Context<'_>) -> Option<FloatHistogram> {
        if histograms.incompatible {
            return None;
        }
        let Histograms { sum, lost, count, incremental, reset, not_reset, .. } = histograms;
        let mut sum = sum?;
        let divisor = if context.op == crate::parse::ast::AggregateOp::Avg && !incremental { count } else { 1.0 };
        if divisor != 1.0 {
            sum.div(divisor);
        }
        if let Some(mut lost) = lost {
            if divisor != 1.0 {
                lost.div(divisor);
            }
            // The compensation has the layout of the sum, so this cannot fail.
            let _ = sum.add(&lost);
        }
        sum.compact();
        if reset && not_reset {
            context.notes.add(Note::CounterResetCollision(HistogramOperation::Aggregation), context.at);
        }
        Some(sum)
    }
}

impl Histograms {
    fn note_hint(&mut self, h: &FloatHistogram) {
        match h.counter_reset {
            CounterReset::Reset => self.reset = true,
            CounterReset::NotReset => self.not_reset = true,
            CounterReset::Unknown | CounterReset::Gauge => {}
        }
    }

    fn add(&mut self, h: &FloatHistogram, column: &Column, context: &Context<'_>) {
        if self.sum.is_none() {
            return;
        }
        self.note_hint(h);
        self.count += 1.0;
        let averaged = context.op == crate::parse::ast::AggregateOp::Avg;
        let combined = if averaged { self.add_to_mean(h) } else { self.add_to_sum(h) };
        match combined {
            Ok(true) => {
                context.notes.add(Note::MismatchedCustomBuckets(HistogramOperation::Aggregation), context.at);
            }
            Ok(false) => {}
            Err(()) => {
                let metric = column.labels.metric_name();
                context.notes.add(Note::MixedExponentialCustomHistograms { metric }, context.at);
                self.incompatible = true;
            }
        }
    }

    /// True when custom bounds had to be reconciled; an error when the buckets cannot be combined.
    fn add_to_sum(&mut self, h: &FloatHistogram) -> Result<bool, ()> {
        let Some(sum) = &mut self.sum else { return Ok(false) };
        sum.kahan_add(h, &mut self.lost).map(|combined| combined.bounds_reconciled).map_err(drop)
    }

    /// As [`Histograms::add_to_sum`]; from the first overflow on, the mean is kept instead of the sum.
    fn add_to_mean(&mut self, h: &FloatHistogram) -> Result<bool, ()> {
        let Some(sum) = &mut self.sum else { return Ok(false) };
        if !self.incremental {
            let (mut new_sum, mut new_lost) = (sum.clone(), self.lost.clone());
            let combined = new_sum.kahan_add(h, &mut new_lost).map_err(drop)?;
            if !new_sum.has_overflow() {
                (*sum, self.lost) = (new_sum, new_lost);
                return Ok(combined.bounds_reconciled);
            }
            self.incremental = true;
            sum.div(self.count - 1.0);
            if let Some(lost) = &mut self.lost {
                lost.div(self.count - 1.0);
            }
        }
        let share = (self.count - 1.0) / self.count;
        if let Some(lost) = &mut self.lost {
            lost.mul(share);
        }
        let mut part = h.clone();
        part.div(self.count);
        sum.mul(share);
        sum.kahan_add(&part, &mut self.lost).map(|combined| combined.bounds_reconciled).map_err(drop)
    }
}

/// Puts finished histograms beside finished floats; a step with both has no value.
fn finish(floats: impl Iterator<Item = f64>, histograms: HistogramSteps, column: &mut Column, context: &Context<'_>) {
    floats.zip(&mut column.floats).for_each(|(v, slot)| *slot = v);
    for (step, histograms) in histograms.steps.into_iter().enumerate() {
        let Some(histograms) = histograms else { continue };
        if is_absent(column.floats[step]) {
            let h = HistogramSteps::finish(*histograms, context);
            column.set(step, h.map(|h| Value::Histogram(Arc::new(h))));
        } else {
            context.notes.add(Note::MixedFloatsHistogramsAggregation, context.at);
            column.floats[step] = absent();
        }
    }
}

/// `sum`
pub(super) struct Sum {
    sums: Vec<f64>,
    lost: Vec<f64>,
    histograms: HistogramSteps,
}

impl Sum {
    pub fn new(steps: usize) -> Self {
        Self { sums: vec![absent(); steps], lost: vec![0.0; steps], histograms: HistogramSteps::default() }
    }

    /// Adds the floats where there are only such, without branches.
    fn add_floats(&mut self, floats: &[f64]) {
        wide(|| {
            for ((v, sum), lost) in floats.iter().zip(&mut self.sums).zip(&mut self.lost) {
                let (total, total_lost) = kahan::add(*v, *sum, *lost);
                let (none, first) = (is_absent(*v), is_absent(*sum));
                *lost = if none | first { *lost } else { total_lost };
                let begun = if first { *v } else { total };
                *sum = if none { *sum } else { begun };
            }
        });
    }
}

impl Fold for Sum {
    fn add(&mut self, column: &Column, context: &Context<'_>) {
        if self.histograms.is_empty() && column.histograms.is_empty() {
            self.add_floats(&column.floats);
            return;
        }
        for (step, v) in column.floats.iter().enumerate() {
            if is_absent(*v) || self.histograms.incompatible(step) {
                continue;
            }
            let (sum, lost) = (&mut self.sums[step], &mut self.lost[step]);
            if is_absent(*sum) {
                *sum = *v;
            } else {
                (*sum, *lost) = kahan::add(*v, *sum, *lost);
            }
        }
        for (step, h) in column.histograms.iter().enumerate() {
            if let Some(h) = h.as_ref().filter(|_| !self.histograms.incompatible(step)) {
                self.histograms.add(step, h, !is_absent(self.sums[step]), column, context);
            }
        }
    }

    fn finish(self, column: &mut Column, context: &Context<'_>) {
        let floats = self.sums.iter().zip(self.lost).map(|(sum, lost)| if is_absent(*sum) { *sum } else { sum + lost });
        finish(floats, self.histograms, column, context);
    }
}

/// The mean of a group's floats at one step.
#[derive(Clone, Copy, Default)]
struct Mean {
    /// The sum; once that overflows, the mean.
    value: f64,
    lost: f64,
    count: f64,
    incremental: bool,
}

impl Mean {
    fn add(&mut self, v: f64) {
        self.count += 1.0;
        if self.count == 1.0 {
            self.value = v;
            return;
        }
        if !self.incremental {
            let (sum, lost) = kahan::add(v, self.value, self.lost);
            if !sum.is_infinite() {
                (self.value, self.lost) = (sum, lost);
                return;
            }
            self.incremental = true;
            self.value /= self.count - 1.0;
            self.lost /= self.count - 1.0;
        }
        let share = (self.count - 1.0) / self.count;
        (self.value, self.lost) = kahan::add(v / self.count, share * self.value, share * self.lost);
    }

    fn finish(self) -> f64 {
        if self.count == 0.0 {
            absent()
        } else if self.incremental {
            self.value + self.lost
        } else {
            self.value / self.count + self.lost / self.count
        }
    }
}

/// `avg`
pub(super) struct Avg {
    means: Vec<Mean>,
    histograms: HistogramSteps,
}

impl Avg {
    pub fn new(steps: usize) -> Self {
        Self { means: vec![Mean::default(); steps], histograms: HistogramSteps::default() }
    }
}

impl Fold for Avg {
    fn add(&mut self, column: &Column, context: &Context<'_>) {
        for (step, v) in column.floats.iter().enumerate() {
            if !is_absent(*v) && !self.histograms.incompatible(step) {
                self.means[step].add(*v);
            }
        }
        for (step, h) in column.histograms.iter().enumerate() {
            if let Some(h) = h.as_ref().filter(|_| !self.histograms.incompatible(step)) {
                self.histograms.add(step, h, self.means[step].count > 0.0, column, context);
            }
        }
    }

    fn finish(self, column: &mut Column, context: &Context<'_>) {
        finish(self.means.iter().map(|mean| mean.finish()), self.histograms, column, context);
    }
}
