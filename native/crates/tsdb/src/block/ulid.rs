//! Names of blocks: 48 bits of time in milliseconds and 80 bits of chance, written as 26 characters of Crockford's base
//! 32, so that names sort by time.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

const TEXT_BYTES: usize = 26;

/// A unique name that begins with a time.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ulid(u128);

impl Ulid {
    /// A new name at a time in milliseconds.
    #[must_use]
    pub fn new(now_ms: i64) -> Self {
        // Each of these is keyed anew at random by the standard library.
        let chance = || u128::from(RandomState::new().hash_one(now_ms));
        let time = u128::from(now_ms.max(0) as u64 & ((1 << 48) - 1));
        Self(time << 80 | (chance() << 64 | chance()) & ((1 << 80) - 1))
    }

    /// The time of the name in milliseconds.
    #[must_use]
    pub fn time_ms(self) -> u64 {
        (self.0 >> 80) as u64
    }
}

/// The text is no ULID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a ULID")]
pub struct NotUlid;

impl FromStr for Ulid {
    type Err = NotUlid;

    fn from_str(text: &str) -> Result<Self, NotUlid> {
        // The first character has three bits only.
        if text.len() != TEXT_BYTES || text.as_bytes()[0] > b'7' {
            return Err(NotUlid);
        }
        let digit = |c: u8| ALPHABET.iter().position(|a| *a == c.to_ascii_uppercase()).ok_or(NotUlid);
        text.bytes().try_fold(0u128, |n, c| Ok(n << 5 | digit(c)? as u128)).map(Self)
    }
}

impl fmt::Display for Ulid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for i in (0..TEXT_BYTES).rev() {
            write!(f, "{}", char::from(ALPHABET[(self.0 >> (5 * i)) as usize & 31]))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Ulid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Ulid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Ulid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_back() {
        // From the specification of ULID.
        let known: Ulid = "01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap();
        assert_eq!(known.to_string(), "01ARZ3NDEKTSV4RRFFQ69G5FAV");
        assert_eq!(known.time_ms(), 1_469_922_850_259);
        for bad in [
            "",
            "01ARZ3NDEKTSV4RRFFQ69G5FA",
            "81ARZ3NDEKTSV4RRFFQ69G5FAV",
            "01ARZ3NDEKTSV4RRFFQ69G5FAU",
            "é1ARZ3NDEKTSV4RRFFQ69G5FA",
        ] {
            assert_eq!(bad.parse::<Ulid>(), Err(NotUlid), "{bad}");
        }
    }

    #[test]
    fn new_ones_differ_and_sort_by_time() {
        let (a, b, c) = (Ulid::new(1_700_000_000_000), Ulid::new(1_700_000_000_000), Ulid::new(1_700_000_000_001));
        assert_ne!(a, b);
        assert!(a < c && b < c && a.to_string() < c.to_string());
        assert_eq!(a.to_string().parse(), Ok(a));
    }
}
