//! From the checked tree to what is evaluated: durations and times resolved, invariant subtrees marked, selections named.

pub mod ranges;
pub mod rewrite;
pub mod selectors;
pub mod tree;
