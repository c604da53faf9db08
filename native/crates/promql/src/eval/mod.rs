//! Evaluation of a checked tree over a storage, column by column.
//!
//! [`engine::evaluate`] plans the tree and evaluates the root. An instant query is a range query of one step. Each node is
//! evaluated once for all steps: scalars are one number a step, vectors one [`column::Column`] a series. A series is decoded
//! once; windows slide over its columns without copies; aggregations take in the columns of a selector as they are computed.
//! Series are computed in parallel and taken in in their order, so that results do not depend on the number of threads.

mod absent;
mod aggregate;
pub mod annotate;
mod binary;
mod budget;
mod call;
pub mod column;
pub mod engine;
pub mod error;
mod histogram_stats;
mod info;
mod names;
mod options;
mod parallel;
mod range;
mod ranges;
mod result;
mod selector;
mod smoothed;
mod source;
mod steps;
mod subquery;
mod windows;

pub use engine::evaluate;
pub(crate) use names::merge_equal;
pub use options::EvalOptions;
