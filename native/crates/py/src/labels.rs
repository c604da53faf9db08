//! The label APIs: names, values, series, metadata, exemplars, as finished JSON.

use std::collections::BTreeSet;
use std::sync::Arc;

use neocortex_model::matchers::Matcher;
use neocortex_model::result::Annotations;
use neocortex_model::series::StorageError;
use neocortex_promql::parse::{ParseErrors, parse_metric_selector};
use neocortex_tsdb::Tsdb;
use neocortex_wire::json::{exemplars_response, metadata_response, series_response, strings_response};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::enter::enter;
use crate::error::Failure;
use crate::fetch::check_series;
use crate::pool::Pool;
use crate::query::PyQuery;
use crate::tsdb::PyTsdb;

/// `Selectors`: the parsed `match[]` parameters of a request.
#[pyclass(frozen, name = "Selectors", module = "neocortex._native")]
pub struct PySelectors {
    sets: Arc<[Vec<Matcher>]>,
}

#[pymethods]
impl PySelectors {
    #[staticmethod]
    fn parse(py: Python<'_>, texts: Vec<String>) -> PyResult<Self> {
        let sets: Vec<_> = enter(py, || {
            texts.iter().map(|text| parse_metric_selector(text)).collect::<Result<Vec<_>, ParseErrors>>()
        })?;
        Ok(Self { sets: sets.into() })
    }

    #[getter]
    fn any_matches_everything(&self) -> bool {
        self.sets.iter().any(|matchers| matchers.iter().all(Matcher::matches_empty))
    }
}

/// Names or values over all selectors, sorted; over everything when there is no selector.
fn union(
    sets: &[Vec<Matcher>],
    mut one: impl FnMut(&[Matcher]) -> Result<Vec<String>, StorageError>,
) -> Result<Vec<String>, StorageError> {
    match sets {
        [] => one(&[]),
        [set] => one(set),
        _ => {
            let mut found = BTreeSet::new();
            for set in sets {
                found.extend(one(set)?);
            }
            Ok(found.into_iter().collect())
        }
    }
}

/// Cuts a list to a limit (0 for none) and says so.
fn truncated<T>(mut list: Vec<T>, limit: usize) -> (Vec<T>, Annotations) {
    let mut annotations = Annotations::default();
    if limit > 0 && list.len() > limit {
        list.truncate(limit);
        annotations.warnings.push("results truncated due to limit".to_owned());
    }
    (list, annotations)
}

fn bytes(py: Python<'_>, body: Vec<u8>) -> PyResult<Py<PyBytes>> {
    Ok(PyBytes::new(py, &body).unbind())
}

fn handle(tsdb: Option<&PyTsdb>) -> Option<Arc<Tsdb>> {
    tsdb.map(|tsdb| Arc::clone(&tsdb.tsdb))
}

/// label_names(pool, tsdb, selectors, limit)
#[pyfunction]
#[pyo3(signature = (pool, tsdb, selectors, limit))]
fn label_names<'py>(
    py: Python<'py>,
    pool: &Pool,
    tsdb: Option<&PyTsdb>,
    selectors: &PySelectors,
    limit: usize,
) -> PyResult<Bound<'py, PyAny>> {
    let (tsdb, sets) = (handle(tsdb), Arc::clone(&selectors.sets));
    pool.submit(
        py,
        move || {
            let names = tsdb.map_or(Ok(Vec::new()), |tsdb| union(&sets, |set| tsdb.label_names(set)))?;
            let (names, annotations) = truncated(names, limit);
            Ok::<_, StorageError>(strings_response(&names, &annotations))
        },
        bytes,
    )
}

/// label_values(pool, tsdb, name, selectors, limit)
#[pyfunction]
#[pyo3(signature = (pool, tsdb, name, selectors, limit))]
fn label_values<'py>(
    py: Python<'py>,
    pool: &Pool,
    tsdb: Option<&PyTsdb>,
    name: String,
    selectors: &PySelectors,
    limit: usize,
) -> PyResult<Bound<'py, PyAny>> {
    let (tsdb, sets) = (handle(tsdb), Arc::clone(&selectors.sets));
    pool.submit(
        py,
        move || {
            let values = tsdb.map_or(Ok(Vec::new()), |tsdb| union(&sets, |set| tsdb.label_values(&name, set)))?;
            let (values, annotations) = truncated(values, limit);
            Ok::<_, StorageError>(strings_response(&values, &annotations))
        },
        bytes,
    )
}

/// series(pool, tsdb, selectors, limit, max_series)
#[pyfunction]
#[pyo3(signature = (pool, tsdb, selectors, limit, max_series))]
fn series<'py>(
    py: Python<'py>,
    pool: &Pool,
    tsdb: Option<&PyTsdb>,
    selectors: &PySelectors,
    limit: usize,
    max_series: usize,
) -> PyResult<Bound<'py, PyAny>> {
    let (tsdb, sets) = (handle(tsdb), Arc::clone(&selectors.sets));
    pool.submit(
        py,
        move || {
            let mut found = Vec::new();
            if let Some(tsdb) = &tsdb {
                for set in sets.iter() {
                    found.extend(tsdb.series(set)?);
                }
            }
            if sets.len() > 1 {
                found.sort_unstable();
                found.dedup();
            }
            check_series(found.len(), max_series)?;
            let (found, annotations) = truncated(found, limit);
            Ok::<_, StorageError>(series_response(&found, &annotations))
        },
        bytes,
    )
}

/// metadata(pool, tsdb, metric, limit, limit_per_metric): an empty metric means all; limits below 0 mean none.
#[pyfunction]
#[pyo3(signature = (pool, tsdb, metric, limit, limit_per_metric))]
fn metadata<'py>(
    py: Python<'py>,
    pool: &Pool,
    tsdb: Option<&PyTsdb>,
    metric: String,
    limit: i64,
    limit_per_metric: i64,
) -> PyResult<Bound<'py, PyAny>> {
    let tsdb = handle(tsdb);
    let most = |limit: i64| usize::try_from(limit).unwrap_or(usize::MAX);
    pool.submit(
        py,
        move || {
            let mut all = tsdb.map_or_else(Vec::new, |tsdb| tsdb.metadata());
            all.retain(|entry| metric.is_empty() || entry.metric == metric);
            // Sorted by metric: a metric's entries stand together.
            let (mut metrics, mut of_metric, mut last) = (0, 0, None::<String>);
            all.retain(|entry| {
                if last.as_ref() != Some(&entry.metric) {
                    (metrics, of_metric, last) = (metrics + 1, 0, Some(entry.metric.clone()));
                }
                of_metric += 1;
                metrics <= most(limit) && (limit_per_metric <= 0 || of_metric <= most(limit_per_metric))
            });
            Ok::<_, Failure>(metadata_response(&all))
        },
        bytes,
    )
}

/// exemplars(pool, tsdb, query, start_ms, end_ms)
#[pyfunction]
#[pyo3(signature = (pool, tsdb, query, start_ms, end_ms))]
fn exemplars<'py>(
    py: Python<'py>,
    pool: &Pool,
    tsdb: Option<&PyTsdb>,
    query: &PyQuery,
    start_ms: i64,
    end_ms: i64,
) -> PyResult<Bound<'py, PyAny>> {
    let tsdb = handle(tsdb);
    let sets = enter(py, || Ok::<_, Failure>(query.matcher_sets()))?;
    pool.submit(
        py,
        move || {
            let found = tsdb.map_or_else(Vec::new, |tsdb| tsdb.exemplars(&sets, start_ms, end_ms));
            let count = found.iter().map(|series| series.exemplars.len()).sum::<usize>();
            Ok::<_, Failure>((exemplars_response(Some(&found), &Annotations::default()), count))
        },
        |py, (body, count)| Ok((bytes(py, body)?, count)),
    )
}

/// Adds the class and the functions to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PySelectors>()?;
    module.add_function(wrap_pyfunction!(label_names, module)?)?;
    module.add_function(wrap_pyfunction!(label_values, module)?)?;
    module.add_function(wrap_pyfunction!(series, module)?)?;
    module.add_function(wrap_pyfunction!(metadata, module)?)?;
    module.add_function(wrap_pyfunction!(exemplars, module)?)
}
