//! Chunks of histograms with float buckets. The bytes are described in the
//! [crate documentation](crate#float-histogram-chunk).
//!
//! Source: Prometheus `tsdb/chunkenc/float_histogram.go`.

use std::sync::Arc;

use neocortex_model::histogram::{CUSTOM_BUCKETS_SCHEMA, CounterReset, FloatHistogram, MAX_EXPONENTIAL_SCHEMA};
use neocortex_model::sample::{Samples, is_stale_nan};

use super::bits::{BitReader, BitWriter, Window};
use super::layout::{
    Fit, HEADER_BYTES, Layout, Rearrangement, ResetHeader, fit_counter, fit_gauge, spread, write_layout,
};
use crate::error::TsdbError;

/// A chunk that is being filled: the encoder's state and its bytes, which are complete after every sample. It has one
/// sample at least.
#[derive(Clone, Debug)]
pub struct FloatHistogramChunk {
    bits: BitWriter,
    t: i64,
    t_delta: i64,
    /// The newest sample in the chunk's layout; of a stale one only the sum, with the layout and buckets before it.
    last: FloatHistogram,
    windows: Windows,
}

/// Where the differing bits of each value of a sample last lay.
#[derive(Clone, Debug)]
struct Windows {
    count: Window,
    zero_count: Window,
    sum: Window,
    /// Positive buckets, then negative ones.
    buckets: Vec<Window>,
}

impl Windows {
    fn all(window: Window, buckets: usize) -> Self {
        Self { count: window, zero_count: window, sum: window, buckets: vec![window; buckets] }
    }
}

impl FloatHistogramChunk {
    /// A chunk that begins with a sample. `previous` is the chunk of the series before, if there is one of this kind:
    /// the header tells whether the counter was reset between them. The histogram is valid.
    #[must_use]
    pub fn begin(previous: Option<&Self>, t: i64, h: &FloatHistogram) -> Self {
        let header = match (h.counter_reset, previous) {
            (CounterReset::Gauge, _) => ResetHeader::Gauge,
            (CounterReset::Reset, _) => ResetHeader::Reset,
            (_, Some(previous)) => match previous.fit_counter(h) {
                Err(ResetHeader::Reset) => ResetHeader::Reset,
                _ => ResetHeader::NotReset,
            },
            (_, None) => ResetHeader::Unknown,
        };
        Self::with_header(header, t, h)
    }

    fn with_header(header: ResetHeader, t: i64, h: &FloatHistogram) -> Self {
        let mut chunk = Self {
            bits: BitWriter::after(&[0; HEADER_BYTES]),
            t: i64::MIN,
            t_delta: 0,
            last: FloatHistogram::default(),
            windows: Windows::all(Window::UNSET, 0),
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
    pub fn last(&self) -> &FloatHistogram {
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
        let values = spans + buckets + self.last.custom_values.capacity();
        self.bits.heap_bytes() + 8 * values + size_of::<Window>() * self.windows.buckets.capacity()
    }

    /// Appends a valid histogram; times ascend, and a chunk takes 65535 samples, which is for the caller to see to.
    /// New buckets make the chunk be written anew. `Some` is the next chunk, begun with this sample, when it cannot
    /// be in this one: another schema, zero threshold or custom bounds, a counter reset, a gauge among counters or a
    /// counter among gauges, a sample after a stale one.
    #[must_use = "the sample may have begun another chunk"]
    pub fn append(&mut self, t: i64, h: &FloatHistogram) -> Option<Self> {
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
    fn fit_counter(&self, h: &FloatHistogram) -> Result<[Fit; 2], ResetHeader> {
        let last = &self.last;
        if self.reset_header() == ResetHeader::Gauge {
            return Err(ResetHeader::Unknown);
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
        Ok([
            fit_counter((&last.positive_spans, &last.positive_buckets), (&h.positive_spans, &h.positive_buckets))
                .ok_or(ResetHeader::Reset)?,
            fit_counter((&last.negative_spans, &last.negative_buckets), (&h.negative_spans, &h.negative_buckets))
                .ok_or(ResetHeader::Reset)?,
        ])
    }

    fn fit_gauge(&self, h: &FloatHistogram) -> Result<[Fit; 2], ResetHeader> {
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
    fn write(&mut self, t: i64, h: &FloatHistogram) {
        let samples = self.num_samples();
        let stale = is_stale_nan(h.sum).then(|| FloatHistogram { sum: h.sum, ..Default::default() });
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

    fn write_first(&mut self, t: i64, h: &FloatHistogram) {
        let bits = &mut self.bits;
        write_layout(bits, h.schema, h.zero_threshold, [&h.positive_spans, &h.negative_spans], &h.custom_values);
        bits.write_varbit_int(t);
        for value in [h.count, h.zero_count, h.sum].iter().chain(&h.positive_buckets).chain(&h.negative_buckets) {
            bits.write_bits(value.to_bits(), 64);
        }
        self.last = h.clone();
        self.windows = Windows::all(Window::UNSET, h.positive_buckets.len() + h.negative_buckets.len());
    }

    fn write_next(&mut self, t: i64, h: &FloatHistogram) {
        let (bits, last, windows) = (&mut self.bits, &mut self.last, &mut self.windows);
        let t_delta = t.wrapping_sub(self.t);
        bits.write_varbit_int(t_delta.wrapping_sub(self.t_delta));
        self.t_delta = t_delta;
        bits.write_xor(h.count, last.count, &mut windows.count);
        bits.write_xor(h.zero_count, last.zero_count, &mut windows.zero_count);
        bits.write_xor(h.sum, last.sum, &mut windows.sum);
        if is_stale_nan(h.sum) {
            return;
        }
        let before = last.positive_buckets.iter_mut().chain(&mut last.negative_buckets);
        let now = h.positive_buckets.iter().chain(&h.negative_buckets);
        for ((now, before), window) in now.zip(before).zip(&mut windows.buckets) {
            bits.write_xor(*now, *before, window);
            *before = *now;
        }
    }
}

/// The histogram with more buckets.
fn rearrange(h: &FloatHistogram, plan: &Rearrangement) -> FloatHistogram {
    FloatHistogram {
        positive_buckets: spread((&h.positive_spans, &h.positive_buckets), &plan.positive_spans),
        negative_buckets: spread((&h.negative_spans, &h.negative_buckets), &plan.negative_spans),
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
        let mut h = samples.h.clone();
        if is_stale_nan(h.sum) {
            h = FloatHistogram { sum: h.sum, ..Default::default() };
        }
        if h.schema != CUSTOM_BUCKETS_SCHEMA {
            h.reduce_resolution(MAX_EXPONENTIAL_SCHEMA);
        }
        out.push_histogram(samples.t, Arc::new(h));
    }
    Ok(())
}

/// Calls `each` with time and histogram of every sample of an encoded chunk; of a stale one with the sum alone.
///
/// # Errors
/// [`TsdbError::Corrupt`] when the bytes are no such chunk.
pub(crate) fn decode_each(bytes: &[u8], mut each: impl FnMut(i64, FloatHistogram)) -> Result<(), TsdbError> {
    let mut samples = Decoder::new(bytes);
    while samples.next()? {
        let h = &samples.h;
        let stale = is_stale_nan(h.sum);
        each(samples.t, if stale { FloatHistogram { sum: h.sum, ..Default::default() } } else { h.clone() });
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
    h: FloatHistogram,
    windows: Windows,
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
            h: FloatHistogram::default(),
            windows: Windows::all(Window::WHOLE, 0),
        }
    }

    /// Reads a sample. False at the end.
    fn next(&mut self) -> Result<bool, TsdbError> {
        if self.size < HEADER_BYTES {
            return Err(TsdbError::corrupt_bytes(self.size, "float histogram chunk without a header"));
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
        Err(TsdbError::corrupt_bytes(
            self.size,
            format_args!("float histogram chunk, sample {read} of {samples}: {what}"),
        ))
    }

    fn read_first(&mut self) -> Result<(), &'static str> {
        let bits = &mut self.bits;
        let layout = Layout::read(bits, 64)?;
        self.t = bits.read_varbit_int();
        let mut float = || f64::from_bits(bits.read_bits(64));
        self.h = FloatHistogram {
            schema: layout.schema,
            zero_threshold: layout.zero_threshold,
            count: float(),
            zero_count: float(),
            sum: float(),
            positive_buckets: (0..layout.positive_buckets).map(|_| float()).collect(),
            negative_buckets: (0..layout.negative_buckets).map(|_| float()).collect(),
            positive_spans: layout.positive_spans,
            negative_spans: layout.negative_spans,
            custom_values: layout.custom_values,
            counter_reset: CounterReset::Unknown,
        };
        self.windows = Windows::all(Window::WHOLE, layout.positive_buckets + layout.negative_buckets);
        Ok(())
    }

    fn read_next(&mut self) -> Result<(), &'static str> {
        let (bits, h, windows) = (&mut self.bits, &mut self.h, &mut self.windows);
        self.t_delta = self.t_delta.wrapping_add(bits.read_varbit_int());
        self.t = self.t.wrapping_add(self.t_delta);
        let mut step = |value: &mut f64, window: &mut Window| {
            *value = f64::from_bits(bits.read_xor(value.to_bits(), window).ok_or("bad value")?);
            Ok(())
        };
        step(&mut h.count, &mut windows.count)?;
        step(&mut h.zero_count, &mut windows.zero_count)?;
        step(&mut h.sum, &mut windows.sum)?;
        if is_stale_nan(h.sum) {
            return Ok(());
        }
        let buckets = h.positive_buckets.iter_mut().chain(&mut h.negative_buckets);
        buckets.zip(&mut windows.buckets).try_for_each(|(value, window)| step(value, window))
    }
}

#[cfg(test)]
#[path = "float_histogram_tests.rs"]
mod tests;
