use neocortex_model::histogram::{CUSTOM_BUCKETS_SCHEMA, CounterReset, FloatHistogram, Histogram, Span};
use proptest::prelude::*;

use super::encode::histogram_kind;
use super::*;
use crate::varint::{put_uvarint, put_varint};

fn labels() -> impl Strategy<Value = Labels> {
    prop::collection::vec(("[a-z_]{1,8}", ".{1,12}"), 0..6).prop_map(Labels::from_pairs)
}

fn histogram() -> impl Strategy<Value = HistogramValue> {
    let side = prop::collection::vec((any::<i32>(), 0..4u32), 0..4);
    let custom = prop::collection::vec(-1e9..1e9, 0..4);
    let plain =
        (prop_oneof![-4..=8i32, Just(CUSTOM_BUCKETS_SCHEMA)], any::<u64>(), any::<u64>(), -1e9..1e9, side.clone());
    (plain, side, custom, any::<bool>(), 0..4u8).prop_map(|(plain, negative, custom_values, float, hint)| {
        let (schema, count, zero_count, sum, positive) = plain;
        let spans = |side: Vec<(i32, u32)>| -> Vec<Span> {
            side.into_iter().map(|(offset, length)| Span { offset, length }).collect()
        };
        let buckets = |side: &[(i32, u32)]| side.iter().map(|(_, length)| *length as usize).sum();
        let counter_reset = [CounterReset::Unknown, CounterReset::Reset, CounterReset::NotReset, CounterReset::Gauge];
        let h = Histogram {
            counter_reset: counter_reset[usize::from(hint)],
            schema,
            zero_threshold: 1e-128,
            zero_count,
            count,
            sum,
            positive_buckets: vec![-3; buckets(&positive)],
            negative_buckets: vec![i64::MAX; buckets(&negative)],
            positive_spans: spans(positive),
            negative_spans: spans(negative),
            custom_values: if schema == CUSTOM_BUCKETS_SCHEMA { custom_values } else { Vec::new() },
        };
        if !float {
            return HistogramValue::Integer(h);
        }
        HistogramValue::Float(FloatHistogram {
            counter_reset: h.counter_reset,
            schema: h.schema,
            zero_threshold: h.zero_threshold,
            zero_count: h.zero_count as f64,
            count: h.count as f64,
            sum: h.sum,
            positive_buckets: vec![2.5; h.positive_buckets.len()],
            negative_buckets: vec![0.0; h.negative_buckets.len()],
            positive_spans: h.positive_spans,
            negative_spans: h.negative_spans,
            custom_values: h.custom_values,
        })
    })
}

fn encoded(encode: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    encode(&mut out);
    out
}

#[test]
fn samples_are_bytes_of_prometheus() {
    // The layout of wal.md, written out: the first entry is a delta of nothing to the leading pair.
    let samples = [RefSample { series: 258, t: -1, v: 1.0 }, RefSample { series: 256, t: 99, v: -2.0 }];
    let record = encoded(|out| encode_samples(out, &samples));
    let expected = [
        &[2, 0, 0, 0, 0, 0, 0, 1, 2][..],
        &[0xff; 8],
        &[0, 0, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0],
        &[3, 200, 1, 0xc0, 0, 0, 0, 0, 0, 0, 0],
    ];
    assert_eq!(record, expected.concat());
}

#[test]
fn records_with_start_times_are_read() {
    // record.go, samplesV2: first absolute with its start time; then no start time, the same, and an explicit one.
    let mut record = vec![kind::SAMPLES_V2];
    for n in [7, 1000, 500] {
        put_varint(&mut record, n);
    }
    record.extend_from_slice(&1.0f64.to_be_bytes());
    for (delta, t, start) in [(2, 10, vec![0]), (-1, 20, vec![1]), (0, 30, vec![2, 0x0a])] {
        put_varint(&mut record, delta);
        put_varint(&mut record, t);
        record.extend(start);
        record.extend_from_slice(&2.0f64.to_be_bytes());
    }
    let Ok(Record::Samples(samples)) = decode(&record) else { panic!("not samples") };
    let read: Vec<_> = samples.iter().map(|s| (s.series, s.t, s.v)).collect();
    assert_eq!(read, [(7, 1000, 1.0), (9, 1010, 2.0), (8, 1020, 2.0), (8, 1030, 2.0)]);
}

#[test]
fn histograms_of_newer_schemas_are_reduced_or_passed_over() {
    let h = |series, schema| RefHistogram {
        series,
        t: 1,
        h: HistogramValue::Integer(Histogram {
            schema,
            count: 3,
            positive_spans: vec![Span { offset: 1, length: 2 }],
            positive_buckets: vec![1, 1],
            ..Default::default()
        }),
    };
    let records = encode_histograms(&[h(1, 9), h(2, 100), h(3, 8)]);
    let Ok(Record::Histograms(read)) = decode(&records[0]) else { panic!("not histograms") };
    assert_eq!(read.iter().map(|h| h.series).collect::<Vec<_>>(), [1, 3]);
    let HistogramValue::Integer(reduced) = &read[0].h else { panic!("not integer") };
    assert_eq!((reduced.schema, &reduced.positive_buckets[..]), (8, &[3][..]));
}

#[test]
fn a_histogram_whose_buckets_are_not_those_of_its_spans_is_passed_over() {
    let sides = |positive: u32, negative: u32| {
        let spans = |length: u32| vec![Span { offset: 0, length }];
        let (positive_spans, negative_spans) = (spans(positive), spans(negative));
        Histogram {
            positive_spans,
            negative_spans,
            positive_buckets: vec![1],
            negative_buckets: vec![1],
            ..Default::default()
        }
    };
    let all = [sides(1, 1), sides(2, 1), sides(1, 0)];
    let integers = all.iter().cloned().map(HistogramValue::Integer);
    let floats = all.iter().map(|h| HistogramValue::Float(h.to_float()));
    let histograms: Vec<_> = integers.chain(floats).map(|h| RefHistogram { series: 1, t: 1, h }).collect();
    for record in encode_histograms(&histograms) {
        let Ok(Record::Histograms(read)) = decode(&record) else { panic!("not histograms") };
        assert_eq!(read.len(), 1);
        assert!(read[0].h.spans_fit());
    }
}

#[test]
fn unknown_and_empty_records_are_passed_over() {
    assert_eq!(decode(&[200, 1, 2]), Ok(Record::Unknown(200)));
    assert_eq!(decode(&[]), Ok(Record::Unknown(0)));
}

#[test]
fn counts_that_lie_take_no_memory() {
    let mut record = vec![kind::SERIES];
    record.extend([0; 8]);
    put_uvarint(&mut record, u64::MAX >> 1);
    assert_eq!(decode(&record), Err(RecordError { kind: kind::SERIES }));
}

proptest! {
    #[test]
    fn floats_come_back(samples in prop::collection::vec((any::<u64>(), any::<i64>(), any::<u64>()), 1..50)) {
        let samples: Vec<_> =
            samples.into_iter().map(|(series, t, v)| RefSample { series, t, v: f64::from_bits(v) }).collect();
        let Ok(Record::Samples(read)) = decode(&encoded(|out| encode_samples(out, &samples))) else {
            panic!("not samples")
        };
        let bits = |samples: &[RefSample]| -> Vec<_> { samples.iter().map(|s| (s.series, s.t, s.v.to_bits())).collect() };
        prop_assert_eq!(bits(&read), bits(&samples));
    }

    #[test]
    fn series_and_what_belongs_to_them_come_back(
        entries in prop::collection::vec((any::<u64>(), any::<i64>(), -1e9..1e9f64, labels(), ".{0,20}"), 1..10),
    ) {
        let series: Vec<_> =
            entries.iter().map(|e| RefSeries { series: e.0, labels: e.3.clone() }).collect();
        let record = encoded(|out| encode_series(out, series.iter().map(|s| (s.series, &s.labels))));
        prop_assert_eq!(decode(&record), Ok(Record::Series(series)));
        let exemplars: Vec<_> =
            entries.iter().map(|e| RefExemplar { series: e.0, t: e.1, v: e.2, labels: e.3.clone() }).collect();
        let record = encoded(|out| encode_exemplars(out, &exemplars));
        prop_assert_eq!(decode(&record), Ok(Record::Exemplars(exemplars)));
        let metadata: Vec<_> = entries
            .iter()
            .map(|e| RefMetadata { series: e.0, kind: MetricType::Gauge, unit: e.4.clone(), help: "é".to_owned() })
            .collect();
        let record = encoded(|out| encode_metadata(out, &metadata));
        prop_assert_eq!(decode(&record), Ok(Record::Metadata(metadata)));
        let stones: Vec<_> = entries.iter().map(|e| RefTombstone { series: e.0, mint: e.1, maxt: i64::MAX }).collect();
        let record = encoded(|out| encode_tombstones(out, &stones));
        prop_assert_eq!(decode(&record), Ok(Record::Tombstones(stones)));
        let markers: Vec<_> = entries.iter().map(|e| (e.0, !e.0)).collect();
        let record = encoded(|out| encode_mmap_markers(out, &markers));
        prop_assert_eq!(decode(&record), Ok(Record::MmapMarkers(markers)));
    }

    #[test]
    fn histograms_come_back_one_record_a_kind(
        histograms in prop::collection::vec((any::<u64>(), any::<i64>(), histogram()), 1..20),
    ) {
        let histograms: Vec<_> =
            histograms.into_iter().map(|(series, t, h)| RefHistogram { series, t, h }).collect();
        let mut read = Vec::new();
        for record in encode_histograms(&histograms) {
            let Ok(Record::Histograms(found)) = decode(&record) else { panic!("not histograms") };
            prop_assert!(found.iter().all(|h| histogram_kind(&h.h) == record[0]));
            read.extend(found);
        }
        let mut expected = histograms;
        expected.sort_by_key(|h| {
            let order =
                [kind::HISTOGRAMS, kind::FLOAT_HISTOGRAMS, kind::CUSTOM_HISTOGRAMS, kind::CUSTOM_FLOAT_HISTOGRAMS];
            order.iter().position(|kind| *kind == histogram_kind(&h.h))
        });
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn any_bytes_do_no_harm(kind in 0..15u8, bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let record = [&[kind][..], &bytes].concat();
        let _ = decode(&record);
    }
}
