//! The logs of a database, of records of any bytes that are framed as they should be: a start takes them or says what is
//! wrong with them, and what it took can be read, written to blocks, and read from there.
#![no_main]

use std::path::Path;
use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use neocortex_model::matchers::{MatchOp, Matcher};
use neocortex_model::sample::Samples;
use neocortex_model::series::{Queryable, SelectHints};
use neocortex_tsdb::fs::{FaultyFs, Fs};
use neocortex_tsdb::wal::write::{WalOptions, Writer};
use neocortex_tsdb::{ManualClock, Options, ReadOnlyTsdb, Tsdb};

/// Where a record goes.
const LOGS: [&str; 3] = ["/data/wal", "/data/wbl", "/data/wal/checkpoint.00000000"];

fn read_all(database: &dyn Queryable) -> usize {
    let all = Matcher::new(MatchOp::Regex, "__name__", ".*").expect("a valid expression");
    let hints = SelectHints { start_ms: i64::MIN, end_ms: i64::MAX, ..SelectHints::default() };
    let mut found = 0;
    for series in database.select(&[all], &hints).expect("what was taken can be selected") {
        let mut samples = Samples::default();
        series.read(i64::MIN, i64::MAX, &mut samples).expect("and read");
        found += samples.len();
    }
    found
}

/// Records with the logs that they go to: a byte for the log, two for the length, the record.
fn records(mut input: &[u8]) -> Vec<(usize, &[u8])> {
    let mut records = Vec::new();
    while let [log, a, b, rest @ ..] = input {
        let (record, rest) = rest.split_at(rest.len().min(usize::from(u16::from_be_bytes([*a, *b]))));
        records.push((usize::from(*log) % LOGS.len(), record));
        input = rest;
    }
    records
}

fuzz_target!(|input: &[u8]| {
    let fs = FaultyFs::new();
    let records = records(input);
    for (which, log) in LOGS.into_iter().enumerate() {
        let of_log = records.iter().filter(|(to, _)| *to == which);
        let records: Vec<&[u8]> = of_log.map(|(_, record)| *record).collect();
        if !records.is_empty() {
            let mut writer = Writer::open(Arc::new(fs.clone()), Path::new(log), WalOptions::default()).unwrap();
            writer.log(&records).unwrap();
            writer.close().unwrap();
        }
    }
    let disk: Arc<dyn Fs> = Arc::new(fs);
    let beside = ReadOnlyTsdb::open(&disk, Path::new("/data")).ok();
    let options = Options { retention_ms: 0, native_histograms: true, ..Options::default() };
    let Ok(tsdb) = Tsdb::open(disk, Arc::new(ManualClock::at(0)), Path::new("/data"), options) else { return };
    let found = read_all(&tsdb);
    if let Some(beside) = beside {
        assert_eq!(read_all(&beside), found, "who only reads sees the same");
    }
    if tsdb.flush().is_ok() {
        assert_eq!(read_all(&tsdb), found, "blocks have what the head had");
    }
});
