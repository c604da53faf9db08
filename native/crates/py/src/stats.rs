//! Figures of many databases in one call.
//!
//! Reading one waits for an append that is being applied, so it does not happen on the event loop; and a call a database
//! would cost more than what it asks for.

use std::collections::BTreeMap;
use std::sync::Arc;

use neocortex_tsdb::head::Stats;
use neocortex_tsdb::{Tally, Tsdb, TsdbError, UpkeepStats};
use pyo3::prelude::*;

use crate::pool::Pool;
use crate::tsdb::PyTsdb;

/// `TsdbStats`
#[pyclass(frozen, name = "TsdbStats", module = "neocortex._native")]
pub struct PyTsdbStats {
    stats: Stats,
    blocks: usize,
    block_bytes: u64,
}

#[pymethods]
impl PyTsdbStats {
    #[getter]
    fn series(&self) -> u64 {
        self.stats.series
    }

    #[getter]
    fn series_created(&self) -> u64 {
        self.stats.series_created
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
    fn chunks_created(&self) -> u64 {
        self.stats.chunks_created
    }

    #[getter]
    fn chunks_mapped(&self) -> u64 {
        self.stats.chunks_mapped
    }

    #[getter]
    fn chunk_corruptions(&self) -> u64 {
        self.stats.chunk_corruptions
    }

    #[getter]
    fn snapshot_failures(&self) -> u64 {
        self.stats.snapshot_failures
    }

    #[getter]
    fn float_samples_appended(&self) -> u64 {
        self.stats.float_samples_appended
    }

    #[getter]
    fn histogram_samples_appended(&self) -> u64 {
        self.stats.histogram_samples_appended
    }

    #[getter]
    fn out_of_order_samples(&self) -> u64 {
        self.stats.out_of_order_samples
    }

    #[getter]
    fn out_of_order_histograms(&self) -> u64 {
        self.stats.out_of_order_histograms
    }

    #[getter]
    fn out_of_order_floats_appended(&self) -> u64 {
        self.stats.out_of_order_floats_appended
    }

    #[getter]
    fn out_of_order_histograms_appended(&self) -> u64 {
        self.stats.out_of_order_histograms_appended
    }

    /// Samples by bucket, and the sum in seconds.
    #[getter]
    fn out_of_order_delta(&self) -> (Vec<u64>, f64) {
        (self.stats.out_of_order_delta.counts().to_vec(), self.stats.out_of_order_delta.sum_s())
    }

    #[getter]
    fn out_of_bound_samples(&self) -> u64 {
        self.stats.out_of_bound_samples
    }

    #[getter]
    fn exemplars_appended(&self) -> u64 {
        self.stats.exemplars_appended
    }

    #[getter]
    fn out_of_order_exemplars(&self) -> u64 {
        self.stats.out_of_order_exemplars
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

    /// Bytes in memory by kind.
    #[getter]
    fn memory_by_kind(&self) -> BTreeMap<&'static str, u64> {
        let bytes = self.stats.bytes;
        BTreeMap::from([
            ("symbols", bytes.symbols),
            ("series", bytes.series),
            ("postings", bytes.postings),
            ("open_chunks", bytes.open_chunks),
            ("closed_chunks", bytes.closed_chunks),
        ])
    }

    #[getter]
    fn wal_bytes(&self) -> u64 {
        self.stats.wal_bytes
    }

    #[getter]
    fn wal_failures(&self) -> u64 {
        self.stats.wal_failures
    }

    #[getter]
    fn wal_segment(&self) -> u64 {
        self.stats.wal.segment
    }

    #[getter]
    fn blocks(&self) -> usize {
        self.blocks
    }

    #[getter]
    fn block_bytes(&self) -> u64 {
        self.block_bytes
    }
}

/// `UpkeepStats`
#[pyclass(frozen, name = "UpkeepStats", module = "neocortex._native")]
#[derive(Default)]
pub struct PyUpkeepStats {
    stats: UpkeepStats,
    log_writes: u64,
    log_pages: u64,
    log_syncs: Tally,
    log_corruptions: u64,
}

/// Attempts, failures, and seconds that all attempts took.
type Counted = (u64, u64, f64);

fn counted(tally: Tally) -> Counted {
    (tally.attempts, tally.failures, tally.seconds)
}

#[pymethods]
impl PyUpkeepStats {
    /// Of no database.
    #[new]
    fn new() -> Self {
        Self::default()
    }

    #[getter]
    fn compactions(&self) -> Counted {
        counted(self.stats.compactions)
    }

    #[getter]
    fn compactions_by_duration(&self) -> Vec<u64> {
        self.stats.compactions_by_duration.to_vec()
    }

    #[getter]
    fn head_truncations(&self) -> Counted {
        counted(self.stats.head_truncations)
    }

    #[getter]
    fn log_truncations(&self) -> Counted {
        counted(self.stats.log_truncations)
    }

    #[getter]
    fn checkpoints(&self) -> Counted {
        counted(self.stats.checkpoints)
    }

    #[getter]
    fn checkpoint_removals(&self) -> Counted {
        counted(self.stats.checkpoint_removals)
    }

    #[getter]
    fn reloads(&self) -> Counted {
        counted(self.stats.reloads)
    }

    #[getter]
    fn retentions(&self) -> u64 {
        self.stats.retentions
    }

    #[getter]
    fn log_writes(&self) -> u64 {
        self.log_writes
    }

    #[getter]
    fn log_pages(&self) -> u64 {
        self.log_pages
    }

    #[getter]
    fn log_syncs(&self) -> Counted {
        counted(self.log_syncs)
    }

    #[getter]
    fn log_corruptions(&self) -> u64 {
        self.log_corruptions
    }
}

impl PyUpkeepStats {
    fn add(&mut self, tsdb: &Tsdb) {
        let (wal, replay) = (tsdb.stats().wal, tsdb.replay_stats());
        self.stats += tsdb.upkeep_stats();
        self.log_writes += wal.writes;
        self.log_pages += wal.pages;
        self.log_syncs += wal.syncs;
        self.log_corruptions += u64::from(replay.repaired) + u64::from(replay.out_of_order_repaired);
    }
}

/// Figures of the databases, in their order.
#[pyfunction]
fn stats_of<'py>(py: Python<'py>, pool: &Pool, tsdbs: Vec<PyRef<'py, PyTsdb>>) -> PyResult<Bound<'py, PyAny>> {
    of_each(py, pool, &tsdbs, |tsdb| {
        let blocks = tsdb.blocks();
        let block_bytes = blocks.iter().map(|block| block.len()).sum();
        PyTsdbStats { stats: tsdb.stats(), blocks: blocks.len(), block_bytes }
    })
}

/// Sums over the upkeep of the databases.
#[pyfunction]
fn upkeep_of<'py>(py: Python<'py>, pool: &Pool, tsdbs: Vec<PyRef<'py, PyTsdb>>) -> PyResult<Bound<'py, PyAny>> {
    let tsdbs: Vec<_> = tsdbs.iter().map(|tsdb| Arc::clone(&tsdb.tsdb)).collect();
    let work = move || {
        let mut sum = PyUpkeepStats::default();
        tsdbs.iter().for_each(|tsdb| sum.add(tsdb));
        Ok::<_, TsdbError>(sum)
    };
    pool.submit_apart(py, work, |_, sum| Ok(sum))
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
    module.add_class::<PyUpkeepStats>()?;
    module.add_function(wrap_pyfunction!(stats_of, module)?)?;
    module.add_function(wrap_pyfunction!(upkeep_of, module)?)?;
    module.add_function(wrap_pyfunction!(active_series_of, module)?)
}
