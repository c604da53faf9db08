//! The keyed hash that stands for a label set as it was sent.

use std::sync::Arc;

use neocortex_model::rows::SeriesKey;
use xxhash_rust::xxh3::xxh3_128_with_secret;

/// Bytes of a secret.
pub const SECRET_BYTES: usize = 192;

/// The secret of a process, of which nobody outside can know a bit: without it no two series can be made to collide.
/// Cloning shares it.
#[derive(Clone)]
pub struct KeySecret {
    bytes: Arc<[u8; SECRET_BYTES]>,
}

impl KeySecret {
    /// A secret of bytes from the system's source of randomness.
    #[must_use]
    pub fn new(random: [u8; SECRET_BYTES]) -> Self {
        Self { bytes: Arc::new(random) }
    }

    /// The hash of some bytes.
    #[must_use]
    pub fn hash(&self, bytes: &[u8]) -> u128 {
        xxh3_128_with_secret(bytes, self.bytes.as_slice())
    }

    /// What is xored into the keys of one generation of the tenant's configuration, so that keys of different
    /// generations, whose label sets may have been changed differently, never meet.
    #[must_use]
    pub(crate) fn mask(&self, generation: u64, replica_removed: bool) -> SeriesKey {
        let mut text = [0; 17];
        text[..8].copy_from_slice(b"generatn");
        text[8..16].copy_from_slice(&generation.to_le_bytes());
        text[16] = u8::from(replica_removed);
        SeriesKey(self.hash(&text))
    }
}

impl std::fmt::Debug for KeySecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeySecret(..)")
    }
}
