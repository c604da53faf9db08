//! The write-ahead log, written by us and read by it, and the other way round.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use neocortex_model::labels::Labels;
use neocortex_tsdb::WalCompression;
use neocortex_tsdb::fs::RealFs;
use neocortex_tsdb::wal::read::Reader;
use neocortex_tsdb::wal::record::{self, Record, RefSample};
use neocortex_tsdb::wal::write::{WalOptions, Writer};

use crate::process::{Prometheus, find};

const START_MS: i64 = 1_700_000_000_000;

/// Writes series with samples over several segments: values by series and time.
fn write_log(wal: &Path, compression: WalCompression) -> BTreeMap<(String, i64), f64> {
    let options = WalOptions { segment_size: 64 << 10, compression };
    let mut writer = Writer::open(Arc::new(RealFs), wal, options).unwrap();
    let labels: Vec<Labels> = (0..200)
        .map(|i| Labels::from_pairs([("__name__", "ours".to_owned()), ("i", i.to_string()), ("text", "é".repeat(i))]))
        .collect();
    let mut series = Vec::new();
    record::encode_series(&mut series, labels.iter().enumerate().map(|(i, labels)| (i as u64 + 1, labels)));
    writer.log(&[&series]).unwrap();

    let mut expected = BTreeMap::new();
    for round in 0..150i64 {
        let samples: Vec<RefSample> = (0..200)
            .map(|i| RefSample {
                series: i + 1,
                t: START_MS + round * 15_000 + i as i64,
                v: i as f64 / 7.0 + round as f64,
            })
            .collect();
        for sample in &samples {
            expected.insert(((sample.series - 1).to_string(), sample.t), sample.v);
        }
        let mut record = Vec::new();
        record::encode_samples(&mut record, &samples);
        writer.log(&[&record]).unwrap();
    }
    assert!(writer.segment_number() > 1);
    writer.close().unwrap();
    expected
}

/// The lines `{__name__="ours", i="3", ...} value time` of a dump.
fn parse_dump(dump: &str) -> BTreeMap<(String, i64), f64> {
    let sample = |line: &str| {
        let (labels, rest) = line.rsplit_once("} ")?;
        let (value, t) = rest.split_once(' ')?;
        let i = labels.split_once("i=\"")?.1.split_once('"')?.0;
        Some(((i.to_owned(), t.parse().ok()?), value.parse().ok()?))
    };
    dump.lines().map(|line| sample(line).unwrap_or_else(|| panic!("not a sample: {line}"))).collect()
}

#[test]
fn promtool_dumps_our_log() {
    let Some(promtool) = find("promtool") else { return };
    // The zstd flag is younger than the Prometheus of stable distributions.
    for compression in [WalCompression::None, WalCompression::Snappy] {
        let data = tempfile::tempdir().unwrap();
        let expected = write_log(&data.path().join("wal"), compression);
        let dump = Command::new(&promtool).args(["tsdb", "dump"]).arg(data.path()).output().unwrap();
        assert!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
        assert!(!String::from_utf8_lossy(&dump.stderr).contains("corrupt"));
        assert_eq!(parse_dump(&String::from_utf8_lossy(&dump.stdout)), expected, "{compression:?}");
    }
}

#[test]
fn we_read_the_log_of_prometheus() {
    let Some(prometheus) = find("prometheus") else { return };
    for compression in ["--storage.tsdb.wal-compression", "--no-storage.tsdb.wal-compression"] {
        let data = tempfile::tempdir().unwrap();
        let options = [compression, "--enable-feature=metadata-wal-records,exemplar-storage"];
        let server = Prometheus::start(&prometheus, data.path(), &options);
        server.wait_for("/api/v1/query?query=count_over_time(up[1h])%3E%3D8", "self");
        server.stop();

        let mut reader = Reader::open(Arc::new(RealFs), &data.path().join("wal"), 0).unwrap();
        let (mut series, mut up) = (BTreeMap::new(), Vec::new());
        while let Some(bytes) = reader.next().unwrap() {
            match record::decode(bytes).unwrap() {
                Record::Series(new) => series.extend(new.into_iter().map(|s| (s.series, s.labels))),
                Record::Samples(samples) => {
                    for sample in samples {
                        let labels: &Labels = series.get(&sample.series).expect("a sample after its series");
                        if labels.metric_name() == "up" {
                            up.push((sample.t, sample.v));
                        }
                    }
                }
                Record::Metadata(metadata) => assert!(metadata.iter().all(|m| series.contains_key(&m.series))),
                Record::Unknown(kind) => panic!("record of unknown type {kind}"),
                _ => {}
            }
        }
        assert!(series.len() > 200, "{} series", series.len());
        assert!(series.values().any(|labels| labels.get("le") == Some("+Inf")));
        let scraped: Vec<_> = up.iter().filter(|(_, v)| *v == 1.0).collect();
        assert!(scraped.len() >= 8, "{up:?}");
        assert!(scraped.windows(2).all(|pair| (500..10_000).contains(&(pair[1].0 - pair[0].0))), "{up:?}");
    }
}
