//! Which series have a label: the inverted index of the head.

use hashbrown::HashMap;

use super::list::List;
use crate::head::symbols::Symbol;

/// Lists of series by label name and value, all as numbers.
pub(crate) struct MemPostings {
    by_name: HashMap<Symbol, LabelPostings>,
    list_bytes: usize,
}

/// Lists of series by the values of one label.
pub(crate) struct LabelPostings {
    by_value: HashMap<Symbol, List>,
    series: usize,
}

impl LabelPostings {
    /// Number of distinct values.
    pub(crate) fn values(&self) -> usize {
        self.by_value.len()
    }

    /// Number of series that have the label.
    pub(crate) fn series(&self) -> usize {
        self.series
    }

    /// The series with a value.
    pub(crate) fn get(&self, value: Symbol) -> &[u32] {
        self.by_value.get(&value).map_or(&[], List::as_slice)
    }

    /// Values and their series, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Symbol, &[u32])> {
        self.by_value.iter().map(|(value, list)| (*value, list.as_slice()))
    }
}

impl MemPostings {
    pub(crate) fn new() -> Self {
        Self { by_name: HashMap::new(), list_bytes: 0 }
    }

    /// Adds a series with a number greater than all before.
    pub(crate) fn add(&mut self, id: u32, pairs: &[(Symbol, Symbol)]) {
        for (name, value) in pairs {
            let label =
                self.by_name.entry(*name).or_insert_with(|| LabelPostings { by_value: HashMap::new(), series: 0 });
            label.series += 1;
            self.list_bytes += label.by_value.entry(*value).or_insert_with(List::new).push(id);
        }
    }

    /// Takes series that are gone off the list of a label; gives how many entries were looked at.
    pub(crate) fn forget(&mut self, (name, value): (Symbol, Symbol), is_gone: impl Fn(u32) -> bool) -> usize {
        let Some(label) = self.by_name.get_mut(&name) else { return 0 };
        let Some(list) = label.by_value.get_mut(&value) else { return 0 };
        let (before, heap) = (list.as_slice().len(), list.heap_bytes());
        list.retain(|id| !is_gone(id));
        label.series -= before - list.as_slice().len();
        self.list_bytes = self.list_bytes + list.heap_bytes() - heap;
        if list.as_slice().is_empty() {
            label.by_value.remove(&value);
        }
        if label.by_value.is_empty() {
            self.by_name.remove(&name);
        }
        before
    }

    /// The lists of a label.
    pub(crate) fn label(&self, name: Symbol) -> Option<&LabelPostings> {
        self.by_name.get(&name)
    }

    /// The names of all labels, in no order.
    pub(crate) fn names(&self) -> impl Iterator<Item = Symbol> {
        self.by_name.keys().copied()
    }

    /// Bytes of lists and tables.
    pub(crate) fn bytes(&self) -> usize {
        self.list_bytes
            + self.by_name.allocation_size()
            + self.by_name.values().map(|label| label.by_value.allocation_size()).sum::<usize>()
    }
}
