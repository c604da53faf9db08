//! Encoded chunks, as files have them.

use neocortex_model::sample::Samples;
use neocortex_tsdb::chunk::{Encoding, decode_any};

/// A chunk of floats.
pub fn xor(bytes: &[u8]) {
    decode(Encoding::Xor, bytes);
}

/// A chunk of histograms.
pub fn histogram(bytes: &[u8]) {
    decode(Encoding::Histogram, bytes);
}

/// A chunk of float histograms.
pub fn float_histogram(bytes: &[u8]) {
    decode(Encoding::FloatHistogram, bytes);
}

fn decode(encoding: Encoding, bytes: &[u8]) {
    let _ = decode_any(encoding, bytes, i64::MIN, i64::MAX, &mut Samples::default());
}
