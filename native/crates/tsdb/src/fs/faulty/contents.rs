//! What is in a file: as processes see it, and as the medium has it.

use std::ops::Range;

use super::chance::Chance;

/// The bytes of a file.
#[derive(Clone, Debug, Default)]
pub(super) struct Contents {
    /// What every process sees, the next ones too as long as the machine runs.
    bytes: Vec<u8>,
    /// What the medium had at the last sync.
    durable: Vec<u8>,
    /// Stretches that a sync failed to write. The kernel takes them for written from then on (fsyncgate): no later sync
    /// tries again, and what the medium has of them is chance.
    given_up: Vec<Range<usize>>,
}

impl Contents {
    /// A file that is durable as it is.
    pub(super) fn durable(bytes: Vec<u8>) -> Self {
        Self { durable: bytes.clone(), bytes, given_up: Vec::new() }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn append(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(super) fn truncate(&mut self, len: usize) {
        self.bytes.truncate(len);
        for stretch in &mut self.given_up {
            stretch.end = stretch.end.min(len);
        }
        self.given_up.retain(|stretch| stretch.start < stretch.end);
    }

    pub(super) fn sync(&mut self) {
        self.durable.clone_from(&self.bytes);
    }

    /// A sync that reports an error, once.
    pub(super) fn fail_sync(&mut self) {
        let unsynced = self.in_common()..self.bytes.len();
        if !unsynced.is_empty() {
            self.given_up.push(unsynced);
        }
    }

    /// True when a sync failed to write something that is still in the file.
    pub(super) fn has_given_up(&self) -> bool {
        !self.given_up.is_empty()
    }

    /// What is left after the power failed: of what was not synced all, the beginning, the beginning and zeros, or nothing.
    /// Without chance, nothing.
    pub(super) fn survivor(&self, chance: &mut Option<Chance>) -> Self {
        let mut pick = |most: usize| chance.as_mut().map_or(0, |chance| chance.up_to(most));
        let common = self.in_common();
        let mut left = match pick(3) {
            0 => self.durable.clone(),
            1 => self.bytes.clone(),
            outcome => {
                let whole = common + pick(self.bytes.len() - common);
                let mut left = self.bytes[..whole].to_vec();
                if outcome == 3 {
                    // The length was written, the data was not.
                    left.resize(whole + pick(self.bytes.len() - whole), 0);
                }
                left
            }
        };
        for stretch in &self.given_up {
            if pick(1) == 0 {
                let end = stretch.end.min(left.len());
                left[stretch.start.min(end)..end].fill(0);
            }
        }
        Self::durable(left)
    }

    /// Bytes at the start that medium and processes agree on.
    fn in_common(&self) -> usize {
        self.bytes.iter().zip(&self.durable).take_while(|(a, b)| a == b).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn survivors(contents: &Contents) -> std::collections::BTreeSet<Vec<u8>> {
        (0..500).map(|seed| contents.survivor(&mut Some(Chance::new(seed))).bytes).collect()
    }

    #[test]
    fn what_was_not_synced_is_there_in_any_part() {
        let mut contents = Contents::default();
        contents.append(b"ab");
        contents.sync();
        contents.append(b"cd");
        let expected = [&b"ab"[..], b"ab\0", b"ab\0\0", b"abc", b"abc\0", b"abcd"];
        assert_eq!(survivors(&contents), expected.map(<[u8]>::to_vec).into());
        assert_eq!(contents.survivor(&mut None).bytes, b"ab");
    }

    #[test]
    fn a_truncation_that_was_not_synced_may_be_undone() {
        let mut contents = Contents::durable(b"abcd".to_vec());
        contents.truncate(1);
        contents.append(b"x");
        let left = survivors(&contents);
        assert!(left.contains(&b"abcd"[..]) && left.contains(&b"ax"[..]) && left.contains(&b"a"[..]));
        assert!(left.iter().all(|bytes| bytes == b"abcd" || bytes.len() <= 2));
    }

    #[test]
    fn after_a_failed_sync_no_later_one_helps() {
        let mut contents = Contents::default();
        contents.append(b"ab");
        contents.fail_sync();
        contents.append(b"c");
        contents.sync();
        assert_eq!(contents.bytes, b"abc");
        assert_eq!(survivors(&contents), [&b"\0\0c"[..], b"abc"].map(<[u8]>::to_vec).into());
    }
}
