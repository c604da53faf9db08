//! The files of the head's full chunks: ours before Prometheus, theirs before us.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use neocortex_model::histogram::{Histogram, Span};
use neocortex_model::labels::Labels;
use neocortex_model::matchers::{MatchOp, Matcher};
use neocortex_model::rows::{SeriesKey, SeriesRows};
use neocortex_model::sample::{Exemplar, FloatSample, HistogramSample, HistogramValue, Samples};
use neocortex_model::series::{Queryable, SelectHints};
use neocortex_tsdb::fs::RealFs;
use neocortex_tsdb::head::SeriesLimits;
use neocortex_tsdb::wal::record;
use neocortex_tsdb::wal::write::{WalOptions, Writer};
use neocortex_tsdb::{Options, SystemClock, Tsdb};

use crate::process::{Prometheus, find};

const START_MS: i64 = 236_111 * 2 * 3_600_000;
const STEP_MS: i64 = 15_000;

/// An hour and a half of floats and of native histograms.
const STEPS: i64 = 360;
const SERIES: i64 = 20;

fn labels(i: i64) -> Labels {
    Labels::from_pairs([("__name__", "ours".to_owned()), ("i", i.to_string())])
}

/// One sample a series; the last series is one of histograms.
struct Scrape {
    floats: Vec<FloatSample>,
    histograms: Vec<HistogramSample>,
}

impl Scrape {
    fn at(step: i64) -> Self {
        let t = START_MS + step * STEP_MS;
        let h = Histogram {
            count: step as u64,
            sum: step as f64,
            schema: 1,
            positive_spans: vec![Span { offset: 0, length: 1 }],
            positive_buckets: vec![step],
            ..Histogram::default()
        };
        Self {
            floats: (0..SERIES).map(|i| FloatSample { t, v: (i * step) as f64 / 8.0 }).collect(),
            histograms: vec![HistogramSample { t, h: HistogramValue::Integer(h) }],
        }
    }
}

impl SeriesRows for Scrape {
    fn len(&self) -> usize {
        SERIES as usize + 1
    }

    fn key(&self, row: usize) -> SeriesKey {
        SeriesKey(xxhash_rust::xxh3::xxh3_128(labels(row as i64).as_bytes()))
    }

    fn labels(&self, row: usize) -> Labels {
        labels(row as i64)
    }

    fn floats(&self, row: usize) -> &[FloatSample] {
        self.floats.get(row..=row).unwrap_or_default()
    }

    fn histograms(&self, row: usize) -> &[HistogramSample] {
        if row == self.floats.len() { &self.histograms } else { &[] }
    }

    fn exemplars(&self, _row: usize) -> &[Exemplar] {
        &[]
    }
}

fn open(data: &Path) -> Tsdb {
    let options = Options { native_histograms: true, ..Options::default() };
    Tsdb::open(Arc::new(RealFs), Arc::new(SystemClock), data, options).unwrap()
}

/// All float samples by labels and time, as bits, all NaN being one.
pub type Floats = BTreeMap<(String, i64), u64>;

fn bits(v: f64) -> u64 {
    if v.is_nan() { f64::NAN.to_bits() } else { v.to_bits() }
}

pub fn floats(tsdb: &Tsdb) -> Floats {
    let hints = SelectHints { start_ms: i64::MIN, end_ms: i64::MAX, ..SelectHints::default() };
    let all = [Matcher::new(MatchOp::Regex, "__name__", ".+").unwrap()];
    let mut found = BTreeMap::new();
    for series in tsdb.select(&all, &hints).unwrap() {
        let mut samples = Samples::default();
        series.read(i64::MIN, i64::MAX, &mut samples).unwrap();
        for i in (0..samples.len()).filter(|i| samples.histogram(*i).is_none()) {
            found.insert((series.labels().to_string(), samples.t[i]), bits(samples.v[i]));
        }
    }
    found
}

/// What promtool finds in a directory.
pub fn dumped(promtool: &Path, data: &Path) -> Floats {
    let output = Command::new(promtool).args(["tsdb", "dump"]).arg(data).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !errors.contains("corrupt") && !errors.contains("failed"), "{errors}");
    let sample = |line: &str| {
        let (labels, rest) = line.rsplit_once("} ").unwrap_or_else(|| panic!("not a sample: {line}"));
        let (value, t) = rest.rsplit_once(' ').unwrap();
        Some(((format!("{labels}}}"), t.parse().unwrap()), bits(value.parse().ok()?)))
    };
    String::from_utf8(output.stdout).unwrap().lines().filter_map(sample).collect()
}

/// A database with full chunks in two files, whose process was killed.
fn write_directory(data: &Path) {
    for half in [0..STEPS / 2, STEPS / 2..STEPS] {
        let tsdb = open(data);
        for step in half {
            tsdb.append(&Scrape::at(step), &SeriesLimits::default()).unwrap();
        }
        assert!(tsdb.map_chunks().unwrap() >= SERIES as u64);
    }
    assert_eq!(fs::read_dir(data.join("chunks_head")).unwrap().count(), 2);
}

/// Asserts that Prometheus answers as we would, for the steps up to `steps`, and took the files for sound.
fn check_answers(server: &Prometheus, data: &Path, steps: i64) {
    let end = (START_MS + STEPS * STEP_MS) / 1000;
    for (query, expected) in [
        ("count(count_over_time(ours[10h]))".to_owned(), SERIES + 1),
        (format!("sum(count_over_time(ours{{i!=\"{SERIES}\"}}[10h]))"), SERIES * steps),
        ("sum(sum_over_time(ours{i=\"8\"}[10h]))".to_owned(), steps * (steps - 1) / 2),
        (format!("max(count_over_time(ours{{i=\"{SERIES}\"}}[10h]))"), steps),
    ] {
        let encoded = query.replace('{', "%7B").replace('}', "%7D").replace('"', "%22").replace('!', "%21");
        let body = server.get(&format!("/api/v1/query?query={encoded}&time={end}"));
        assert!(body.contains(&format!("\"{expected}\"]")), "{query}: {body}");
    }
    assert!(server.get("/metrics").contains("\nprometheus_tsdb_mmap_chunk_corruptions_total 0\n"));
    let log = fs::read_to_string(data.join("prometheus.log")).unwrap();
    for word in ["corrupt", "Loading on-disk chunks failed", "level=error"] {
        assert!(!log.contains(word), "{log}");
    }
}

const OPTIONS: [&str; 2] = ["--enable-feature=native-histograms", "--storage.tsdb.retention.time=100y"];

#[test]
fn prometheus_starts_on_our_files() {
    let Some(prometheus) = find("prometheus") else { return };
    let data = tempfile::tempdir().unwrap();
    write_directory(data.path());
    let server = Prometheus::start_scraping(&prometheus, data.path(), &OPTIONS, "1h");
    check_answers(&server, data.path(), STEPS);
    server.stop();
    let left = floats(&open(data.path()));
    assert_eq!(left.keys().filter(|(labels, _)| labels.contains("ours")).count() as i64, SERIES * STEPS);
}

#[test]
fn prometheus_takes_samples_from_our_files_alone() {
    let Some(prometheus) = find("prometheus") else { return };
    let data = tempfile::tempdir().unwrap();
    write_directory(data.path());
    // A log with the series and nothing else: what is answered now is in the files.
    let wal = data.path().join("wal");
    fs::remove_dir_all(&wal).unwrap();
    let all: Vec<Labels> = (0..=SERIES).map(labels).collect();
    let mut series = Vec::new();
    record::encode_series(&mut series, (1..).zip(&all));
    let mut log = Writer::open(Arc::new(RealFs), &wal, WalOptions::default()).unwrap();
    log.log(&[&series]).unwrap();
    log.close().unwrap();

    let tsdb = open(data.path());
    let steps = floats(&tsdb).len() as i64 / SERIES;
    assert!(steps >= 240, "{steps}");
    drop(tsdb);
    let server = Prometheus::start_scraping(&prometheus, data.path(), &OPTIONS, "1h");
    let end = (START_MS + STEPS * STEP_MS) / 1000;
    let body =
        server.get(&format!("/api/v1/query?query=sum(count_over_time(ours%7Bi=~%22[0-9]|1.%22%7D[10h]))&time={end}"));
    assert!(body.contains(&format!("\"{}\"]", SERIES * steps)), "{steps} steps: {body}");
    server.stop();
}

#[test]
fn we_start_on_the_files_of_prometheus() {
    let (Some(prometheus), Some(promtool)) = (find("prometheus"), find("promtool")) else { return };
    let data = tempfile::tempdir().unwrap();
    // More than two chunks of 120 samples a series.
    let run = || {
        let server = Prometheus::start_scraping(&prometheus, data.path(), &[], "20ms");
        server.wait_for("/api/v1/query?query=count_over_time(up[1m])%3E300", "self");
        server
    };
    run().stop();
    let expected = dumped(&promtool, data.path());
    let tsdb = open(data.path());
    assert_eq!(floats(&tsdb), expected);
    let stats = tsdb.replay_stats();
    assert!(stats.samples_in_files > 50_000, "{stats:?}");
    assert_eq!((stats.unknown_chunks, stats.chunk_files_repaired), (0, false), "{stats:?}");
    // It goes on after us, and is killed: its last file is zeros, or ends anywhere.
    tsdb.close().unwrap();
    drop(tsdb);
    run().kill();
    let expected = dumped(&promtool, data.path());
    let tsdb = open(data.path());
    assert_eq!(floats(&tsdb), expected);
    assert!(tsdb.replay_stats().samples_in_files >= stats.samples_in_files);
    // And once more with files that only we have written to since.
    tsdb.map_chunks().unwrap();
    drop(tsdb);
    assert_eq!(dumped(&promtool, data.path()), expected);
}
