//! A query, read, printed, and read again as it was.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| neocortex_fuzzed::promql::parse(bytes));
