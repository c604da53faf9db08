//! A segment of any bytes: read, repaired, read again.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| neocortex_fuzzed::log::segment(bytes));
