//! What a series costs: `cargo run --release -p neocortex-tsdb --example memory [series] [samples]`.
//!
//! Appends to series of 12 labels as a fleet of exporters has them and prints bytes per series, by kind and as the
//! operating system counts them, and the speed of known and of new series.

#![allow(clippy::print_stdout, reason = "prints a report")]

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use neocortex_model::labels::Labels;
use neocortex_model::rows::{SeriesKey, SeriesRows};
use neocortex_model::sample::{Exemplar, FloatSample, HistogramSample};
use neocortex_tsdb::fs::RealFs;
use neocortex_tsdb::head::SeriesLimits;
use neocortex_tsdb::{Options, SystemClock, Tsdb};

/// Rows of one request.
const BATCH: usize = 2000;

const START_MS: i64 = 1_700_000_000_000;

/// One sample of each of a range of series.
struct Scrape<'a> {
    labels: &'a [Labels],
    first: usize,
    samples: Vec<FloatSample>,
}

impl<'a> Scrape<'a> {
    fn new(labels: &'a [Labels], first: usize, tick: i64) -> Self {
        let sample = |i: usize| {
            let noise = (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(tick as u64 * 7919) >> 40;
            // Half are counters that grow by whole numbers, a quarter gauges with fractions, a quarter constants.
            let v = match i % 4 {
                0 | 1 => (tick as u64 * 100 + noise % 50) as f64,
                2 => (noise % 10_000) as f64 / 100.0,
                _ => 1.0,
            };
            FloatSample { t: START_MS + tick * 15_000 + (noise % 5) as i64, v }
        };
        Self { labels, first, samples: (0..labels.len()).map(|i| sample(first + i)).collect() }
    }
}

impl SeriesRows for Scrape<'_> {
    fn len(&self) -> usize {
        self.labels.len()
    }

    fn key(&self, row: usize) -> SeriesKey {
        let i = (self.first + row) as u128 + 1;
        SeriesKey(i.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835))
    }

    fn labels(&self, row: usize) -> Labels {
        self.labels[row].clone()
    }

    fn floats(&self, row: usize) -> &[FloatSample] {
        &self.samples[row..=row]
    }

    fn histograms(&self, _row: usize) -> &[HistogramSample] {
        &[]
    }

    fn exemplars(&self, _row: usize) -> &[Exemplar] {
        &[]
    }
}

fn labels(i: usize) -> Labels {
    // 500 series a pod, 20 pods a node.
    let (pod, metric) = (i / 500, i % 500);
    Labels::from_pairs([
        ("__name__", format!("container_subsystem_{}_total", metric / 5)),
        ("cluster", "production-eu-west-1".to_owned()),
        ("container", format!("container-{}", pod % 7)),
        ("endpoint", "http-metrics".to_owned()),
        ("id", format!("/kubepods/burstable/pod{pod:08x}-{:04x}", pod * 7919 % 65536)),
        ("image", format!("registry.example.com/team/service-{}:v1.{}", pod % 40, pod % 9)),
        ("instance", format!("10.{}.{}.12:10250", pod / 20 / 250, pod / 20 % 250)),
        ("job", "kubelet".to_owned()),
        ("mode", ["idle", "user", "system", "iowait", "steal"][metric % 5].to_owned()),
        ("namespace", format!("namespace-{}", pod % 30)),
        ("node", format!("ip-10-{}-{}.ec2.internal", pod / 20 / 250, pod / 20 % 250)),
        ("pod", format!("service-{}-{:08x}-x{}", pod % 40, pod * 31, pod % 10)),
    ])
}

fn resident_bytes() -> u64 {
    #[allow(clippy::disallowed_methods, reason = "figures of the kernel, no file of a database")]
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or(0) * 4096
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1).filter_map(|arg| arg.parse::<usize>().ok());
    let (count, ticks) = (args.next().unwrap_or(100_000), args.next().unwrap_or(60));
    let dir = tempfile::tempdir()?;
    let all: Vec<Labels> = (0..count).map(labels).collect();
    let before = resident_bytes();
    let tsdb = Tsdb::open(Arc::new(RealFs), Arc::new(SystemClock), dir.path(), Options::default())?;
    let mut seconds = (0.0, 0.0);
    for tick in 0..ticks as i64 {
        for (n, batch) in all.chunks(BATCH).enumerate() {
            let scrape = Scrape::new(batch, n * BATCH, tick);
            let start = Instant::now();
            let appended = tsdb.append(&scrape, &SeriesLimits::default())?;
            let spent = start.elapsed().as_secs_f64();
            if tick == 0 {
                seconds.0 += spent
            } else {
                seconds.1 += spent
            }
            assert_eq!(appended.samples, batch.len() as u64);
        }
    }
    let resident = resident_bytes().saturating_sub(before);
    let stats = tsdb.stats();
    let per = |bytes: u64| bytes as f64 / count as f64;
    println!("{count} series of 12 labels, {ticks} samples each, {} chunks", stats.chunks);
    println!("bytes per series: {:.0} resident, {:.0} counted", per(resident), per(stats.bytes.total()));
    println!("  symbols       {:8.1}", per(stats.bytes.symbols));
    println!("  series        {:8.1}", per(stats.bytes.series));
    println!("  postings      {:8.1}", per(stats.bytes.postings));
    println!("  open chunks   {:8.1}", per(stats.bytes.open_chunks));
    println!("  closed chunks {:8.1}", per(stats.bytes.closed_chunks));
    println!("new series:   {:8.0} a second", count as f64 / seconds.0);
    println!("known series: {:8.0} samples a second", (count * (ticks.max(1) - 1)) as f64 / seconds.1);
    drop(tsdb);
    let start = Instant::now();
    let tsdb = Tsdb::open(Arc::new(RealFs), Arc::new(SystemClock), dir.path(), Options::default())?;
    let replayed = tsdb.replay_stats().samples as f64;
    println!("replay:       {:8.0} samples a second", replayed / start.elapsed().as_secs_f64());
    Ok(())
}
