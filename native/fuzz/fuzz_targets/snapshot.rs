//! A snapshot and the log after it, of records of any bytes, and a file of head chunks: a start takes them or says what is
//! wrong with them, and what it took is in the snapshot that it leaves.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| neocortex_fuzzed::head::snapshot(bytes));
