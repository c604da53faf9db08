//! Tests of the head through the face of the database.

mod appends;
mod churn;
mod exemplars;
mod hidden_damage;
mod histograms;
mod mapping;
mod mapping_faults;
pub(crate) mod model;
pub(crate) mod out_of_order;
mod out_of_order_faults;
mod out_of_order_log;
mod out_of_order_mapping;
mod prometheus;
mod replay;
mod snapshot;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use neocortex_model::labels::Labels;
use neocortex_model::matchers::{MatchOp, Matcher};
use neocortex_model::rows::{SeriesKey, SeriesRows};
use neocortex_model::sample::{Exemplar, FloatSample, HistogramSample, HistogramValue, Samples};
use neocortex_model::series::{Queryable, SelectHints};

use crate::clock::ManualClock;
use crate::fs::{FaultyFs, Fs};
use crate::head::{Appended, SeriesLimits};
use crate::tsdb::{Options, Tsdb};

/// One row of a request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Row {
    labels: Labels,
    floats: Vec<FloatSample>,
    histograms: Vec<HistogramSample>,
    exemplars: Vec<Exemplar>,
}

/// A request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rows(Vec<Row>);

impl Rows {
    pub(crate) fn row(mut self, labels: &[(&str, &str)]) -> Self {
        self.0.push(Row { labels: Labels::from_pairs(labels.iter().copied()), ..Row::default() });
        self
    }

    pub(crate) fn float(mut self, t: i64, v: f64) -> Self {
        self.last().floats.push(FloatSample { t, v });
        self
    }

    pub(crate) fn histogram(mut self, t: i64, h: HistogramValue) -> Self {
        self.last().histograms.push(HistogramSample { t, h });
        self
    }

    pub(crate) fn exemplar(mut self, t: i64, v: f64, trace: &str) -> Self {
        self.last().exemplars.push(Exemplar { labels: Labels::from_pairs([("trace_id", trace)]), v, t });
        self
    }

    fn last(&mut self) -> &mut Row {
        self.0.last_mut().expect("a row comes first")
    }
}

impl SeriesRows for Rows {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn key(&self, row: usize) -> SeriesKey {
        SeriesKey(xxhash_rust::xxh3::xxh3_128(self.0[row].labels.as_bytes()))
    }

    fn labels(&self, row: usize) -> Labels {
        self.0[row].labels.clone()
    }

    fn floats(&self, row: usize) -> &[FloatSample] {
        &self.0[row].floats
    }

    fn histograms(&self, row: usize) -> &[HistogramSample] {
        &self.0[row].histograms
    }

    fn exemplars(&self, row: usize) -> &[Exemplar] {
        &self.0[row].exemplars
    }
}

/// A database on a disk in memory.
pub(crate) struct Fixture {
    pub(crate) fs: FaultyFs,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) options: Options,
    pub(crate) tsdb: Tsdb,
}

/// Labels and samples of all series.
pub(crate) type Contents = Vec<(String, Vec<(i64, f64)>)>;

pub(crate) fn dir() -> PathBuf {
    Path::new("/data/tenant").to_owned()
}

pub(crate) fn open(fs: &FaultyFs, clock: &Arc<ManualClock>, options: &Options) -> Tsdb {
    let fs: Arc<dyn Fs> = Arc::new(fs.clone());
    Tsdb::open(fs, Arc::<ManualClock>::clone(clock), &dir(), options.clone()).expect("opens")
}

impl Fixture {
    pub(crate) fn new() -> Self {
        Self::with(Options { native_histograms: true, max_exemplars: 100, ..Options::default() })
    }

    pub(crate) fn with(options: Options) -> Self {
        let (fs, clock) = (FaultyFs::new(), Arc::new(ManualClock::at(1_700_000_000_000)));
        let tsdb = open(&fs, &clock, &options);
        Self { fs, clock, options, tsdb }
    }

    pub(crate) fn append(&self, rows: &Rows) -> Appended {
        self.tsdb.append(rows, &SeriesLimits::default()).expect("appends")
    }

    /// Appends with an out-of-order window.
    pub(crate) fn append_within(&self, window_ms: i64, rows: &Rows) -> Appended {
        self.tsdb.append(rows, &within(window_ms)).expect("appends")
    }

    /// The process dies and another one opens what it left.
    pub(crate) fn crash_and_reopen(&mut self) {
        self.fs = self.fs.after_process_crash();
        self.tsdb = open(&self.fs, &self.clock, &self.options);
    }

    /// The database is closed and opened again.
    pub(crate) fn close_and_reopen(&mut self) {
        self.tsdb.close().expect("closes");
        self.crash_and_reopen();
    }

    /// All that is stored: labels and samples, `sum` for the value of a histogram.
    pub(crate) fn contents(&self) -> Contents {
        contents(&self.tsdb)
    }
}

/// Limits with an out-of-order window.
pub(crate) fn within(window_ms: i64) -> SeriesLimits {
    SeriesLimits { out_of_order_window_ms: window_ms, ..SeriesLimits::default() }
}

pub(crate) fn contents(tsdb: &dyn Queryable) -> Contents {
    let hints = SelectHints { start_ms: i64::MIN, end_ms: i64::MAX, ..SelectHints::default() };
    let all = [Matcher::new(MatchOp::Regex, "__name__", ".*").expect("a valid expression")];
    let mut found = Vec::new();
    for series in tsdb.select(&all, &hints).expect("selects") {
        let mut samples = Samples::default();
        series.read(i64::MIN, i64::MAX, &mut samples).expect("decodes");
        let value = |i: usize| samples.histogram(i).map_or(samples.v[i], |h| h.sum);
        found.push((series.labels().to_string(), (0..samples.len()).map(|i| (samples.t[i], value(i))).collect()));
    }
    found
}

/// The text of the answer to a request that was refused in part.
pub(crate) fn text(appended: &Appended) -> String {
    appended.first_error.as_ref().map_or_else(String::new, ToString::to_string)
}
