//! Runs scripts.

use std::panic::{AssertUnwindSafe, catch_unwind};

use neocortex_model::result::{MatrixSeries, QueryResult, QueryValue, Value, VectorSample};
use neocortex_promql::Features;
use neocortex_promql::eval::{EvalOptions, evaluate};
use neocortex_promql::parse::ast::Expr;
use neocortex_promql::parse::{ParseOptions, parse_expr};

use super::at_modifier;
use super::compare;
use super::record::Record;
use super::script::{Action, Eval, Times, parse};
use super::storage::TestStorage;

/// Distance of the steps around an instant query that is repeated as a range query.
const STEP_MS: i64 = 60_000;

/// What became of a script.
#[derive(Debug, Default)]
pub struct Report {
    /// Number of `eval` commands.
    pub total: usize,
    pub passed: usize,
    /// Line and reason of each command that failed.
    pub failures: Vec<(usize, String)>,
}

/// Runs a script from an empty storage.
pub fn script(text: &str, record: &mut Record) -> Report {
    let mut storage = TestStorage::default();
    record.data(storage.series());
    let mut report = Report::default();
    for command in parse(text) {
        let outcome = match &command.action {
            Action::Clear => {
                storage.clear();
                record.data(storage.series());
                continue;
            }
            Action::Load(load) => match storage.load(load) {
                Ok(()) => {
                    record.data(storage.series());
                    continue;
                }
                error => error,
            },
            Action::Unreadable { is_eval, error } => {
                report.total += usize::from(*is_eval);
                Err(error.clone())
            }
            Action::Eval(eval) => {
                report.total += 1;
                let outcome = catch_unwind(AssertUnwindSafe(|| run(eval, &storage, record)));
                let outcome = outcome.unwrap_or_else(|_| Err("panic".to_owned()));
                report.passed += usize::from(outcome.is_ok());
                outcome.map_err(|e| format!("{}\n    {e}", eval.expr))
            }
        };
        if let Err(error) = outcome {
            report.failures.push((command.line, error));
        }
    }
    report
}

fn options(times: Times, query: &str) -> EvalOptions {
    let options = match times {
        Times::Instant(t) => EvalOptions::instant(t),
        Times::Range { start, end, step } => EvalOptions::range(start, end, step),
    };
    let mut options = EvalOptions { query: query.to_owned(), ..options };
    Features::all().extend_evaluation(&mut options);
    // The scripts are written for an engine that does not look at these labels.
    options.type_and_unit_labels = false;
    options
}

fn run(eval: &Eval, storage: &TestStorage, record: &mut Record) -> Result<(), String> {
    let expr = match parse_expr(&eval.expr, &ParseOptions::everything()) {
        Ok(expr) => expr,
        Err(e) => {
            record.query(&eval.expr, eval.times, Err(&e.to_string()));
            return failure(eval, &e.to_string());
        }
    };
    query(eval, &expr, eval.times, storage, record)?;
    let Times::Instant(at) = eval.times else { return Ok(()) };
    if let Some((pinned, times)) = at_modifier::variants(&expr, at) {
        for time in times {
            query(eval, &pinned, Times::Instant(time), storage, &mut Record::default())
                .map_err(|e| format!("pinned by @, at {time}: {e}"))?;
        }
    }
    Ok(())
}

/// An error is fine when one is expected.
fn failure(eval: &Eval, text: &str) -> Result<(), String> {
    match eval.expected.fail.first() {
        Some(expected) if expected.fits(text) => Ok(()),
        Some(expected) => Err(format!("expected an error that fits {expected:?}, got {text}")),
        None => Err(format!("error: {text}")),
    }
}

/// One query, and an instant query again as the middle step of a range query.
fn query(eval: &Eval, expr: &Expr, times: Times, storage: &TestStorage, record: &mut Record) -> Result<(), String> {
    let expected = &eval.expected;
    let mut ask = |times| {
        let outcome = evaluate(expr, &options(times, &eval.expr), storage);
        match &outcome {
            Ok(result) => record.query(&eval.expr, times, Ok(result)),
            Err(e) => record.query(&eval.expr, times, Err(&e.to_string())),
        }
        outcome
    };
    let result = match ask(times) {
        Err(e) => return failure(eval, &e.to_string()),
        Ok(_) if !expected.fail.is_empty() => return Err("expected an error".to_owned()),
        Ok(result) => result,
    };
    compare::annotations(expected, &result.annotations)?;
    compare::value(expected, times, &result.value)?;
    let Times::Instant(at) = times else { return Ok(()) };
    let depends_on_range = ["start()", "end()", "range()", "step()"].iter().any(|call| eval.expr.contains(call));
    if expected.range_vector.is_some() || expected.string.is_some() || depends_on_range {
        return Ok(());
    }
    let around = Times::Range { start: at - STEP_MS, end: at + STEP_MS, step: STEP_MS };
    let repeated = ask(around).map_err(|e| format!("in range mode: {e}"))?;
    if expected.ordered {
        return Ok(());
    }
    middle_step(eval, at, &result, &repeated).map_err(|e| format!("in range mode: {e}"))
}

/// Judges the step of a range query at the time of the instant query.
fn middle_step(eval: &Eval, at: i64, instant: &QueryResult, repeated: &QueryResult) -> Result<(), String> {
    let QueryValue::Matrix(matrix) = &repeated.value else { return Err("no matrix".to_owned()) };
    compare::is_sorted(matrix)?;
    let vector: Vec<VectorSample> = matrix.iter().filter_map(|series| sample_at(series, at)).collect();
    match (&instant.value, vector.first()) {
        (QueryValue::Scalar { .. }, Some(VectorSample { value: Value::Float(v), .. })) => {
            compare::value(&eval.expected, Times::Instant(at), &QueryValue::Scalar { t: at, v: *v })
        }
        (QueryValue::Scalar { .. }, _) => Err("no value".to_owned()),
        _ => compare::instant(&eval.expected, &vector),
    }
}

fn sample_at(series: &MatrixSeries, t: i64) -> Option<VectorSample> {
    let float = series.floats.iter().find(|(at, _)| *at == t).map(|(_, v)| Value::Float(*v));
    let histogram = series.histograms.iter().find(|(at, _)| *at == t).map(|(_, h)| Value::Histogram(h.clone()));
    Some(VectorSample { labels: series.labels.clone(), t, value: float.or(histogram)? })
}
