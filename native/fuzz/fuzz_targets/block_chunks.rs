//! A chunk segment, read at the place that the first eight bytes name.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| neocortex_fuzzed::block::chunks(bytes));
