//! Instant selectors: the last sample before each step.

use neocortex_model::labels::Labels;
use neocortex_model::sample::Samples;

use super::budget::{column_samples, histogram_samples};
use super::column::Column;
use super::engine::Frame;
use super::error::EvalError;
use super::parallel::in_order;
use super::source::is_stale;
use crate::parse::ast::{TimeShift, VectorSelector};
use crate::plan::ranges::at_ms;

impl Frame<'_> {
    /// The time that a selector looks at for a step.
    pub(super) fn reference_ms(&self, shift: &TimeShift, step: usize) -> i64 {
        at_ms(shift).unwrap_or(self.steps.times[step]).saturating_sub(shift.offset_ms)
    }

    /// Hands on the column of each series that has a value.
    pub(super) fn instant_columns(
        &self,
        selector: &VectorSelector,
        selection: usize,
        take: &mut dyn FnMut(Column) -> Result<(), EvalError>,
    ) -> Result<(), EvalError> {
        let selected = self.query.selected(selection)?;
        in_order(
            selected.len(),
            |i| {
                self.query.budget.check_time()?;
                Ok(self.instant_column(&selector.shift, selected.labels(i), &*selected.samples(i)?))
            },
            &mut |column| {
                let Some(column) = column else { return Ok(()) };
                self.query.budget.hold(column_samples(&column))?;
                self.count_column(&column);
                take(column)
            },
        )
    }

    /// Calls `found` with each step that has a sample and the sample's index.
    pub(super) fn last_samples(&self, shift: &TimeShift, samples: &Samples, mut found: impl FnMut(usize, usize)) {
        let lookback = self.query.options.lookback_delta_ms;
        let mut next = 0;
        for step in 0..self.steps.count() {
            let at = self.reference_ms(shift, step);
            while samples.t.get(next).is_some_and(|t| *t <= at) {
                next += 1;
            }
            let Some(last) = next.checked_sub(1) else { continue };
            if samples.t[last] > at.saturating_sub(lookback) && !is_stale(samples, last) {
                found(step, last);
            }
        }
    }

    fn instant_column(&self, shift: &TimeShift, labels: &Labels, samples: &Samples) -> Option<Column> {
        let mut column = None;
        self.last_samples(shift, samples, |step, i| {
            let column = column.get_or_insert_with(|| Column::new(labels.clone(), self.steps.count()));
            match samples.histogram(i) {
                None => column.floats[step] = samples.v[i],
                Some(h) => {
                    column.histograms.resize(column.floats.len(), None);
                    column.histograms[step] = Some(h.clone());
                }
            }
        });
        column
    }

    fn count_column(&self, column: &Column) {
        let mut loaded = self.loaded.lock();
        loaded.total += column_samples(column);
        if loaded.per_step.is_empty() {
            return;
        }
        for (step, count) in loaded.per_step.iter_mut().enumerate() {
            *count += match column.histograms.get(step) {
                Some(Some(h)) => histogram_samples(h),
                _ => u64::from(!super::column::is_absent(column.floats[step])),
            };
        }
    }
}
