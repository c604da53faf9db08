//! Union, intersection and difference of three lists, against sets. A list is made of runs of five bytes: which list, two for
//! the first number, how far the others are apart, how many there are.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| neocortex_fuzzed::postings::lists(bytes));
