//! From matchers to series: lists of series by label, and the operations on them.

mod list;
mod mem;
pub mod ops;
mod resolve;

pub(crate) use mem::MemPostings;
pub(crate) use resolve::resolve;
