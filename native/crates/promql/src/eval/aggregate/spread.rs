//! `stddev`, `stdvar`: Welford's running variance.

use super::fold::note_histograms;
use super::{Context, Fold};
use crate::eval::column::{Column, is_absent};
use crate::parse::ast::AggregateOp;

/// The running variance of a group at one step.
#[derive(Clone, Copy, Default)]
struct Running {
    count: f64,
    mean: f64,
    squares: f64,
}

/// `stddev`, `stdvar`
pub(super) struct Spread {
    steps: Vec<Running>,
}

impl Spread {
    pub fn new(steps: usize) -> Self {
        Self { steps: vec![Running::default(); steps] }
    }
}

impl Running {
    fn add(&mut self, v: f64) {
        self.count += 1.0;
        if self.count == 1.0 {
            self.mean = v;
            self.squares = if v.is_finite() { 0.0 } else { f64::NAN };
            return;
        }
        let delta = v - self.mean;
        self.mean += delta / self.count;
        self.squares += delta * (v - self.mean);
    }
}

impl Fold for Spread {
    fn add(&mut self, column: &Column, context: &Context<'_>) {
        note_histograms(column, context);
        for (running, v) in self.steps.iter_mut().zip(&column.floats).filter(|(_, v)| !is_absent(**v)) {
            running.add(*v);
        }
    }

    fn finish(self, column: &mut Column, context: &Context<'_>) {
        let root = context.op == AggregateOp::Stddev;
        for (slot, running) in column.floats.iter_mut().zip(self.steps).filter(|(_, running)| running.count > 0.0) {
            let variance = running.squares / running.count;
            *slot = if root { variance.sqrt() } else { variance };
        }
    }
}
