//! Chunks of samples in Prometheus's encodings.

mod bits;
pub(crate) mod encode;
mod fetched;
pub mod float_histogram;
pub mod histogram;
mod layout;
pub(crate) mod open;
pub mod xor;

pub(crate) use fetched::fetched;
pub use layout::ResetHeader;

use neocortex_model::sample::Samples;

use crate::error::TsdbError;

/// How a chunk is encoded; the numbers are those of the chunk files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Encoding {
    /// Floats, see [`xor`].
    Xor = 1,
    /// Histograms with integer buckets, see [`histogram`].
    Histogram = 2,
    /// Histograms with float buckets, see [`float_histogram`].
    FloatHistogram = 3,
}

/// A full chunk and the time that it covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedChunk {
    /// Time of its first sample, in milliseconds.
    pub min_t: i64,
    /// Time of its last sample, in milliseconds.
    pub max_t: i64,
    /// How it is encoded.
    pub encoding: Encoding,
    /// The encoded chunk.
    pub bytes: Box<[u8]>,
}

impl Encoding {
    /// The encoding with this number; start-time encodings (4 to 6) are not known.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Xor),
            2 => Some(Self::Histogram),
            3 => Some(Self::FloatHistogram),
            _ => None,
        }
    }
}

/// Appends the samples with `mint <= t <= maxt` of an encoded chunk to `out`, ascending.
///
/// # Errors
/// [`TsdbError::Corrupt`] when the bytes are not a chunk of that encoding.
pub fn decode_any(encoding: Encoding, bytes: &[u8], mint: i64, maxt: i64, out: &mut Samples) -> Result<(), TsdbError> {
    match encoding {
        Encoding::Xor => xor::decode(bytes, mint, maxt, out),
        Encoding::Histogram => histogram::decode(bytes, mint, maxt, out),
        Encoding::FloatHistogram => float_histogram::decode(bytes, mint, maxt, out),
    }
}

/// The number of samples, which every chunk begins with. Of bytes that are no chunk, 0.
pub(crate) fn num_samples(chunk: &[u8]) -> u16 {
    chunk.first_chunk::<2>().map_or(0, |count| u16::from_be_bytes(*count))
}

fn set_num_samples(chunk: &mut [u8], samples: u16) {
    if let Some(count) = chunk.first_chunk_mut::<2>() {
        *count = samples.to_be_bytes();
    }
}
