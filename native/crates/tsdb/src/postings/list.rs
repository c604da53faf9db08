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
}
