//! What a push costs, by step: `cargo run --release -p neocortex-tsdb --example push [series] [rounds] [new per mille]`.
//!
//! Remote write bodies of 2,000 series of 10 to 13 labels, one sample each, go through decompression, decoding with
//! hashing, validation and append, on one thread. Prints CPU seconds per million samples of each step: of the first
//! round, in which every series is new, and of the others, in which so many of a thousand series are replaced by new
//! ones each round.

#![allow(clippy::print_stdout, reason = "prints a report")]

use std::error::Error;
use std::sync::Arc;

use neocortex_tsdb::fs::RealFs;
use neocortex_tsdb::head::SeriesLimits;
use neocortex_tsdb::{Options, SystemClock, Tsdb};
use neocortex_wire::key::SECRET_BYTES;
use neocortex_wire::validate::{LabelSteps, NameValidation, ValidationLimits};
use neocortex_wire::{KeySecret, push_v1, snappy};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Series of one request.
const BATCH: usize = 2000;

const START_MS: i64 = 1_700_000_000_000;

const METRICS: [&str; 10] = [
    "container_cpu_usage_seconds_total",
    "container_memory_working_set_bytes",
    "container_network_receive_bytes_total",
    "kube_pod_status_phase",
    "http_request_duration_seconds_bucket",
    "http_requests_total",
    "go_goroutines",
    "process_resident_memory_bytes",
    "apiserver_request_total",
    "node_filesystem_avail_bytes",
];

const LIMITS: ValidationLimits = ValidationLimits {
    enforce_metric_name: true,
    enforce_metadata_metric_name: true,
    max_label_names_per_series: 30,
    max_label_name_length: 1024,
    max_label_value_length: 2048,
    max_labels_size_bytes: 0,
    max_metadata_length: 1024,
    reject_old_samples: false,
    reject_old_samples_max_age_ms: 0,
    creation_grace_period_ms: 600_000,
    max_native_histogram_buckets: 0,
    max_native_histogram_sample_size_bytes: 0,
    name_validation: NameValidation::Legacy,
    skip_label_name_validation: false,
};

/// The steps of a push and the CPU seconds they took.
#[derive(Default)]
struct Steps {
    decompress: f64,
    decode: f64,
    validate: f64,
    append: f64,
    free: f64,
    samples: f64,
}

impl Steps {
    fn print(&self, title: &str) {
        let per = |seconds: f64| seconds * 1e6 / self.samples.max(1.0);
        let all = self.decompress + self.decode + self.validate + self.append + self.free;
        println!(
            "{title}: {:.3} CPU s per million samples (decompress {:.3}, decode and hash {:.3}, validate {:.3}, append {:.3}, \
             free {:.3})",
            per(all),
            per(self.decompress),
            per(self.decode),
            per(self.validate),
            per(self.append),
            per(self.free)
        );
    }
}

fn cpu_seconds() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a timespec of our own.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

fn mix(i: u64) -> u64 {
    let x = (i ^ i >> 31).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (x ^ x >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

/// The labels of a series as protobuf fields of a `TimeSeries`.
fn encoded_labels(i: usize) -> Vec<u8> {
    let pod = i / METRICS.len();
    let mut labels = vec![
        ("__name__", METRICS[i % METRICS.len()].to_owned()),
        ("cluster", format!("eu-west-{}", pod % 3)),
        ("container", ["app", "sidecar", "proxy"][pod % 3].to_owned()),
        ("id", format!("{:016x}", mix(i as u64))),
        ("image", format!("registry.internal/platform/api-server:v1.{}.{}", pod % 30, pod % 9)),
        ("instance", format!("10.{}.{}.{}:9090", pod / 65536 % 256, pod / 256 % 256, pod % 256)),
        ("job", format!("kubernetes-pods-{}", pod % 7)),
        ("namespace", format!("team-{:02}", pod % 40)),
        ("node", format!("ip-10-0-{}-17.internal", pod % 200)),
        ("pod", format!("api-server-{}-{pod:08x}", pod % 97)),
    ];
    let more = [("code", "200"), ("le", "0.5"), ("method", "GET")];
    labels.extend(more.iter().take(pod % 4).map(|(name, value)| (*name, (*value).to_owned())));
    labels.sort();
    let mut out = Vec::new();
    for (name, value) in labels {
        let mut pair = Vec::new();
        put_bytes(&mut pair, 1, name.as_bytes());
        put_bytes(&mut pair, 2, value.as_bytes());
        put_bytes(&mut out, 1, &pair);
    }
    out
}

fn put_varint(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

fn put_bytes(out: &mut Vec<u8>, field: u8, bytes: &[u8]) {
    out.push(field << 3 | 2);
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn body(series: &[(usize, Vec<u8>)], round: usize) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut message = Vec::new();
    for (i, labels) in series {
        let steps = mix((i * 1000 + round) as u64) % 5;
        let value = (mix(*i as u64) % 1_000_000) as f64 * 1.001 + (round as u64 * 5 + steps) as f64;
        let mut sample = vec![1 << 3 | 1];
        sample.extend_from_slice(&value.to_le_bytes());
        sample.push(2 << 3);
        put_varint(&mut sample, START_MS as u64 + round as u64 * 15_000);
        let mut row = labels.clone();
        put_bytes(&mut row, 2, &sample);
        put_bytes(&mut message, 1, &row);
    }
    Ok(snappy::compress(&message)?)
}

fn push(
    tsdb: &Tsdb,
    secret: &KeySecret,
    label_steps: &Arc<LabelSteps>,
    body: &[u8],
    steps: &mut Steps,
) -> Result<(), Box<dyn Error>> {
    let begin = cpu_seconds();
    let message = snappy::decompress(body, 100 << 20)?;
    let decompressed = cpu_seconds();
    let mut batch = push_v1::decode_message(message, secret)?;
    let decoded = cpu_seconds();
    let checked = batch.validate(&LIMITS, label_steps, START_MS + 86_400_000, tsdb.series_keys());
    let validated = cpu_seconds();
    let appended = tsdb.append(&batch, &SeriesLimits::default())?;
    let end = cpu_seconds();
    drop(batch);
    steps.free += cpu_seconds() - end;
    steps.decompress += decompressed - begin;
    steps.decode += decoded - decompressed;
    steps.validate += validated - decoded;
    steps.append += end - validated;
    steps.samples += checked.accepted.floats as f64;
    assert_eq!(appended.samples, checked.accepted.floats);
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1).filter_map(|arg| arg.parse::<usize>().ok());
    let count = args.next().unwrap_or(100_000);
    let rounds = args.next().unwrap_or(10).max(1);
    let new_per_mille = args.next().unwrap_or(0);
    let dir = tempfile::tempdir()?;
    let tsdb = Tsdb::open(Arc::new(RealFs), Arc::new(SystemClock), dir.path(), Options::default())?;
    let secret = KeySecret::new([42; SECRET_BYTES]);
    let label_steps = Arc::new(LabelSteps { generation: 1, ..LabelSteps::default() });
    let mut series: Vec<(usize, Vec<u8>)> = (0..count).map(|i| (i, encoded_labels(i))).collect();
    let (mut first, mut others) = (Steps::default(), Steps::default());
    let mut next = count;
    for round in 0..rounds {
        if round > 0 {
            for replaced in
                series.iter_mut().filter(|(i, _)| mix((i ^ round << 32) as u64) % 1000 < new_per_mille as u64)
            {
                *replaced = (next, encoded_labels(next));
                next += 1;
            }
        }
        for batch in series.chunks(BATCH) {
            let body = body(batch, round)?;
            push(&tsdb, &secret, &label_steps, &body, if round == 0 { &mut first } else { &mut others })?;
        }
    }
    println!("{count} series, {rounds} rounds, {new_per_mille} of a thousand series new in each round but the first");
    first.print("new series ");
    others.print("other rounds");
    println!("{:.0} bytes per series", tsdb.stats().bytes.total() as f64 / tsdb.stats().series as f64);
    Ok(())
}
