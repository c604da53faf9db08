//! What is in a directory: as processes see it, and as the medium has it.

use std::collections::BTreeMap;

use super::chance::Chance;

/// A file or a directory, whatever it is called.
pub(super) type Inode = usize;

/// The entries of a directory.
#[derive(Clone, Debug, Default)]
pub(super) struct Directory {
    entries: BTreeMap<String, Inode>,
    /// What the medium had at the last sync.
    durable: BTreeMap<String, Inode>,
    /// What changed since. The journals of ext4 and XFS write changes in their order, so that a beginning of them is there
    /// after the power failed; that changes of two directories keep their order is not relied on.
    pending: Vec<Change>,
}

#[derive(Clone, Debug)]
enum Change {
    Link(String, Inode),
    Unlink(String),
    Rename(String, String),
}

impl Change {
    fn apply(&self, entries: &mut BTreeMap<String, Inode>) {
        match self {
            Self::Link(name, inode) => {
                entries.insert(name.clone(), *inode);
            }
            Self::Unlink(name) => {
                entries.remove(name);
            }
            Self::Rename(from, to) => {
                if let Some(inode) = entries.remove(from) {
                    entries.insert(to.clone(), inode);
                }
            }
        }
    }
}

impl Directory {
    pub(super) fn entries(&self) -> &BTreeMap<String, Inode> {
        &self.entries
    }

    pub(super) fn link(&mut self, name: &str, inode: Inode) {
        self.change(Change::Link(name.to_owned(), inode));
    }

    pub(super) fn unlink(&mut self, name: &str) {
        self.change(Change::Unlink(name.to_owned()));
    }

    pub(super) fn rename(&mut self, from: &str, to: &str) {
        self.change(Change::Rename(from.to_owned(), to.to_owned()));
    }

    fn change(&mut self, change: Change) {
        change.apply(&mut self.entries);
        self.pending.push(change);
    }

    pub(super) fn sync(&mut self) {
        self.durable.clone_from(&self.entries);
        self.pending.clear();
    }

    /// What is left after the power failed. Without chance, what was synced.
    pub(super) fn survivor(&self, chance: &mut Option<Chance>) -> Self {
        let kept = chance.as_mut().map_or(0, |chance| chance.up_to(self.pending.len()));
        let mut entries = self.durable.clone();
        self.pending[..kept].iter().for_each(|change| change.apply(&mut entries));
        Self { durable: entries.clone(), entries, pending: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_survive_in_their_order() {
        let mut dir = Directory::default();
        dir.link("a", 1);
        dir.sync();
        dir.rename("a", "b");
        dir.link("c", 2);
        dir.unlink("b");
        let names = |dir: &Directory| dir.entries.keys().cloned().collect::<Vec<_>>().join(" ");
        assert_eq!(names(&dir), "c");
        assert_eq!(names(&dir.survivor(&mut None)), "a");
        let left: std::collections::BTreeSet<String> =
            (0..100).map(|seed| names(&dir.survivor(&mut Some(Chance::new(seed))))).collect();
        assert_eq!(left, ["a", "b", "b c", "c"].map(str::to_owned).into());
    }
}
