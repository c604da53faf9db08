//! A chunk of floats.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| neocortex_fuzzed::chunk::xor(bytes));
