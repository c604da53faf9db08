//! The chunk of a series that is being filled.

use crate::chunk::Encoding;
use crate::chunk::xor::XorChunk;

use super::series::Last;

/// The chunk of a series that is being filled, of any encoding.
pub(super) enum OpenChunk {
    /// The series has no samples yet.
    None,
    /// Floats.
    Xor(XorChunk),
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
            Self::Xor(chunk) if chunk.num_samples() == 0 => Last::None,
            Self::Xor(chunk) => Last::Float(chunk.max_time(), chunk.last_value()),
        }
    }

    /// Encoding and bytes, `None` without samples.
    pub(super) fn encoded(&self) -> Option<(Encoding, &[u8])> {
        match self {
            Self::None => None,
            Self::Xor(chunk) => Some((Encoding::Xor, chunk.bytes())),
        }
    }

    /// Appends a float to a chunk of floats.
    pub(super) fn append_float(&mut self, t: i64, v: f64) {
        if let Self::Xor(chunk) = self {
            chunk.append(t, v);
        }
    }

    /// Heap bytes held.
    pub(super) fn heap_bytes(&self) -> usize {
        match self {
            Self::None => 0,
            Self::Xor(chunk) => chunk.heap_bytes(),
        }
    }
}
