//! A chunk of float histograms.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| neocortex_fuzzed::chunk::float_histogram(bytes));
