//! A database that is only read, on the calling thread: what `import neocortex` offers.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use neocortex_model::labels::Labels;
use neocortex_model::matchers::Matcher;
use neocortex_model::result::{Annotations, MatrixSeries, QueryResult, QueryValue, SampleStats};
use neocortex_model::sample::{Samples, is_stale_nan};
use neocortex_model::series::{Queryable, SelectHints, StorageError};
use neocortex_promql::eval::error::EvalError;
use neocortex_promql::eval::{EvalOptions, evaluate};
use neocortex_promql::parse::{ParseErrors, parse_metric_selector};
use neocortex_tsdb::fs::{Fs, RealFs};
use neocortex_tsdb::{ReadOnlyTsdb, TsdbError};
use parking_lot::Mutex;
use pyo3::prelude::*;

use crate::enter::{enter, enter_interruptible};
use crate::error::Failure;
use crate::query::{MAX_ANNOTATIONS, PyQuery};
use crate::query_result::{Answer, PyQueryResult};

/// `ReadOnlyTsdb`
#[pyclass(frozen, name = "ReadOnlyTsdb", module = "neocortex._native")]
pub struct PyReadOnlyTsdb {
    /// `None` when it was closed; what is running then goes on to its end.
    tsdb: Mutex<Option<Arc<ReadOnlyTsdb>>>,
}

impl PyReadOnlyTsdb {
    fn tsdb(&self) -> Result<Arc<ReadOnlyTsdb>, Failure> {
        self.tsdb.lock().clone().ok_or_else(|| Failure::Closed(TsdbError::Closed.to_string()))
    }
}

#[pymethods]
impl PyReadOnlyTsdb {
    #[staticmethod]
    fn open(py: Python<'_>, folder: PathBuf) -> PyResult<Self> {
        let fs: Arc<dyn Fs> = Arc::new(RealFs);
        let opened = enter(py, || match ReadOnlyTsdb::open(&fs, &folder) {
            Err(TsdbError::Io { path, source, .. }) if path == folder && source.kind() == io::ErrorKind::NotFound => {
                Err(Failure::NotFound(path))
            }
            opened => opened.map_err(Failure::from),
        })?;
        Ok(Self { tsdb: Mutex::new(Some(Arc::new(opened))) })
    }

    fn close(&self, py: Python<'_>) {
        let closed = self.tsdb.lock().take();
        py.detach(|| drop(closed));
    }

    #[getter]
    fn time_range_ms(&self) -> PyResult<Option<(i64, i64)>> {
        Ok(self.tsdb()?.time_range())
    }

    #[pyo3(signature = (query, *, start_ms, end_ms, step_ms, lookback_ms, max_samples))]
    #[allow(clippy::too_many_arguments, reason = "keyword arguments")]
    fn evaluate(
        &self,
        py: Python<'_>,
        query: &PyQuery,
        start_ms: i64,
        end_ms: i64,
        step_ms: i64,
        lookback_ms: i64,
        max_samples: u64,
    ) -> PyResult<PyQueryResult> {
        let tsdb = self.tsdb()?;
        let cancelled = Arc::new(AtomicBool::new(false));
        let mut options = EvalOptions {
            lookback_delta_ms: lookback_ms,
            max_samples,
            cancel: Some(Arc::clone(&cancelled)),
            query: query.text.clone(),
            max_annotations: MAX_ANNOTATIONS,
            ..EvalOptions::range(start_ms, end_ms, step_ms)
        };
        query.features.extend_evaluation(&mut options);
        let result = enter_interruptible(py, &cancelled, || evaluate(&query.expr, &options, &*tsdb))?;
        Ok(PyQueryResult::new(Answer::Query(result)))
    }

    #[pyo3(signature = (selector, *, start_ms, end_ms, max_samples))]
    fn select(
        &self,
        py: Python<'_>,
        selector: &str,
        start_ms: i64,
        end_ms: i64,
        max_samples: u64,
    ) -> PyResult<PyQueryResult> {
        let tsdb = self.tsdb()?;
        let cancelled = AtomicBool::new(false);
        let matrix = enter_interruptible(py, &cancelled, || {
            let matchers = parse_metric_selector(selector)?;
            read_all(&*tsdb, &matchers, start_ms, end_ms, max_samples, &cancelled)
        })?;
        Ok(PyQueryResult::new(Answer::Query(QueryResult {
            value: QueryValue::Matrix(matrix),
            annotations: Annotations::default(),
            stats: SampleStats::default(),
        })))
    }

    fn series(&self, py: Python<'_>, selector: Option<&str>) -> PyResult<PyQueryResult> {
        let tsdb = self.tsdb()?;
        let series = enter(py, || Ok::<_, Failure>(tsdb.series(&matchers(selector)?)?))?;
        Ok(PyQueryResult::new(Answer::Series(series)))
    }

    fn label_names(&self, py: Python<'_>, selector: Option<&str>) -> PyResult<Vec<String>> {
        let tsdb = self.tsdb()?;
        enter(py, || Ok::<_, Failure>(tsdb.label_names(&matchers(selector)?)?))
    }

    fn label_values(&self, py: Python<'_>, name: &str, selector: Option<&str>) -> PyResult<Vec<String>> {
        let tsdb = self.tsdb()?;
        enter(py, || Ok::<_, Failure>(tsdb.label_values(name, &matchers(selector)?)?))
    }
}

fn matchers(selector: Option<&str>) -> Result<Vec<Matcher>, ParseErrors> {
    selector.map_or_else(|| Ok(Vec::new()), parse_metric_selector)
}

/// All samples between two times, both inclusive, as they were stored; staleness markers, which are none, are left out.
fn read_all(
    storage: &dyn Queryable,
    matchers: &[Matcher],
    start_ms: i64,
    end_ms: i64,
    max_samples: u64,
    cancelled: &AtomicBool,
) -> Result<Vec<MatrixSeries>, Failure> {
    let hints = SelectHints { start_ms, end_ms, ..SelectHints::default() };
    let mut matrix = Vec::new();
    let (mut samples, mut taken) = (Samples::default(), 0);
    for series in storage.select(matchers, &hints)? {
        if cancelled.load(Ordering::Relaxed) {
            return Err(StorageError::Cancelled.into());
        }
        samples.clear();
        series.read(start_ms, end_ms, &mut samples)?;
        taken += samples.len() as u64;
        if max_samples > 0 && taken > max_samples {
            return Err(EvalError::TooManySamples.into());
        }
        let row = without_markers(series.labels().clone(), &samples);
        if !row.floats.is_empty() || !row.histograms.is_empty() {
            matrix.push(row);
        }
    }
    Ok(matrix)
}

fn without_markers(labels: Labels, samples: &Samples) -> MatrixSeries {
    let mut series = MatrixSeries { labels, ..MatrixSeries::default() };
    for (i, (t, v)) in samples.t.iter().zip(&samples.v).enumerate() {
        match samples.histogram(i) {
            Some(h) if !is_stale_nan(h.sum) => series.histograms.push((*t, Arc::clone(h))),
            None if !is_stale_nan(*v) => series.floats.push((*t, *v)),
            _ => {}
        }
    }
    series
}

/// Adds the class to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyReadOnlyTsdb>()
}
