//! The index of a block: which series it has, where their chunks are, and which series have a label.
//!
//! Format (Prometheus `tsdb/docs/format/index.md`, `tsdb/index/index.go`), version 2. Numbers are big endian; every
//! CRC is CRC-32C of what lies between the length and it. A *section* is: length (4 bytes), content, CRC (4 bytes).
//!
//! | part | content |
//! |---|---|
//! | header | magic `ba aa d7 00`, version 2 (1 byte) |
//! | symbols, a section | count (4 bytes), { uvarint length, text }* in ascending order; a symbol is named by its place |
//! | series, each at a multiple of 16 | uvarint length, entry, CRC; a series is named by its offset / 16 |
//! | postings, sections at multiples of 4 | count (4 bytes), names of series (4 bytes each), ascending |
//! | postings offset table, a section | count (4 bytes), { uvarint 2, label name, label value, uvarint offset of the list }* |
//! | table of contents | offsets (8 bytes) of symbols, series, label indices, label index table, postings, postings table; CRC |
//!
//! The entry of a series: uvarint number of labels, { uvarint symbol of the name, uvarint symbol of the value }*, uvarint
//! number of chunks, then the first chunk as varint first time, uvarint last time - first time, uvarint reference; each
//! further chunk as uvarint first time - last time before, uvarint last time - first time, varint reference - reference
//! before. Series are in the order of their labels, chunks in the order of time.
//!
//! The postings offset table is in the order of names, then values, and begins with the empty name and value, whose list
//! has all series. Label indices are no longer written (their offset is that of the postings, and the table's that of the
//! postings table) and never read.
//!
//! * [`write`](mod@write): makes an index, series by series.
//! * [`read`]: reads one in place; every checksum is verified when its part is read.
//! * [`resolve`]: from matchers to series.

pub mod read;
pub mod resolve;
mod symbols;
pub mod write;

#[cfg(test)]
mod tests;

const MAGIC: [u8; 4] = [0xba, 0xaa, 0xd7, 0x00];
const VERSION: u8 = 2;
const HEADER_BYTES: usize = 5;

/// Multiple at which series begin, and the unit in which they are named.
const SERIES_ALIGN: u64 = 16;

/// Six offsets and a checksum.
const TOC_BYTES: usize = 6 * 8 + 4;

/// Of so many entries of a table one is remembered.
const SAMPLED: usize = 32;

/// Where a chunk is and what time it covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkMeta {
    /// Time of its first sample, in milliseconds.
    pub min_t: i64,
    /// Time of its last sample, in milliseconds.
    pub max_t: i64,
    /// Its place, see [`crate::block::chunks`].
    pub reference: u64,
}

/// Name of a series in an index: its offset in units of 16 bytes.
pub type SeriesRef = u32;

/// Where the parts begin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Toc {
    symbols: u64,
    series: u64,
    label_indices: u64,
    label_indices_table: u64,
    postings: u64,
    postings_table: u64,
}
