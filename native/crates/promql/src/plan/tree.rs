//! The tree that is evaluated: it borrows the rewritten syntax tree and knows which subtrees are the same at every step
//! and which selection feeds each selector.

use neocortex_model::labels::METRIC_NAME;
use neocortex_model::matchers::{MatchOp, Matcher};

use super::ranges::{Selection, Surroundings};
use super::rewrite::QueryTimes;
use crate::parse::ast::{Aggregate, AggregateOp, Binary, BinaryOp, Expr, ExprKind, MatrixSelector, VectorSelector};
use crate::parse::ast::{Subquery, TimeShift, ValueType};
use crate::parse::functions::Function;

/// Functions whose value depends on the time of the step even if their arguments do not.
const DEPEND_ON_STEP: [&str; 12] = [
    "days_in_month",
    "day_of_month",
    "day_of_week",
    "day_of_year",
    "hour",
    "minute",
    "month",
    "year",
    "predict_linear",
    "time",
    "timestamp",
    "start_timestamp",
];

/// A query ready for evaluation.
pub struct Plan<'e> {
    /// The root.
    pub root: Node<'e>,
    /// What the selectors need, each once; [`Op::Instant`] and [`Op::Range`] hold indices of it.
    pub selections: Vec<Selection>,
}

/// A node and where it comes from.
pub struct Node<'e> {
    /// The rewritten expression.
    pub expr: &'e Expr,
    /// What to do.
    pub op: Op<'e>,
}

/// What a node does.
pub enum Op<'e> {
    /// A number at every step.
    Number(f64),
    /// A string.
    Text(&'e [u8]),
    /// `+x` is `x`.
    Keep(Box<Node<'e>>),
    /// `-x`
    Negate(Box<Node<'e>>),
    /// The same at every step: evaluated at the first only.
    Once(Box<Node<'e>>),
    /// `left op right`
    Binary {
        /// Operator and matching.
        binary: &'e Binary,
        /// Left operand.
        left: Box<Node<'e>>,
        /// Right operand.
        right: Box<Node<'e>>,
    },
    /// `sum by (a) (input)`
    Aggregate {
        /// Operation and grouping.
        aggregate: &'e Aggregate,
        /// What is aggregated.
        input: Box<Node<'e>>,
        /// `k` of `topk` and the like.
        param: Option<Box<Node<'e>>>,
    },
    /// `f(args)`
    Call {
        /// The table's entry.
        func: &'static Function,
        /// The argument expressions.
        exprs: &'e [Expr],
        /// The arguments.
        args: Vec<Node<'e>>,
    },
    /// `info(input, {data="labels"})`
    Info(Box<Info<'e>>),
    /// An instant selector.
    Instant {
        /// The selector.
        selector: &'e VectorSelector,
        /// Index of its selection.
        selection: usize,
    },
    /// A range selector.
    Range {
        /// The selector.
        matrix: &'e MatrixSelector,
        /// Index of its selection.
        selection: usize,
    },
    /// A subquery.
    Subquery {
        /// Range, step, offset.
        subquery: &'e Subquery,
        /// The step in milliseconds, never 0.
        step_ms: i64,
        /// What is evaluated.
        inner: Box<Node<'e>>,
    },
}

/// `info`, with all that it selects known before the evaluation.
pub struct Info<'e> {
    /// The series to be enriched.
    pub input: Node<'e>,
    /// By which names info series are selected.
    pub names: Vec<Matcher>,
    /// Which of their labels are wanted, and how they must be; all when empty.
    pub data: Vec<Matcher>,
    /// The time at which the input is selected holds for the info series as well.
    pub shift: TimeShift,
    /// Index of the selection of the info series.
    pub selection: usize,
}

impl<'e> Plan<'e> {
    /// Plans a rewritten tree.
    #[must_use]
    pub fn new(expr: &'e Expr, times: &QueryTimes, lookback_ms: i64, default_step_ms: i64) -> Self {
        let mut planner = Planner { times, lookback_ms, default_step_ms, selections: Vec::new() };
        let planned = planner.plan(expr, Surroundings::default());
        Self { root: planned.wrapped(), selections: planner.selections }
    }
}

impl Node<'_> {
    /// The type of the value.
    #[must_use]
    pub fn value_type(&self) -> ValueType {
        match &self.op {
            Op::Number(_) => ValueType::Scalar,
            Op::Text(_) => ValueType::String,
            Op::Keep(inner) | Op::Negate(inner) | Op::Once(inner) => inner.value_type(),
            Op::Binary { left, right, .. } => {
                let scalar = ValueType::Scalar;
                if left.value_type() == scalar && right.value_type() == scalar { scalar } else { ValueType::Vector }
            }
            Op::Aggregate { .. } | Op::Instant { .. } | Op::Info(_) => ValueType::Vector,
            Op::Call { func, .. } => func.returns,
            Op::Range { .. } | Op::Subquery { .. } => ValueType::Matrix,
        }
    }
}

/// A planned node that its parent may still wrap.
struct Planned<'e> {
    node: Node<'e>,
    /// The same at every step.
    invariant: bool,
    /// Worth to be wrapped when the parent is not invariant.
    wrap: bool,
}

impl<'e> Planned<'e> {
    fn wrapped(self) -> Node<'e> {
        if self.wrap { once(self.node) } else { self.node }
    }
}

fn once(node: Node<'_>) -> Node<'_> {
    Node { expr: node.expr, op: Op::Once(Box::new(node)) }
}

struct Planner<'t> {
    times: &'t QueryTimes,
    lookback_ms: i64,
    default_step_ms: i64,
    selections: Vec<Selection>,
}

impl Planner<'_> {
    fn plan<'e>(&mut self, expr: &'e Expr, around: Surroundings<'e>) -> Planned<'e> {
        let planned = |op, invariant, wrap| Planned { node: Node { expr, op }, invariant, wrap };
        match &expr.kind {
            ExprKind::Number { value, .. } => planned(Op::Number(*value), true, false),
            ExprKind::String(text) => planned(Op::Text(text), true, false),
            ExprKind::Paren(inner) => self.plan(inner, around),
            ExprKind::Unary { op, expr: inner } => {
                let inner = self.plan(inner, around);
                let (invariant, wrap) = (inner.invariant, inner.wrap);
                let inner = Box::new(inner.node);
                planned(if *op == BinaryOp::Sub { Op::Negate(inner) } else { Op::Keep(inner) }, invariant, wrap)
            }
            ExprKind::Binary(binary) => {
                let mut around = around.inside("");
                if matches!(binary.op, BinaryOp::TrimLower | BinaryOp::TrimUpper) {
                    around = around.inside_trim();
                }
                let left = self.plan(&binary.left, around);
                let right = self.plan(&binary.right, around);
                let invariant = left.invariant && right.invariant;
                let (left, right) = if invariant { (left.node, right.node) } else { (left.wrapped(), right.wrapped()) };
                let op = Op::Binary { binary, left: Box::new(left), right: Box::new(right) };
                planned(op, invariant, invariant)
            }
            ExprKind::Aggregate(aggregate) => {
                let around = around.inside(aggregate_name(aggregate.op));
                let input = self.plan(&aggregate.expr, around);
                let param = aggregate.param.as_ref().map(|param| Box::new(self.plan(param, around).wrapped()));
                let (invariant, wrap) = (input.invariant, input.wrap);
                planned(Op::Aggregate { aggregate, input: Box::new(input.node), param }, invariant, wrap)
            }
            ExprKind::Call { func, args: exprs } if func.name == "info" => {
                let Some(first) = exprs.first() else { return planned(Op::Text(&[]), true, false) };
                let around = around.inside(func.name);
                let input = self.plan(first, around);
                let info = self.info(input.node, first, exprs.get(1), around);
                planned(Op::Info(Box::new(info)), input.invariant, input.invariant)
            }
            ExprKind::Call { func, args: exprs } => {
                let around = around.inside(func.name);
                let args: Vec<_> = exprs.iter().map(|arg| self.plan(arg, around)).collect();
                let all = args.iter().all(|arg| arg.invariant);
                let direct = args.iter().all(|arg| matches!(arg.node.op, Op::Instant { .. }));
                let invariant = all && (!DEPEND_ON_STEP.contains(&func.name) || (func.name == "timestamp" && direct));
                let args = args.into_iter().map(|arg| if invariant { arg.node } else { arg.wrapped() }).collect();
                planned(Op::Call { func, exprs, args }, invariant, invariant)
            }
            ExprKind::Vector(selector) => {
                let selection = self.select(selector, 0, &around);
                let fixed = selector.shift.at.is_some();
                planned(Op::Instant { selector, selection }, fixed, fixed)
            }
            ExprKind::Matrix(matrix) => {
                let selection = self.select(&matrix.selector, matrix.range_ms, &around);
                planned(Op::Range { matrix, selection }, matrix.selector.shift.at.is_some(), false)
            }
            ExprKind::Subquery(subquery) => {
                let step_ms = if subquery.step_ms > 0 { subquery.step_ms } else { self.default_step_ms.max(1) };
                let around = around.inside_subquery(&subquery.shift, subquery.range_ms, step_ms);
                let inner = self.plan(&subquery.expr, around);
                let inner = if inner.invariant { once(inner.node) } else { inner.node };
                let op = Op::Subquery { subquery, step_ms, inner: Box::new(inner) };
                planned(op, subquery.shift.at.is_some(), false)
            }
        }
    }

    /// What `info` selects beside its input.
    fn info<'e>(&mut self, input: Node<'e>, expr: &Expr, data: Option<&Expr>, around: Surroundings<'_>) -> Info<'e> {
        let matchers = match data.map(|data| &data.kind) {
            Some(ExprKind::Vector(selector)) => &selector.matchers[..],
            _ => &[],
        };
        let (names, data): (Vec<_>, Vec<_>) = matchers.iter().cloned().partition(|m| m.name() == METRIC_NAME);
        let names = info_names(names);
        let shift = first_shift(expr).unwrap_or_default();
        let selector = VectorSelector {
            matchers: names.iter().chain(&data).cloned().collect(),
            shift: shift.clone(),
            ..VectorSelector::default()
        };
        let selection = self.select(&selector, 0, &around);
        Info { input, names, data, shift, selection }
    }

    /// The index of the selection for a selector; equal ones are shared.
    fn select(&mut self, selector: &VectorSelector, range_ms: i64, around: &Surroundings<'_>) -> usize {
        let hints = around.hints(selector, range_ms, self.times, self.lookback_ms);
        let shared = self.selections.iter().position(|known| {
            known.matchers == selector.matchers
                && known.stats_only == around.stats_only()
                && (known.hints.start_ms, known.hints.end_ms) == (hints.start_ms, hints.end_ms)
                && (known.hints.step_ms, known.hints.range_ms) == (hints.step_ms, hints.range_ms)
        });
        if let Some(i) = shared {
            let known = &mut self.selections[i];
            known.hints.selectors += 1;
            if known.hints.function != hints.function {
                known.hints.function.clear();
            }
            return i;
        }
        let stats_only = around.stats_only();
        self.selections.push(Selection { matchers: selector.matchers.clone(), hints, stats_only });
        self.selections.len() - 1
    }
}

/// Without a positive matcher, names must end in `_info`; without any, the name is `target_info`.
fn info_names(mut names: Vec<Matcher>) -> Vec<Matcher> {
    if names.iter().any(|m| matches!(m.op(), MatchOp::Equal | MatchOp::Regex)) {
        return names;
    }
    let positive = if names.is_empty() {
        Matcher::new(MatchOp::Equal, METRIC_NAME, "target_info")
    } else {
        Matcher::new(MatchOp::Regex, METRIC_NAME, ".+_info")
    };
    names.extend(positive);
    names
}

/// `@` and the sum of the offsets around the first selector of an expression, as far out as the innermost `@`.
fn first_shift(expr: &Expr) -> Option<TimeShift> {
    let first_of = |exprs: &[&Expr]| exprs.iter().find_map(|expr| first_shift(expr));
    match &expr.kind {
        ExprKind::Vector(selector) => Some(selector.shift.clone()),
        ExprKind::Matrix(matrix) => Some(matrix.selector.shift.clone()),
        ExprKind::Subquery(subquery) => {
            let mut shift = first_shift(&subquery.expr)?;
            if shift.at.is_none() {
                shift.offset_ms = shift.offset_ms.saturating_add(subquery.shift.offset_ms);
                shift.at = subquery.shift.at;
            }
            Some(shift)
        }
        ExprKind::Paren(inner) | ExprKind::Unary { expr: inner, .. } => first_shift(inner),
        ExprKind::Binary(binary) => first_of(&[&binary.left, &binary.right]),
        ExprKind::Aggregate(aggregate) => {
            first_shift(&aggregate.expr).or_else(|| aggregate.param.as_ref().and_then(first_shift))
        }
        ExprKind::Call { args, .. } => args.iter().find_map(first_shift),
        ExprKind::Number { .. } | ExprKind::String(_) => None,
    }
}

/// The name of an aggregation as it is written.
#[must_use]
pub fn aggregate_name(op: AggregateOp) -> &'static str {
    match op {
        AggregateOp::Sum => "sum",
        AggregateOp::Avg => "avg",
        AggregateOp::Count => "count",
        AggregateOp::Min => "min",
        AggregateOp::Max => "max",
        AggregateOp::Group => "group",
        AggregateOp::Stddev => "stddev",
        AggregateOp::Stdvar => "stdvar",
        AggregateOp::Topk => "topk",
        AggregateOp::Bottomk => "bottomk",
        AggregateOp::CountValues => "count_values",
        AggregateOp::Quantile => "quantile",
        AggregateOp::Limitk => "limitk",
        AggregateOp::LimitRatio => "limit_ratio",
    }
}
