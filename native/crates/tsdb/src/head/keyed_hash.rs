//! Hashes of what senders choose, keyed at random, so that nobody can make them collide on purpose.

use std::hash::{BuildHasher, RandomState};

use xxhash_rust::xxh3::xxh3_64_with_secret;

use super::label_sets::Pair;

const SECRET_WORDS: usize = 24;

/// Bytes of a pair as it is hashed.
const PAIR_BYTES: usize = 8;

/// Pairs that are hashed in one step.
const STEP_PAIRS: usize = 16;

/// A hash function of its own for every table. Several times as fast for labels as the standard library's.
pub(super) struct KeyedHash {
    secret: [u8; SECRET_WORDS * 8],
}

impl KeyedHash {
    /// A function with a secret from the system's source of randomness.
    pub(super) fn new() -> Self {
        let random = RandomState::new();
        let mut secret = [0; SECRET_WORDS * 8];
        for (i, word) in secret.chunks_exact_mut(8).enumerate() {
            word.copy_from_slice(&random.hash_one(i).to_le_bytes());
        }
        Self { secret }
    }

    /// The hash of a text.
    pub(super) fn text(&self, text: &str) -> u64 {
        xxh3_64_with_secret(text.as_bytes(), &self.secret)
    }

    /// The hash of a list of pairs.
    pub(super) fn pairs(&self, pairs: &[Pair]) -> u64 {
        let mut hash = 0u64;
        for step in pairs.chunks(STEP_PAIRS) {
            let mut bytes = [0; size_of::<u64>() + STEP_PAIRS * PAIR_BYTES];
            let (before, rest) = bytes.split_at_mut(size_of::<u64>());
            before.copy_from_slice(&hash.to_le_bytes());
            for (slot, (name, value)) in rest.chunks_exact_mut(PAIR_BYTES).zip(step) {
                slot.copy_from_slice(&(u64::from(*name) << 32 | u64::from(*value)).to_le_bytes());
            }
            hash = xxh3_64_with_secret(&bytes[..size_of::<u64>() + step.len() * PAIR_BYTES], &self.secret);
        }
        hash
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_input_has_one_hash_and_each_function_is_another() {
        let (a, b) = (KeyedHash::new(), KeyedHash::new());
        let pairs: Vec<Pair> = (0..50).map(|i| (i, i + 1)).collect();
        assert_eq!(a.text("instance"), a.text("instance"));
        assert_eq!(a.pairs(&pairs), a.pairs(&pairs.clone()));
        assert_ne!(a.text("instance"), b.text("instance"));
        assert_ne!(a.pairs(&pairs), b.pairs(&pairs));
    }

    #[test]
    fn every_pair_and_its_place_count() {
        let hash = KeyedHash::new();
        let pairs: Vec<Pair> = (0..50).map(|i| (i, i + 1)).collect();
        let mut seen = std::collections::HashSet::from([hash.pairs(&pairs)]);
        for i in 0..pairs.len() {
            let mut changed = pairs.clone();
            changed[i].1 += 1;
            assert!(seen.insert(hash.pairs(&changed)), "value {i}");
            changed.truncate(i);
            assert!(seen.insert(hash.pairs(&changed)), "first {i}");
        }
        assert!(seen.insert(hash.pairs(&pairs.iter().rev().copied().collect::<Vec<_>>())));
    }
}
