//! Functions over ranges: the column of each series.

use hashbrown::HashSet;
use neocortex_model::result::Value;

use super::annotate::Note;
use super::budget::column_samples;
use super::column::{Column, is_absent};
use super::engine::Frame;
use super::error::EvalError;
use super::names::{self, Names};
use super::parallel::in_order;
use super::windows::{Arguments, WindowCounts};
use crate::func::sliding::Sliding;
use crate::func::{self, Implementation, Params, Window};
use crate::parse::ast::{Expr, ValueType};
use crate::parse::functions::Function;
use crate::plan::tree::{Node, Op};

/// A function over a range, as the engine calls it.
pub(super) struct RangeCall {
    apply: fn(&Window<'_>, &Params<'_>) -> Option<Value>,
    sliding: Option<Sliding>,
    keep_name: bool,
    /// Which argument is the range.
    pub matrix: usize,
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

impl Frame<'_> {
    /// How to call a function over a range; `None` for any other function.
    pub(super) fn range_call(&self, function: &Function, args: &[Node<'_>]) -> Option<RangeCall> {
        let matrix = args.iter().position(|arg| arg.value_type() == ValueType::Matrix)?;
        match func::lookup(function.name) {
            Implementation::Range { apply, sliding, keep_name } => {
                Some(RangeCall { apply, sliding, keep_name, matrix })
            }
            _ => None,
        }
    }

    /// Hands on the column of each series for which the function has a value.
    pub(super) fn range_columns(
        &self,
        call: &RangeCall,
        function: &Function,
        exprs: &[Expr],
        args: &[Node<'_>],
        shown: Names,
        take: &mut dyn FnMut(Column) -> Result<(), EvalError>,
    ) -> Result<(), EvalError> {
        let before = self.query.budget.held();
        refuse_extension(function, &args[call.matrix])?;
        let vector = self.ranges(&args[call.matrix])?;
        let ranges = &vector.ranges;
        let after = self.query.budget.held();
        let scalars = self.scalar_args(args, call.matrix)?;
        let arguments = Arguments { function: function.name, exprs, scalars: &scalars, width: args.len() - 1 };
        let windows = vector.windows(self);
        // Series that differ do so without their names as well if these are the same.
        let one_name = ranges.have_one_name();
        let drop_now = !self.delayed() && (shown == Names::Seen || !one_name);
        let mut seen = (drop_now && !one_name).then(HashSet::new);
        let work = |i: usize| {
            self.query.budget.check_time()?;
            let (labels, drop_name, samples) = ranges.series(i)?;
            let (mut column, counts) = match call.sliding.filter(|_| windows.are_plain(&samples)) {
                Some(sliding) => windows.at_once(sliding, labels, &samples, arguments.scalars)?,
                None => windows.one_by_one(call.apply, &arguments, labels, &samples)?,
            };
            if let Some(column) = &mut column {
                self.note_non_counter(function, column, exprs);
                if drop_name || !call.keep_name {
                    names::drop_name(column, !drop_now);
                }
            }
            Ok((column, counts))
        };
        in_order(ranges.len(), work, &mut |(column, counts): (Option<Column>, WindowCounts)| {
            let samples = column.as_ref().map_or(0, column_samples);
            self.query.budget.pass(counts.largest.max(counts.last + samples))?;
            self.count_windows(&counts);
            let Some(column) = column else { return Ok(()) };
            if seen.as_mut().is_some_and(|seen| !seen.insert(column.labels.clone())) {
                return Err(EvalError::duplicate_labels());
            }
            self.query.budget.hold(samples)?;
            take(column)
        })?;
        // What a subquery computed is forgotten.
        let held = self.query.budget.held();
        self.query.budget.set_held(held.saturating_sub(after.saturating_sub(before)))
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
