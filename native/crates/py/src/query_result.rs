//! Results that stay on this side: Arrow columns by reference, or JSON.

use std::sync::Arc;

use neocortex_arrow::{LabelLayout, Table, TableError};
use neocortex_model::labels::Labels;
use neocortex_model::result::{Annotations, QueryResult, QueryValue};
use neocortex_wire::json::{query_response, series_response};
use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyCapsule};

use crate::enter::enter;
use crate::error::Failure;

/// What was asked for.
pub(crate) enum Answer {
    Query(QueryResult),
    Series(Vec<Labels>),
}

/// `QueryResult`
#[pyclass(frozen, name = "QueryResult", module = "neocortex._native")]
pub struct PyQueryResult {
    answer: Arc<Answer>,
    layout: LabelLayout,
    /// Made when it is first asked for, so that all consumers share it.
    table: Mutex<Option<Table>>,
}

impl PyQueryResult {
    pub(crate) fn new(answer: Answer) -> Self {
        Self { answer: Arc::new(answer), layout: LabelLayout::Columns, table: Mutex::new(None) }
    }

    fn table(&self, py: Python<'_>) -> PyResult<Table> {
        enter(py, || {
            let mut made = self.table.lock();
            match &*made {
                Some(table) => Ok::<_, TableError>(table.clone()),
                None => Ok(made.insert(self.answer.table(self.layout)?).clone()),
            }
        })
    }
}

impl Answer {
    fn table(&self, layout: LabelLayout) -> Result<Table, TableError> {
        match self {
            Self::Query(result) => Table::of_result(&result.value, layout),
            Self::Series(series) => Table::of_series(series, layout),
        }
    }

    fn annotations(&self) -> Option<&Annotations> {
        match self {
            Self::Query(result) => Some(&result.annotations),
            Self::Series(_) => None,
        }
    }
}

#[pymethods]
impl PyQueryResult {
    #[getter]
    fn kind(&self) -> &'static str {
        match &*self.answer {
            Answer::Series(_) => "series",
            Answer::Query(result) => match &result.value {
                QueryValue::Scalar { .. } => "scalar",
                QueryValue::String { .. } => "string",
                QueryValue::Vector(_) => "vector",
                QueryValue::Matrix(_) => "matrix",
            },
        }
    }

    #[getter]
    fn warnings(&self) -> Vec<String> {
        self.answer.annotations().map(|annotations| annotations.warnings.clone()).unwrap_or_default()
    }

    #[getter]
    fn infos(&self) -> Vec<String> {
        self.answer.annotations().map(|annotations| annotations.infos.clone()).unwrap_or_default()
    }

    fn json<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let body = enter(py, || {
            Ok::<_, Failure>(match &*self.answer {
                Answer::Query(result) => query_response(result, None),
                Answer::Series(series) => series_response(series, &Annotations::default()),
            })
        })?;
        Ok(PyBytes::new(py, &body))
    }

    fn with_label_map(&self) -> Self {
        Self { answer: Arc::clone(&self.answer), layout: LabelLayout::Map, table: Mutex::new(None) }
    }

    fn __len__(&self, py: Python<'_>) -> PyResult<usize> {
        Ok(self.table(py)?.rows())
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_array__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<(Bound<'py, PyCapsule>, Bound<'py, PyCapsule>)> {
        // A request is a wish that a producer may leave to the consumer to fulfil.
        drop(requested_schema);
        let (schema, array) = self.table(py)?.to_c_array().map_err(Failure::from)?;
        Ok((
            PyCapsule::new_with_value(py, schema, c"arrow_schema")?,
            PyCapsule::new_with_value(py, array, c"arrow_array")?,
        ))
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        drop(requested_schema);
        PyCapsule::new_with_value(py, self.table(py)?.to_c_stream(), c"arrow_array_stream")
    }
}

/// Adds the class to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyQueryResult>()
}
