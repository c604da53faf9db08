//! A file of head chunks of any bytes: loaded, cut off where it is damaged, loaded again.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| neocortex_fuzzed::head::chunk_files(bytes));
