//! The meta.json: what is read is written and read again as it was.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| neocortex_fuzzed::block::meta(bytes));
