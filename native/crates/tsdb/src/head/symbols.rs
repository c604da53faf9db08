//! Label names and values, each stored once and named by a number.

use hashbrown::HashTable;

use super::arena::{Arena, Place};
use super::keyed_hash::KeyedHash;

/// Number of an interned string. There are fewer than 2^32 because as many would not fit in memory.
pub(crate) type Symbol = u32;

#[derive(Clone, Copy)]
struct Entry {
    place: Place,
    /// How often the string is used; the number of one that is not used any more is given out again.
    uses: u32,
}

/// The interned strings of one tenant.
///
/// The table is keyed at random per process: the strings come from senders, who must not be able to make them collide.
pub(crate) struct Symbols {
    texts: Arena<u8>,
    entries: Vec<Entry>,
    free: Vec<Symbol>,
    table: HashTable<Symbol>,
    hasher: KeyedHash,
}

impl Symbols {
    pub(crate) fn new() -> Self {
        Self {
            texts: Arena::new(),
            entries: Vec::new(),
            free: Vec::new(),
            table: HashTable::new(),
            hasher: KeyedHash::new(),
        }
    }

    /// The string behind a symbol that is in use.
    pub(crate) fn text(&self, symbol: Symbol) -> &str {
        text_of(&self.texts, self.entries[symbol as usize])
    }

    /// The symbol of a string, if it is interned.
    pub(crate) fn find(&self, text: &str) -> Option<Symbol> {
        self.find_hashed(self.hasher.text(text), text)
    }

    /// The symbol of a string, interning it if need be, with one use more.
    pub(crate) fn intern(&mut self, text: &str) -> Symbol {
        let hash = self.hasher.text(text);
        if let Some(symbol) = self.find_hashed(hash, text) {
            self.entries[symbol as usize].uses += 1;
            return symbol;
        }
        let entry = Entry { place: self.texts.store(text.as_bytes()), uses: 1 };
        let symbol = match self.free.pop() {
            Some(symbol) => {
                self.entries[symbol as usize] = entry;
                symbol
            }
            None => {
                self.entries.push(entry);
                (self.entries.len() - 1) as Symbol
            }
        };
        let Self { texts, entries, table, hasher, .. } = self;
        table.insert_unique(hash, symbol, |other| hasher.text(text_of(texts, entries[*other as usize])));
        symbol
    }

    /// Ends one use of a symbol; true when it was the last one. The string stays until [`Self::forget_unused`].
    pub(super) fn release(&mut self, symbol: Symbol) -> bool {
        let uses = &mut self.entries[symbol as usize].uses;
        *uses -= 1;
        *uses == 0
    }

    /// Forgets a string if nothing uses it again; its number may be given out again.
    pub(super) fn forget_unused(&mut self, symbol: Symbol) {
        let entry = self.entries[symbol as usize];
        if entry.uses > 0 {
            return;
        }
        let hash = self.hasher.text(text_of(&self.texts, entry));
        if let Ok(found) = self.table.find_entry(hash, |other| *other == symbol) {
            found.remove();
            self.texts.release(entry.place);
            self.free.push(symbol);
        }
    }

    /// Gathers the strings of symbols from `from` on, and before `to`, that lie scattered.
    pub(super) fn gather(&mut self, from: usize, to: usize) {
        for entry in self.entries.iter_mut().take(to).skip(from).filter(|entry| entry.uses > 0) {
            if self.texts.is_sparse(entry.place) {
                entry.place = self.texts.move_out(entry.place);
            }
        }
    }

    /// One more than the greatest number given out.
    pub(super) fn end(&self) -> usize {
        self.entries.len()
    }

    /// Bytes of text, entries and table.
    pub(crate) fn bytes(&self) -> usize {
        self.texts.bytes()
            + self.entries.capacity() * size_of::<Entry>()
            + self.free.capacity() * size_of::<Symbol>()
            + self.table.allocation_size()
    }

    fn find_hashed(&self, hash: u64, text: &str) -> Option<Symbol> {
        self.table.find(hash, |symbol| self.texts.get(self.entries[*symbol as usize].place) == text.as_bytes()).copied()
    }
}

fn text_of(texts: &Arena<u8>, entry: Entry) -> &str {
    let bytes = texts.get(entry.place);
    // SAFETY: every list in the arena is the bytes of a whole `str`, see `Symbols::intern`.
    unsafe { std::str::from_utf8_unchecked(bytes) }
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
    fn unused_strings_make_room() {
        let mut symbols = Symbols::new();
        let names = |range: std::ops::Range<u32>| range.map(|i| format!("a value of some length {i}"));
        let given: Vec<Symbol> = names(0..10_000).map(|text| symbols.intern(&text)).collect();
        let full = symbols.bytes();
        assert_eq!(symbols.intern("a value of some length 0"), given[0], "used twice from now on");
        for symbol in &given {
            symbols.release(*symbol);
        }
        given.iter().for_each(|symbol| symbols.forget_unused(*symbol));
        assert_eq!(symbols.find("a value of some length 1"), None);
        symbols.gather(0, symbols.end());
        assert_eq!(symbols.text(given[0]), "a value of some length 0");
        let again: Vec<Symbol> = names(20_000..29_999).map(|text| symbols.intern(&text)).collect();
        assert!(again.iter().all(|symbol| given[1..].contains(symbol)), "numbers are given out again");
        assert!(names(20_000..29_999).zip(&again).all(|(text, symbol)| symbols.text(*symbol) == text));
        assert!(symbols.bytes() < full + full / 10, "{} after {full}", symbols.bytes());
    }
}
