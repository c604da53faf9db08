//! The figures of all tenants at once: sums, and lines of text a tenant.
//!
//! A page of ten thousand tenants has a quarter of a million lines. They are written here, some tenants a call, and Python
//! never sees what is in them.

use std::fmt::Write;
use std::sync::Arc;

use neocortex_model::float::go_g;
use neocortex_tsdb::head::Stats;
use neocortex_tsdb::{Tsdb, TsdbError};
use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::pool::Pool;
use crate::tsdb::{PyTsdb, PyTsdbOptions};
use crate::upkeep_stats::PyUpkeepStats;

/// `Figure`
#[pyclass(frozen, eq, eq_int, from_py_object, rename_all = "SCREAMING_SNAKE_CASE", module = "neocortex._native")]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Figure {
    /// Series created, replayed ones included.
    SeriesCreated,
    /// Series that left the head.
    SeriesRemoved,
    /// Chunks begun, replayed ones included.
    ChunksCreated,
    /// Chunks that left the head.
    ChunksRemoved,
    /// Floats appended, in order or not.
    FloatSamplesAppended,
    /// Native histograms appended, in order or not.
    HistogramSamplesAppended,
    /// Those of the floats that came out of order.
    OutOfOrderFloatsAppended,
    /// Those of the native histograms that came out of order.
    OutOfOrderHistogramsAppended,
    /// Floats refused or dropped as out of order.
    OutOfOrderFloatsRefused,
    /// Native histograms refused or dropped as out of order.
    OutOfOrderHistogramsRefused,
    /// Samples that were not in order, taken or not.
    OutOfOrderDeltas,
    /// How far behind these were, all together.
    OutOfOrderDeltaSeconds,
    /// Series that have exemplars.
    ExemplarSeries,
    /// Time of the exemplar that came first of those stored; 0 for none.
    OldestExemplarSeconds,
    /// Bytes of index and chunks of the blocks.
    BlockBytes,
    /// Bytes of memory of the blocks' tables of symbols.
    SymbolTableBytes,
    /// How long opening took.
    OpeningSeconds,
}

/// What a tenant's lines are written from.
struct Row {
    tenant: Arc<str>,
    stats: Stats,
    block_bytes: u64,
    symbol_table_bytes: u64,
    opening_s: f64,
}

impl Row {
    fn value(&self, figure: Figure) -> f64 {
        let stats = &self.stats;
        let count = match figure {
            Figure::SeriesCreated => stats.series_created,
            Figure::SeriesRemoved => stats.series_created.saturating_sub(stats.series),
            Figure::ChunksCreated => stats.chunks_created,
            Figure::ChunksRemoved => stats.chunks_created.saturating_sub(stats.chunks),
            Figure::FloatSamplesAppended => stats.float_samples_appended,
            Figure::HistogramSamplesAppended => stats.histogram_samples_appended,
            Figure::OutOfOrderFloatsAppended => stats.out_of_order_floats_appended,
            Figure::OutOfOrderHistogramsAppended => stats.out_of_order_histograms_appended,
            Figure::OutOfOrderFloatsRefused => stats.out_of_order_samples,
            Figure::OutOfOrderHistogramsRefused => stats.out_of_order_histograms,
            Figure::OutOfOrderDeltas => stats.out_of_order_delta.counts().iter().sum(),
            Figure::OutOfOrderDeltaSeconds => return stats.out_of_order_delta.sum_s(),
            Figure::ExemplarSeries => stats.exemplar_series,
            Figure::OldestExemplarSeconds => return stats.oldest_exemplar_t as f64 / 1000.0,
            Figure::BlockBytes => self.block_bytes,
            Figure::SymbolTableBytes => self.symbol_table_bytes,
            Figure::OpeningSeconds => return self.opening_s,
        };
        count as f64
    }
}

/// Sums of what only grows; those of removed databases stay in them.
#[derive(Clone, Default)]
pub struct Counters {
    chunks_mapped: u64,
    chunk_corruptions: u64,
    snapshot_failures: u64,
    exemplars_appended: u64,
    out_of_order_exemplars: u64,
    wal_failures: u64,
    upkeep: PyUpkeepStats,
}

impl Counters {
    /// Adds a database's.
    pub fn add(&mut self, tsdb: &Tsdb) {
        self.add_stats(&tsdb.stats());
        self.upkeep.add(tsdb);
    }

    fn add_stats(&mut self, stats: &Stats) {
        self.chunks_mapped += stats.chunks_mapped;
        self.chunk_corruptions += stats.chunk_corruptions;
        self.snapshot_failures += stats.snapshot_failures;
        self.exemplars_appended += stats.exemplars_appended;
        self.out_of_order_exemplars += stats.out_of_order_exemplars;
        self.wal_failures += stats.wal_failures;
    }
}

/// Those of databases that were removed.
pub type Ended = Arc<Mutex<Counters>>;

/// `Figures`
#[pyclass(frozen, name = "Figures", module = "neocortex._native")]
pub struct PyFigures {
    /// Ascending by tenant.
    rows: Arc<Vec<Row>>,
    blocks: u64,
    counters: Counters,
}

/// What comes before and after the tenant, the figure, and whether a whole number is written with a fraction.
type Column = (String, String, Figure, bool);

#[pymethods]
impl PyFigures {
    fn __len__(&self) -> usize {
        self.rows.len()
    }

    #[getter]
    fn series(&self) -> u64 {
        self.sum(|stats| stats.series)
    }

    #[getter]
    fn metadata(&self) -> u64 {
        self.sum(|stats| stats.metadata)
    }

    #[getter]
    fn blocks(&self) -> u64 {
        self.blocks
    }

    #[getter]
    fn chunks(&self) -> u64 {
        self.sum(|stats| stats.chunks)
    }

    #[getter]
    fn exemplars(&self) -> u64 {
        self.sum(|stats| stats.exemplars)
    }

    #[getter]
    fn chunks_mapped(&self) -> u64 {
        self.counters.chunks_mapped
    }

    #[getter]
    fn chunk_corruptions(&self) -> u64 {
        self.counters.chunk_corruptions
    }

    #[getter]
    fn snapshot_failures(&self) -> u64 {
        self.counters.snapshot_failures
    }

    #[getter]
    fn exemplars_appended(&self) -> u64 {
        self.counters.exemplars_appended
    }

    #[getter]
    fn out_of_order_exemplars(&self) -> u64 {
        self.counters.out_of_order_exemplars
    }

    #[getter]
    fn wal_failures(&self) -> u64 {
        self.counters.wal_failures
    }

    #[getter]
    fn upkeep(&self) -> PyUpkeepStats {
        self.counters.upkeep.clone()
    }

    /// The lines of the tenants from the place `first` to before `end`: all columns of one tenant, then those of the next.
    fn lines<'py>(
        &self,
        py: Python<'py>,
        pool: &Pool,
        columns: Vec<Column>,
        first: usize,
        end: usize,
    ) -> PyResult<Bound<'py, PyAny>> {
        let rows = Arc::clone(&self.rows);
        let write = move || {
            let end = end.min(rows.len());
            Ok::<_, TsdbError>(lines(&rows[first.min(end)..end], &columns))
        };
        pool.submit_apart(py, write, |py, text| Ok(PyBytes::new(py, text.as_bytes()).unbind()))
    }
}

impl PyFigures {
    fn sum(&self, of: impl Fn(&Stats) -> u64) -> u64 {
        self.rows.iter().map(|row| of(&row.stats)).sum()
    }
}

fn lines(rows: &[Row], columns: &[Column]) -> String {
    let mut out = String::new();
    for row in rows {
        for (before, after, figure, with_fraction) in columns {
            // The id of a tenant has nothing that would have to be escaped.
            out.extend([before.as_str(), &row.tenant, after]);
            push_number(&mut out, row.value(*figure), *with_fraction);
            out.push('\n');
        }
    }
    out
}

/// Below this, a whole number is written in digits alone.
const FIRST_WITH_EXPONENT: f64 = 1e6;

fn push_number(out: &mut String, value: f64, with_fraction: bool) {
    if (0.0..FIRST_WITH_EXPONENT).contains(&value) && value.fract() == 0.0 {
        let fraction = if with_fraction { ".0" } else { "" };
        // Nothing keeps a string from being written to.
        let _ = write!(out, "{}{fraction}", value as u64);
    } else {
        out.push_str(&go_g(value));
    }
}

/// Figures of tenants' databases, which were opened with `options`.
#[pyfunction]
fn figures_of<'py>(
    py: Python<'py>,
    pool: &Pool,
    options: &PyTsdbOptions,
    tsdbs: Vec<PyRef<'py, PyTsdb>>,
) -> PyResult<Bound<'py, PyAny>> {
    let ended = Arc::clone(&options.ended);
    let tenants: Vec<_> = tsdbs.iter().map(|one| (Arc::clone(&one.tenant), Arc::clone(&one.tsdb))).collect();
    let gather = move || {
        let mut counters = ended.lock().clone();
        let mut blocks = 0;
        let mut row = |(tenant, tsdb): (Arc<str>, Arc<Tsdb>)| {
            let (stats, here) = (tsdb.stats(), tsdb.blocks());
            counters.add_stats(&stats);
            counters.upkeep.add(&tsdb);
            blocks += here.len() as u64;
            Row {
                tenant,
                stats,
                block_bytes: here.iter().map(|block| block.len()).sum(),
                symbol_table_bytes: here.iter().map(|block| block.index().symbol_table_bytes() as u64).sum(),
                opening_s: tsdb.opening().as_secs_f64(),
            }
        };
        let mut rows: Vec<Row> = tenants.into_iter().map(&mut row).collect();
        rows.sort_unstable_by(|a, b| a.tenant.cmp(&b.tenant));
        Ok::<_, TsdbError>(PyFigures { rows: Arc::new(rows), blocks, counters })
    };
    pool.submit_apart(py, gather, |_, figures| Ok(figures))
}

/// Adds what is here to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Figure>()?;
    module.add_class::<PyFigures>()?;
    module.add_class::<PyUpkeepStats>()?;
    module.add_function(wrap_pyfunction!(figures_of, module)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_go_does() {
        let written = |value, with_fraction| {
            let mut out = String::new();
            push_number(&mut out, value, with_fraction);
            out
        };
        for (value, plain, with_fraction) in [
            (0.0, "0", "0.0"),
            (999_999.0, "999999", "999999.0"),
            (1_000_000.0, "1e+06", "1e+06"),
            (0.25, "0.25", "0.25"),
            (1.795663304799e9, "1.795663304799e+09", "1.795663304799e+09"),
        ] {
            assert_eq!((written(value, false), written(value, true)), (plain.to_owned(), with_fraction.to_owned()));
        }
    }
}
