//! Snappy blocks: what can be unpacked can be packed again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use neocortex_wire::snappy;

fuzz_target!(|body: &[u8]| {
    if let Ok(unpacked) = snappy::decompress(body, 1 << 20) {
        let packed = snappy::compress(&unpacked).expect("a megabyte is not too large");
        assert_eq!(snappy::decompress(&packed, usize::MAX).as_ref(), Ok(&unpacked));
    }
});
