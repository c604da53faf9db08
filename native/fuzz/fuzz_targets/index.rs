//! The index: everything in it that can be reached.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| neocortex_fuzzed::block::index(bytes));
