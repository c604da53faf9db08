//! Values by series number. Numbers are given out in sequence and not reused; what was removed takes no memory but its
//! share of an empty page.

use std::ops::Index;

use super::label_sets::SeriesId;

/// Numbers in a page.
const PAGE: usize = 256;

/// Bits that say which numbers of a page have a value.
type Present = [u64; PAGE / 64];

/// Values of up to [`PAGE`] numbers, without gaps between them.
struct Page<T> {
    values: Vec<T>,
    /// Which numbers the values belong to; `None` as long as they belong to the first ones.
    present: Option<Box<Present>>,
}

/// Values by series number. Growing never moves what is there.
pub(super) struct BySeries<T> {
    pages: Vec<Page<T>>,
    next: SeriesId,
    len: usize,
}

impl<T> Page<T> {
    /// Place of an offset's value.
    fn place(&self, offset: usize) -> Option<usize> {
        let Some(present) = &self.present else { return (offset < self.values.len()).then_some(offset) };
        let (word, bit) = (offset / 64, 1 << (offset % 64));
        if present[word] & bit == 0 {
            return None;
        }
        let before: u32 = present[..word].iter().map(|word| word.count_ones()).sum();
        Some((before + (present[word] & (bit - 1)).count_ones()) as usize)
    }

    fn remove(&mut self, offset: usize) -> Option<T> {
        let place = self.place(offset)?;
        let values = self.values.len();
        let present = self.present.get_or_insert_with(|| {
            Box::new(std::array::from_fn(|word| match values.saturating_sub(word * 64) {
                filled if filled >= 64 => u64::MAX,
                filled => (1 << filled) - 1,
            }))
        });
        present[offset / 64] &= !(1 << (offset % 64));
        let value = self.values.remove(place);
        if self.values.len() < self.values.capacity() / 2 {
            self.values.shrink_to_fit();
        }
        Some(value)
    }
}

impl<T> Default for BySeries<T> {
    fn default() -> Self {
        Self { pages: Vec::new(), next: 0, len: 0 }
    }
}

impl<T> BySeries<T> {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// How many values there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The number that the next value gets.
    pub(super) fn next(&self) -> SeriesId {
        self.next
    }

    /// Adds a value under the next number.
    pub(super) fn push(&mut self, value: T) -> SeriesId {
        let id = self.next;
        let offset = id as usize % PAGE;
        if offset == 0 {
            // The first page grows as it must: a small tenant stays small.
            let values = if id == 0 { Vec::new() } else { Vec::with_capacity(PAGE) };
            self.pages.push(Page { values, present: None });
        }
        if let Some(page) = self.pages.last_mut() {
            page.values.push(value);
            if let Some(present) = &mut page.present {
                present[offset / 64] |= 1 << (offset % 64);
            }
        }
        self.next += 1;
        self.len += 1;
        id
    }

    /// The value of a number, `None` when it was removed or not given out yet.
    pub(super) fn get(&self, id: SeriesId) -> Option<&T> {
        let page = self.pages.get(id as usize / PAGE)?;
        page.values.get(page.place(id as usize % PAGE)?)
    }

    /// As [`Self::get`].
    pub(super) fn get_mut(&mut self, id: SeriesId) -> Option<&mut T> {
        let page = self.pages.get_mut(id as usize / PAGE)?;
        let place = page.place(id as usize % PAGE)?;
        page.values.get_mut(place)
    }

    /// All values, by ascending number.
    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.pages.iter_mut().flat_map(|page| page.values.iter_mut())
    }

    /// Takes a value out.
    pub(super) fn remove(&mut self, id: SeriesId) -> Option<T> {
        let index = id as usize / PAGE;
        let being_filled = index + 1 == self.pages.len();
        let page = self.pages.get_mut(index)?;
        let value = page.remove(id as usize % PAGE)?;
        if page.values.is_empty() && !being_filled {
            page.present = None;
        }
        self.len -= 1;
        Some(value)
    }

    /// The numbers from `from` on, and before `to`, that have a value, ascending.
    pub(super) fn ids(&self, from: SeriesId, to: SeriesId) -> impl DoubleEndedIterator<Item = SeriesId> {
        (from..to.min(self.next)).filter(|id| {
            let page = &self.pages[*id as usize / PAGE];
            page.place(*id as usize % PAGE).is_some()
        })
    }

    /// Bytes of pages and values, without what values hold on the heap.
    pub(super) fn bytes(&self) -> usize {
        let page = |page: &Page<T>| {
            page.values.capacity() * size_of::<T>() + page.present.as_ref().map_or(0, |_| size_of::<Present>())
        };
        self.pages.capacity() * size_of::<Page<T>>() + self.pages.iter().map(page).sum::<usize>()
    }
}

impl<T> Index<SeriesId> for BySeries<T> {
    type Output = T;

    /// The value of a number that has one.
    fn index(&self, id: SeriesId) -> &T {
        let page = &self.pages[id as usize / PAGE];
        let offset = id as usize % PAGE;
        let place = if page.present.is_none() { offset } else { page.place(offset).unwrap_or(usize::MAX) };
        &page.values[place]
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn is_a_map(steps in proptest::collection::vec((0u32..1500, 0u8..5), 0..3000)) {
            let (mut values, mut model) = (BySeries::new(), BTreeMap::new());
            for (i, (id, step)) in steps.into_iter().enumerate() {
                if step < 3 {
                    let given = values.push(i);
                    model.insert(given, i);
                } else {
                    let id = id % values.next().max(1);
                    prop_assert_eq!(values.remove(id), model.remove(&id));
                }
            }
            prop_assert_eq!(values.len(), model.len());
            prop_assert!(values.ids(0, SeriesId::MAX).eq(model.keys().copied()));
            for id in 0..values.next() + 5 {
                prop_assert_eq!(values.get(id), model.get(&id));
                prop_assert!(values.get(id).is_none_or(|value| values[id] == *value));
                prop_assert_eq!(values.get_mut(id).copied(), model.get(&id).copied());
            }
        }
    }

    #[test]
    fn what_is_removed_takes_no_memory() {
        let mut values = BySeries::new();
        for i in 0..100_000u64 {
            values.push(i);
        }
        let full = values.bytes();
        (0..100_000).filter(|id| id % 1000 != 0).for_each(|id| assert!(values.remove(id).is_some()));
        assert_eq!(values.len(), 100);
        assert!(values.bytes() < full / 20, "{} of {full}", values.bytes());
        assert!(values.ids(0, 100_000).eq((0..100).map(|i| i * 1000)));
    }
}
