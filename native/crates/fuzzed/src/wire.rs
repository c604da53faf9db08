//! What clients send.

use std::sync::Arc;

use neocortex_model::rows::{NoKnownSeries, SeriesRows};
use neocortex_wire::validate::ValidationLimits;
use neocortex_wire::{DecodeError, KeySecret, WriteBatch};

/// Remote write 1.0, from an unpacked body to rows.
pub fn push_v1(body: &[u8]) {
    rows(neocortex_wire::push_v1::decode_message(body.to_vec(), &KeySecret::new([7; 192])));
}

/// Remote write 2.0, from an unpacked body to rows.
pub fn push_v2(body: &[u8]) {
    rows(neocortex_wire::push_v2::decode_message(body.to_vec(), &KeySecret::new([7; 192])));
}

fn rows(decoded: Result<WriteBatch, DecodeError>) {
    let Ok(mut batch) = decoded else { return };
    batch.validate(&ValidationLimits::default(), &Arc::default(), 0, &NoKnownSeries);
    for row in 0..batch.len() {
        assert!(!batch.labels(row).is_empty());
    }
}

/// Remote read requests, without the packing.
pub fn remote_read(body: &[u8]) {
    let packed = neocortex_wire::snappy::compress(body).expect("inputs are small");
    let _ = neocortex_wire::remote_read::decode(&packed);
}

/// Snappy blocks: what can be unpacked can be packed again.
pub fn snappy(body: &[u8]) {
    use neocortex_wire::snappy::{compress, decompress};

    if let Ok(unpacked) = decompress(body, 1 << 20) {
        let packed = compress(&unpacked).expect("a megabyte is not too large");
        assert_eq!(decompress(&packed, usize::MAX).as_ref(), Ok(&unpacked));
    }
}
