//! A tenant's database as Python sees it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use neocortex_model::labels::Labels;
use neocortex_tsdb::fs::RealFs;
use neocortex_tsdb::head::{Appended, LabelSetLimit, Limit, MetadataLimits, SeriesLimits};
use neocortex_tsdb::{MetadataOutcome, Options, SystemClock, Tsdb, TsdbError, Ulid, WalCompression};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::error::Failure;
use crate::figures::Ended;
use crate::pool::Pool;
use crate::write::PyWriteRequest;

impl From<TsdbError> for Failure {
    fn from(error: TsdbError) -> Self {
        match error {
            TsdbError::Closed => Self::Closed(error.to_string()),
            TsdbError::TooManySeries => Self::Limit(error.to_string()),
            TsdbError::Io { .. }
            | TsdbError::Corrupt { .. }
            | TsdbError::NoDatabase { .. }
            | TsdbError::Unsettled { .. } => Self::Storage(error.to_string()),
        }
    }
}

/// `TsdbOptions`
#[pyclass(frozen, name = "TsdbOptions", module = "neocortex._native")]
pub struct PyTsdbOptions {
    options: Options,
    pub(crate) ended: Ended,
}

#[pymethods]
impl PyTsdbOptions {
    #[new]
    #[allow(clippy::too_many_arguments, reason = "they are keyword arguments in Python")]
    #[pyo3(signature = (*, wal_compression, wal_segment_size_bytes, block_range_ms, max_block_range_ms,
        samples_per_chunk, retention_ms, out_of_order_cap, chunk_write_buffer_bytes,
        snapshot_on_close))]
    fn new(
        wal_compression: &str,
        wal_segment_size_bytes: usize,
        block_range_ms: i64,
        max_block_range_ms: i64,
        samples_per_chunk: u32,
        retention_ms: i64,
        out_of_order_cap: usize,
        chunk_write_buffer_bytes: usize,
        snapshot_on_close: bool,
    ) -> PyResult<Self> {
        let wal_compression = match wal_compression {
            "" => WalCompression::None,
            "snappy" => WalCompression::Snappy,
            "zstd" => WalCompression::Zstd,
            other => return Err(PyValueError::new_err(format!("unknown WAL compression {other:?}"))),
        };
        Ok(Self {
            ended: Ended::default(),
            options: Options {
                wal_compression,
                segment_size: wal_segment_size_bytes,
                chunk_range_ms: block_range_ms,
                max_block_range_ms,
                samples_per_chunk,
                retention_ms,
                out_of_order_cap,
                chunk_write_buffer_bytes,
                snapshot_on_close,
                ..Options::default()
            },
        })
    }

    #[getter]
    fn series(&self) -> u64 {
        self.options.series_count.get()
    }
}

/// `SeriesLimits`: what an append is held to, `(local, global, actual)` of each limit.
#[pyclass(frozen, name = "SeriesLimits", module = "neocortex._native")]
pub struct PySeriesLimits {
    series: SeriesLimits,
    metadata: MetadataLimits,
    max_exemplars: usize,
    native_histograms: bool,
}

type LimitNumbers = (u64, u64, u64);

fn limit((local, global, actual): LimitNumbers) -> Limit {
    if local == 0 && global == 0 { Limit::NONE } else { Limit { local, global, actual } }
}

fn label_set_limit((labels, numbers): (BTreeMap<String, String>, LimitNumbers)) -> LabelSetLimit {
    LabelSetLimit { labels: Labels::from_pairs(labels), limit: limit(numbers) }
}

#[pymethods]
impl PySeriesLimits {
    #[new]
    #[pyo3(signature = (*, series_per_user, series_per_metric, histogram_series_per_user, series_per_label_set,
        metadata_per_user, metadata_per_metric, max_exemplars, native_histograms, out_of_order_window_ms, admin_message))]
    #[allow(clippy::too_many_arguments, reason = "keyword arguments, one a limit")]
    fn new(
        series_per_user: LimitNumbers,
        series_per_metric: LimitNumbers,
        histogram_series_per_user: LimitNumbers,
        series_per_label_set: Vec<(BTreeMap<String, String>, LimitNumbers)>,
        metadata_per_user: LimitNumbers,
        metadata_per_metric: LimitNumbers,
        max_exemplars: usize,
        native_histograms: bool,
        out_of_order_window_ms: i64,
        admin_message: String,
    ) -> Self {
        Self {
            series: SeriesLimits {
                per_user: limit(series_per_user),
                per_metric: limit(series_per_metric),
                histograms_per_user: limit(histogram_series_per_user),
                per_label_set: series_per_label_set.into_iter().map(label_set_limit).collect(),
                admin_message: admin_message.clone(),
                room: None,
                out_of_order_window_ms,
            },
            metadata: MetadataLimits {
                per_user: limit(metadata_per_user),
                per_metric: limit(metadata_per_metric),
                admin_message,
            },
            max_exemplars,
            native_histograms,
        }
    }
}

/// `Appended`
#[pyclass(frozen, name = "Appended", module = "neocortex._native")]
pub struct PyAppended {
    appended: Appended,
    metadata: MetadataOutcome,
}

#[pymethods]
impl PyAppended {
    #[getter]
    fn samples(&self) -> u64 {
        self.appended.samples
    }

    #[getter]
    fn histograms(&self) -> u64 {
        self.appended.histograms
    }

    #[getter]
    fn exemplars(&self) -> u64 {
        self.appended.exemplars
    }

    #[getter]
    fn failed_samples(&self) -> u64 {
        self.appended.failed_samples
    }

    #[getter]
    fn failed_histograms(&self) -> u64 {
        self.appended.failed_histograms
    }

    #[getter]
    fn failed_exemplars(&self) -> u64 {
        self.appended.failed_exemplars
    }

    #[getter]
    fn metadata(&self) -> u64 {
        self.metadata.accepted
    }

    #[getter]
    fn metadata_created(&self) -> u64 {
        self.metadata.created
    }

    #[getter]
    fn failed_metadata(&self) -> u64 {
        self.metadata.over_user_limit + self.metadata.over_metric_limit
    }

    /// Native histograms taken by their number of buckets, and buckets of all.
    #[getter]
    fn buckets(&self) -> (Vec<u64>, u64) {
        (self.appended.buckets.counts().to_vec(), self.appended.buckets.sum())
    }

    #[getter]
    fn planning_s(&self) -> f64 {
        self.appended.planning.as_secs_f64()
    }

    #[getter]
    fn committing_s(&self) -> f64 {
        self.appended.committing.as_secs_f64()
    }

    /// The first refusal, without the tenant.
    #[getter]
    fn error(&self) -> Option<String> {
        self.appended.first_error.as_ref().map(ToString::to_string)
    }

    /// Refused samples and metadata by Cortex's reason.
    #[getter]
    fn discarded(&self) -> BTreeMap<&'static str, u64> {
        let samples = self.appended.discarded.iter().filter_map(|(kind, n)| kind.reason().map(|reason| (reason, n)));
        let metadata = [
            ("per_user_metadata_limit", self.metadata.over_user_limit),
            ("per_metric_metadata_limit", self.metadata.over_metric_limit),
        ];
        samples.chain(metadata.into_iter().filter(|(_, n)| *n > 0)).collect()
    }
}

/// `Tsdb`
#[pyclass(frozen, name = "Tsdb", module = "neocortex._native")]
pub struct PyTsdb {
    pub(crate) tsdb: Arc<Tsdb>,
    /// Whose it is: the name of its folder.
    pub(crate) tenant: Arc<str>,
    ended: Ended,
}

#[pymethods]
impl PyTsdb {
    #[staticmethod]
    fn open<'py>(
        py: Python<'py>,
        pool: &Pool,
        folder: PathBuf,
        options: &PyTsdbOptions,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (options, ended) = (options.options.clone(), Arc::clone(&options.ended));
        let tenant = folder.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned()).into();
        pool.submit(
            py,
            move || Tsdb::open(Arc::new(RealFs), Arc::new(SystemClock), &folder, options),
            |_, tsdb| Ok(Self { tsdb: Arc::new(tsdb), tenant, ended }),
        )
    }

    #[pyo3(signature = (pool, request, limits, max_series=None))]
    fn append<'py>(
        &self,
        py: Python<'py>,
        pool: &Pool,
        request: &PyWriteRequest,
        limits: Py<PySeriesLimits>,
        max_series: Option<u64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let tsdb = Arc::clone(&self.tsdb);
        let batch = Arc::clone(&request.batch);
        pool.submit(
            py,
            move || {
                let limits = limits.get();
                let batch = batch.lock();
                tsdb.set_max_exemplars(limits.max_exemplars);
                tsdb.set_native_histograms(limits.native_histograms);
                let appended = match max_series {
                    None => tsdb.append(&*batch, &limits.series)?,
                    Some(max) => {
                        let room = Some(max.saturating_sub(tsdb.series_of_all()));
                        tsdb.append(&*batch, &SeriesLimits { room, ..limits.series.clone() })?
                    }
                };
                let metadata = tsdb.set_metadata(batch.metadata(), &limits.metadata);
                Ok::<_, TsdbError>(PyAppended { appended, metadata })
            },
            |_, appended| Ok(appended),
        )
    }

    /// Series in memory that count for the limits on label sets: label set, configured limit, series.
    fn label_set_series<'py>(
        &self,
        py: Python<'py>,
        pool: &Pool,
        limits: Py<PySeriesLimits>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let tsdb = Arc::clone(&self.tsdb);
        let usage = move || {
            let limits = &limits.get().series.per_label_set;
            let row = |(limit, series): (&LabelSetLimit, u64)| (limit.labels.to_string(), limit.limit.global, series);
            Ok::<_, TsdbError>(limits.iter().zip(tsdb.label_set_series(limits)).map(row).collect::<Vec<_>>())
        };
        pool.submit(py, usage, |_, rows| Ok(rows))
    }

    /// Forgets metadata last set before a time; gives the number of entries forgotten.
    fn purge_metadata<'py>(&self, py: Python<'py>, pool: &Pool, before_ms: i64) -> PyResult<Bound<'py, PyAny>> {
        let tsdb = Arc::clone(&self.tsdb);
        pool.submit(py, move || Ok::<_, TsdbError>(tsdb.purge_metadata(before_ms)), |_, forgotten| Ok(forgotten))
    }

    /// Writes the full chunks in memory to files; gives their number.
    fn map_chunks<'py>(&self, py: Python<'py>, pool: &Pool) -> PyResult<Bound<'py, PyAny>> {
        let tsdb = Arc::clone(&self.tsdb);
        pool.submit(py, move || tsdb.map_chunks(), |_, mapped| Ok(mapped))
    }

    /// Cuts what the head has of whole block ranges into blocks; gives their ids, oldest first.
    fn compact<'py>(&self, py: Python<'py>, pool: &Pool) -> PyResult<Bound<'py, PyAny>> {
        let tsdb = Arc::clone(&self.tsdb);
        pool.submit(py, move || tsdb.compact(), |_, compacted| Ok(texts(&compacted.created)))
    }

    /// As `compact`, of everything that the head has.
    fn flush<'py>(&self, py: Python<'py>, pool: &Pool) -> PyResult<Bound<'py, PyAny>> {
        let tsdb = Arc::clone(&self.tsdb);
        pool.submit(py, move || tsdb.flush(), |_, compacted| Ok(texts(&compacted.created)))
    }

    /// Removes blocks past retention, of these only those that `shipped` names unless it is None; gives their ids.
    fn remove_expired<'py>(
        &self,
        py: Python<'py>,
        pool: &Pool,
        shipped: Option<Vec<String>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let tsdb = Arc::clone(&self.tsdb);
        let remove = move || {
            // What is no name of a block names none of them.
            let shipped = shipped.map(|shipped| shipped.iter().filter_map(|ulid| ulid.parse().ok()).collect());
            tsdb.remove_expired(shipped.as_ref())
        };
        pool.submit(py, remove, |_, removed| Ok(texts(&removed)))
    }

    /// Seconds that opening took.
    #[getter]
    fn opening_s(&self) -> f64 {
        self.tsdb.opening().as_secs_f64()
    }

    /// Another number when the blocks are others.
    #[getter]
    fn blocks_version(&self) -> u64 {
        self.tsdb.blocks_version()
    }

    /// Ids of the blocks here and when they were made, oldest first; short enough for the event loop.
    fn blocks(&self) -> Vec<(String, u64)> {
        let ulids = self.tsdb.blocks().into_iter().map(|block| block.meta().ulid);
        ulids.map(|ulid| (ulid.to_string(), ulid.time_ms())).collect()
    }

    /// Ends appends; what was counted stays in the sums of the databases that are opened with the same options.
    fn end<'py>(&self, py: Python<'py>, pool: &Pool) -> PyResult<Bound<'py, PyAny>> {
        let (tsdb, counters) = (Arc::clone(&self.tsdb), Arc::clone(&self.ended));
        let end = move || {
            let ended = tsdb.end();
            counters.lock().add(&tsdb);
            ended
        };
        pool.submit(py, end, |_, ()| Ok(()))
    }

    /// Closes the database and removes its folder.
    fn remove<'py>(&self, py: Python<'py>, pool: &Pool) -> PyResult<Bound<'py, PyAny>> {
        let tsdb = Arc::clone(&self.tsdb);
        pool.submit(py, move || tsdb.remove(), |_, ()| Ok(()))
    }

    fn close<'py>(&self, py: Python<'py>, pool: &Pool) -> PyResult<Bound<'py, PyAny>> {
        let tsdb = Arc::clone(&self.tsdb);
        pool.submit(py, move || tsdb.close(), |_, ()| Ok(()))
    }
}

fn texts(ulids: &[Ulid]) -> Vec<String> {
    ulids.iter().map(ToString::to_string).collect()
}

/// Adds the classes to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyTsdbOptions>()?;
    module.add_class::<PySeriesLimits>()?;
    module.add_class::<PyAppended>()?;
    module.add_class::<PyTsdb>()
}
