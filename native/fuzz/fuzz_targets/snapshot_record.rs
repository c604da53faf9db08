//! A record of a snapshot: what it says of deletions and exemplars is written and read again as it was.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| neocortex_fuzzed::head::snapshot_record(bytes));
