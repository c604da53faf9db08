//! The chunk of a series that is being filled.

use neocortex_model::sample::HistogramValue;

use super::series::Last;
use crate::chunk::Encoding;
use crate::chunk::float_histogram::FloatHistogramChunk;
use crate::chunk::histogram::HistogramChunk;
use crate::chunk::xor::XorChunk;

/// The chunk of a series that is being filled, of any encoding.
pub(super) enum OpenChunk {
    /// The series has no samples yet.
    None,
    /// Floats.
    Xor(XorChunk),
    /// Native histograms; large and rare, hence not in the series' own record.
    Histogram(Box<Histograms>),
}

/// A chunk of native histograms.
pub(super) struct Histograms {
    chunk: HistogramKind,
    /// The end of the chunk was predicted already.
    predicted: bool,
}

enum HistogramKind {
    Integer(HistogramChunk),
    Float(FloatHistogramChunk),
}

/// How full a chunk of histograms is.
pub(super) struct HistogramFill<'a> {
    pub(super) samples: u16,
    pub(super) bytes: usize,
    /// The end of the chunk was predicted already.
    pub(super) predicted: &'a mut bool,
}

impl OpenChunk {
    /// An empty chunk for floats.
    pub(super) fn xor() -> Self {
        Self::Xor(XorChunk::new())
    }

    pub(super) fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// The newest sample.
    pub(super) fn last(&self) -> Last<'_> {
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
    pub(super) fn encoded(&self) -> Option<(Encoding, &[u8])> {
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
    pub(super) fn append_float(&mut self, t: i64, v: f64) {
        debug_assert!(matches!(self, Self::Xor(_)));
        if let Self::Xor(chunk) = self {
            chunk.append(t, v);
        }
    }

    /// A chunk that begins with a histogram; its header says whether a counter was reset since this chunk.
    pub(super) fn begin_histogram(&self, t: i64, value: &HistogramValue) -> Self {
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
    pub(super) fn append_histogram(&mut self, t: i64, value: &HistogramValue) -> Option<Self> {
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
    pub(super) fn histogram_fill(&mut self, value: &HistogramValue) -> Option<HistogramFill<'_>> {
        let Self::Histogram(histograms) = self else { return None };
        let (samples, bytes) = match (&histograms.chunk, value) {
            (HistogramKind::Integer(chunk), HistogramValue::Integer(_)) => (chunk.num_samples(), chunk.bytes().len()),
            (HistogramKind::Float(chunk), HistogramValue::Float(_)) => (chunk.num_samples(), chunk.bytes().len()),
            _ => return None,
        };
        Some(HistogramFill { samples, bytes, predicted: &mut histograms.predicted })
    }

    /// Heap bytes held.
    pub(super) fn heap_bytes(&self) -> usize {
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
