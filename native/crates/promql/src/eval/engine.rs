//! The evaluation of a query: one tree, all steps, node by node.

use std::sync::Arc;

use neocortex_model::result::QueryResult;
use neocortex_model::series::Queryable;
use parking_lot::Mutex;

use super::annotate::Notes;
use super::budget::{Budget, column_samples, column_slots};
use super::column::{Column, is_absent};
use super::error::EvalError;
use super::names::{self, Names};
use super::options::EvalOptions;
use super::result;
use super::source::{Selected, Source};
use super::steps::Steps;
use crate::parse::ast::{AggregateOp, Expr, ValueType};
use crate::plan::rewrite::rewrite;
use crate::plan::tree::{Node, Op, Plan};

/// Evaluates a checked expression over a storage. Blocks; may use all threads of rayon's pool.
///
/// # Errors
/// Any [`EvalError`].
pub fn evaluate(expr: &Expr, options: &EvalOptions, storage: &dyn Queryable) -> Result<QueryResult, EvalError> {
    let times = options.times();
    let rewritten = rewrite(expr, &times)?;
    let Plan { root, selections } =
        Plan::new(&rewritten, &times, options.lookback_delta_ms, options.default_subquery_step_ms);
    let value_type = root.value_type();
    if !options.is_instant() && !matches!(value_type, ValueType::Scalar | ValueType::Vector) {
        return Err(EvalError::NotForRange(value_type));
    }
    let query = Query {
        options,
        storage,
        sources: selections.into_iter().map(|selection| Source::new(selection.within(options.visible_ms))).collect(),
        notes: Notes::new(),
        budget: Budget::new(options),
    };
    let steps = Steps::new(options.start_ms, options.end_ms, options.step_ms, query.budget.max_samples())?;
    let frame = Frame::new(&query, steps);
    let value = result::of_root(&frame, &root)?;
    let stats = result::stats(&frame);
    Ok(QueryResult { value, annotations: query.notes.finish(&options.query, options.max_annotations), stats })
}

/// True for operations of which Prometheus holds operands and result at the same time.
fn is_stepwise(op: &Op<'_>) -> bool {
    match op {
        Op::Binary { .. } | Op::Info(_) => true,
        Op::Aggregate { aggregate, .. } => aggregate.op == AggregateOp::CountValues,
        Op::Call { func, .. } if matches!(func.name, "label_join" | "label_replace") => false,
        Op::Call { args, .. } => args.iter().all(|arg| arg.value_type() != ValueType::Matrix),
        _ => false,
    }
}

/// What the whole evaluation shares.
pub(super) struct Query<'q> {
    pub options: &'q EvalOptions,
    pub storage: &'q dyn Queryable,
    pub sources: Vec<Source>,
    pub notes: Notes,
    pub budget: Budget<'q>,
}

impl Query<'_> {
    /// The series of a selection.
    pub fn selected(&self, selection: usize) -> Result<&Selected, EvalError> {
        self.sources[selection].selected(self.storage, self.options.start_timestamps)
    }
}

/// Samples loaded, in all and at each step.
#[derive(Debug, Default)]
pub(super) struct Loaded {
    pub total: u64,
    pub per_step: Vec<u64>,
}

/// The evaluation at certain steps: those of the query, of a subquery, or only the first.
pub(super) struct Frame<'q> {
    pub query: &'q Query<'q>,
    pub steps: Steps,
    pub loaded: Mutex<Loaded>,
}

impl<'q> Frame<'q> {
    pub fn new(query: &'q Query<'q>, steps: Steps) -> Self {
        let per_step = if query.options.per_step_stats { vec![0; steps.count()] } else { Vec::new() };
        Self { query, steps, loaded: Mutex::new(Loaded { total: 0, per_step }) }
    }

    /// Drop names at the end only.
    pub fn delayed(&self) -> bool {
        self.query.options.delayed_name_removal
    }

    /// Counts samples loaded at a step.
    pub fn count_loaded(&self, step: usize, samples: u64) {
        let mut loaded = self.loaded.lock();
        loaded.total += samples;
        if let Some(count) = loaded.per_step.get_mut(step) {
            *count += samples;
        }
    }

    /// The value of a scalar at every step.
    ///
    /// # Errors
    /// Any [`EvalError`].
    pub fn scalar(&self, node: &Node<'_>) -> Result<Vec<f64>, EvalError> {
        let steps = self.steps.count();
        let budget = &self.query.budget;
        budget.check_slots(1, steps)?;
        let (before, slots) = (budget.held(), budget.slots());
        let values = match &node.op {
            Op::Number(v) => vec![*v; steps],
            Op::Keep(inner) => self.scalar(inner)?,
            Op::Negate(inner) => {
                let mut values = self.scalar(inner)?;
                values.iter_mut().for_each(|v| *v = -*v);
                values
            }
            Op::Once(inner) => {
                let first = self.once(|frame| frame.scalar(inner))?;
                first.first().map_or_else(Vec::new, |v| vec![*v; steps])
            }
            Op::Binary { binary, left, right } => self.scalar_binary(binary, left, right)?,
            Op::Call { func, args, .. } => self.scalar_call(func, args)?,
            _ => return Err(EvalError::execution("expression is not a scalar")),
        };
        if is_stepwise(&node.op) {
            budget.hold(steps as u64)?;
        }
        budget.set_slots(slots + steps as u64)?;
        budget.set_held(before + steps as u64)?;
        Ok(values)
    }

    /// The columns of an instant vector, in Prometheus's order where that shows; none without any value.
    ///
    /// # Errors
    /// Any [`EvalError`].
    pub fn vector(&self, node: &Node<'_>) -> Result<Vec<Column>, EvalError> {
        self.query.budget.check_time()?;
        let (before, slots) = (self.query.budget.held(), self.query.budget.slots());
        let columns = match &node.op {
            _ if self.steps.count() == 0 => Vec::new(),
            Op::Keep(inner) => self.vector(inner)?,
            Op::Negate(inner) => {
                let mut columns = self.vector(inner)?;
                columns.iter_mut().for_each(|column| self.negate(column));
                names::merge_equal(columns)?
            }
            Op::Once(inner) => self.spread(self.once(|frame| frame.vector(inner))?)?,
            Op::Binary { binary, left, right } => self.vector_binary(node.expr, binary, left, right)?,
            Op::Aggregate { aggregate, input, param } => {
                self.aggregate(node.expr, aggregate, input, param.as_deref())?
            }
            Op::Call { func, exprs, args } => self.vector_call(node.expr, func, exprs, args)?,
            Op::Info(info) => self.info(info)?,
            Op::Instant { selector, selection } if selector.smoothed => {
                self.smoothed_columns(selector, *selection, node.expr)?
            }
            Op::Instant { .. } => {
                let mut columns = Vec::new();
                self.each_column(node, Names::Seen, &mut |column| {
                    columns.push(column);
                    self.query.budget.check_slots(columns.len(), self.steps.count())
                })?;
                columns
            }
            Op::Number(_) | Op::Text(_) | Op::Range { .. } | Op::Subquery { .. } => {
                return Err(EvalError::execution("expression is not an instant vector"));
            }
        };
        let samples = columns.iter().map(column_samples).sum::<u64>();
        if is_stepwise(&node.op) {
            self.query.budget.hold(samples)?;
        }
        self.query.budget.set_slots(slots + column_slots(&columns))?;
        self.query.budget.set_held(before + samples)?;
        Ok(columns)
    }

    /// Holds, until the operation is done, what Prometheus copies from its operands at each step: their elements at the last.
    pub fn gather(&self, columns: &[Column]) -> Result<(), EvalError> {
        let last = self.steps.count().saturating_sub(1);
        let elements = columns.iter().filter(|column| names::has_value(column, last)).count();
        self.query.budget.hold(elements as u64)
    }

    /// The same for scalars, which have a value at every step.
    pub fn gather_scalars(&self, count: usize) -> Result<(), EvalError> {
        self.query.budget.hold(count as u64)
    }

    /// Hands on the columns of an instant vector one by one, in the order of [`Frame::vector`], without holding them where
    /// they can be computed series by series.
    ///
    /// # Errors
    /// Any [`EvalError`], those of `take` among them.
    pub fn each_column(
        &self,
        node: &Node<'_>,
        shown: Names,
        take: &mut dyn FnMut(Column) -> Result<(), EvalError>,
    ) -> Result<(), EvalError> {
        match &node.op {
            _ if self.steps.count() == 0 => Ok(()),
            Op::Keep(inner) => self.each_column(inner, shown, take),
            Op::Instant { selector, selection } if !selector.smoothed => {
                self.instant_columns(selector, *selection, take)
            }
            Op::Call { func, exprs, args } => match self.range_call(func, args) {
                Some(call) => self.range_columns(&call, func, exprs, args, shown, take),
                None => self.vector(node)?.into_iter().try_for_each(take),
            },
            _ => self.vector(node)?.into_iter().try_for_each(take),
        }
    }

    /// Evaluates at the first step only; its samples count for every step.
    fn once<T>(&self, evaluate: impl FnOnce(&Frame<'_>) -> Result<T, EvalError>) -> Result<T, EvalError> {
        let frame = Frame::new(self.query, self.steps.first());
        let value = evaluate(&frame)?;
        let total = frame.loaded.into_inner().total;
        let mut loaded = self.loaded.lock();
        loaded.total += total * self.steps.count() as u64;
        loaded.per_step.iter_mut().for_each(|count| *count += total);
        Ok(value)
    }

    /// Repeats the only value of each column at every step.
    fn spread(&self, columns: Vec<Column>) -> Result<Vec<Column>, EvalError> {
        let steps = self.steps.count();
        self.query.budget.check_slots(columns.len(), steps)?;
        Ok(columns
            .into_iter()
            .map(|mut column| {
                column.floats = vec![column.floats[0]; steps];
                if let Some(h) = column.histograms.first().cloned() {
                    column.histograms = vec![h; steps];
                }
                column
            })
            .collect())
    }

    fn negate(&self, column: &mut Column) {
        names::drop_name(column, self.delayed());
        for v in column.floats.iter_mut().filter(|v| !is_absent(**v)) {
            *v = -*v;
        }
        for h in column.histograms.iter_mut().flatten() {
            Arc::make_mut(h).mul(-1.0);
        }
    }
}
