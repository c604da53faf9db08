//! Evaluation of a checked tree over a storage, column by column.

pub mod annotate;
pub mod column;
pub mod error;
