//! Figures of many databases in one call.
//!
//! Reading one waits for an append that is being applied, so it does not happen on the event loop; and a call a database
//! would cost more than what it asks for.

use std::sync::Arc;

use neocortex_tsdb::head::Stats;
use neocortex_tsdb::{Due, Tsdb, TsdbError};
use pyo3::prelude::*;

use crate::pool::Pool;
use crate::tsdb::PyTsdb;

/// `TsdbStats`
#[pyclass(frozen, name = "TsdbStats", module = "neocortex._native")]
pub struct PyTsdbStats {
    stats: Stats,
    blocks: usize,
    due: Due,
}

#[pymethods]
impl PyTsdbStats {
    #[getter]
    fn series(&self) -> u64 {
        self.stats.series
    }

    #[getter]
    fn chunks(&self) -> u64 {
        self.stats.chunks
    }

    #[getter]
    fn metadata(&self) -> u64 {
        self.stats.metadata
    }

    #[getter]
    fn exemplars(&self) -> u64 {
        self.stats.exemplars
    }

    #[getter]
    fn float_samples_appended(&self) -> u64 {
        self.stats.float_samples_appended
    }

    #[getter]
    fn last_append_ms(&self) -> i64 {
        self.stats.last_append_ms
    }

    #[getter]
    fn min_time_ms(&self) -> i64 {
        self.stats.min_t
    }

    #[getter]
    fn max_time_ms(&self) -> i64 {
        self.stats.max_t
    }

    #[getter]
    fn memory_bytes(&self) -> u64 {
        self.stats.bytes.total()
    }

    #[getter]
    fn blocks(&self) -> usize {
        self.blocks
    }

    #[getter]
    fn mapping_due(&self) -> bool {
        self.due.mapping
    }

    #[getter]
    fn compaction_due(&self) -> bool {
        self.due.compaction
    }

    #[getter]
    fn removal_due(&self) -> bool {
        self.due.removal
    }
}

/// Figures of the databases, in their order.
#[pyfunction]
fn stats_of<'py>(py: Python<'py>, pool: &Pool, tsdbs: Vec<PyRef<'py, PyTsdb>>) -> PyResult<Bound<'py, PyAny>> {
    of_each(py, pool, &tsdbs, |tsdb| PyTsdbStats { stats: tsdb.stats(), blocks: tsdb.blocks().len(), due: tsdb.due() })
}

/// Series of each database that got a sample at `since_ms` or later: all of them, and those of native histograms.
#[pyfunction]
fn active_series_of<'py>(
    py: Python<'py>,
    pool: &Pool,
    tsdbs: Vec<PyRef<'py, PyTsdb>>,
    since_ms: i64,
) -> PyResult<Bound<'py, PyAny>> {
    of_each(py, pool, &tsdbs, move |tsdb| {
        let active = tsdb.active_series(since_ms);
        (active.total, active.histograms)
    })
}

fn of_each<'py, T>(
    py: Python<'py>,
    pool: &Pool,
    tsdbs: &[PyRef<'py, PyTsdb>],
    figures: impl Fn(&Tsdb) -> T + Send + 'static,
) -> PyResult<Bound<'py, PyAny>>
where
    T: for<'a> IntoPyObject<'a> + Send + 'static,
{
    let tsdbs: Vec<_> = tsdbs.iter().map(|tsdb| Arc::clone(&tsdb.tsdb)).collect();
    let work = move || Ok::<_, TsdbError>(tsdbs.iter().map(|tsdb| figures(tsdb)).collect::<Vec<_>>());
    pool.submit_apart(py, work, |_, each| Ok(each))
}

/// Adds what is here to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyTsdbStats>()?;
    module.add_function(wrap_pyfunction!(stats_of, module)?)?;
    module.add_function(wrap_pyfunction!(active_series_of, module)?)
}
