//! PromQL: parser and vectorised evaluation.
//!
//! [`parse`] makes a checked tree from text, with Prometheus's messages and positions; [`eval`] evaluates it over a
//! storage, series by series with all steps at once; [`func`] holds the functions.

pub mod eval;
pub mod func;
pub mod parse;
pub mod plan;
