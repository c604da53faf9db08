//! What is left to do when series are gone: postings, keys, exemplars and symbols that name them.
//!
//! All of it may name a series that is gone for a while, so it is done piece by piece, and appends and reads go on
//! between the pieces. Source of the purpose: Prometheus `tsdb/head.go`, `gc`, and `tsdb/index/postings.go`, `Delete`.

use hashbrown::HashSet;

use super::Head;
use super::label_sets::{Pair, SeriesId};
use super::symbols::Symbol;

/// Entries of postings, or symbols, or series, that are looked at before others may have the lock.
const SLICE: usize = 1 << 16;

/// Series that were taken out, and what their labels were.
#[derive(Default)]
pub(super) struct Gone {
    series: HashSet<SeriesId>,
    pairs: HashSet<Pair>,
    /// Names and values, as often as the series had them.
    symbols: Vec<Symbol>,
}

impl Gone {
    pub(super) fn add(&mut self, id: SeriesId, pairs: Vec<Pair>) {
        self.series.insert(id);
        self.symbols.extend(pairs.iter().flat_map(|(name, value)| [*name, *value]));
        self.pairs.extend(pairs);
    }
}

impl Head {
    /// Forgets everything that names the series.
    pub(super) fn forget(&self, gone: Gone) {
        if gone.series.is_empty() {
            return;
        }
        let is_gone = |id: SeriesId| gone.series.contains(&id);
        self.keys.forget(is_gone);
        self.ring.write().forget(is_gone);
        self.forget_postings(gone.pairs, is_gone);
        self.forget_symbols(gone.symbols);
        self.gather();
    }

    fn forget_postings(&self, pairs: HashSet<Pair>, is_gone: impl Fn(SeriesId) -> bool) {
        let mut pairs = pairs.into_iter().peekable();
        while pairs.peek().is_some() {
            let mut store = self.store.write();
            let mut seen = 0;
            while seen < SLICE
                && let Some(pair) = pairs.next()
            {
                seen += store.postings.forget(pair, &is_gone);
            }
        }
    }

    /// Only now: as long as a list is there, the number of its symbol must not be given to another string.
    fn forget_symbols(&self, symbols: Vec<Symbol>) {
        for slice in symbols.chunks(SLICE) {
            let mut store = self.store.write();
            for symbol in slice {
                if store.symbols.release(*symbol) {
                    store.symbols.forget_unused(*symbol);
                }
            }
        }
    }

    /// Gives the memory back that lies unused between labels and strings which are still there.
    fn gather(&self) {
        let (series, symbols) = {
            let store = self.store.read();
            (store.next_id(), store.symbols.end())
        };
        for from in (0..series).step_by(SLICE) {
            let mut store = self.store.write();
            let slice: Vec<SeriesId> = store.ids(from, series.min(from.saturating_add(SLICE as SeriesId))).collect();
            slice.into_iter().for_each(|id| store.sets.gather(id));
        }
        for from in (0..symbols).step_by(SLICE) {
            self.store.write().symbols.gather(from, from + SLICE);
        }
    }
}
