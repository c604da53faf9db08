//! The logs of a database, of records of any bytes that are framed as they should be: a start takes them or says what is
//! wrong with them, and what it took can be read, written to blocks, and read from there.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| neocortex_fuzzed::head::logs(bytes));
