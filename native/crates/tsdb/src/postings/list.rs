//! A list of series numbers that is small when it is short.

/// Numbers of series, ascending, each once. Up to three are kept in place: most label values of a head belong to one
/// series or to very many.
pub(crate) enum List {
    /// A few.
    Short {
        /// How many of `ids` count.
        len: u8,
        /// The first `len` are the list.
        ids: [u32; 3],
    },
    /// Many, with an eighth of slack at most.
    Long(Vec<u32>),
}

impl List {
    pub(crate) fn new() -> Self {
        Self::Short { len: 0, ids: [0; 3] }
    }

    pub(crate) fn as_slice(&self) -> &[u32] {
        match self {
            Self::Short { len, ids } => &ids[..usize::from(*len)],
            Self::Long(ids) => ids,
        }
    }

    /// Keeps the numbers that are to be kept.
    pub(crate) fn retain(&mut self, keep: impl Fn(u32) -> bool) {
        match self {
            Self::Short { len, ids } => {
                let mut kept = 0;
                for at in 0..usize::from(*len) {
                    if keep(ids[at]) {
                        ids[kept] = ids[at];
                        kept += 1;
                    }
                }
                *len = kept as u8;
            }
            Self::Long(ids) => {
                ids.retain(|id| keep(*id));
                let mut short = [0; 3];
                if let Some(few) = short.get_mut(..ids.len()) {
                    few.copy_from_slice(ids);
                    *self = Self::Short { len: ids.len() as u8, ids: short };
                } else {
                    ids.shrink_to(ids.len() + ids.len() / 8);
                }
            }
        }
    }

    /// Heap bytes held.
    pub(crate) fn heap_bytes(&self) -> usize {
        match self {
            Self::Short { .. } => 0,
            Self::Long(ids) => ids.capacity() * size_of::<u32>(),
        }
    }

    /// Appends a number greater than all in the list; gives the heap bytes that the list grew by.
    pub(crate) fn push(&mut self, id: u32) -> usize {
        debug_assert!(self.as_slice().last().is_none_or(|last| *last < id));
        match self {
            Self::Short { len, ids } if usize::from(*len) < ids.len() => {
                ids[usize::from(*len)] = id;
                *len += 1;
                0
            }
            Self::Short { ids, .. } => {
                let mut long = Vec::with_capacity(8);
                long.extend_from_slice(ids);
                long.push(id);
                let grown = long.capacity() * size_of::<u32>();
                *self = Self::Long(long);
                grown
            }
            Self::Long(ids) => {
                let before = ids.capacity();
                if ids.len() == before {
                    ids.reserve_exact((before / 8).max(4));
                }
                ids.push(id);
                (ids.capacity() - before) * size_of::<u32>()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_what_is_pushed() {
        let mut list = List::new();
        let mut heap = 0;
        for id in 0..1000 {
            assert_eq!(list.as_slice().len(), id as usize);
            heap += list.push(id * 2);
        }
        assert!(list.as_slice().iter().copied().eq((0..1000).map(|i| i * 2)));
        assert!((4000..4600).contains(&heap), "{heap}");
        assert_eq!(size_of::<List>(), 24);
    }

    #[test]
    fn keeps_what_is_to_be_kept() {
        for (first, kept) in [(0, 1000), (996, 4), (997, 3), (999, 1), (1000, 0)] {
            let mut list = List::new();
            for id in 0..1000 {
                list.push(id);
            }
            list.retain(|id| id >= first);
            assert!(list.as_slice().iter().copied().eq(first..1000));
            assert!(list.heap_bytes() <= if kept > 3 { 4 * (kept + kept / 8).max(8) } else { 0 });
            list.push(1000);
            list.retain(|id| id == 1000);
            assert_eq!(list.as_slice(), [1000]);
        }
    }
}
