//! Chunks, byte by byte: Prometheus replays our log and compacts it into a block; its chunks must be those we make.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use neocortex_model::histogram::{CounterReset, Histogram, Span};
use neocortex_model::labels::Labels;
use neocortex_model::matchers::{MatchOp, Matcher};
use neocortex_model::sample::{HistogramValue, Samples};
use neocortex_model::series::{Queryable, SelectHints};
use neocortex_tsdb::chunk::float_histogram::FloatHistogramChunk;
use neocortex_tsdb::chunk::histogram::HistogramChunk;
use neocortex_tsdb::chunk::xor::XorChunk;
use neocortex_tsdb::chunk::{Encoding, decode_any};
use neocortex_tsdb::fs::RealFs;
use neocortex_tsdb::wal::record::{self, RefHistogram, RefSample};
use neocortex_tsdb::wal::write::{WalOptions, Writer};
use neocortex_tsdb::{Options, SystemClock, Tsdb};

use crate::process::{Prometheus, find};

const STEP_MS: i64 = 15_000;

/// Six hours of samples: enough for two blocks of two hours, the first of which may be nearly empty.
const STEPS: i64 = 6 * 3600 * 1000 / STEP_MS;

/// The last of them a little while ago.
fn start_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64;
    (now - STEPS * STEP_MS) / STEP_MS * STEP_MS
}

/// Float series of several characters.
fn float(series: u64, step: i64) -> f64 {
    match series {
        1 => 1.0,
        2 => step as f64,
        3 => (step as f64).sin() * 1e6,
        _ => f64::from_bits((step as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 2),
    }
}

/// A histogram whose buckets become more over time.
fn histogram(step: i64, gauge: bool) -> Histogram {
    let n = 1 + (step / 10 % 5) as usize;
    let counts: Vec<i64> = (0..n as i64).map(|i| step * (i + 1)).collect();
    let mut before = 0;
    Histogram {
        counter_reset: if gauge { CounterReset::Gauge } else { CounterReset::Unknown },
        schema: 2,
        zero_threshold: 2f64.powi(-128),
        zero_count: step as u64,
        count: counts.iter().sum::<i64>() as u64 + step as u64,
        sum: step as f64 * 1.5,
        positive_spans: vec![Span { offset: -2, length: n as u32 }],
        positive_buckets: counts.iter().map(|count| count - std::mem::replace(&mut before, *count)).collect(),
        ..Default::default()
    }
}

/// Series 1 to 4 are floats, 5 and 6 integer histograms, 7 and 8 float histograms; 6 and 8 are gauges.
fn histogram_of(series: u64, step: i64) -> HistogramValue {
    let h = histogram(step, series.is_multiple_of(2));
    if series <= 6 { HistogramValue::Integer(h) } else { HistogramValue::Float(h.to_float()) }
}

fn write_log(wal: &Path, start: i64) {
    let mut writer = Writer::open(Arc::new(RealFs), wal, WalOptions::default()).unwrap();
    let labels: Vec<_> =
        (1..=8u64).map(|i| (i, Labels::from_pairs([("__name__", "ours".to_owned()), ("i", i.to_string())]))).collect();
    let mut record = Vec::new();
    record::encode_series(&mut record, labels.iter().map(|(i, labels)| (*i, labels)));
    writer.log(&[&record]).unwrap();
    for step in 0..STEPS {
        let t = start + step * STEP_MS + step % 3;
        let floats: Vec<_> = (1..=4).map(|series| RefSample { series, t, v: float(series, step) }).collect();
        let histograms: Vec<_> =
            (5..=8).map(|series| RefHistogram { series, t, h: histogram_of(series, step) }).collect();
        let mut samples = Vec::new();
        record::encode_samples(&mut samples, &floats);
        let histograms = record::encode_histograms(&histograms);
        let mut batch = vec![samples.as_slice()];
        batch.extend(histograms.iter().map(Vec::as_slice));
        writer.log(&batch).unwrap();
    }
    writer.close().unwrap();
}

/// Encoding and bytes of the chunks of a segment: eight bytes of header, then for each chunk the length as a uvarint,
/// the encoding, the bytes and four bytes of checksum.
fn chunks(segment: &[u8]) -> Vec<(Encoding, &[u8])> {
    let mut rest = &segment[8..];
    let mut found = Vec::new();
    while !rest.is_empty() {
        let (mut length, mut shift) = (0usize, 0);
        loop {
            let byte = rest[0];
            rest = &rest[1..];
            length |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 {
                break;
            }
        }
        found.push((Encoding::from_number(rest[0]).unwrap(), &rest[1..=length]));
        rest = &rest[length + 5..];
    }
    found
}

/// The samples of one chunk, encoded by us. `header` is kept, as it depends on the chunk before.
fn encode_ours(encoding: Encoding, series: u64, steps: &[i64], times: &[i64]) -> Vec<u8> {
    let samples = || steps.iter().copied().zip(times.iter().copied());
    match encoding {
        Encoding::Xor => {
            let mut chunk = XorChunk::new();
            samples().for_each(|(step, t)| chunk.append(t, float(series, step)));
            chunk.bytes().to_vec()
        }
        Encoding::Histogram => {
            let mut chunk: Option<HistogramChunk> = None;
            for (step, t) in samples() {
                let h = histogram(step, series == 6);
                match &mut chunk {
                    None => chunk = Some(HistogramChunk::begin(None, t, &h)),
                    Some(chunk) => assert!(chunk.append(t, &h).is_none()),
                }
            }
            chunk.unwrap().bytes().to_vec()
        }
        Encoding::FloatHistogram => {
            let mut chunk: Option<FloatHistogramChunk> = None;
            for (step, t) in samples() {
                let h = histogram(step, series == 8).to_float();
                match &mut chunk {
                    None => chunk = Some(FloatHistogramChunk::begin(None, t, &h)),
                    Some(chunk) => assert!(chunk.append(t, &h).is_none()),
                }
            }
            chunk.unwrap().bytes().to_vec()
        }
    }
}

#[test]
fn prometheus_makes_the_same_chunks_of_our_log() {
    let Some(prometheus) = find("prometheus") else { return };
    let data = tempfile::tempdir().unwrap();
    let start = start_ms();
    write_log(&data.path().join("wal"), start);
    let server = Prometheus::start(&prometheus, data.path(), &["--enable-feature=native-histograms"]);
    let since = Instant::now();
    while blocks(data.path()).len() < 2 {
        assert!(since.elapsed() < Duration::from_secs(90), "no blocks were made");
        std::thread::sleep(Duration::from_millis(200));
    }
    server.stop();

    let compared: Vec<usize> =
        blocks(data.path()).iter().map(|chunks| compare(&fs::read(chunks).unwrap(), start)).collect();
    assert!(compared.iter().any(|samples| *samples == 8 * 2 * 3600 * 1000 / STEP_MS as usize), "{compared:?}");
    assert_everything_is_read(data.path(), start);
}

/// Opens the directory, with the blocks, the checkpoint and the log that Prometheus left.
fn assert_everything_is_read(data: &Path, start: i64) {
    let options = Options { retention_ms: 0, native_histograms: true, ..Options::default() };
    let tsdb = Tsdb::open(Arc::new(RealFs), Arc::new(SystemClock), data, options).unwrap();
    assert!(tsdb.blocks().len() >= 2);
    let ours = [Matcher::new(MatchOp::Equal, "__name__", "ours").unwrap()];
    let hints = SelectHints { start_ms: i64::MIN, end_ms: i64::MAX, ..SelectHints::default() };
    let found = tsdb.select(&ours, &hints).unwrap();
    assert_eq!(found.len(), 8);
    for (series, found) in (1u64..).zip(found) {
        let mut samples = Samples::default();
        found.read(i64::MIN, i64::MAX, &mut samples).unwrap();
        assert_eq!(samples.len() as i64, STEPS, "series {series}");
        for (i, step) in (0..STEPS).enumerate() {
            assert_eq!(samples.t[i], start + step * STEP_MS + step % 3);
            match samples.histogram(i) {
                None => assert_eq!(samples.v[i].to_bits(), float(series, step).to_bits()),
                Some(h) => assert_eq!((h.sum, h.count), (step as f64 * 1.5, histogram(step, false).count as f64)),
            }
        }
    }
}

/// The chunk segments of finished blocks.
fn blocks(data: &Path) -> Vec<PathBuf> {
    let finished =
        |path: &PathBuf| path.is_file() && path.ancestors().nth(2).is_some_and(|dir| dir.extension().is_none());
    let entries = fs::read_dir(data).unwrap().map(|entry| entry.unwrap().path().join("chunks/000001"));
    entries.filter(finished).collect()
}

/// Compares the chunks of a block with ours; gives the number of samples.
fn compare(segment: &[u8], start: i64) -> usize {
    let mut seen: BTreeMap<u64, usize> = BTreeMap::new();
    let (mut series, mut newest) = (1u64, i64::MIN);
    for (encoding, bytes) in chunks(segment) {
        let mut out = Samples::default();
        decode_any(encoding, bytes, i64::MIN, i64::MAX, &mut out).unwrap();
        // Chunks are in the order of series, then of time.
        if out.t[0] <= newest {
            series += 1;
        }
        newest = out.t[out.len() - 1];
        *seen.entry(series).or_default() += out.len();
        let steps: Vec<i64> = out.t.iter().map(|t| (t - start) / STEP_MS).collect();
        for (i, step) in steps.iter().enumerate() {
            match out.histogram(i) {
                None => assert_eq!(out.v[i].to_bits(), float(series, *step).to_bits()),
                Some(h) => assert_eq!((h.sum, h.count), (*step as f64 * 1.5, histogram(*step, false).count as f64)),
            }
        }
        let mut ours = encode_ours(encoding, series, &steps, &out.t);
        if encoding != Encoding::Xor && out.histogram(0).unwrap().counter_reset != CounterReset::Gauge {
            // What the header tells of the chunk before.
            ours[2] = bytes[2];
        }
        // Up to 2.4x a chunk that ended with a whole byte got an empty one more.
        let bytes = if bytes.len() > ours.len() { bytes.strip_suffix(&[0]).unwrap_or(bytes) } else { bytes };
        assert_eq!(ours, bytes, "series {series}, {encoding:?}, {} samples", out.len());
    }
    assert_eq!(seen.len(), 8, "{seen:?}");
    seen.values().sum()
}
