//! A chunk of histograms.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| neocortex_fuzzed::chunk::histogram(bytes));
