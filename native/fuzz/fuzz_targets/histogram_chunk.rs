//! A chunk of histograms.
#![no_main]

use libfuzzer_sys::fuzz_target;
use neocortex_model::sample::Samples;
use neocortex_tsdb::chunk::{Encoding, decode_any};

fuzz_target!(|bytes: &[u8]| {
    let _ = decode_any(Encoding::Histogram, bytes, i64::MIN, i64::MAX, &mut Samples::default());
});
