//! Samples out of order: ours before a Prometheus with a window, and its before us.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use neocortex_model::labels::Labels;
use neocortex_model::matchers::{MatchOp, Matcher};
use neocortex_model::rows::{SeriesKey, SeriesRows};
use neocortex_model::sample::{Exemplar, FloatSample, HistogramSample, Samples};
use neocortex_model::series::{Queryable, SelectHints};
use neocortex_tsdb::fs::RealFs;
use neocortex_tsdb::head::{ReplayStats, SeriesLimits};
use neocortex_tsdb::{Options, SystemClock, Tsdb};
use neocortex_wire::snappy;

use crate::process::{Prometheus, find};

const HOUR_MS: i64 = 3_600_000;
const MINUTE_MS: i64 = 60_000;

/// A whole number of ranges of two hours.
const START_MS: i64 = 236_111 * 2 * HOUR_MS;

const SERIES: i64 = 5;

/// Nothing is scraped, so that the newest sample is ours.
pub const CONFIG: &str = "storage: {tsdb: {out_of_order_time_window: 24h}}\n";

/// Samples of the series: number, minutes after the start, value.
pub type Write = (i64, i64, f64);

/// What is stored by series and time.
pub type Stored = BTreeMap<(i64, i64), f64>;

struct Rows(Vec<(Labels, FloatSample)>);

impl Rows {
    fn of(writes: &[Write]) -> Self {
        let row = |(i, minute, v): &Write| {
            let labels = Labels::from_pairs([("__name__", "late".to_owned()), ("i", i.to_string())]);
            (labels, FloatSample { t: START_MS + minute * MINUTE_MS, v: *v })
        };
        Self(writes.iter().map(row).collect())
    }

    /// A remote write 1.0 request.
    fn encode(&self) -> Vec<u8> {
        let field = |number: u8, bytes: &[u8]| [&[number << 3 | 2, u8::try_from(bytes.len()).unwrap()], bytes].concat();
        let mut request = Vec::new();
        for (labels, sample) in &self.0 {
            let mut series = Vec::new();
            for (name, value) in labels {
                series.extend(field(1, &[field(1, name.as_bytes()), field(2, value.as_bytes())].concat()));
            }
            let mut encoded = [&[1 << 3 | 1][..], &sample.v.to_le_bytes(), &[2 << 3]].concat();
            let mut t = sample.t as u64;
            while t >= 0x80 {
                encoded.push(t as u8 | 0x80);
                t >>= 7;
            }
            encoded.push(t as u8);
            series.extend(field(2, &encoded));
            request.extend(field(1, &series));
        }
        snappy::compress(&request).unwrap()
    }
}

impl SeriesRows for Rows {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn key(&self, row: usize) -> SeriesKey {
        SeriesKey(xxhash_rust::xxh3::xxh3_128(self.0[row].0.as_bytes()))
    }

    fn labels(&self, row: usize) -> Labels {
        self.0[row].0.clone()
    }

    fn floats(&self, row: usize) -> &[FloatSample] {
        std::slice::from_ref(&self.0[row].1)
    }

    fn histograms(&self, _: usize) -> &[HistogramSample] {
        &[]
    }

    fn exemplars(&self, _: usize) -> &[Exemplar] {
        &[]
    }
}

/// Five hours in order at even minutes, then four hours at odd ones, the newest first; the last series comes late only.
pub fn requests() -> Vec<Vec<Write>> {
    let in_order = (0..150).map(|step| (0..SERIES - 1).map(|i| (i, 2 * step, (i * step) as f64)).collect());
    let late = (0..120).rev().map(|step| (1..SERIES).map(|i| (i, 2 * step + 1, -1.0 - step as f64)).collect());
    in_order.chain(late).collect()
}

pub fn stored(requests: &[Vec<Write>]) -> Stored {
    requests.iter().flatten().map(|(i, minute, v)| ((*i, START_MS + minute * MINUTE_MS), *v)).collect()
}

fn open(data: &Path) -> Tsdb {
    let options = Options { retention_ms: 0, ..Options::default() };
    Tsdb::open(Arc::new(RealFs), Arc::new(SystemClock), data, options).unwrap()
}

pub fn append(tsdb: &Tsdb, writes: &[Write]) {
    let limits = SeriesLimits { out_of_order_window_ms: 24 * HOUR_MS, ..SeriesLimits::default() };
    let appended = tsdb.append(&Rows::of(writes), &limits).unwrap();
    assert_eq!(appended.samples, writes.len() as u64, "{:?}", appended.first_error);
}

pub fn contents(tsdb: &Tsdb) -> Stored {
    let hints = SelectHints { start_ms: i64::MIN, end_ms: i64::MAX, ..SelectHints::default() };
    let mut found = Stored::new();
    for series in tsdb.select(&[Matcher::new(MatchOp::Equal, "__name__", "late").unwrap()], &hints).unwrap() {
        let mut samples = Samples::default();
        series.read(i64::MIN, i64::MAX, &mut samples).unwrap();
        assert!(samples.t.windows(2).all(|pair| pair[0] < pair[1]));
        let i = series.labels().get("i").unwrap().parse().unwrap();
        found.extend(samples.t.iter().zip(&samples.v).map(|(t, v)| ((i, *t), *v)));
    }
    found
}

/// What Prometheus has.
pub fn answer(server: &Prometheus) -> Stored {
    let end = START_MS / 1000 + 6 * 3600;
    let body = server.get(&format!("/api/v1/query?query=late[8h]&time={end}"));
    let body: serde_json::Value = serde_json::from_str(&body).unwrap_or_else(|e| panic!("{e}: {body}"));
    let mut found = Stored::new();
    for series in body["data"]["result"].as_array().unwrap() {
        let i = series["metric"]["i"].as_str().unwrap().parse().unwrap();
        for sample in series["values"].as_array().unwrap() {
            let t = (sample[0].as_f64().unwrap() * 1000.0) as i64;
            found.insert((i, t), sample[1].as_str().unwrap().parse().unwrap());
        }
    }
    found
}

#[test]
fn prometheus_answers_as_we_do() {
    let Some(prometheus) = find("prometheus") else { return };
    for (compacted, mapped) in [(false, false), (false, true), (true, true)] {
        let data = tempfile::tempdir().unwrap();
        let (requests, tsdb) = (requests(), open(data.path()));
        let (last, others) = requests.split_last().unwrap();
        for (i, writes) in others.iter().enumerate() {
            append(&tsdb, writes);
            // Now and then, so that markers are far behind their chunks.
            if mapped && i % 25 == 0 {
                tsdb.map_chunks().unwrap();
            }
        }
        if compacted {
            let created = tsdb.compact().unwrap().created;
            assert_eq!(created.len(), 1 + 2, "what is in order of two hours, what is late of four");
        }
        append(&tsdb, last);
        assert_eq!(contents(&tsdb), stored(&requests));
        drop(tsdb);
        assert_eq!(open(data.path()).replay_stats().out_of_order_chunks_in_files > 0, mapped && !compacted);
        let options = ["--storage.tsdb.retention.time=100y"];
        let server = Prometheus::start_with(&prometheus, data.path(), CONFIG, &options);
        assert_eq!(answer(&server), stored(&requests), "compacted: {compacted}, mapped: {mapped}");
        let metrics = server.get("/metrics");
        assert!(metrics.contains("\nprometheus_tsdb_mmap_chunk_corruptions_total 0\n"), "{metrics}");
        server.stop();
        assert_eq!(contents(&open(data.path())), stored(&requests), "what it made of the directory is ours again");
    }
}

#[test]
fn we_start_on_what_a_killed_prometheus_left() {
    we_start_on_what_it_left(Prometheus::kill);
}

#[test]
fn we_start_on_what_a_stopped_prometheus_left() {
    // It writes chunk files when it stops, or when there are megabytes to write.
    let replayed = we_start_on_what_it_left(Prometheus::stop);
    assert!(replayed.is_none_or(|stats| stats.out_of_order_chunks_in_files > 0), "{replayed:?}");
}

fn we_start_on_what_it_left(end: impl FnOnce(Prometheus)) -> Option<ReplayStats> {
    let prometheus = find("prometheus")?;
    let data = tempfile::tempdir().unwrap();
    let options = ["--storage.tsdb.retention.time=100y", "--web.enable-remote-write-receiver"];
    let server = Prometheus::start_with(&prometheus, data.path(), CONFIG, &options);
    let mut requests = requests();
    for writes in &requests {
        let status = server.push(&Rows::of(writes).encode());
        assert!(status.ends_with("204 No Content"), "{status}");
    }
    assert_eq!(answer(&server), stored(&requests));
    end(server);
    let tsdb = open(data.path());
    // It may have made blocks of some already.
    assert!(tsdb.replay_stats().out_of_order_samples > 0, "{:?}", tsdb.replay_stats());
    assert_eq!(contents(&tsdb), stored(&requests));
    // It goes on, and blocks are made of it.
    requests.push(vec![(0, 3, 77.0), (2, 500, 78.0)]);
    append(&tsdb, &requests[requests.len() - 1]);
    tsdb.map_chunks().unwrap();
    tsdb.flush().unwrap();
    assert_eq!(contents(&tsdb), stored(&requests));
    assert_eq!(contents(&open(data.path())), stored(&requests));
    Some(tsdb.replay_stats())
}
