//! A query evaluated on a few fixed series: the answer does not depend on the number of threads.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| neocortex_fuzzed::promql::eval(bytes));
