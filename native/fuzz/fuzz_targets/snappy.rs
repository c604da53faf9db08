//! Snappy blocks: what can be unpacked can be packed again.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| neocortex_fuzzed::wire::snappy(bytes));
