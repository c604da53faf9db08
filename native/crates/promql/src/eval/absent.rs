//! `absent_over_time`.

use neocortex_model::labels::Labels;

use super::column::Column;
use super::engine::Frame;
use super::error::EvalError;
use super::parallel::in_order;
use super::windows::WindowCounts;
use crate::func::absent_labels;
use crate::parse::ast::Expr;
use crate::plan::tree::Node;

impl Frame<'_> {
    /// 1 at every step at which no series has a sample in its window.
    pub(super) fn absent_over_time(&self, exprs: &[Expr], arg: &Node<'_>) -> Result<Vec<Column>, EvalError> {
        let vector = self.ranges(arg)?;
        let (ranges, windows) = (&vector.ranges, vector.windows(self));
        let mut absent = vec![true; self.steps.count()];
        let work = |i: usize| {
            self.query.budget.check_time()?;
            let (_, _, samples) = ranges.series(i)?;
            let mut present = Vec::new();
            let counts = windows.slide(&samples, |extent| present.push(extent.step))?;
            Ok((present, counts))
        };
        in_order(ranges.len(), work, &mut |(present, counts): (Vec<usize>, WindowCounts)| {
            // Prometheus makes a series of ones of each.
            self.query.budget.pass(counts.largest.max(counts.last + present.len() as u64))?;
            self.query.budget.hold(present.len() as u64)?;
            self.count_windows(&counts);
            present.into_iter().for_each(|step| absent[step] = false);
            Ok(())
        })?;
        let labels = exprs.first().map_or_else(Labels::empty, absent_labels);
        let mut column = Column::new(labels, absent.len());
        column.drop_name = true;
        for (slot, _) in column.floats.iter_mut().zip(&absent).filter(|(_, absent)| **absent) {
            *slot = 1.0;
        }
        Ok(if column.is_empty() { Vec::new() } else { vec![column] })
    }
}
