//! Series chosen by matchers: in a head, in a head that has forgotten some beside a block, in blocks; against matching each
//! series.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| neocortex_fuzzed::postings::selectors(bytes));
