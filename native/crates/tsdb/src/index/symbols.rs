//! The symbols of an index, read in place.

use super::SAMPLED;
use crate::varint::{Cursor, Malformed};

/// Where symbols are: one of every few is remembered, the others are walked to.
pub(super) struct Symbols {
    count: u32,
    /// Offsets in the section's content of every so-manyth symbol.
    sampled: Vec<u32>,
}

impl Symbols {
    /// Walks over the content of the symbols' section.
    pub(super) fn read(content: &[u8]) -> Result<Self, Malformed> {
        let (count, rest) = content.split_first_chunk::<4>().ok_or(Malformed)?;
        let count = u32::from_be_bytes(*count);
        if count as usize > rest.len() {
            return Err(Malformed);
        }
        let mut sampled = Vec::with_capacity(count as usize / SAMPLED + 1);
        let mut cursor = Cursor::new(rest);
        for i in 0..count as usize {
            if i.is_multiple_of(SAMPLED) {
                sampled.push((content.len() - cursor.len()) as u32);
            }
            cursor.text()?;
        }
        Ok(Self { count, sampled })
    }

    /// Calls `each` with every symbol, ascending; `content` is the section's.
    pub(super) fn for_each<'a>(&self, content: &'a [u8], mut each: impl FnMut(&'a str)) -> Result<(), Malformed> {
        let mut cursor = Cursor::new(content.get(4..).ok_or(Malformed)?);
        for _ in 0..self.count {
            each(cursor.text()?);
        }
        Ok(())
    }

    /// The text of a symbol; `content` is the section's.
    pub(super) fn text<'a>(&self, content: &'a [u8], symbol: u64) -> Result<&'a str, Malformed> {
        if symbol >= u64::from(self.count) {
            return Err(Malformed);
        }
        let symbol = symbol as usize;
        let mut cursor = Cursor::new(content.get(self.sampled[symbol / SAMPLED] as usize..).ok_or(Malformed)?);
        for _ in 0..symbol % SAMPLED {
            cursor.bytes()?;
        }
        cursor.text()
    }

    /// Bytes of memory.
    pub(super) fn bytes(&self) -> usize {
        self.sampled.capacity() * size_of::<u32>()
    }
}
