//! A log that Prometheus 2.42 wrote, snappy compressed as by default, until it was killed.
//!
//! It was sent, by remote write, 151 requests 15 seconds apart: floats of four series, one series of native histograms,
//! a few exemplars; then a staleness marker, and a sample that is older than another one of its request.

use std::sync::Arc;

use neocortex_model::labels::Labels;
use neocortex_model::matchers::{MatchOp, Matcher};
use neocortex_model::sample::{Samples, is_stale_nan};
use neocortex_model::series::{Queryable, SelectHints};

use super::{Rows, dir, open};
use crate::clock::ManualClock;
use crate::fs::{FaultyFs, Fs};
use crate::head::SeriesLimits;
use crate::tsdb::Options;

const SEGMENT: &[u8] = include_bytes!("../../../tests/data/prometheus-2.42-wal/00000000");
const START_MS: i64 = 1_700_000_000_000;
const STEP_MS: i64 = 15_000;

#[test]
fn replays_what_prometheus_wrote() {
    let fs = FaultyFs::new();
    fs.create_dir_all(&dir().join("wal")).unwrap();
    fs.put(&dir().join("wal").join("00000000"), SEGMENT.to_vec());
    let options = Options { native_histograms: true, max_exemplars: 10, ..Options::default() };
    let tsdb = open(&fs, &Arc::new(ManualClock::at(START_MS)), &options);

    let stats = tsdb.replay_stats();
    assert_eq!((stats.series, stats.samples, stats.histograms, stats.exemplars), (6, 602, 150, 3));
    assert_eq!((stats.unknown_refs, stats.dropped_samples, stats.repaired), (0, 1, false));

    let hints = SelectHints { start_ms: START_MS, end_ms: START_MS + 200 * STEP_MS, ..SelectHints::default() };
    let read = |labels: &[(&str, &str)]| {
        let all: Vec<Matcher> = labels.iter().map(|(n, v)| Matcher::new(MatchOp::Equal, *n, *v).unwrap()).collect();
        let found = tsdb.select(&all, &hints).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(*found[0].labels(), Labels::from_pairs(labels.iter().copied()));
        let mut samples = Samples::default();
        found[0].read(hints.start_ms, hints.end_ms, &mut samples).unwrap();
        samples
    };
    for host in 0..4i64 {
        let samples = read(&[("__name__", "requests_total"), ("instance", &format!("host-{host}")), ("job", "web")]);
        for i in 0..150 {
            assert_eq!((samples.t[i], samples.v[i]), (START_MS + i as i64 * STEP_MS, (i as i64 * host) as f64));
        }
        assert_eq!(samples.len(), if host == 0 { 151 } else { 150 });
        assert_eq!(samples.v.last().is_some_and(|v| is_stale_nan(*v)), host == 0);
    }
    let samples = read(&[("__name__", "latency"), ("job", "web")]);
    for i in 0..150 {
        let h = samples.histogram(i).expect("a histogram");
        assert_eq!((h.count, h.sum, h.zero_count), ((3 * i + 3) as f64, i as f64, i as f64));
        assert_eq!(h.positive_buckets, [(i + 1) as f64, 1.0, (i + 1) as f64]);
    }
    assert_eq!(samples.len(), 150);
    assert_eq!(read(&[("__name__", "late"), ("job", "web")]).t, [START_MS + 150 * STEP_MS]);
    let exemplars = tsdb.exemplars(&[vec![]], 0, i64::MAX);
    assert_eq!(exemplars.len(), 1);
    let times: Vec<i64> = exemplars[0].exemplars.iter().map(|e| (e.t - START_MS) / STEP_MS).collect();
    assert_eq!(times, [0, 50, 100]);

    // It goes on where Prometheus ended, in a segment of its own.
    let host = [("__name__", "requests_total"), ("instance", "host-1"), ("job", "web")];
    let rows = Rows::default().row(&host).float(START_MS + 151 * STEP_MS, 1.0);
    let appended = tsdb.append(&rows, &SeriesLimits::default()).unwrap();
    assert_eq!((appended.samples, appended.new_series), (1, 0));
    assert_eq!(tsdb.stats().wal.segment, 1);
}
