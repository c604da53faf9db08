//! Chunks of samples in Prometheus's encodings.

mod bits;
pub mod xor;

use neocortex_model::sample::Samples;

use crate::error::TsdbError;

/// How a chunk is encoded; the numbers are those of the chunk files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Encoding {
    /// Floats, see [`xor`].
    Xor = 1,
}

/// Appends the samples with `mint <= t <= maxt` of an encoded chunk to `out`, ascending.
///
/// # Errors
/// [`TsdbError::Corrupt`] when the bytes are not a chunk of that encoding.
pub fn decode_any(encoding: Encoding, bytes: &[u8], mint: i64, maxt: i64, out: &mut Samples) -> Result<(), TsdbError> {
    match encoding {
        Encoding::Xor => xor::decode(bytes, mint, maxt, out),
    }
}
