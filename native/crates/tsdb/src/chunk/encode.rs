//! From samples of any kind to chunks, and back.

use std::sync::Arc;

use neocortex_model::sample::{HistogramValue, Samples};

use super::open::OpenChunk;
use super::{EncodedChunk, Encoding, float_histogram, histogram, num_samples, xor};
use crate::error::TsdbError;
use crate::merge::forget_reset;

/// The value of a sample.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Float(f64),
    Histogram(Arc<HistogramValue>),
}

/// A sample on its way into a chunk.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sample {
    pub(crate) t: i64,
    pub(crate) value: Value,
}

/// Makes chunks of samples that ascend in time. A chunk has samples of one kind and of one range.
pub(crate) struct Encoder {
    range_ms: i64,
    /// Samples that a chunk gets at most.
    most: u16,
    open: OpenChunk,
    first_t: i64,
    last_t: i64,
    samples: u16,
    chunks: Vec<EncodedChunk>,
}

impl Encoder {
    pub(crate) fn new(range_ms: i64, most: u16) -> Self {
        Self { range_ms, most, open: OpenChunk::None, first_t: 0, last_t: 0, samples: 0, chunks: Vec::new() }
    }

    /// Appends a sample newer than all before.
    pub(crate) fn push(&mut self, sample: &Sample) {
        let t = sample.t;
        let must_cut = self.samples == self.most || self.range_of(t) != self.range_of(self.first_t);
        let next = match &sample.value {
            Value::Float(v) if !must_cut && matches!(self.open, OpenChunk::Xor(_)) => {
                self.open.append_float(t, *v);
                None
            }
            Value::Float(v) => {
                let mut next = OpenChunk::xor();
                next.append_float(t, *v);
                Some(next)
            }
            Value::Histogram(h) if must_cut => Some(self.open.begin_histogram(t, h)),
            Value::Histogram(h) => self.open.append_histogram(t, h),
        };
        if let Some(next) = next {
            self.cut();
            (self.open, self.first_t, self.samples) = (next, t, 0);
        }
        self.last_t = t;
        self.samples += 1;
    }

    /// The chunks, in the order of time.
    pub(crate) fn finish(mut self) -> Vec<EncodedChunk> {
        self.cut();
        self.chunks
    }

    fn cut(&mut self) {
        if let Some((encoding, bytes)) = self.open.encoded() {
            self.chunks.push(EncodedChunk { min_t: self.first_t, max_t: self.last_t, encoding, bytes: bytes.into() });
        }
    }

    fn range_of(&self, t: i64) -> i64 {
        t.div_euclid(self.range_ms)
    }
}

/// The samples of a chunk, histograms as they were appended. What is said of counter resets holds only where the chunk
/// stays as it is, so it is left out.
pub(crate) fn decode(encoding: Encoding, bytes: &[u8]) -> Result<Vec<Sample>, TsdbError> {
    let mut samples = Vec::with_capacity(usize::from(num_samples(bytes)));
    let of_histogram = |t: i64, h: HistogramValue| Sample { t, value: Value::Histogram(Arc::new(h)) };
    match encoding {
        Encoding::Xor => {
            let mut floats = Samples::default();
            xor::decode(bytes, i64::MIN, i64::MAX, &mut floats)?;
            samples.extend(floats.t.iter().zip(&floats.v).map(|(t, v)| Sample { t: *t, value: Value::Float(*v) }));
        }
        Encoding::Histogram => histogram::decode_each(bytes, |t, mut h| {
            forget_reset(&mut h.counter_reset);
            samples.push(of_histogram(t, HistogramValue::Integer(h)));
        })?,
        Encoding::FloatHistogram => float_histogram::decode_each(bytes, |t, mut h| {
            forget_reset(&mut h.counter_reset);
            samples.push(of_histogram(t, HistogramValue::Float(h)));
        })?,
    }
    Ok(samples)
}
