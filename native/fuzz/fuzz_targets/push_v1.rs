//! Remote write 1.0, from an unpacked body to rows.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| neocortex_fuzzed::wire::push_v1(bytes));
