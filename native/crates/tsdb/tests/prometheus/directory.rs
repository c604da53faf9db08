//! Whole directories, with blocks: ours before Prometheus and promtool, theirs before us.

use std::collections::BTreeMap;
use std::fmt::Write as _;
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
use neocortex_tsdb::{Options, SystemClock, Tsdb};

use crate::process::{Prometheus, find};

const HOUR_MS: i64 = 3_600_000;
const STEP_MS: i64 = 60_000;

/// A whole number of ranges of two hours.
const START_MS: i64 = 236_111 * 2 * HOUR_MS;

const SERIES: i64 = 50;
const STEPS: i64 = 9 * 60;

/// A request with one sample a series; the last series is one of histograms.
struct Scrape {
    labels: Vec<Labels>,
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
            labels: (0..=SERIES)
                .map(|i| Labels::from_pairs([("__name__", "ours".to_owned()), ("i", i.to_string())]))
                .collect(),
            floats: (0..SERIES).map(|i| FloatSample { t, v: (i * step) as f64 / 8.0 }).collect(),
            histograms: vec![HistogramSample { t, h: HistogramValue::Integer(h) }],
        }
    }
}

impl SeriesRows for Scrape {
    fn len(&self) -> usize {
        self.labels.len()
    }

    fn key(&self, row: usize) -> SeriesKey {
        SeriesKey(xxhash_rust::xxh3::xxh3_128(self.labels[row].as_bytes()))
    }

    fn labels(&self, row: usize) -> Labels {
        self.labels[row].clone()
    }

    fn floats(&self, row: usize) -> &[FloatSample] {
        self.floats.get(row..=row).unwrap_or_default()
    }

    fn histograms(&self, row: usize) -> &[HistogramSample] {
        if row < self.floats.len() { &[] } else { &self.histograms }
    }

    fn exemplars(&self, _row: usize) -> &[Exemplar] {
        &[]
    }
}

fn open(data: &Path) -> Tsdb {
    open_with(data, Options::default())
}

fn open_with(data: &Path, options: Options) -> Tsdb {
    let options = Options { native_histograms: true, retention_ms: 0, segment_size: 64 << 10, ..options };
    Tsdb::open(Arc::new(RealFs), Arc::new(SystemClock), data, options).unwrap()
}

/// Nine hours: three blocks, a checkpoint, and the rest in the log.
fn write_directory(data: &Path) {
    let tsdb = open(data);
    for step in 0..STEPS {
        let appended = tsdb.append(&Scrape::at(step), &SeriesLimits::default()).unwrap();
        assert_eq!(appended.samples + appended.histograms, SERIES as u64 + 1);
    }
    assert_eq!(tsdb.compact().unwrap().created.len(), 3);
    tsdb.close().unwrap();
    assert!(
        fs::read_dir(data.join("wal"))
            .unwrap()
            .any(|e| { e.unwrap().file_name().to_string_lossy().starts_with("checkpoint.") })
    );
}

fn promtool(arguments: &[&str], data: &Path) -> Option<String> {
    let promtool = find("promtool")?;
    let output = Command::new(promtool).arg("tsdb").args(arguments).arg(data).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {errors}");
    assert!(!errors.contains("corrupt") && !errors.contains("error"), "{arguments:?}: {errors}");
    Some(String::from_utf8(output.stdout).unwrap())
}

/// Float samples by labels and time.
fn floats(tsdb: &Tsdb) -> BTreeMap<(String, i64), f64> {
    let hints = SelectHints { start_ms: i64::MIN, end_ms: i64::MAX, ..SelectHints::default() };
    let all = [Matcher::new(MatchOp::Regex, "__name__", ".+").unwrap()];
    let mut found = BTreeMap::new();
    for series in tsdb.select(&all, &hints).unwrap() {
        let mut samples = Samples::default();
        series.read(i64::MIN, i64::MAX, &mut samples).unwrap();
        for i in (0..samples.len()).filter(|i| samples.histogram(*i).is_none()) {
            found.insert((series.labels().get("i").unwrap_or_default().to_owned(), samples.t[i]), samples.v[i]);
        }
    }
    found
}

#[test]
fn promtool_reads_our_blocks() {
    let data = tempfile::tempdir().unwrap();
    write_directory(data.path());
    let Some(list) = promtool(&["list"], data.path()) else { return };
    let rows: Vec<Vec<&str>> = list.lines().skip(1).map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows.len(), 3, "{list}");
    for (i, row) in rows.iter().enumerate() {
        let from = START_MS + i as i64 * 2 * HOUR_MS;
        assert_eq!(row[1..3], [from.to_string(), (from + 2 * HOUR_MS).to_string()], "{list}");
        assert_eq!(row[4], (120 * (SERIES + 1)).to_string(), "samples: {list}");
        assert_eq!(row[6], (SERIES + 1).to_string(), "series: {list}");
    }
    let analysis = promtool(&["analyze"], data.path()).unwrap();
    for text in [format!("Series: {}", SERIES + 1), format!("label pairs): {}", SERIES + 2)] {
        assert!(analysis.contains(&text), "{analysis}");
    }
    let dumped = dump(data.path());
    assert_eq!(dumped.len() as i64, SERIES * STEPS);
    assert_eq!(dumped, floats(&open(data.path())));
}

#[test]
fn promtool_reads_our_blocks_of_blocks() {
    let data = tempfile::tempdir().unwrap();
    write_directory(data.path());
    let tsdb = open_with(data.path(), Options { max_block_range_ms: 6 * HOUR_MS, ..Options::default() });
    for step in STEPS..STEPS + 4 * 60 {
        tsdb.append(&Scrape::at(step), &SeriesLimits::default()).unwrap();
    }
    assert_eq!(tsdb.compact().unwrap().created.len(), 3, "two of the head, one of blocks");
    assert_eq!(tsdb.remove_expired(None).unwrap().len(), 3, "what that was made of");
    tsdb.close().unwrap();
    let Some(list) = promtool(&["list"], data.path()) else { return };
    let hours = |text: &str| (text.parse::<i64>().unwrap() - START_MS) / HOUR_MS;
    let ranges: Vec<(i64, i64)> = list
        .lines()
        .skip(1)
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .map(|row| (hours(row[1]), hours(row[2])))
        .collect();
    // A stretch of six hours begins two hours after the first block does.
    assert_eq!(ranges, [(0, 2), (2, 8), (8, 10)], "{list}");
    let analysis = promtool(&["analyze"], data.path()).unwrap();
    assert!(analysis.contains(&format!("Series: {}", SERIES + 1)), "{analysis}");
    assert_eq!(dump(data.path()), floats(&open(data.path())));
}

/// The floats that promtool finds, by label and time.
fn dump(data: &Path) -> BTreeMap<(String, i64), f64> {
    let mut dumped = BTreeMap::new();
    for line in promtool(&["dump"], data).unwrap().lines() {
        let (labels, rest) = line.split_once("} ").unwrap_or_else(|| panic!("not a sample: {line}"));
        let i = labels.split_once("i=\"").unwrap().1.split_once('"').unwrap().0;
        let (value, t) = rest.rsplit_once(' ').unwrap();
        // Histograms are printed in a form of their own.
        if let Ok(value) = value.parse::<f64>() {
            dumped.insert((i.to_owned(), t.parse::<i64>().unwrap()), value);
        }
    }
    // An older promtool takes a histogram for a sample of value 0.
    dumped.retain(|(i, _), _| *i != SERIES.to_string());
    dumped
}

#[test]
fn prometheus_starts_on_our_directory() {
    let Some(prometheus) = find("prometheus") else { return };
    let data = tempfile::tempdir().unwrap();
    write_directory(data.path());
    let options = ["--enable-feature=native-histograms", "--storage.tsdb.retention.time=100y"];
    let server = Prometheus::start(&prometheus, data.path(), &options);
    let end = (START_MS + STEPS * STEP_MS) / 1000;
    let answer = |query: &str| server.get(&format!("/api/v1/query?query={query}&time={end}"));
    for (query, expected) in [
        ("count(count_over_time(ours[10h]))", SERIES + 1),
        ("sum(count_over_time(ours[10h]))", (SERIES + 1) * STEPS),
        ("sum(sum_over_time(ours%7Bi=\"8\"%7D[10h]))", STEPS * (STEPS - 1) / 2),
        ("sum(histogram_count(ours))", STEPS - 1),
        ("count(ours%7Bi=~\"1.*\"%7D)", 11),
    ] {
        let body = answer(query);
        assert!(body.contains(&format!("\"{expected}\"]")), "{query}: {body}");
    }
    server.stop();
    // What it made of the directory is ours again.
    let left = floats(&open(data.path()));
    assert_eq!(left.iter().filter(|((i, _), _)| !i.is_empty()).count() as i64, SERIES * STEPS);
}

#[test]
fn we_read_blocks_of_prometheus() {
    let Some(_) = find("promtool") else { return };
    let data = tempfile::tempdir().unwrap();
    let (mut text, mut expected) = (String::from("# TYPE theirs gauge\n"), BTreeMap::new());
    for step in 0..3 * 60 {
        for i in 0..100 {
            let (t, v) = (START_MS / 1000 + step * 60, (i * step) as f64 / 7.0);
            writeln!(text, "theirs{{i=\"{i}\",text=\"é\"}} {v} {t}").unwrap();
            expected.insert((i.to_string(), t * 1000), v);
        }
    }
    text.push_str("# EOF\n");
    let input = data.path().join("input");
    fs::write(&input, text).unwrap();
    let blocks = data.path().join("blocks");
    promtool(&["create-blocks-from", "openmetrics", input.to_str().unwrap()], &blocks);
    let tsdb = open(&blocks);
    assert_eq!(tsdb.blocks().len(), 2);
    assert_eq!(floats(&tsdb), expected);
    assert_eq!(tsdb.label_values("text", &[]).unwrap(), ["é"]);
    let some = [Matcher::new(MatchOp::Regex, "i", "1.").unwrap(), Matcher::new(MatchOp::NotEqual, "i", "12").unwrap()];
    assert_eq!(tsdb.series(&some).unwrap().len(), 9);
}
