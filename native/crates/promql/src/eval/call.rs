//! Calls: which way a function is evaluated, and those that the engine evaluates itself.

use neocortex_model::labels::Labels;
use neocortex_model::result::Value;
use neocortex_model::sample::Samples;

use super::annotate::Note;
use super::column::{Column, is_absent};
use super::engine::Frame;
use super::error::EvalError;
use super::names::{self, Names};
use super::parallel::in_order;
use crate::func::{self, Argument, Call, Implementation};
use crate::parse::ast::{Expr, ValueType, VectorSelector};
use crate::parse::functions::Function;
use crate::plan::tree::{Node, Op};

impl Frame<'_> {
    /// A call that gives a scalar.
    pub(super) fn scalar_call(&self, function: &Function, args: &[Node<'_>]) -> Result<Vec<f64>, EvalError> {
        match (function.name, args) {
            ("time", _) => Ok(self.steps.times.iter().map(|t| *t as f64 / 1000.0).collect()),
            ("pi", _) => Ok(vec![std::f64::consts::PI; self.steps.count()]),
            ("min_of" | "max_of", [a, b]) => {
                let pick = if function.name == "min_of" { smaller } else { larger };
                Ok(self.scalar(a)?.into_iter().zip(self.scalar(b)?).map(|(a, b)| pick(a, b)).collect())
            }
            ("scalar", [arg]) => {
                let columns = self.vector(arg)?;
                self.gather(&columns)?;
                Ok(only_value(&columns, self.steps.count()))
            }
            _ => Err(not_implemented(function)),
        }
    }

    /// A call that gives a vector.
    pub(super) fn vector_call(
        &self,
        expr: &Expr,
        function: &Function,
        exprs: &[Expr],
        args: &[Node<'_>],
    ) -> Result<Vec<Column>, EvalError> {
        match func::lookup(function.name) {
            Implementation::Map(apply) => {
                let arg = args.first().ok_or_else(|| not_implemented(function))?;
                let columns = self.vector(arg)?;
                self.gather(&columns)?;
                self.map(apply, columns)
            }
            Implementation::Range { .. } => {
                let call = self.range_call(function, args).ok_or_else(|| not_implemented(function))?;
                let mut columns = Vec::new();
                self.range_columns(&call, function, exprs, args, Names::Seen, &mut |column| {
                    columns.push(column);
                    self.query.budget.check_slots(columns.len(), self.steps.count())
                })?;
                Ok(columns)
            }
            Implementation::Vector(apply) => {
                let gathers = !matches!(function.name, "label_join" | "label_replace");
                let values = args.iter().map(|arg| self.argument(arg, gathers)).collect::<Result<Vec<_>, _>>()?;
                self.note_idle_sort(expr, function);
                let call = Call {
                    steps: &self.steps.times,
                    args: exprs,
                    notes: &self.query.notes,
                    delayed_name_removal: self.delayed(),
                    newer_messages: self.query.options.newer_messages,
                    max_label_bytes: self.query.budget.label_bytes_left(),
                };
                self.merged(apply(&call, values)?)
            }
            Implementation::Engine => self.engine_call(function, exprs, args),
        }
    }

    /// Says so when sorting has no effect.
    fn note_idle_sort(&self, expr: &Expr, function: &Function) {
        let sorts = matches!(function.name, "sort" | "sort_desc" | "sort_by_label" | "sort_by_label_desc");
        let several = self.steps.count() > 0 && self.steps.start_ms != self.steps.end_ms;
        if sorts && several && self.query.options.newer_messages {
            self.query.notes.add(Note::SortInRangeQuery, expr.span);
        }
    }

    fn engine_call(&self, function: &Function, exprs: &[Expr], args: &[Node<'_>]) -> Result<Vec<Column>, EvalError> {
        match (function.name, args) {
            ("vector", [arg]) => {
                let mut column = Column::new(Labels::empty(), 0);
                column.floats = self.scalar(arg)?;
                self.gather_scalars(1)?;
                Ok(vec![column])
            }
            ("timestamp", [arg]) => match &arg.op {
                Op::Instant { selector, selection } => {
                    self.sample_times(selector, *selection, |samples, last| Some(samples.t[last]))
                }
                _ => {
                    let columns = self.vector(arg)?;
                    self.gather(&columns)?;
                    self.step_times(columns)
                }
            },
            ("start_timestamp", [arg]) => match &arg.op {
                Op::Instant { selector, selection } => {
                    self.sample_times(selector, *selection, |samples, last| samples.st.get(last).copied())
                }
                // Nothing is known of when a computed value began.
                _ => Ok(Vec::new()),
            },
            ("absent_over_time", [arg]) => self.absent_over_time(exprs, arg),
            _ => Err(not_implemented(function)),
        }
    }

    fn argument(&self, node: &Node<'_>, gathers: bool) -> Result<Argument, EvalError> {
        match node.value_type() {
            ValueType::Scalar => {
                self.gather_scalars(1)?;
                self.scalar(node).map(Argument::Scalar)
            }
            ValueType::String => text(node).map(|text| Argument::String(text.to_owned())),
            _ => {
                let columns = self.vector(node)?;
                if gathers {
                    self.gather(&columns)?;
                }
                Ok(Argument::Vector(columns))
            }
        }
    }

    /// Applies a function to every float; histograms have no value.
    fn map(&self, apply: fn(f64) -> f64, mut columns: Vec<Column>) -> Result<Vec<Column>, EvalError> {
        for column in &mut columns {
            names::drop_name(column, self.delayed());
            column.histograms = Vec::new();
            for v in &mut column.floats {
                if !is_absent(*v) {
                    *v = apply(*v);
                }
            }
        }
        columns.retain(|column| !column.is_empty());
        self.merged(columns)
    }

    /// Series that a function made equal, joined; an instant query with delayed name removal waits for the end.
    pub(super) fn merged(&self, columns: Vec<Column>) -> Result<Vec<Column>, EvalError> {
        if self.delayed() && self.steps.count() == 1 { Ok(columns) } else { names::merge_equal(columns) }
    }

    /// `timestamp(selector)` and `start_timestamp(selector)`: a time of the sample that the selector sees, given in
    /// milliseconds.
    fn sample_times(
        &self,
        selector: &VectorSelector,
        selection: usize,
        time: impl Fn(&Samples, usize) -> Option<i64> + Sync,
    ) -> Result<Vec<Column>, EvalError> {
        let selected = self.query.selected(selection)?;
        let steps = self.steps.count();
        let mut columns = Vec::new();
        let work = |i: usize| {
            self.query.budget.check_time()?;
            let samples = selected.samples(i)?;
            let mut column: Option<Column> = None;
            self.last_samples(&selector.shift, &samples, |step, last| {
                let Some(time) = time(&samples, last) else { return };
                let column = column.get_or_insert_with(|| Column::new(selected.labels(i).clone(), steps));
                column.floats[step] = time as f64 / 1000.0;
            });
            if let Some(column) = &mut column {
                names::drop_name(column, self.delayed());
            }
            Ok(column)
        };
        in_order(selected.len(), work, &mut |column: Option<Column>| {
            let Some(column) = column else { return Ok(()) };
            for (step, _) in column.floats.iter().enumerate().filter(|(_, v)| !is_absent(**v)) {
                self.count_loaded(step, 1);
            }
            columns.push(column);
            self.query.budget.check_slots(columns.len(), steps)
        })?;
        self.gather(&columns)?;
        self.merged(columns)
    }

    /// `timestamp` of anything else: the time of the step.
    fn step_times(&self, mut columns: Vec<Column>) -> Result<Vec<Column>, EvalError> {
        for column in &mut columns {
            for (step, t) in self.steps.times.iter().enumerate() {
                if names::has_value(column, step) {
                    column.set(step, Some(Value::Float(*t as f64 / 1000.0)));
                }
            }
            column.histograms = Vec::new();
            names::drop_name(column, self.delayed());
        }
        self.merged(columns)
    }
}

/// The text of a string argument, which need not be UTF-8.
pub(super) fn text<'n>(node: &'n Node<'_>) -> Result<&'n [u8], EvalError> {
    match &node.op {
        Op::Text(text) => Ok(text),
        Op::Keep(inner) | Op::Once(inner) => text(inner),
        _ => Err(EvalError::execution("expression is not a string literal")),
    }
}

/// The smaller number; NaN beside all but negative infinity.
fn smaller(a: f64, b: f64) -> f64 {
    if (a.is_nan() || b.is_nan()) && a != f64::NEG_INFINITY && b != f64::NEG_INFINITY { f64::NAN } else { a.min(b) }
}

/// The larger number; NaN beside all but infinity.
fn larger(a: f64, b: f64) -> f64 {
    if (a.is_nan() || b.is_nan()) && a != f64::INFINITY && b != f64::INFINITY { f64::NAN } else { a.max(b) }
}

/// The float of the only element at each step, NaN where there is none or more than one.
fn only_value(columns: &[Column], steps: usize) -> Vec<f64> {
    let mut values = vec![f64::NAN; steps];
    let mut count = vec![0u32; steps];
    for column in columns {
        for (step, v) in column.floats.iter().enumerate().filter(|(_, v)| !is_absent(**v)) {
            values[step] = if count[step] == 0 { *v } else { f64::NAN };
            count[step] += 1;
        }
    }
    values
}

fn not_implemented(function: &Function) -> EvalError {
    EvalError::execution(format!("unexpected nil implementation for function \"{}\"", function.name))
}
