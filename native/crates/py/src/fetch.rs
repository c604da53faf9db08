//! What a query may fetch from the storage, and what it has fetched.
//!
//! Counted as Cortex's querier counts what ingesters send it: every selector for itself, but a series once in a query. Limits
//! of 0 are none. Source: Cortex's `pkg/util/limiter/query_limiter.go`, `pkg/distributor/query.go`.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use neocortex_model::labels::Labels;
use neocortex_model::matchers::Matcher;
use neocortex_model::series::{Fetched, Queryable, SelectHints, Series, StorageError};
use neocortex_tsdb::Tsdb;
use neocortex_wire::query_stream::message_bytes;
use parking_lot::Mutex;
use pyo3::prelude::*;
use rayon::prelude::*;

use crate::tsdb::PyTsdb;

/// Of more series than this only so many are looked at where an estimate will do.
const LOOKED_AT: usize = 64;

/// With a limit of chunks within so many times the estimate, all series are looked at.
const NEAR: u64 = 4;

/// The limits of one query.
#[derive(Clone, Copy)]
struct Limits {
    series: usize,
    chunks: u64,
    chunk_bytes: u64,
    data_bytes: u64,
    /// Somebody wants to know exactly what was fetched.
    exact: bool,
}

/// What was fetched.
#[derive(Clone, Copy, Default)]
struct Tally {
    series: u64,
    chunks: u64,
    samples: u64,
    chunk_bytes: u64,
    data_bytes: u64,
    time: Duration,
}

impl Tally {
    fn of_series(series: &dyn Series, hints: &SelectHints) -> Result<Self, StorageError> {
        let fetched = series.fetched(hints.start_ms, hints.end_ms)?;
        let bytes = message_bytes(series.labels(), &fetched);
        let Fetched { chunks, samples, .. } = fetched;
        let time = Duration::ZERO;
        Ok(Self { series: 1, chunks, samples, chunk_bytes: bytes.chunks, data_bytes: bytes.all, time })
    }

    fn and(self, other: Self) -> Self {
        Self {
            series: self.series + other.series,
            chunks: self.chunks + other.chunks,
            samples: self.samples + other.samples,
            chunk_bytes: self.chunk_bytes + other.chunk_bytes,
            data_bytes: self.data_bytes + other.data_bytes,
            time: self.time + other.time,
        }
    }

    fn times(self, n: u64) -> Self {
        self.scaled(n, 1)
    }

    /// As of `of` series, from those of `looked_at`.
    fn scaled(self, of: u64, looked_at: u64) -> Self {
        let scale = |n: u64| (u128::from(n) * u128::from(of) / u128::from(looked_at.max(1))) as u64;
        Self {
            series: scale(self.series),
            chunks: scale(self.chunks),
            samples: scale(self.samples),
            chunk_bytes: scale(self.chunk_bytes),
            data_bytes: scale(self.data_bytes),
            time: self.time,
        }
    }
}

/// What is told of the query to Python.
#[derive(Default)]
struct Report {
    /// Of what was handed to the evaluation.
    fetched: Tally,
    /// Series, samples and chunks of each selector, those that were too many too.
    selectors: Vec<(u64, u64, u64)>,
}

/// `Fetch`
#[pyclass(frozen, name = "Fetch", module = "neocortex._native")]
pub struct PyFetch {
    limits: Limits,
    report: Arc<Mutex<Report>>,
}

#[pymethods]
impl PyFetch {
    #[new]
    #[pyo3(signature = (*, max_series, max_chunks, max_chunk_bytes, max_data_bytes, exact))]
    fn new(max_series: usize, max_chunks: u64, max_chunk_bytes: u64, max_data_bytes: u64, exact: bool) -> Self {
        let limits = Limits {
            series: max_series,
            chunks: max_chunks,
            chunk_bytes: max_chunk_bytes,
            data_bytes: max_data_bytes,
            exact: exact || max_chunk_bytes > 0 || max_data_bytes > 0,
        };
        Self { limits, report: Arc::default() }
    }

    #[getter]
    fn series(&self) -> u64 {
        self.report.lock().fetched.series
    }

    #[getter]
    fn chunks(&self) -> u64 {
        self.report.lock().fetched.chunks
    }

    #[getter]
    fn samples(&self) -> u64 {
        self.report.lock().fetched.samples
    }

    #[getter]
    fn chunk_bytes(&self) -> u64 {
        self.report.lock().fetched.chunk_bytes
    }

    #[getter]
    fn data_bytes(&self) -> u64 {
        self.report.lock().fetched.data_bytes
    }

    #[getter]
    fn selectors(&self) -> Vec<(u64, u64, u64)> {
        self.report.lock().selectors.clone()
    }

    #[getter]
    fn storage_s(&self) -> f64 {
        self.report.lock().fetched.time.as_secs_f64()
    }
}

impl PyFetch {
    /// The database for one query; an unknown tenant has none.
    pub(crate) fn storage(&self, tsdb: Option<&PyTsdb>) -> Fetching {
        Fetching {
            tsdb: tsdb.map(|tsdb| Arc::clone(&tsdb.tsdb)),
            limits: self.limits,
            used: Mutex::default(),
            report: Arc::clone(&self.report),
        }
    }
}

/// A tenant's data as one query may fetch it.
pub(crate) struct Fetching {
    tsdb: Option<Arc<Tsdb>>,
    limits: Limits,
    used: Mutex<Used>,
    report: Arc<Mutex<Report>>,
}

/// What the query has used up of its limits.
#[derive(Default)]
struct Used {
    /// Only where their number is limited.
    series: HashSet<Labels>,
    tally: Tally,
}

impl Fetching {
    /// The same limits for another query, nothing of them used.
    pub(crate) fn again(&self) -> Self {
        let (tsdb, report) = (self.tsdb.clone(), Arc::clone(&self.report));
        Self { tsdb, limits: self.limits, used: Mutex::default(), report }
    }

    /// What there is to read of the series. Looking at each would take a noticeable part of a query's time, so that without
    /// need it is estimated.
    fn count(&self, series: &[Arc<dyn Series>], hints: &SelectHints) -> Result<Tally, StorageError> {
        let (of, limits) = (series.len(), &self.limits);
        if !limits.exact && of > LOOKED_AT {
            let some = (0..LOOKED_AT).map(|i| Tally::of_series(&*series[i * of / LOOKED_AT], hints));
            let some = some.reduce(|a, b| Ok(a?.and(b?))).unwrap_or_else(|| Ok(Tally::default()))?;
            let all = some.scaled(of as u64, LOOKED_AT as u64);
            if limits.chunks == 0 || all.chunks.saturating_mul(NEAR) < limits.chunks {
                return Ok(all);
            }
        }
        let counted = series.par_iter().map(|series| Tally::of_series(&**series, hints));
        counted.try_reduce(Tally::default, |a, b| Ok(a.and(b)))
    }

    fn use_up(&self, series: &[Arc<dyn Series>], tally: Tally) -> Result<(), StorageError> {
        let limits = &self.limits;
        let mut used = self.used.lock();
        used.tally = used.tally.and(tally);
        if limits.series > 0 {
            used.series.extend(series.iter().map(|series| series.labels().clone()));
        }
        let over = |text: String| Err(StorageError::Limit(text));
        if limits.chunks > 0 && used.tally.chunks > limits.chunks {
            return over(format!("the query hit the max number of chunks limit (limit: {} chunks)", limits.chunks));
        }
        if limits.series > 0 {
            check_series(used.series.len(), limits.series)?;
        }
        if limits.chunk_bytes > 0 && used.tally.chunk_bytes > limits.chunk_bytes {
            return over(format!(
                "the query hit the aggregated chunks size limit (limit: {} bytes)",
                limits.chunk_bytes
            ));
        }
        if limits.data_bytes > 0 && used.tally.data_bytes > limits.data_bytes {
            return over(format!("the query hit the aggregated data size limit (limit: {} bytes)", limits.data_bytes));
        }
        Ok(())
    }
}

impl Queryable for Fetching {
    fn select(&self, matchers: &[Matcher], hints: &SelectHints) -> Result<Vec<Arc<dyn Series>>, StorageError> {
        let Some(tsdb) = &self.tsdb else { return Ok(Vec::new()) };
        if hints.end_ms < hints.start_ms {
            return Ok(Vec::new());
        }
        let started = Instant::now();
        let series = tsdb.select(matchers, hints)?;
        let once = self.count(&series, hints)?;
        let selectors = hints.selectors.max(1);
        let of_selector = (once.series, once.samples, once.chunks);
        self.report.lock().selectors.extend(std::iter::repeat_n(of_selector, selectors));
        let tally = Tally { time: started.elapsed(), ..once.times(selectors as u64) };
        self.use_up(&series, tally)?;
        let mut report = self.report.lock();
        report.fetched = report.fetched.and(tally);
        Ok(series)
    }
}

/// `max_fetched_series_per_query`; 0 for none.
pub(crate) fn check_series(series: usize, limit: usize) -> Result<(), StorageError> {
    if limit > 0 && series > limit {
        let text = format!("the query hit the max number of series limit (limit: {limit} series)");
        return Err(StorageError::Limit(text));
    }
    Ok(())
}

/// Adds the class to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyFetch>()
}
