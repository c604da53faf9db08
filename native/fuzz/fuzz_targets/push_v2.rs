//! Remote write 2.0, from an unpacked body to rows.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use neocortex_model::rows::{NoKnownSeries, SeriesRows};
use neocortex_wire::validate::ValidationLimits;
use neocortex_wire::{KeySecret, push_v2};

fuzz_target!(|body: &[u8]| {
    if let Ok(mut batch) = push_v2::decode_message(body.to_vec(), &KeySecret::new([7; 192])) {
        batch.validate(&ValidationLimits::default(), &Arc::default(), 0, &NoKnownSeries);
        for row in 0..batch.len() {
            assert!(!batch.labels(row).is_empty());
        }
    }
});
