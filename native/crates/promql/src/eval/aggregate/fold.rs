//! `count`, `group`, `min`, `max`.

use super::{Context, Fold};
use crate::eval::annotate::Note;
use crate::eval::column::{Column, is_absent};
use crate::eval::names::has_value;
use crate::parse::ast::AggregateOp;

/// `count`
pub(super) struct Count {
    counts: Vec<u32>,
}

impl Count {
    pub fn new(steps: usize) -> Self {
        Self { counts: vec![0; steps] }
    }
}

impl Fold for Count {
    fn add(&mut self, column: &Column, _: &Context<'_>) {
        for (step, count) in self.counts.iter_mut().enumerate() {
            *count += u32::from(has_value(column, step));
        }
    }

    fn finish(self, column: &mut Column, _: &Context<'_>) {
        for (slot, count) in column.floats.iter_mut().zip(self.counts).filter(|(_, count)| *count > 0) {
            *slot = f64::from(count);
        }
    }
}

/// `group`: 1 where there is anything.
pub(super) struct Presence {
    present: Vec<bool>,
}

impl Presence {
    pub fn new(steps: usize) -> Self {
        Self { present: vec![false; steps] }
    }
}

impl Fold for Presence {
    fn add(&mut self, column: &Column, _: &Context<'_>) {
        for (step, present) in self.present.iter_mut().enumerate() {
            *present |= has_value(column, step);
        }
    }

    fn finish(self, column: &mut Column, _: &Context<'_>) {
        for (slot, _) in column.floats.iter_mut().zip(self.present).filter(|(_, present)| *present) {
            *slot = 1.0;
        }
    }
}

/// `min`, `max`. NaN gives way to any number.
pub(super) struct Extreme {
    values: Vec<f64>,
}

impl Extreme {
    pub fn new(steps: usize) -> Self {
        Self { values: vec![crate::eval::column::absent(); steps] }
    }
}

impl Fold for Extreme {
    fn add(&mut self, column: &Column, context: &Context<'_>) {
        note_histograms(column, context);
        let max = context.op == AggregateOp::Max;
        for (best, v) in self.values.iter_mut().zip(&column.floats).filter(|(_, v)| !is_absent(**v)) {
            // An empty slot is a NaN as well.
            if best.is_nan() || (if max { *best < *v } else { *best > *v }) {
                *best = *v;
            }
        }
    }

    fn finish(self, column: &mut Column, _: &Context<'_>) {
        column.floats = self.values;
    }
}

/// Says that histograms are left out.
pub(super) fn note_histograms(column: &Column, context: &Context<'_>) {
    if column.histograms.iter().any(Option::is_some) {
        context.notes.add(Note::HistogramIgnoredInAggregation { aggregation: context.name() }, context.at);
    }
}
