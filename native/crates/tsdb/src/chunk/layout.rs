//! What the histograms of one chunk have in common: the header's word on counter resets, schema, zero bucket and the
//! places of buckets; and how a histogram with other buckets is brought together with a chunk.
//!
//! Source: Prometheus `tsdb/chunkenc/histogram_meta.go`, `expandIntSpansAndBuckets`, `expandSpansBothWays`.

use neocortex_model::histogram::{CUSTOM_BUCKETS_SCHEMA, CounterReset, Span, indexed, is_known_schema};

use super::bits::{BitReader, BitWriter};

/// Sample count and flags.
pub(super) const HEADER_BYTES: usize = 3;

/// Where in the header the flags are.
const FLAGS_AT: usize = 2;

const FLAGS_MASK: u8 = 0b1100_0000;

/// What is known of a counter reset between a chunk and the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ResetHeader {
    /// Must be found by comparing.
    Unknown = 0,
    /// No reset.
    NotReset = 0b0100_0000,
    /// A reset.
    Reset = 0b1000_0000,
    /// The chunk holds gauges.
    Gauge = 0b1100_0000,
}

impl ResetHeader {
    /// The flags of a chunk; `Unknown` for bytes that are no chunk.
    pub(super) fn of(chunk: &[u8]) -> Self {
        match chunk.get(FLAGS_AT).map_or(0, |flags| flags & FLAGS_MASK) {
            0b0100_0000 => Self::NotReset,
            0b1000_0000 => Self::Reset,
            0b1100_0000 => Self::Gauge,
            _ => Self::Unknown,
        }
    }

    /// Sets the flags of a chunk.
    pub(super) fn put(self, chunk: &mut [u8]) {
        if let Some(flags) = chunk.get_mut(FLAGS_AT) {
            *flags = *flags & !FLAGS_MASK | self as u8;
        }
    }

    /// What a reader may say of a sample. Of the first one nothing, since the chunk before may be gone by now.
    pub(super) fn hint(self, index: u16) -> CounterReset {
        match self {
            Self::Gauge => CounterReset::Gauge,
            _ if index > 0 => CounterReset::NotReset,
            _ => CounterReset::Unknown,
        }
    }
}

/// Writes what the samples of a chunk have in common.
pub(super) fn write_layout(
    bits: &mut BitWriter,
    schema: i32,
    zero_threshold: f64,
    sides: [&[Span]; 2],
    custom_values: &[f64],
) {
    write_zero_threshold(bits, zero_threshold);
    bits.write_varbit_int(i64::from(schema));
    for spans in sides {
        bits.write_varbit_uint(spans.len() as u64);
        for span in spans {
            bits.write_varbit_uint(u64::from(span.length));
            bits.write_varbit_int(i64::from(span.offset));
        }
    }
    if schema == CUSTOM_BUCKETS_SCHEMA {
        bits.write_varbit_uint(custom_values.len() as u64);
        for bound in custom_values {
            write_custom_bound(bits, *bound);
        }
    }
}

/// What the samples of a chunk have in common, as read.
pub(super) struct Layout {
    pub(super) schema: i32,
    pub(super) zero_threshold: f64,
    pub(super) positive_spans: Vec<Span>,
    pub(super) negative_spans: Vec<Span>,
    pub(super) custom_values: Vec<f64>,
    pub(super) positive_buckets: usize,
    pub(super) negative_buckets: usize,
}

impl Layout {
    /// Reads a layout. A bucket takes `bucket_bits` in the first sample: a layout with more buckets than there are bits
    /// is refused, before anything is allocated for them.
    pub(super) fn read(bits: &mut BitReader<'_>, bucket_bits: usize) -> Result<Self, &'static str> {
        let zero_threshold = read_zero_threshold(bits);
        let schema = i32::try_from(bits.read_varbit_int()).map_err(|_| "schema out of range")?;
        if !is_known_schema(schema) {
            return Err("unknown schema");
        }
        let positive_spans = read_spans(bits)?;
        let negative_spans = read_spans(bits)?;
        let custom_values = if schema == CUSTOM_BUCKETS_SCHEMA { read_custom_bounds(bits)? } else { Vec::new() };
        let buckets = |spans: &[Span]| spans.iter().fold(0usize, |n, span| n.saturating_add(span.length as usize));
        let (positive_buckets, negative_buckets) = (buckets(&positive_spans), buckets(&negative_spans));
        if positive_buckets.saturating_add(negative_buckets) > bits.remaining() / bucket_bits {
            return Err("more buckets than there is room for");
        }
        Ok(Self {
            schema,
            zero_threshold,
            positive_spans,
            negative_spans,
            custom_values,
            positive_buckets,
            negative_buckets,
        })
    }
}

fn read_spans(bits: &mut BitReader<'_>) -> Result<Vec<Span>, &'static str> {
    let count = bits.read_varbit_uint();
    if count > bits.remaining() as u64 / 2 {
        return Err("more spans than there is room for");
    }
    let span = |bits: &mut BitReader<'_>| {
        let length = u32::try_from(bits.read_varbit_uint()).map_err(|_| "span too long")?;
        let offset = i32::try_from(bits.read_varbit_int()).map_err(|_| "span too far")?;
        Ok(Span { offset, length })
    };
    (0..count).map(|_| span(bits)).collect()
}

fn read_custom_bounds(bits: &mut BitReader<'_>) -> Result<Vec<f64>, &'static str> {
    let count = bits.read_varbit_uint();
    if count > bits.remaining() as u64 / 5 {
        return Err("more custom bounds than there is room for");
    }
    Ok((0..count).map(|_| read_custom_bound(bits)).collect())
}

/// A byte: 0 for zero, 1 to 254 for the powers of two from 2^-243 to 2^10, 255 before the eight bytes of anything else.
fn write_zero_threshold(bits: &mut BitWriter, threshold: f64) {
    let word = threshold.to_bits();
    // Sign and exponent of a power of two; 2^-243 has the biased exponent 780.
    let power = (word >> 52).wrapping_sub(779);
    if threshold == 0.0 {
        bits.write_bits(0, 8);
    } else if word << 12 == 0 && (1..=254).contains(&power) {
        bits.write_bits(power, 8);
    } else {
        bits.write_bits(255, 8);
        bits.write_bits(word, 64);
    }
}

fn read_zero_threshold(bits: &mut BitReader<'_>) -> f64 {
    match bits.read_bits(8) {
        0 => 0.0,
        255 => f64::from_bits(bits.read_bits(64)),
        power => f64::from_bits((power + 779) << 52),
    }
}

/// Thousandths up to 33554.43 as a varbit number above 0, anything else as a zero bit and the eight bytes.
fn write_custom_bound(bits: &mut BitWriter, bound: f64) {
    let thousandths = bound * 1000.0;
    let whole = thousandths.round();
    if (0.0..=33_554_430.0).contains(&thousandths) && whole / 1000.0 == bound {
        bits.write_varbit_uint(whole as u64 + 1);
    } else {
        bits.write_bit(false);
        bits.write_bits(bound.to_bits(), 64);
    }
}

fn read_custom_bound(bits: &mut BitReader<'_>) -> f64 {
    match bits.read_varbit_uint() {
        0 => f64::from_bits(bits.read_bits(64)),
        thousandths => (thousandths - 1) as f64 / 1000.0,
    }
}

/// How the buckets of a histogram lie to those of a chunk, on one side.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Fit {
    /// The histogram has buckets that the chunk lacks.
    chunk_lacks: bool,
    /// The chunk has buckets that the histogram lacks.
    histogram_lacks: bool,
    /// The buckets of both.
    union: Vec<Span>,
}

/// Compares the sides of counters. `None` tells a reset: a count went down, or a bucket that was in use is gone.
pub(super) fn fit_counter<C: Copy + PartialOrd + Default>(
    chunk: (&[Span], &[C]),
    histogram: (&[Span], &[C]),
) -> Option<Fit> {
    if chunk.0 == histogram.0 {
        let reset = chunk.1.iter().zip(histogram.1).any(|(before, now)| before > now);
        return (!reset).then(Fit::default);
    }
    fit(chunk, histogram, |before, now| match (before, now) {
        (Some(before), Some(now)) => !matches!(before.partial_cmp(&now), Some(std::cmp::Ordering::Greater)),
        (Some(before), None) => before == C::default(),
        (None, _) => true,
    })
}

/// Compares the sides of gauges, where buckets may come and go.
pub(super) fn fit_gauge<C: Copy>(chunk: (&[Span], &[C]), histogram: (&[Span], &[C])) -> Fit {
    if chunk.0 == histogram.0 {
        return Fit::default();
    }
    fit(chunk, histogram, |_, _| true).unwrap_or_default()
}

fn fit<C: Copy>(
    chunk: (&[Span], &[C]),
    histogram: (&[Span], &[C]),
    goes_on: impl Fn(Option<C>, Option<C>) -> bool,
) -> Option<Fit> {
    let mut before = indexed(chunk.0, chunk.1).peekable();
    let mut now = indexed(histogram.0, histogram.1).peekable();
    let mut fit = Fit::default();
    let mut next_index = 0;
    loop {
        let index = match (before.peek(), now.peek()) {
            (Some((a, _)), Some((b, _))) => *a.min(b),
            (Some((index, _)), None) | (None, Some((index, _))) => *index,
            (None, None) => return Some(fit),
        };
        let counts = (before.next_if(|(i, _)| *i == index), now.next_if(|(i, _)| *i == index));
        let (before, now) = (counts.0.map(|(_, count)| count), counts.1.map(|(_, count)| count));
        if !goes_on(before, now) {
            return None;
        }
        fit.chunk_lacks |= before.is_none();
        fit.histogram_lacks |= now.is_none();
        match fit.union.last_mut() {
            Some(span) if next_index == index => span.length += 1,
            _ => fit.union.push(Span { offset: index.wrapping_sub(next_index), length: 1 }),
        }
        next_index = index.wrapping_add(1);
    }
}

/// The buckets that a chunk and a histogram get before the histogram is appended.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rearrangement {
    pub(super) positive_spans: Vec<Span>,
    pub(super) negative_spans: Vec<Span>,
    /// The chunk must be written anew.
    pub(super) of_chunk: bool,
}

impl Rearrangement {
    /// `None` when both have the same buckets. Whose spans are taken where several say the same is Prometheus's choice,
    /// so that the bytes are its bytes.
    pub(super) fn plan(fits: [Fit; 2], chunk: [&[Span]; 2], histogram: [&[Span]; 2], gauge: bool) -> Option<Self> {
        let of_chunk = fits.iter().any(|fit| fit.chunk_lacks);
        let of_histogram = fits.iter().any(|fit| fit.histogram_lacks);
        if !of_chunk && !of_histogram {
            return None;
        }
        let spans = |side: usize| {
            let fit = &fits[side];
            if gauge && of_histogram && fit.union.is_empty() {
                joined(histogram[side])
            } else if gauge && of_histogram || of_chunk && fit.histogram_lacks {
                fit.union.clone()
            } else if of_chunk {
                histogram[side].to_vec()
            } else {
                chunk[side].to_vec()
            }
        };
        Some(Self { positive_spans: spans(0), negative_spans: spans(1), of_chunk })
    }
}

/// The same buckets in as few spans as they need.
fn joined(spans: &[Span]) -> Vec<Span> {
    let mut joined: Vec<Span> = Vec::new();
    let mut gap = 0i32;
    for span in spans {
        gap = gap.wrapping_add(span.offset);
        match joined.last_mut() {
            _ if span.length == 0 => continue,
            Some(last) if gap == 0 => last.length += span.length,
            _ => joined.push(Span { offset: gap, length: span.length }),
        }
        gap = 0;
    }
    joined
}

/// The counts of one side, brought to a layout that has all its buckets and more, which are empty.
pub(super) fn spread<C: Copy + Default>(from: (&[Span], &[C]), to: &[Span]) -> Vec<C> {
    let mut counts = indexed(from.0, from.1).peekable();
    let buckets = to.iter().map(|span| span.length as usize).sum();
    let mut spread = Vec::with_capacity(buckets);
    let mut index = 0i32;
    for span in to {
        index = index.wrapping_add(span.offset);
        for _ in 0..span.length {
            spread.push(counts.next_if(|(i, _)| *i == index).map_or_else(C::default, |(_, count)| count));
            index = index.wrapping_add(1);
        }
    }
    spread
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn spans(pairs: &[(i32, u32)]) -> Vec<Span> {
        pairs.iter().map(|(offset, length)| Span { offset: *offset, length: *length }).collect()
    }

    #[test]
    fn new_buckets_are_told_from_a_reset() {
        // histogram.go, the example at expandIntSpansAndBuckets.
        let chunk = spans(&[(0, 2), (2, 1), (3, 2), (3, 1), (1, 1)]);
        let histogram = spans(&[(0, 3), (1, 1), (1, 4), (3, 3)]);
        let before = [6, 3, 3, 2, 4, 5, 1];
        let now = [6, 3, 0, 3, 0, 0, 2, 4, 5, 0, 1];
        let fit = fit_counter((&chunk, &before), (&histogram, &now)).unwrap();
        assert!(fit.chunk_lacks && !fit.histogram_lacks);
        assert_eq!(fit.union, histogram);
        assert_eq!(spread((&chunk, &before), &histogram), now);
        // The bucket 4 is gone.
        let gone = spans(&[(0, 3), (5, 2), (3, 3)]);
        assert_eq!(fit_counter((&chunk, &before), (&gone, &[6, 3, 0, 2, 4, 5, 0, 1])), None);
        // The bucket 1 went down.
        assert_eq!(fit_counter((&chunk, &before), (&chunk, &[6, 2, 3, 2, 4, 5, 1])), None);
    }

    #[test]
    fn spans_are_joined() {
        assert_eq!(joined(&spans(&[(-1, 0), (0, 2), (0, 1), (2, 0), (1, 4)])), spans(&[(-1, 3), (3, 4)]));
    }

    #[test]
    fn an_empty_bucket_may_go() {
        let chunk = spans(&[(0, 3)]);
        let fit = fit_counter((&chunk, &[1, 0, 2]), (&spans(&[(0, 1), (1, 2)]), &[1, 2, 1])).unwrap();
        assert!(fit.chunk_lacks && fit.histogram_lacks);
        assert_eq!(fit.union, spans(&[(0, 4)]));
    }

    proptest! {
        #[test]
        fn common_values_come_back(
            threshold in prop_oneof![
                Just(0.0), any::<f64>(), (-250..20i32).prop_map(|power| 2f64.powi(power)),
            ],
            bounds in prop::collection::vec(
                prop_oneof![any::<f64>(), (0..40_000_000u32).prop_map(|n| f64::from(n) / 1000.0)], 0..10,
            ),
            positive in prop::collection::vec((any::<i32>(), 0..3u32), 0..5),
        ) {
            let positive = spans(&positive);
            let mut bits = BitWriter::default();
            write_layout(&mut bits, CUSTOM_BUCKETS_SCHEMA, threshold, [&positive, &[]], &bounds);
            bits.write_bits(0, 64);
            let layout = Layout::read(&mut BitReader::new(bits.bytes()), 1).unwrap();
            // A negative zero loses its sign, as in Prometheus.
            prop_assert_eq!(layout.zero_threshold.to_bits(), (threshold + 0.0).to_bits());
            prop_assert_eq!(layout.positive_spans, positive);
            let read: Vec<_> = layout.custom_values.iter().map(|v| v.to_bits()).collect();
            prop_assert_eq!(read, bounds.iter().map(|v| (v + 0.0).to_bits()).collect::<Vec<_>>());
        }
    }
}
