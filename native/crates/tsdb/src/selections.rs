//! Selections that were made before.
//!
//! Dashboards ask the same question every few seconds. Which series match, and what their labels are, stays the same as long
//! as none come or go; so it is kept, for all databases together in a bounded number of bytes, least recently used first out.
//! Where series only came, what is kept is the start of the new selection.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hashbrown::HashMap;
use neocortex_model::labels::Labels;
use neocortex_model::matchers::Matcher;
use parking_lot::Mutex;

use crate::block::read::BlockSeries;
use crate::block::{Block, Ulid};
use crate::head::SeriesId;

/// A series that matches, whatever its times.
#[derive(Clone)]
pub(crate) struct Found {
    pub(crate) labels: Labels,
    /// Its number in the head.
    pub(crate) head: Option<SeriesId>,
    /// What blocks have of it, in the order of the blocks.
    pub(crate) parts: Vec<Arc<BlockSeries>>,
}

/// What matchers found.
pub(crate) struct Selection {
    /// The head's truncations at that moment.
    pub(crate) generation: u64,
    /// The series that the head had ever had.
    pub(crate) next_id: SeriesId,
    /// Sorted by labels.
    pub(crate) found: Vec<Found>,
}

/// Selections of many databases.
#[derive(Debug)]
pub struct SelectionCache {
    max_bytes: usize,
    databases: AtomicU64,
    kept: Mutex<Kept>,
}

/// The selections of one database, forgotten with it.
pub(crate) struct Selections {
    cache: Arc<SelectionCache>,
    database: u64,
}

#[derive(Default)]
struct Kept {
    entries: HashMap<Key, Entry>,
    bytes: usize,
    /// Counts uses.
    now: u64,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    database: u64,
    /// The blocks that were looked into.
    blocks: Vec<Ulid>,
    matchers: String,
}

struct Entry {
    selection: Arc<Selection>,
    bytes: usize,
    used: u64,
}

impl SelectionCache {
    /// One that keeps selections of so many bytes.
    #[must_use]
    pub fn new(max_bytes: usize) -> Self {
        Self { max_bytes, databases: AtomicU64::new(0), kept: Mutex::default() }
    }
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kept").field("entries", &self.entries.len()).field("bytes", &self.bytes).finish()
    }
}

impl Kept {
    fn remove(&mut self, key: &Key) {
        if let Some(entry) = self.entries.remove(key) {
            self.bytes -= entry.bytes;
        }
    }

    /// Makes room: a quarter of what may be kept, so that this is not done every time.
    fn shrink(&mut self, max_bytes: usize) {
        if self.bytes <= max_bytes {
            return;
        }
        let mut keys: Vec<(u64, Key)> = self.entries.iter().map(|(key, entry)| (entry.used, key.clone())).collect();
        keys.sort_unstable_by_key(|(used, _)| *used);
        for (_, key) in keys {
            if self.bytes <= max_bytes / 4 * 3 {
                break;
            }
            self.remove(&key);
        }
    }
}

impl Selections {
    /// Those of a new database.
    pub(crate) fn new(cache: &Arc<SelectionCache>) -> Self {
        Self { database: cache.databases.fetch_add(1, Ordering::Relaxed), cache: Arc::clone(cache) }
    }

    /// What these matchers found in head and blocks the last time.
    pub(crate) fn get(&self, matchers: &[Matcher], blocks: &[&Arc<Block>]) -> Option<Arc<Selection>> {
        let key = self.key(matchers, blocks);
        let mut kept = self.cache.kept.lock();
        kept.now += 1;
        let now = kept.now;
        let entry = kept.entries.get_mut(&key)?;
        entry.used = now;
        Some(Arc::clone(&entry.selection))
    }

    /// Keeps what they found now, unless it is too large.
    pub(crate) fn put(&self, matchers: &[Matcher], blocks: &[&Arc<Block>], selection: Arc<Selection>) {
        let (key, bytes) = (self.key(matchers, blocks), selection.bytes());
        let mut kept = self.cache.kept.lock();
        kept.remove(&key);
        if bytes > self.cache.max_bytes / 4 {
            return;
        }
        kept.bytes += bytes;
        kept.now += 1;
        let used = kept.now;
        kept.entries.insert(key, Entry { selection, bytes, used });
        kept.shrink(self.cache.max_bytes);
    }

    /// Forgets all, so that blocks that are gone are not kept open.
    pub(crate) fn forget(&self) {
        let mut kept = self.cache.kept.lock();
        let keys: Vec<Key> = kept.entries.keys().filter(|key| key.database == self.database).cloned().collect();
        keys.iter().for_each(|key| kept.remove(key));
    }

    fn key(&self, matchers: &[Matcher], blocks: &[&Arc<Block>]) -> Key {
        let matchers: Vec<String> = matchers.iter().map(|m| format!("{m}")).collect();
        Key {
            database: self.database,
            blocks: blocks.iter().map(|block| block.meta().ulid).collect(),
            matchers: matchers.join(","),
        }
    }
}

impl Drop for Selections {
    fn drop(&mut self) {
        self.forget();
    }
}

impl Selection {
    fn bytes(&self) -> usize {
        let of = |found: &Found| {
            let parts: usize = found.parts.iter().map(|part| part.bytes()).sum();
            size_of::<Found>() + found.labels.as_bytes().len() + parts
        };
        size_of::<Self>() + self.found.iter().map(of).sum::<usize>()
    }
}

/// The series of both, sorted by labels. Of a series that is in both, the parts of `a` come first.
pub(crate) fn merge(a: Vec<Found>, b: Vec<Found>) -> Vec<Found> {
    if a.is_empty() || b.is_empty() {
        return if a.is_empty() { b } else { a };
    }
    let mut merged = Vec::with_capacity(a.len().max(b.len()));
    let (mut a, mut b) = (a.into_iter().peekable(), b.into_iter().peekable());
    while let (Some(from_a), Some(from_b)) = (a.peek(), b.peek()) {
        // Equality is found faster than order, and is the common case.
        if from_a.labels == from_b.labels {
            let also = b.next();
            merged.extend(a.next().map(|mut found| {
                if let Some(also) = also {
                    found.head = found.head.or(also.head);
                    found.parts.extend(also.parts);
                }
                found
            }));
        } else if from_a.labels < from_b.labels {
            merged.extend(a.next());
        } else {
            merged.extend(b.next());
        }
    }
    merged.extend(a);
    merged.extend(b);
    merged
}

#[cfg(test)]
mod tests {
    use neocortex_model::matchers::MatchOp;

    use super::*;

    fn found(name: &str) -> Found {
        Found { labels: Labels::from_pairs([("__name__", name)]), head: Some(1), parts: Vec::new() }
    }

    fn selection(series: usize) -> Arc<Selection> {
        let found = (0..series).map(|i| found(&format!("metric_{i:05}"))).collect();
        Arc::new(Selection { generation: 0, next_id: 0, found })
    }

    fn matcher(value: &str) -> [Matcher; 1] {
        [Matcher::new(MatchOp::Equal, "__name__", value).expect("no expression")]
    }

    #[test]
    fn keeps_what_was_used_last_within_its_bytes() {
        let cache = Arc::new(SelectionCache::new(100_000));
        let (one, other) = (Selections::new(&cache), Selections::new(&cache));
        for i in 0..100 {
            one.put(&matcher(&i.to_string()), &[], selection(50));
            assert!(one.get(&matcher("0"), &[]).is_some(), "used all the time");
        }
        assert!(one.get(&matcher("50"), &[]).is_none(), "not used for long");
        assert!(one.get(&matcher("99"), &[]).is_some());
        assert!(other.get(&matcher("99"), &[]).is_none(), "of another database");
        assert!(cache.kept.lock().bytes <= 100_000);
        one.put(&matcher("large"), &[], selection(5000));
        assert!(one.get(&matcher("large"), &[]).is_none());
        drop(one);
        let kept = cache.kept.lock();
        assert_eq!((kept.bytes, kept.entries.len()), (0, 0));
    }

    #[test]
    fn merged_series_are_sorted_and_once() {
        let names = |list: &[&str]| list.iter().map(|name| found(name)).collect::<Vec<_>>();
        let merged = merge(names(&["a", "c", "d"]), names(&["b", "c", "e"]));
        let of: Vec<_> = merged.iter().map(|found| found.labels.metric_name()).collect();
        assert_eq!(of, ["a", "b", "c", "d", "e"]);
        assert_eq!(merge(Vec::new(), names(&["a"])).len(), 1);
    }
}
