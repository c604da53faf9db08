//! Blocks: the samples of a stretch of time, complete and never changed again.
//!
//! A block is a directory named by a ULID, which begins with the time of its making:
//!
//! | file | what |
//! |---|---|
//! | `meta.json` | time range, figures, where the samples came from: [`meta`] |
//! | `index` | series, postings, places of chunks: [`crate::index`] |
//! | `chunks/000001`... | the chunks: [`chunks`] |
//! | `tombstones` | what is deleted of it: [`tombstones`] |
//!
//! A block is written into a directory named like it with `.tmp-for-creation` at the end, made durable file by file, and
//! then given its name, as Prometheus's `tsdb/compact.go` does; so a directory with the name of a block is a whole block.
//! One that is to go gets the end `.tmp-for-deletion` first. Directories with these ends are removed at a start.
//!
//! * [`mod@write`]: makes a block.
//! * [`read`]: opens one and selects from it.
//! * [`dir`]: lists, removes and cleans up the blocks of a directory.

pub mod chunks;
pub mod dir;
pub mod meta;
pub(crate) mod output;
pub mod read;
pub mod tombstones;
pub mod ulid;
pub mod write;

#[cfg(test)]
mod tests;

pub use read::Block;
pub use ulid::Ulid;

/// Name of the file with what a block says of itself.
pub const META_FILE: &str = "meta.json";
/// Name of the index.
pub const INDEX_FILE: &str = "index";
/// Name of the directory of chunk segments.
pub const CHUNKS_DIR: &str = "chunks";
/// Name of the file of deletions.
pub const TOMBSTONES_FILE: &str = "tombstones";
