//! PromQL: parser and vectorised evaluation.
//!
//! A query goes through four rooms:
//!
//! * [`parse`] makes a checked tree from text, with Prometheus's messages and positions.
//! * [`plan`] resolves what depends on the times of the query, finds the subtrees that are the same at every step, and names
//!   the selections: [`selections`] tells a querier what to fetch.
//! * [`eval`] evaluates the tree over a storage, a node at a time for all steps at once: [`evaluate`].
//! * [`func`] holds the functions.
//!
//! [`features`] switches on, by name, what PromQL has beyond Cortex 1.21's.
//!
//! The storage is anything that implements [`neocortex_model::series::Queryable`].

pub mod eval;
pub mod features;
pub mod func;
pub mod parse;
pub mod plan;

pub use eval::error::EvalError;
pub use eval::{EvalOptions, evaluate};
pub use features::{Features, UnknownFeature};
pub use plan::ranges::{Selection, selections, time_range};
pub use plan::rewrite::QueryTimes;
