//! A pattern, a zero byte, a text.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| neocortex_fuzzed::regex::regex(bytes));
