//! Queries: parsed once, evaluated on a database, answered as JSON.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use neocortex_model::matchers::Matcher;
use neocortex_model::result::{QueryResult, QueryValue};
use neocortex_model::series::StorageError;
use neocortex_promql::Features;
use neocortex_promql::eval::error::EvalError;
use neocortex_promql::eval::{EvalOptions, evaluate};
use neocortex_promql::parse::ast::Expr;
use neocortex_promql::parse::ast_json::to_json;
use neocortex_promql::parse::pretty::prettify;
use neocortex_promql::parse::{ParseErrors, ParseOptions, parse_expr};
use neocortex_promql::plan::ranges::{Selection, selections};
use neocortex_promql::plan::rewrite::QueryTimes;
use neocortex_promql::plan::selectors::{matcher_sets, most_subquery_steps};
use neocortex_wire::json::{Timings, query_response};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::enter::enter;
use crate::error::Failure;
use crate::fetch::PyFetch;
use crate::pool::Pool;
use crate::tsdb::PyTsdb;

impl From<ParseErrors> for Failure {
    fn from(errors: ParseErrors) -> Self {
        Self::Parse(errors.to_string())
    }
}

impl From<EvalError> for Failure {
    fn from(error: EvalError) -> Self {
        let text = error.to_string();
        match error {
            EvalError::Select(StorageError::Limit(_)) | EvalError::Storage(StorageError::Limit(_)) => Self::Limit(text),
            EvalError::Select(StorageError::Corrupt(_)) | EvalError::Storage(StorageError::Corrupt(_)) => {
                Self::Storage(text)
            }
            EvalError::Select(StorageError::Cancelled)
            | EvalError::Storage(StorageError::Cancelled)
            | EvalError::Cancelled => Self::Cancelled(text),
            EvalError::Timeout => Self::Timeout(text),
            EvalError::NotForRange(_) | EvalError::Duration(_) => Self::Parse(text),
            EvalError::TooManySamples | EvalError::Execution(_) => Self::Execution(text),
        }
    }
}

/// Warnings, and infos, that an answer shows at most, as Prometheus's API.
pub(crate) const MAX_ANNOTATIONS: usize = 10;

/// `Cancellation`
#[pyclass(frozen, name = "Cancellation", module = "neocortex._native")]
pub struct PyCancellation {
    cancelled: Arc<AtomicBool>,
    deadline: Option<Instant>,
}

#[pymethods]
impl PyCancellation {
    #[new]
    fn new(timeout_s: f64) -> Self {
        let timeout = Duration::try_from_secs_f64(timeout_s).ok();
        Self {
            cancelled: Arc::new(AtomicBool::new(false)),
            deadline: timeout.and_then(|timeout| Instant::now().checked_add(timeout)),
        }
    }

    fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }
}

impl PyCancellation {
    /// Tells whether the work is to end, from any thread.
    pub(crate) fn watch(&self) -> impl Fn() -> bool + Send + 'static {
        let (cancelled, deadline) = (Arc::clone(&self.cancelled), self.deadline);
        move || cancelled.load(Ordering::Relaxed) || deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }
}

/// `Dialect`
#[pyclass(frozen, name = "Dialect", module = "neocortex._native")]
pub struct PyDialect {
    parse: ParseOptions,
    features: Features,
}

#[pymethods]
impl PyDialect {
    #[new]
    #[pyo3(signature = (*, experimental_functions, extended_range_functions, features))]
    #[allow(clippy::needless_pass_by_value, reason = "extracted from Python")]
    fn new(experimental_functions: bool, extended_range_functions: bool, features: Vec<String>) -> PyResult<Self> {
        let mut parse = ParseOptions { experimental_functions, extended_range_functions, ..ParseOptions::default() };
        let features = features
            .iter()
            .try_fold(Features::default(), |features, name| features.named(name))
            .map_err(|e| PyValueError::new_err(e.to_string()))?;
        features.extend_parser(&mut parse);
        Ok(Self { parse, features })
    }
}

/// `Query`
#[pyclass(frozen, name = "Query", module = "neocortex._native")]
pub struct PyQuery {
    pub(crate) text: String,
    pub(crate) expr: Arc<Expr>,
    pub(crate) features: Features,
}

#[pymethods]
impl PyQuery {
    /// Parsing is linear and the length of a query is limited by the body's: short enough for the event loop.
    #[staticmethod]
    fn parse(py: Python<'_>, text: String, dialect: &PyDialect) -> PyResult<Self> {
        let expr = enter(py, || parse_expr(&text, &dialect.parse))?;
        Ok(Self { text, expr: Arc::new(expr), features: dialect.features })
    }

    #[getter]
    fn text(&self) -> &str {
        &self.text
    }

    #[getter]
    fn value_type(&self) -> &'static str {
        self.expr.value_type().documented()
    }

    fn pretty(&self, py: Python<'_>) -> PyResult<String> {
        enter(py, || Ok::<_, Failure>(prettify(&self.expr)))
    }

    fn tree_json<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let tree = enter(py, || Ok::<_, Failure>(to_json(&self.expr)))?;
        Ok(PyBytes::new(py, tree.as_bytes()))
    }

    /// Whether it has selectors, without which no storage is asked.
    fn selects(&self, py: Python<'_>) -> PyResult<bool> {
        enter(py, || Ok::<_, Failure>(!matcher_sets(&self.expr).is_empty()))
    }

    fn most_subquery_steps(&self, py: Python<'_>, default_step_ms: i64) -> PyResult<i64> {
        enter(py, || Ok::<_, Failure>(most_subquery_steps(&self.expr, default_step_ms)))
    }

    fn selections_ms(
        &self,
        py: Python<'_>,
        start_ms: i64,
        end_ms: i64,
        step_ms: i64,
        lookback_ms: i64,
    ) -> PyResult<Vec<(i64, i64)>> {
        let times = QueryTimes { start_ms, end_ms, step_ms };
        let range = |selection: &Selection| (selection.hints.start_ms, selection.hints.end_ms);
        enter(py, || selections(&self.expr, &times, lookback_ms, 1).map(|all| all.iter().map(range).collect()))
    }

    #[pyo3(signature = (pool, tsdb, cancellation, fetch, *, start_ms, end_ms, step_ms, visible_ms, lookback_ms,
        default_step_ms, max_samples, stats, per_step_stats))]
    #[allow(clippy::too_many_arguments, reason = "keyword arguments")]
    fn evaluate<'py>(
        &self,
        py: Python<'py>,
        pool: &Pool,
        tsdb: Option<&PyTsdb>,
        cancellation: &PyCancellation,
        fetch: &PyFetch,
        start_ms: i64,
        end_ms: i64,
        step_ms: i64,
        visible_ms: (i64, i64),
        lookback_ms: i64,
        default_step_ms: i64,
        max_samples: u64,
        stats: bool,
        per_step_stats: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let storage = fetch.storage(tsdb);
        let expr = Arc::clone(&self.expr);
        let mut options = EvalOptions {
            visible_ms,
            lookback_delta_ms: lookback_ms,
            default_subquery_step_ms: default_step_ms,
            max_samples,
            deadline: cancellation.deadline,
            cancel: Some(Arc::clone(&cancellation.cancelled)),
            per_step_stats,
            query: self.text.clone(),
            max_annotations: MAX_ANNOTATIONS,
            ..EvalOptions::range(start_ms, end_ms, step_ms)
        };
        self.features.extend_evaluation(&mut options);
        let asked = Instant::now();
        pool.submit(
            py,
            move || {
                let begun = Instant::now();
                let result = evaluate(&expr, &options, &storage)?;
                let timings = Timings { queue: begun - asked, evaluation: begun.elapsed() };
                Ok::<_, EvalError>((query_response(&result, stats.then_some(&timings)), Figures::of(&result)))
            },
            |py, (body, figures)| Ok(PyEvaluated { body: PyBytes::new(py, &body).unbind(), figures }),
        )
    }
}

/// `Evaluated`
#[pyclass(frozen, name = "Evaluated", module = "neocortex._native")]
pub struct PyEvaluated {
    #[pyo3(get)]
    body: Py<PyBytes>,
    figures: Figures,
}

/// What is told of an answer beside it.
struct Figures {
    series: usize,
    samples: u64,
    peak_samples: u64,
}

impl Figures {
    fn of(result: &QueryResult) -> Self {
        let series = match &result.value {
            QueryValue::Vector(samples) => samples.len(),
            QueryValue::Matrix(series) => series.len(),
            QueryValue::Scalar { .. } | QueryValue::String { .. } => 0,
        };
        let stats = &result.stats;
        Self { series, samples: stats.total_queryable_samples, peak_samples: stats.peak_samples }
    }
}

#[pymethods]
impl PyEvaluated {
    #[getter]
    fn series(&self) -> usize {
        self.figures.series
    }

    #[getter]
    fn samples(&self) -> u64 {
        self.figures.samples
    }

    #[getter]
    fn peak_samples(&self) -> u64 {
        self.figures.peak_samples
    }
}

impl PyQuery {
    /// The matchers of each of the query's selectors.
    pub(crate) fn matcher_sets(&self) -> Vec<Vec<Matcher>> {
        matcher_sets(&self.expr).into_iter().map(<[Matcher]>::to_vec).collect()
    }
}

/// Adds the classes to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyCancellation>()?;
    module.add_class::<PyDialect>()?;
    module.add_class::<PyEvaluated>()?;
    module.add_class::<PyQuery>()
}
