//! Remote read requests, without the packing.
#![no_main]

use libfuzzer_sys::fuzz_target;
use neocortex_wire::{remote_read, snappy};

fuzz_target!(|body: &[u8]| {
    let packed = snappy::compress(body).expect("inputs are small");
    let _ = remote_read::decode(&packed);
});
