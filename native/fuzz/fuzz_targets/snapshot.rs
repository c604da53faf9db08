//! A snapshot and the log after it, of records of any bytes, and files of head chunks: a start takes them or says what is
//! wrong with them, and so does one from the snapshot that is left of it.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| neocortex_fuzzed::head::snapshot(bytes));
