//! What the fuzz targets of `native/fuzz` do with bytes: a function each, which panics where something is wrong.
//!
//! They are apart from the targets so that every build can run them without a fuzzer: `tests/corpus.rs` has each of them go
//! over its corpus, `native/fuzz/corpus/<name>`, where the input of every finding stays.
//!
//! * [`wire`]: requests and their packing.
//! * [`regex`]: regular expressions.
//! * [`chunk`]: encoded chunks.
//! * [`log`]: segments and records of logs.
//! * [`block`]: files of blocks.
//! * [`head`]: files of the head, and databases of any logs or snapshots.
//! * [`postings`]: lists of series, alone and behind matchers.
//! * [`promql`]: queries, read, printed and evaluated; [`promql_data`] is what they are evaluated on.

pub mod block;
pub mod chunk;
mod database;
pub mod head;
pub mod log;
pub mod postings;
pub mod promql;
mod promql_data;
pub mod regex;
pub mod wire;

/// A target: its name, and what it does with an input.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: &[Target] = &[
    ("push_v1", wire::push_v1),
    ("push_v2", wire::push_v2),
    ("remote_read", wire::remote_read),
    ("snappy", wire::snappy),
    ("regex", regex::regex),
    ("xor_chunk", chunk::xor),
    ("histogram_chunk", chunk::histogram),
    ("float_histogram_chunk", chunk::float_histogram),
    ("wal", log::segment),
    ("wal_record", log::record),
    ("block_chunks", block::chunks),
    ("block_meta", block::meta),
    ("index", block::index),
    ("tombstones", block::tombstones),
    ("chunk_files", head::chunk_files),
    ("snapshot_record", head::snapshot_record),
    ("logs", head::logs),
    ("snapshot", head::snapshot),
    ("postings", postings::lists),
    ("selectors", postings::selectors),
    ("promql_parse", promql::parse),
    ("promql_eval", promql::eval),
];
