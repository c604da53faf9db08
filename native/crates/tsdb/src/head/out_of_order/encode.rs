//! From samples to chunks.

use std::sync::Arc;

use neocortex_model::sample::{HistogramValue, Samples};

use super::super::open::OpenChunk;
use super::chunk::{FullChunk, Sample, Value};
use crate::chunk::{self, Encoding};
use crate::error::TsdbError;
use crate::merge::forget_reset;

/// Makes chunks of samples that ascend in time. A chunk has samples of one kind and of one range.
pub(super) struct Encoder {
    range_ms: i64,
    /// Samples that a chunk gets at most.
    most: u16,
    open: OpenChunk,
    first_t: i64,
    last_t: i64,
    samples: u16,
    chunks: Vec<FullChunk>,
}

impl Encoder {
    pub(super) fn new(range_ms: i64, most: u16) -> Self {
        Self { range_ms, most, open: OpenChunk::None, first_t: 0, last_t: 0, samples: 0, chunks: Vec::new() }
    }

    /// Appends a sample newer than all before.
    pub(super) fn push(&mut self, sample: &Sample) {
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
    pub(super) fn finish(mut self) -> Vec<FullChunk> {
        self.cut();
        self.chunks
    }

    fn cut(&mut self) {
        if let Some((encoding, bytes)) = self.open.encoded() {
            self.chunks.push(FullChunk { min_t: self.first_t, max_t: self.last_t, encoding, bytes: Arc::from(bytes) });
        }
    }

    fn range_of(&self, t: i64) -> i64 {
        t.div_euclid(self.range_ms)
    }
}

/// The samples of a chunk, histograms as they were appended. What is said of counter resets holds only where the chunk
/// stays as it is, so it is left out.
pub(super) fn decode(chunk: &FullChunk) -> Result<Vec<Sample>, TsdbError> {
    let mut samples = Vec::with_capacity(usize::from(chunk::num_samples(&chunk.bytes)));
    let histogram = |t: i64, h: HistogramValue| Sample { t, value: Value::Histogram(Arc::new(h)) };
    match chunk.encoding {
        Encoding::Xor => {
            let mut floats = Samples::default();
            chunk::xor::decode(&chunk.bytes, i64::MIN, i64::MAX, &mut floats)?;
            samples.extend(floats.t.iter().zip(&floats.v).map(|(t, v)| Sample { t: *t, value: Value::Float(*v) }));
        }
        Encoding::Histogram => chunk::histogram::decode_each(&chunk.bytes, |t, mut h| {
            forget_reset(&mut h.counter_reset);
            samples.push(histogram(t, HistogramValue::Integer(h)));
        })?,
        Encoding::FloatHistogram => chunk::float_histogram::decode_each(&chunk.bytes, |t, mut h| {
            forget_reset(&mut h.counter_reset);
            samples.push(histogram(t, HistogramValue::Float(h)));
        })?,
    }
    Ok(samples)
}
