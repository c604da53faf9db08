//! Chunks of histograms with integer buckets. The bytes are described in the
//! [crate documentation](crate#histogram-chunk).
//!
//! Source: Prometheus `tsdb/chunkenc/histogram.go`.

use std::sync::Arc;

use neocortex_model::histogram::{CUSTOM_BUCKETS_SCHEMA, CounterReset, Histogram, MAX_EXPONENTIAL_SCHEMA, Span};
use neocortex_model::sample::{Samples, is_stale_nan};

use super::bits::{BitReader, BitWriter, Window};
use super::layout::{
    Fit, HEADER_BYTES, Layout, Rearrangement, ResetHeader, fit_counter, fit_gauge, spread, write_layout,
};
use crate::error::TsdbError;

/// A chunk that is being filled: the encoder's state and its bytes, which are complete after every sample. It has one
/// sample at least.
#[derive(Clone, Debug)]
pub struct HistogramChunk {
    bits: BitWriter,
    t: i64,
    t_delta: i64,
    /// The newest sample in the chunk's layout; of a stale one only the sum, with the layout and buckets before it.
    last: Histogram,
    count_delta: i64,
    zero_count_delta: i64,
    positive_deltas: Vec<i64>,
    negative_deltas: Vec<i64>,
    window: Window,
}

impl HistogramChunk {
    /// A chunk that begins with a sample. `previous` is the chunk of the series before, if there is one of this kind:
    /// the header tells whether the counter was reset between them. The histogram is valid.
    #[must_use]
    pub fn begin(previous: Option<&Self>, t: i64, h: &Histogram) -> Self {
        let header = match (h.counter_reset, previous) {
            (CounterReset::Gauge, _) => ResetHeader::Gauge,
            (CounterReset::Reset, _) => ResetHeader::Reset,
            (_, Some(previous)) => previous.fit_counter(h).err().unwrap_or(ResetHeader::NotReset),
            (_, None) => ResetHeader::Unknown,
        };
        Self::with_header(header, t, h)
    }

    fn with_header(header: ResetHeader, t: i64, h: &Histogram) -> Self {
        let mut chunk = Self {
            bits: BitWriter::after(&[0; HEADER_BYTES]),
            t: i64::MIN,
            t_delta: 0,
            last: Histogram::default(),
            count_delta: 0,
            zero_count_delta: 0,
            positive_deltas: Vec::new(),
            negative_deltas: Vec::new(),
            window: Window::UNSET,
        };
        header.put(chunk.bits.bytes_mut());
        chunk.write(t, h);
        chunk
    }

    /// Number of samples.
    #[must_use]
    pub fn num_samples(&self) -> u16 {
        super::num_samples(self.bits.bytes())
    }

    /// Time of the newest sample in milliseconds.
    #[must_use]
    pub fn max_time(&self) -> i64 {
        self.t
    }

    /// The newest sample, with the buckets of the chunk; of a stale one only the sum counts.
    #[must_use]
    pub fn last(&self) -> &Histogram {
        &self.last
    }

    /// What the header tells of a reset.
    #[must_use]
    pub fn reset_header(&self) -> ResetHeader {
        ResetHeader::of(self.bits.bytes())
    }

    /// The encoded chunk, header included.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.bits.bytes()
    }

    /// Heap bytes held.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        let spans = self.last.positive_spans.capacity() + self.last.negative_spans.capacity();
        let buckets = self.last.positive_buckets.capacity() + self.last.negative_buckets.capacity();
        let deltas = self.positive_deltas.capacity() + self.negative_deltas.capacity();
        self.bits.heap_bytes() + 8 * (spans + buckets + deltas + self.last.custom_values.capacity())
    }

    /// Appends a valid histogram; times ascend, and a chunk takes 65535 samples, which is for the caller to see to.
    /// New buckets make the chunk be written anew. `Some` is the next chunk, begun with this sample, when it cannot
    /// be in this one: another schema, zero threshold or custom bounds, a counter reset, a gauge among counters or a
    /// counter among gauges, a sample after a stale one.
    #[must_use = "the sample may have begun another chunk"]
    pub fn append(&mut self, t: i64, h: &Histogram) -> Option<Self> {
        debug_assert!(self.num_samples() < u16::MAX);
        let gauge = h.counter_reset == CounterReset::Gauge;
        let fits = match if gauge { self.fit_gauge(h) } else { self.fit_counter(h) } {
            Ok(fits) => fits,
            Err(header) => return Some(Self::with_header(header, t, h)),
        };
        let chunk = [self.last.positive_spans.as_slice(), &self.last.negative_spans];
        match Rearrangement::plan(fits, chunk, [&h.positive_spans, &h.negative_spans], gauge) {
            None => self.write(t, h),
            Some(plan) => {
                let rearranged = rearrange(h, &plan);
                if plan.of_chunk {
                    self.rewrite(&plan);
                }
                self.write(t, &rearranged);
            }
        }
        None
    }

    /// How a counter's buckets fit; or, when they cannot, the header of the chunk that the histogram begins.
    fn fit_counter(&self, h: &Histogram) -> Result<[Fit; 2], ResetHeader> {
        let last = &self.last;
        if self.reset_header() == ResetHeader::Gauge {
            return Err(ResetHeader::NotReset);
        }
        if h.counter_reset == CounterReset::Reset {
            return Err(ResetHeader::Reset);
        }
        if is_stale_nan(h.sum) {
            return Ok(Default::default());
        }
        if is_stale_nan(last.sum) {
            return Err(ResetHeader::Unknown);
        }
        if h.count < last.count {
            return Err(ResetHeader::Reset);
        }
        if h.schema != last.schema || h.zero_threshold != last.zero_threshold {
            return Err(ResetHeader::Unknown);
        }
        if h.schema == CUSTOM_BUCKETS_SCHEMA && h.custom_values != last.custom_values || h.zero_count < last.zero_count
        {
            return Err(ResetHeader::Reset);
        }
        let fit = |chunk: (&[Span], &[i64]), histogram: (&[Span], &[i64])| {
            fit_counter((chunk.0, &absolute(chunk.1)), (histogram.0, &absolute(histogram.1))).ok_or(ResetHeader::Reset)
        };
        Ok([
            fit((&last.positive_spans, &last.positive_buckets), (&h.positive_spans, &h.positive_buckets))?,
            fit((&last.negative_spans, &last.negative_buckets), (&h.negative_spans, &h.negative_buckets))?,
        ])
    }

    fn fit_gauge(&self, h: &Histogram) -> Result<[Fit; 2], ResetHeader> {
        let last = &self.last;
        if self.reset_header() == ResetHeader::Gauge && is_stale_nan(h.sum) {
            return Ok(Default::default());
        }
        if self.reset_header() != ResetHeader::Gauge
            || is_stale_nan(last.sum)
            || h.schema != last.schema
            || h.zero_threshold != last.zero_threshold
            || h.schema == CUSTOM_BUCKETS_SCHEMA && h.custom_values != last.custom_values
        {
            return Err(ResetHeader::Gauge);
        }
        Ok([
            fit_gauge((&last.positive_spans, &last.positive_buckets), (&h.positive_spans, &h.positive_buckets)),
            fit_gauge((&last.negative_spans, &last.negative_buckets), (&h.negative_spans, &h.negative_buckets)),
        ])
    }

    /// Writes the chunk anew with more buckets.
    fn rewrite(&mut self, plan: &Rearrangement) {
        let bytes = std::mem::take(&mut self.bits);
        let mut samples = Decoder::new(bytes.bytes());
        let mut rewritten: Option<Self> = None;
        // The bytes are our own: there is no damage to tell.
        while let Ok(true) = samples.next() {
            let h = rearrange(&samples.h, plan);
            match &mut rewritten {
                Some(chunk) => chunk.write(samples.t, &h),
                None => rewritten = Some(Self::with_header(ResetHeader::of(bytes.bytes()), samples.t, &h)),
            }
        }
        if let Some(rewritten) = rewritten {
            *self = rewritten;
        }
    }

    /// Writes a sample whose buckets are those of the chunk.
    fn write(&mut self, t: i64, h: &Histogram) {
        let samples = self.num_samples();
        let stale = is_stale_nan(h.sum).then(|| Histogram { sum: h.sum, ..Default::default() });
        let h = stale.as_ref().unwrap_or(h);
        if samples == 0 {
            self.write_first(t, h);
        } else {
            self.write_next(t, h);
        }
        self.t = t;
        self.last.count = h.count;
        self.last.zero_count = h.zero_count;
        self.last.sum = h.sum;
        self.last.counter_reset = h.counter_reset;
        super::set_num_samples(self.bits.bytes_mut(), samples.wrapping_add(1));
    }

    fn write_first(&mut self, t: i64, h: &Histogram) {
        let bits = &mut self.bits;
        write_layout(bits, h.schema, h.zero_threshold, [&h.positive_spans, &h.negative_spans], &h.custom_values);
        bits.write_varbit_int(t);
        bits.write_varbit_uint(h.count);
        bits.write_varbit_uint(h.zero_count);
        bits.write_bits(h.sum.to_bits(), 64);
        for bucket in h.positive_buckets.iter().chain(&h.negative_buckets) {
            bits.write_varbit_int(*bucket);
        }
        self.last = h.clone();
        self.positive_deltas = vec![0; h.positive_buckets.len()];
        self.negative_deltas = vec![0; h.negative_buckets.len()];
    }

    fn write_next(&mut self, t: i64, h: &Histogram) {
        let bits = &mut self.bits;
        let t_delta = t.wrapping_sub(self.t);
        let count_delta = h.count.wrapping_sub(self.last.count) as i64;
        let zero_count_delta = h.zero_count.wrapping_sub(self.last.zero_count) as i64;
        bits.write_varbit_int(t_delta.wrapping_sub(self.t_delta));
        if is_stale_nan(h.sum) {
            bits.write_bits(0, 2);
        } else {
            bits.write_varbit_int(count_delta.wrapping_sub(self.count_delta));
            bits.write_varbit_int(zero_count_delta.wrapping_sub(self.zero_count_delta));
        }
        bits.write_xor(h.sum, self.last.sum, &mut self.window);
        for (now, (before, before_delta)) in [
            (&h.positive_buckets, (&mut self.last.positive_buckets, &mut self.positive_deltas)),
            (&h.negative_buckets, (&mut self.last.negative_buckets, &mut self.negative_deltas)),
        ] {
            for ((now, before), before_delta) in now.iter().zip(before).zip(before_delta) {
                let delta = now.wrapping_sub(*before);
                bits.write_varbit_int(delta.wrapping_sub(*before_delta));
                *before_delta = delta;
                *before = *now;
            }
        }
        self.t_delta = t_delta;
        self.count_delta = count_delta;
        self.zero_count_delta = zero_count_delta;
    }
}

/// Counts from deltas between buckets.
fn absolute(deltas: &[i64]) -> Vec<i64> {
    let mut count = 0i64;
    deltas
        .iter()
        .map(|delta| {
            count = count.wrapping_add(*delta);
            count
        })
        .collect()
}

/// The histogram with more buckets.
fn rearrange(h: &Histogram, plan: &Rearrangement) -> Histogram {
    let side = |spans: &[Span], deltas: &[i64], to: &[Span]| {
        let mut before = 0i64;
        let mut buckets = spread((spans, &absolute(deltas)), to);
        for bucket in &mut buckets {
            *bucket = bucket.wrapping_sub(std::mem::replace(&mut before, *bucket));
        }
        buckets
    };
    Histogram {
        positive_buckets: side(&h.positive_spans, &h.positive_buckets, &plan.positive_spans),
        negative_buckets: side(&h.negative_spans, &h.negative_buckets, &plan.negative_spans),
        positive_spans: plan.positive_spans.clone(),
        negative_spans: plan.negative_spans.clone(),
        custom_values: h.custom_values.clone(),
        ..*h
    }
}

/// Appends the samples with `mint <= t <= maxt` (milliseconds) of an encoded chunk to `out`.
///
/// # Errors
/// [`TsdbError::Corrupt`] when the bytes are no such chunk; `out` then holds the samples before.
pub fn decode(bytes: &[u8], mint: i64, maxt: i64, out: &mut Samples) -> Result<(), TsdbError> {
    let mut samples = Decoder::new(bytes);
    while samples.next()? && samples.t <= maxt {
        if samples.t < mint {
            continue;
        }
        let mut h = samples.h.to_float();
        if is_stale_nan(h.sum) {
            h = neocortex_model::histogram::FloatHistogram { sum: h.sum, ..Default::default() };
        }
        if h.schema != CUSTOM_BUCKETS_SCHEMA {
            h.reduce_resolution(MAX_EXPONENTIAL_SCHEMA);
        }
        out.push_histogram(samples.t, Arc::new(h));
    }
    Ok(())
}

/// Calls `each` with time and histogram of every sample of an encoded chunk, with integer buckets as they were appended; of a
/// stale one with the sum alone.
///
/// # Errors
/// [`TsdbError::Corrupt`] when the bytes are no such chunk.
pub(crate) fn decode_each(bytes: &[u8], mut each: impl FnMut(i64, Histogram)) -> Result<(), TsdbError> {
    let mut samples = Decoder::new(bytes);
    while samples.next()? {
        let h = &samples.h;
        let stale = is_stale_nan(h.sum);
        each(samples.t, if stale { Histogram { sum: h.sum, ..Default::default() } } else { h.clone() });
    }
    Ok(())
}

/// Reads a chunk sample by sample.
struct Decoder<'a> {
    bits: BitReader<'a>,
    size: usize,
    header: ResetHeader,
    samples: u16,
    read: u16,
    t: i64,
    t_delta: i64,
    /// The sample just read; of a stale one the buckets are those before it.
    h: Histogram,
    count_delta: i64,
    zero_count_delta: i64,
    positive_deltas: Vec<i64>,
    negative_deltas: Vec<i64>,
    window: Window,
}

impl<'a> Decoder<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self {
            bits: BitReader::new(bytes.get(HEADER_BYTES..).unwrap_or_default()),
            size: bytes.len(),
            header: ResetHeader::of(bytes),
            samples: super::num_samples(bytes),
            read: 0,
            t: 0,
            t_delta: 0,
            h: Histogram::default(),
            count_delta: 0,
            zero_count_delta: 0,
            positive_deltas: Vec::new(),
            negative_deltas: Vec::new(),
            window: Window::WHOLE,
        }
    }

    /// Reads a sample. False at the end.
    fn next(&mut self) -> Result<bool, TsdbError> {
        if self.size < HEADER_BYTES {
            return Err(TsdbError::corrupt_bytes(self.size, "histogram chunk without a header"));
        }
        if self.read == self.samples {
            return Ok(false);
        }
        let read = if self.read == 0 { self.read_first() } else { self.read_next() };
        let what = match read {
            Ok(()) if !self.bits.overrun() => {
                self.h.counter_reset = self.header.hint(self.read);
                self.read += 1;
                return Ok(true);
            }
            Ok(()) => "it ends early",
            Err(what) => what,
        };
        let (read, samples) = (self.read, self.samples);
        Err(TsdbError::corrupt_bytes(self.size, format_args!("histogram chunk, sample {read} of {samples}: {what}")))
    }

    fn read_first(&mut self) -> Result<(), &'static str> {
        let bits = &mut self.bits;
        let layout = Layout::read(bits, 1)?;
        self.t = bits.read_varbit_int();
        self.h = Histogram {
            schema: layout.schema,
            zero_threshold: layout.zero_threshold,
            count: bits.read_varbit_uint(),
            zero_count: bits.read_varbit_uint(),
            sum: f64::from_bits(bits.read_bits(64)),
            positive_buckets: (0..layout.positive_buckets).map(|_| bits.read_varbit_int()).collect(),
            negative_buckets: (0..layout.negative_buckets).map(|_| bits.read_varbit_int()).collect(),
            positive_spans: layout.positive_spans,
            negative_spans: layout.negative_spans,
            custom_values: layout.custom_values,
            counter_reset: CounterReset::Unknown,
        };
        self.positive_deltas = vec![0; layout.positive_buckets];
        self.negative_deltas = vec![0; layout.negative_buckets];
        Ok(())
    }

    fn read_next(&mut self) -> Result<(), &'static str> {
        let (bits, h) = (&mut self.bits, &mut self.h);
        let mut step = |delta: &mut i64| {
            *delta = delta.wrapping_add(bits.read_varbit_int());
            *delta
        };
        self.t = self.t.wrapping_add(step(&mut self.t_delta));
        h.count = h.count.wrapping_add_signed(step(&mut self.count_delta));
        h.zero_count = h.zero_count.wrapping_add_signed(step(&mut self.zero_count_delta));
        let sum = self.bits.read_xor(h.sum.to_bits(), &mut self.window).ok_or("bad sum")?;
        h.sum = f64::from_bits(sum);
        if is_stale_nan(h.sum) {
            return Ok(());
        }
        let positive = h.positive_buckets.iter_mut().zip(&mut self.positive_deltas);
        let negative = h.negative_buckets.iter_mut().zip(&mut self.negative_deltas);
        for (bucket, delta) in positive.chain(negative) {
            *delta = delta.wrapping_add(self.bits.read_varbit_int());
            *bucket = bucket.wrapping_add(*delta);
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "histogram_tests.rs"]
mod tests;
