//! Label names and values, each stored once and named by a number.

use hashbrown::HashTable;

use super::keyed_hash::KeyedHash;

/// Text is kept in blocks, so that growing never copies what is already there. A block is as large as all before it,
/// between these bounds: a small tenant stays small.
const MIN_BLOCK_BYTES: usize = 1 << 10;
const MAX_BLOCK_BYTES: usize = 64 << 10;

/// Number of an interned string. Numbers are given out in sequence and never reused; there are fewer than 2^32 because
/// as many would not fit in memory.
pub(crate) type Symbol = u32;

#[derive(Clone, Copy)]
struct Place {
    block: u32,
    start: u32,
    len: u32,
}

/// The interned strings of one tenant.
///
/// The table is keyed at random per process: the strings come from senders, who must not be able to make them collide.
pub(crate) struct Symbols {
    blocks: Vec<String>,
    places: Vec<Place>,
    table: HashTable<Symbol>,
    hasher: KeyedHash,
    block_bytes: usize,
}

impl Symbols {
    pub(crate) fn new() -> Self {
        Self {
            blocks: Vec::new(),
            places: Vec::new(),
            table: HashTable::new(),
            hasher: KeyedHash::new(),
            block_bytes: 0,
        }
    }

    /// The string behind a symbol that this table gave out.
    pub(crate) fn text(&self, symbol: Symbol) -> &str {
        text_at(&self.blocks, self.places[symbol as usize])
    }

    /// The symbol of a string, if it is interned.
    pub(crate) fn find(&self, text: &str) -> Option<Symbol> {
        self.find_hashed(self.hasher.text(text), text)
    }

    /// The symbol of a string, interning it if need be.
    pub(crate) fn intern(&mut self, text: &str) -> Symbol {
        let hash = self.hasher.text(text);
        if let Some(symbol) = self.find_hashed(hash, text) {
            return symbol;
        }
        let symbol = self.places.len() as Symbol;
        let place = self.store(text);
        self.places.push(place);
        let Self { blocks, places, table, hasher, .. } = self;
        table.insert_unique(hash, symbol, |other| hasher.text(text_at(blocks, places[*other as usize])));
        symbol
    }

    /// Bytes of text, places and table.
    pub(crate) fn bytes(&self) -> usize {
        self.block_bytes + self.places.capacity() * size_of::<Place>() + self.table.allocation_size()
    }

    fn find_hashed(&self, hash: u64, text: &str) -> Option<Symbol> {
        self.table.find(hash, |symbol| text_at(&self.blocks, self.places[*symbol as usize]) == text).copied()
    }

    fn store(&mut self, text: &str) -> Place {
        let fits = self.blocks.last().is_some_and(|block| block.capacity() - block.len() >= text.len());
        if !fits {
            let size = self.block_bytes.clamp(MIN_BLOCK_BYTES, MAX_BLOCK_BYTES);
            let block = String::with_capacity(text.len().max(size));
            self.block_bytes += block.capacity();
            self.blocks.push(block);
        }
        let index = self.blocks.len() - 1;
        let block = &mut self.blocks[index];
        let start = block.len();
        block.push_str(text);
        Place { block: index as u32, start: start as u32, len: text.len() as u32 }
    }
}

fn text_at(blocks: &[String], place: Place) -> &str {
    &blocks[place.block as usize][place.start as usize..(place.start + place.len) as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_string_has_one_symbol() {
        let mut symbols = Symbols::new();
        let texts: Vec<String> = (0..5000).map(|i| format!("value-{}", i % 2500)).collect();
        let given: Vec<Symbol> = texts.iter().map(|t| symbols.intern(t)).collect();
        assert_eq!(given[..2500], given[2500..]);
        for (text, symbol) in texts.iter().zip(&given) {
            assert_eq!(symbols.text(*symbol), text);
            assert_eq!(symbols.find(text), Some(*symbol));
        }
        assert_eq!(symbols.find("never seen"), None);
    }

    #[test]
    fn long_and_empty_strings() {
        let mut symbols = Symbols::new();
        let long = "x".repeat(3 * MAX_BLOCK_BYTES);
        let (a, b, c) = (symbols.intern("a"), symbols.intern(&long), symbols.intern(""));
        assert_eq!((symbols.text(a), symbols.text(b), symbols.text(c)), ("a", long.as_str(), ""));
        assert!(symbols.bytes() > long.len());
    }
}
