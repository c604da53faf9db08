//! Lists of small things one after another in blocks, so that growing never copies what is already there.

/// A block is as large as all before it, between these bounds in bytes: a small tenant stays small.
const MIN_BLOCK_BYTES: usize = 1 << 10;
const MAX_BLOCK_BYTES: usize = 128 << 10;

/// Where a list is.
#[derive(Clone, Copy)]
pub(super) struct Place {
    block: u32,
    start: u32,
    len: u32,
}

struct Block<T> {
    items: Vec<T>,
    /// Items that were not released.
    live: usize,
}

/// Lists of `T`. What is released is given back when all of its block is, or when the owner moves out what is left.
pub(super) struct Arena<T> {
    blocks: Vec<Block<T>>,
    bytes: usize,
}

impl<T: Copy> Arena<T> {
    pub(super) fn new() -> Self {
        Self { blocks: Vec::new(), bytes: 0 }
    }

    /// Keeps a copy of a list.
    pub(super) fn store(&mut self, list: &[T]) -> Place {
        let fits = self.blocks.last().is_some_and(|block| block.items.capacity() - block.items.len() >= list.len());
        if !fits {
            let size = self.bytes.clamp(MIN_BLOCK_BYTES, MAX_BLOCK_BYTES) / size_of::<T>();
            let items = Vec::with_capacity(list.len().max(size));
            self.bytes += items.capacity() * size_of::<T>();
            self.blocks.push(Block { items, live: 0 });
        }
        let index = self.blocks.len() - 1;
        let block = &mut self.blocks[index];
        let start = block.items.len();
        block.items.extend_from_slice(list);
        block.live += list.len();
        Place { block: index as u32, start: start as u32, len: list.len() as u32 }
    }

    /// A list that was not released.
    pub(super) fn get(&self, place: Place) -> &[T] {
        &self.blocks[place.block as usize].items[place.start as usize..(place.start + place.len) as usize]
    }

    /// Gives a list up.
    pub(super) fn release(&mut self, place: Place) {
        let being_filled = place.block as usize + 1 == self.blocks.len();
        let block = &mut self.blocks[place.block as usize];
        block.live -= place.len as usize;
        if block.live == 0 && !being_filled {
            self.bytes -= block.items.capacity() * size_of::<T>();
            block.items = Vec::new();
        }
    }

    /// True when the list had better be moved: less than half of its block is in use.
    pub(super) fn is_sparse(&self, place: Place) -> bool {
        let being_filled = place.block as usize + 1 == self.blocks.len();
        let block = &self.blocks[place.block as usize];
        !being_filled && block.live < block.items.capacity() / 2
    }

    /// Moves a list to the end, out of its block.
    pub(super) fn move_out(&mut self, place: Place) -> Place {
        let list = self.get(place).to_vec();
        let moved = self.store(&list);
        self.release(place);
        moved
    }

    /// Bytes of the blocks.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_follows_what_is_kept() {
        let mut arena = Arena::new();
        let list = |i: u32| [i, i + 1, i + 2, i + 3];
        let mut places: Vec<(u32, Place)> = (0..100_000).map(|i| (i, arena.store(&list(i)))).collect();
        let full = arena.bytes();
        places.retain(|(i, place)| {
            let kept = i % 100 == 0;
            if !kept {
                arena.release(*place);
            }
            kept
        });
        for (_, place) in &mut places {
            if arena.is_sparse(*place) {
                *place = arena.move_out(*place);
            }
        }
        assert!(places.iter().all(|(i, place)| arena.get(*place) == list(*i)));
        assert!(arena.bytes() < full / 8, "{} of {full}", arena.bytes());
    }

    #[test]
    fn long_and_empty_lists() {
        let mut arena = Arena::new();
        let long = vec![7u8; 3 * MAX_BLOCK_BYTES];
        let (a, b, c) = (arena.store(b"a"), arena.store(&long), arena.store(b""));
        assert_eq!((arena.get(a), arena.get(b), arena.get(c)), (&b"a"[..], &long[..], &b""[..]));
        arena.release(a);
        assert_eq!(arena.get(b), long);
    }
}
