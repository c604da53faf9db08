//! A chunk that is being filled.

use neocortex_model::histogram::{FloatHistogram, Histogram};
use neocortex_model::sample::HistogramValue;

use super::Encoding;
use super::float_histogram::FloatHistogramChunk;
use super::histogram::HistogramChunk;
use super::xor::XorChunk;

/// The newest sample of a series, as far as an append must know it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Last<'a> {
    None,
    Float(i64, f64),
    Histogram(i64, &'a Histogram),
    FloatHistogram(i64, &'a FloatHistogram),
    /// In a full chunk, so that only its time is at hand: the log was cut off where it went on, but a chunk file was not.
    Closed(i64),
}

impl Last<'_> {
    /// Its time, `None` for a series without samples.
    pub(crate) fn t(self) -> Option<i64> {
        match self {
            Self::None => None,
            Self::Float(t, _) | Self::Histogram(t, _) | Self::FloatHistogram(t, _) | Self::Closed(t) => Some(t),
        }
    }
}

/// A chunk that is being filled, of any encoding.
pub(crate) enum OpenChunk {
    /// There are no samples yet.
    None,
    /// Floats.
    Xor(XorChunk),
    /// Native histograms; large and rare, hence not in the series' own record.
    Histogram(Box<Histograms>),
}

/// A chunk of native histograms.
pub(crate) struct Histograms {
    chunk: HistogramKind,
    /// The end of the chunk was predicted already.
    predicted: bool,
}

enum HistogramKind {
    Integer(HistogramChunk),
    Float(FloatHistogramChunk),
}

/// How full a chunk of histograms is.
pub(crate) struct HistogramFill<'a> {
    pub(crate) samples: u16,
    pub(crate) bytes: usize,
    /// The end of the chunk was predicted already.
    pub(crate) predicted: &'a mut bool,
}

impl OpenChunk {
    /// An empty chunk for floats.
    pub(crate) fn xor() -> Self {
        Self::Xor(XorChunk::new())
    }

    pub(crate) fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// The newest sample.
    pub(crate) fn last(&self) -> Last<'_> {
        match self {
            Self::None => Last::None,
            Self::Xor(chunk) if chunk.is_empty() => Last::None,
            Self::Xor(chunk) => Last::Float(chunk.max_time(), chunk.last_value()),
            Self::Histogram(histograms) => match &histograms.chunk {
                HistogramKind::Integer(chunk) => Last::Histogram(chunk.max_time(), chunk.last()),
                HistogramKind::Float(chunk) => Last::FloatHistogram(chunk.max_time(), chunk.last()),
            },
        }
    }

    /// Encoding and bytes, `None` without samples.
    pub(crate) fn encoded(&self) -> Option<(Encoding, &[u8])> {
        match self {
            Self::None => None,
            Self::Xor(chunk) => Some((Encoding::Xor, chunk.bytes())),
            Self::Histogram(histograms) => Some(match &histograms.chunk {
                HistogramKind::Integer(chunk) => (Encoding::Histogram, chunk.bytes()),
                HistogramKind::Float(chunk) => (Encoding::FloatHistogram, chunk.bytes()),
            }),
        }
    }

    /// Appends a float to a chunk of floats.
    pub(crate) fn append_float(&mut self, t: i64, v: f64) {
        debug_assert!(matches!(self, Self::Xor(_)));
        if let Self::Xor(chunk) = self {
            chunk.append(t, v);
        }
    }

    /// A chunk that begins with a histogram; its header says whether a counter was reset since this chunk.
    pub(crate) fn begin_histogram(&self, t: i64, value: &HistogramValue) -> Self {
        let before = match self {
            Self::Histogram(histograms) => Some(&histograms.chunk),
            _ => None,
        };
        let chunk = match (value, before) {
            (HistogramValue::Integer(h), Some(HistogramKind::Integer(before))) => {
                HistogramKind::Integer(HistogramChunk::begin(Some(before), t, h))
            }
            (HistogramValue::Integer(h), _) => HistogramKind::Integer(HistogramChunk::begin(None, t, h)),
            (HistogramValue::Float(h), Some(HistogramKind::Float(before))) => {
                HistogramKind::Float(FloatHistogramChunk::begin(Some(before), t, h))
            }
            (HistogramValue::Float(h), _) => HistogramKind::Float(FloatHistogramChunk::begin(None, t, h)),
        };
        Self::of_histograms(chunk)
    }

    /// Appends a histogram to a chunk of its kind; gives the next chunk, begun with it, when it does not fit this one.
    pub(crate) fn append_histogram(&mut self, t: i64, value: &HistogramValue) -> Option<Self> {
        let Self::Histogram(histograms) = self else { return Some(self.begin_histogram(t, value)) };
        let next = match (&mut histograms.chunk, value) {
            (HistogramKind::Integer(chunk), HistogramValue::Integer(h)) => {
                chunk.append(t, h).map(HistogramKind::Integer)
            }
            (HistogramKind::Float(chunk), HistogramValue::Float(h)) => chunk.append(t, h).map(HistogramKind::Float),
            _ => return Some(self.begin_histogram(t, value)),
        };
        next.map(Self::of_histograms)
    }

    /// How full the chunk is; `None` when it does not take histograms of this kind.
    pub(crate) fn histogram_fill(&mut self, value: &HistogramValue) -> Option<HistogramFill<'_>> {
        let Self::Histogram(histograms) = self else { return None };
        let (samples, bytes) = match (&histograms.chunk, value) {
            (HistogramKind::Integer(chunk), HistogramValue::Integer(_)) => (chunk.num_samples(), chunk.bytes().len()),
            (HistogramKind::Float(chunk), HistogramValue::Float(_)) => (chunk.num_samples(), chunk.bytes().len()),
            _ => return None,
        };
        Some(HistogramFill { samples, bytes, predicted: &mut histograms.predicted })
    }

    /// Heap bytes held.
    pub(crate) fn heap_bytes(&self) -> usize {
        match self {
            Self::None => 0,
            Self::Xor(chunk) => chunk.heap_bytes(),
            Self::Histogram(histograms) => {
                size_of::<Histograms>()
                    + match &histograms.chunk {
                        HistogramKind::Integer(chunk) => chunk.heap_bytes(),
                        HistogramKind::Float(chunk) => chunk.heap_bytes(),
                    }
            }
        }
    }

    fn of_histograms(chunk: HistogramKind) -> Self {
        Self::Histogram(Box::new(Histograms { chunk, predicted: false }))
    }
}
