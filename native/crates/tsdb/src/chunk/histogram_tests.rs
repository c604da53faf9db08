use proptest::prelude::*;

use neocortex_model::sample::stale_nan;

use neocortex_model::histogram::FloatHistogram;

use super::*;
use crate::chunk::{Encoding, decode_any};

fn spans(pairs: &[(i32, u32)]) -> Vec<Span> {
    pairs.iter().map(|(offset, length)| Span { offset: *offset, length: *length }).collect()
}

/// A counter with the given counts in the buckets of the positive side.
fn counter(buckets: &[(i32, u32)], counts: &[i64]) -> Histogram {
    let mut before = 0;
    Histogram {
        schema: 1,
        count: counts.iter().sum::<i64>() as u64 + 2,
        zero_count: 2,
        zero_threshold: 1e-128,
        sum: 18.4,
        positive_spans: spans(buckets),
        positive_buckets: counts.iter().map(|count| count - std::mem::replace(&mut before, *count)).collect(),
        ..Default::default()
    }
}

fn gauge(buckets: &[(i32, u32)], counts: &[i64]) -> Histogram {
    Histogram { counter_reset: CounterReset::Gauge, ..counter(buckets, counts) }
}

fn stale() -> Histogram {
    Histogram { sum: stale_nan(), ..Default::default() }
}

fn decoded(bytes: &[u8]) -> Result<Samples, TsdbError> {
    let mut out = Samples::default();
    decode_any(Encoding::Histogram, bytes, i64::MIN, i64::MAX, &mut out)?;
    Ok(out)
}

/// What a query sees of a histogram, without empty buckets and hints.
fn seen(h: &FloatHistogram) -> FloatHistogram {
    let mut h = h.clone();
    h.counter_reset = CounterReset::Unknown;
    h.compact();
    h
}

/// Appends to the chunk and expects that it is not cut.
fn take(chunk: &mut HistogramChunk, t: i64, h: &Histogram) {
    assert!(chunk.append(t, h).is_none(), "cut at {t}");
}

#[test]
fn the_first_chunk_of_prometheus_tests() {
    // histogram_test.go, TestFirstHistogramExplicitCounterReset and the layout of TestHistogramChunkSameBuckets.
    for (hint, header) in [
        (CounterReset::Unknown, ResetHeader::Unknown),
        (CounterReset::Reset, ResetHeader::Reset),
        (CounterReset::NotReset, ResetHeader::Unknown),
        (CounterReset::Gauge, ResetHeader::Gauge),
    ] {
        let h = Histogram { counter_reset: hint, ..counter(&[(0, 2), (1, 2)], &[1, 2, 1, 1]) };
        assert_eq!(HistogramChunk::begin(None, 0, &h).reset_header(), header);
    }
}

#[test]
fn equal_buckets_are_appended() {
    let mut chunk = HistogramChunk::begin(None, 1_234_567_890, &counter(&[(0, 2), (1, 2)], &[1, 2, 1, 1]));
    take(&mut chunk, 1_234_567_900, &counter(&[(0, 2), (1, 2)], &[6, 9, 2, 1]));
    take(&mut chunk, 1_234_567_910, &counter(&[(0, 2), (1, 2)], &[7, 10, 5, 3]));
    let out = decoded(chunk.bytes()).unwrap();
    assert_eq!(out.t, [1_234_567_890, 1_234_567_900, 1_234_567_910]);
    let hints: Vec<_> = (0..3).map(|i| out.histogram(i).unwrap().counter_reset).collect();
    assert_eq!(hints, [CounterReset::Unknown, CounterReset::NotReset, CounterReset::NotReset]);
    assert_eq!(out.histogram(2).unwrap().positive_buckets, [7.0, 10.0, 5.0, 3.0]);
    assert_eq!(out.histogram(2).unwrap().positive_spans, spans(&[(0, 2), (1, 2)]));
}

#[test]
fn new_buckets_make_the_chunk_be_written_anew() {
    let mut chunk = HistogramChunk::begin(None, 10, &counter(&[(0, 2), (2, 1)], &[6, 3, 3]));
    take(&mut chunk, 20, &counter(&[(0, 2), (2, 1)], &[7, 3, 3]));
    take(&mut chunk, 30, &counter(&[(0, 3), (1, 1), (1, 1)], &[7, 5, 1, 3, 4]));
    assert_eq!(chunk.num_samples(), 3);
    let out = decoded(chunk.bytes()).unwrap();
    assert_eq!(out.histogram(0).unwrap().positive_spans, spans(&[(0, 3), (1, 1), (1, 1)]));
    assert_eq!(out.histogram(1).unwrap().positive_buckets, [7.0, 3.0, 0.0, 3.0, 0.0]);
    assert_eq!(out.histogram(2).unwrap().positive_buckets, [7.0, 5.0, 1.0, 3.0, 4.0]);
}

#[test]
fn an_empty_bucket_that_the_histogram_lacks_is_given_to_it() {
    let mut chunk = HistogramChunk::begin(None, 10, &counter(&[(0, 3)], &[6, 0, 3]));
    take(&mut chunk, 20, &counter(&[(0, 1), (1, 1)], &[6, 4]));
    assert_eq!(chunk.last().positive_spans, spans(&[(0, 3)]));
    // Both lack a bucket of the other.
    take(&mut chunk, 30, &counter(&[(0, 1), (1, 2)], &[6, 4, 1]));
    assert_eq!(chunk.last().positive_spans, spans(&[(0, 4)]));
    let out = decoded(chunk.bytes()).unwrap();
    assert_eq!(out.histogram(1).unwrap().positive_buckets, [6.0, 0.0, 4.0, 0.0]);
    assert_eq!(out.histogram(2).unwrap().positive_buckets, [6.0, 0.0, 4.0, 1.0]);
}

#[test]
fn what_cuts_a_counter() {
    let first = counter(&[(0, 2)], &[6, 3]);
    let cases = [
        ("count", counter(&[(0, 2)], &[5, 3]), ResetHeader::Reset),
        ("bucket", Histogram { count: 50, ..counter(&[(0, 2)], &[5, 4]) }, ResetHeader::Reset),
        ("bucket gone", Histogram { count: 50, ..counter(&[(0, 1)], &[9]) }, ResetHeader::Reset),
        ("zero count", Histogram { zero_count: 1, ..counter(&[(0, 2)], &[6, 3]) }, ResetHeader::Reset),
        ("hint", Histogram { counter_reset: CounterReset::Reset, ..first.clone() }, ResetHeader::Reset),
        ("schema", Histogram { schema: 2, ..first.clone() }, ResetHeader::Unknown),
        ("zero threshold", Histogram { zero_threshold: 0.5, ..first.clone() }, ResetHeader::Unknown),
        ("gauge", gauge(&[(0, 2)], &[6, 3]), ResetHeader::Gauge),
    ];
    for (why, h, header) in cases {
        let mut chunk = HistogramChunk::begin(None, 10, &first);
        let next = chunk.append(20, &h).expect(why);
        assert_eq!((next.reset_header(), next.num_samples(), next.max_time()), (header, 1, 20), "{why}");
        assert_eq!((chunk.num_samples(), chunk.max_time()), (1, 10), "{why}");
    }
    let mut gauges = HistogramChunk::begin(None, 10, &gauge(&[(0, 2)], &[6, 3]));
    assert_eq!(gauges.append(20, &first).map(|next| next.reset_header()), Some(ResetHeader::NotReset));
}

#[test]
fn custom_bounds_that_change_are_a_reset() {
    let custom = |bounds: &[f64]| Histogram {
        schema: CUSTOM_BUCKETS_SCHEMA,
        zero_threshold: 0.0,
        zero_count: 0,
        custom_values: bounds.to_vec(),
        ..counter(&[(0, 3)], &[1, 2, 3])
    };
    let mut chunk = HistogramChunk::begin(None, 10, &custom(&[0.1, 12.5, 1e9]));
    take(&mut chunk, 20, &custom(&[0.1, 12.5, 1e9]));
    assert_eq!(decoded(chunk.bytes()).unwrap().histogram(1).unwrap().custom_values, [0.1, 12.5, 1e9]);
    let next = chunk.append(30, &custom(&[0.1, 12.5, 2e9])).unwrap();
    assert_eq!(next.reset_header(), ResetHeader::Reset);
}

#[test]
fn after_a_stale_sample_only_stale_ones() {
    let first = counter(&[(0, 2)], &[6, 3]);
    let mut chunk = HistogramChunk::begin(None, 10, &first);
    take(&mut chunk, 20, &stale());
    take(&mut chunk, 30, &stale());
    let next = chunk.append(40, &first).unwrap();
    assert_eq!(next.reset_header(), ResetHeader::Unknown);
    let out = decoded(chunk.bytes()).unwrap();
    assert_eq!(out.len(), 3);
    for i in 1..3 {
        assert!(is_stale_nan(out.histogram(i).unwrap().sum));
        assert!(out.histogram(i).unwrap().positive_buckets.is_empty());
    }
}

#[test]
fn the_header_of_a_chunk_cut_for_its_size_tells_of_resets() {
    let previous = HistogramChunk::begin(None, 10, &counter(&[(0, 2)], &[6, 3]));
    let header = |h: &Histogram| HistogramChunk::begin(Some(&previous), 20, h).reset_header();
    assert_eq!(header(&counter(&[(0, 2)], &[7, 3])), ResetHeader::NotReset);
    assert_eq!(header(&counter(&[(0, 2)], &[5, 3])), ResetHeader::Reset);
    assert_eq!(header(&Histogram { schema: 3, ..counter(&[(0, 2)], &[7, 3]) }), ResetHeader::Unknown);
}

#[test]
fn gauges_take_the_union_of_buckets() {
    let mut chunk = HistogramChunk::begin(None, 10, &gauge(&[(0, 2), (3, 1)], &[6, 3, 2]));
    take(&mut chunk, 20, &gauge(&[(1, 3)], &[1, 9, 4]));
    assert_eq!(chunk.last().positive_spans, spans(&[(0, 4), (1, 1)]));
    let out = decoded(chunk.bytes()).unwrap();
    assert_eq!(out.histogram(0).unwrap().positive_buckets, [6.0, 3.0, 0.0, 0.0, 2.0]);
    assert_eq!(out.histogram(1).unwrap().positive_buckets, [0.0, 1.0, 9.0, 4.0, 0.0]);
    assert_eq!(out.histogram(1).unwrap().counter_reset, CounterReset::Gauge);
}

fn histogram() -> impl Strategy<Value = Histogram> {
    let side = prop::collection::vec((0..3i32, 0..3u32), 0..4);
    let counts = prop::collection::vec(0..1_000_000i64, 12);
    (side.clone(), side, counts.clone(), counts, any::<f64>(), prop::bool::weighted(0.1), 0..3u64).prop_map(
        |(positive, negative, p, n, sum, is_stale, zero_count)| {
            let side = |pairs: Vec<(i32, u32)>, counts: Vec<i64>| {
                let total: u32 = pairs.iter().map(|pair| pair.1).sum();
                counter(&pairs, &counts[..total as usize])
            };
            let (p, n) = (side(positive, p), side(negative, n));
            Histogram {
                count: p.count + n.count + zero_count,
                zero_count,
                sum: if is_stale { stale_nan() } else { sum },
                negative_spans: n.positive_spans.clone(),
                negative_buckets: n.positive_buckets.clone(),
                ..p
            }
        },
    )
}

proptest! {
    #[test]
    fn what_is_appended_comes_back(
        histograms in prop::collection::vec((histogram(), 1..100_000i64), 1..40), gauges in any::<bool>(),
    ) {
        let mut chunks: Vec<HistogramChunk> = Vec::new();
        let (mut t, mut expected) = (1_700_000_000_000, Vec::new());
        for (mut h, delta) in histograms {
            t += delta;
            if gauges {
                h.counter_reset = CounterReset::Gauge;
            }
            let next = match chunks.last_mut() {
                None => Some(HistogramChunk::begin(None, t, &h)),
                Some(chunk) => chunk.append(t, &h),
            };
            chunks.extend(next);
            let visible = if is_stale_nan(h.sum) { stale() } else { h };
            expected.push((t, visible.to_float()));
        }
        let mut out = Samples::default();
        for chunk in &chunks {
            decode(chunk.bytes(), i64::MIN, i64::MAX, &mut out).unwrap();
        }
        prop_assert_eq!(out.len(), expected.len());
        for (i, (t, h)) in expected.iter().enumerate() {
            prop_assert_eq!(out.t[i], *t);
            let (read, h) = (seen(out.histogram(i).unwrap()), seen(h));
            prop_assert_eq!(read.sum.to_bits(), h.sum.to_bits());
            prop_assert_eq!(format!("{read:?}"), format!("{h:?}"));
        }
    }

    #[test]
    fn damaged_chunks_do_no_harm(
        histograms in prop::collection::vec(histogram(), 1..10), at in any::<prop::sample::Index>(), flip in 1..=255u8,
    ) {
        let mut chunk = HistogramChunk::begin(None, 0, &histograms[0]);
        for (i, h) in histograms.iter().enumerate().skip(1) {
            if let Some(next) = chunk.append(i as i64 * 1000, h) {
                chunk = next;
            }
        }
        let mut bytes = chunk.bytes().to_vec();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        let _ = decoded(&bytes);
        prop_assert!(decoded(&chunk.bytes()[..chunk.bytes().len() - 1]).is_err());
    }

    #[test]
    fn any_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = decoded(&bytes);
    }
}
