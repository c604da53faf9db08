//! Databases on a disk in memory.

use std::path::Path;
use std::sync::Arc;

use neocortex_model::labels::Labels;
use neocortex_model::matchers::{MatchOp, Matcher};
use neocortex_model::sample::Samples;
use neocortex_model::series::{Queryable, SelectHints, Series};
use neocortex_tsdb::fs::{FaultyFs, Fs};
use neocortex_tsdb::wal::write::{WalOptions, Writer};
use neocortex_tsdb::{ManualClock, Options, Tsdb, TsdbError};

/// Where a database is.
pub(crate) const DATA: &str = "/data";

/// Writes records to a log, if there are any.
pub(crate) fn write_log(fs: &FaultyFs, dir: &Path, records: &[&[u8]]) {
    if records.is_empty() {
        return;
    }
    let mut writer = Writer::open(Arc::new(fs.clone()), dir, WalOptions::default()).unwrap();
    writer.log(records).unwrap();
    writer.close().unwrap();
}

/// Opens the database, at the beginning of time.
pub(crate) fn open(fs: &FaultyFs, options: Options) -> Result<Tsdb, TsdbError> {
    let disk: Arc<dyn Fs> = Arc::new(fs.clone());
    let options = Options { retention_ms: 0, native_histograms: true, ..options };
    Tsdb::open(disk, Arc::new(ManualClock::at(0)), Path::new(DATA), options)
}

/// Records with a number each: a byte for the number, two for the length, the record.
pub(crate) fn records(mut input: &[u8]) -> Vec<(usize, &[u8])> {
    let mut records = Vec::new();
    while let [number, a, b, rest @ ..] = input {
        let (record, rest) = rest.split_at(rest.len().min(usize::from(u16::from_be_bytes([*a, *b]))));
        records.push((usize::from(*number), record));
        input = rest;
    }
    records
}

/// Reads everything; gives the series that have samples, with their number, `None` of one with a chunk that is damaged.
pub(crate) fn read_all(database: &dyn Queryable) -> Vec<(Labels, Option<usize>)> {
    let all = Matcher::new(MatchOp::Regex, "__name__", ".*").expect("a valid expression");
    let hints = SelectHints { start_ms: i64::MIN, end_ms: i64::MAX, ..SelectHints::default() };
    let series = database.select(&[all], &hints).expect("what was taken can be selected");
    let read = |series: Arc<dyn Series>| {
        let mut samples = Samples::default();
        let read = series.read(i64::MIN, i64::MAX, &mut samples);
        (series.labels().clone(), read.is_ok().then_some(samples.len()))
    };
    series.into_iter().map(read).filter(|(_, samples)| *samples != Some(0)).collect()
}
