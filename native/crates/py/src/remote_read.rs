//! Remote read: a request is decoded, its time ranges are checked against the tenant's limits in Python, then answered.

use std::sync::Arc;

use neocortex_model::sample::Samples;
use neocortex_model::series::{Queryable, SelectHints, StorageError};
use neocortex_wire::remote_read::{ReadError, ReadQuery, ReadResponse, decode};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;

use crate::error::Failure;
use crate::fetch::{Fetching, PyFetch};
use crate::pool::Pool;
use crate::query::PyCancellation;
use crate::tsdb::PyTsdb;

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        Self::Decode(error.to_string())
    }
}

/// `ReadRequest`
#[pyclass(frozen, name = "ReadRequest", module = "neocortex._native")]
pub struct PyReadRequest {
    queries: Arc<[ReadQuery]>,
}

#[pymethods]
impl PyReadRequest {
    #[staticmethod]
    fn decode<'py>(py: Python<'py>, pool: &Pool, body: PyBackedBytes) -> PyResult<Bound<'py, PyAny>> {
        pool.submit(py, move || decode(&body), |_, queries| Ok(Self { queries: queries.into() }))
    }

    /// First and last millisecond of each query.
    #[getter]
    fn ranges(&self) -> Vec<(i64, i64)> {
        self.queries.iter().map(|query| (query.start_ms, query.end_ms)).collect()
    }

    #[pyo3(signature = (pool, tsdb, cancellation, fetch, visible_ms))]
    fn answer<'py>(
        &self,
        py: Python<'py>,
        pool: &Pool,
        tsdb: Option<&PyTsdb>,
        cancellation: &PyCancellation,
        fetch: &PyFetch,
        visible_ms: (i64, i64),
    ) -> PyResult<Bound<'py, PyAny>> {
        let storage = fetch.storage(tsdb);
        let queries = Arc::clone(&self.queries);
        let cancelled = cancellation.watch();
        pool.submit(
            py,
            move || answer(&queries, &storage, visible_ms, cancelled),
            |py, body| Ok(PyBytes::new(py, &body).unbind()),
        )
    }
}

fn answer(
    queries: &[ReadQuery],
    storage: &Fetching,
    visible_ms: (i64, i64),
    cancelled: impl Fn() -> bool,
) -> Result<Vec<u8>, Failure> {
    let mut response = ReadResponse::new();
    let mut samples = Samples::default();
    for ReadQuery { start_ms, end_ms, matchers } in queries {
        let (start_ms, end_ms) = ((*start_ms).max(visible_ms.0), (*end_ms).min(visible_ms.1));
        let hints = SelectHints { start_ms, end_ms, ..SelectHints::default() };
        for series in storage.again().select(matchers, &hints)? {
            if cancelled() {
                return Err(StorageError::Cancelled.into());
            }
            samples.clear();
            series.read(start_ms, end_ms, &mut samples)?;
            if !samples.is_empty() {
                response.push_series(series.labels(), &samples);
            }
        }
        response.end_query();
    }
    response.finish().map_err(|error| Failure::Execution(error.to_string()))
}

/// Adds the class to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyReadRequest>()
}
