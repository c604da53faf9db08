//! Remote read requests, without the packing.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| neocortex_fuzzed::wire::remote_read(bytes));
