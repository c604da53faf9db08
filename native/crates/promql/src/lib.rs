//! PromQL: parser and vectorised evaluation.
//!
//! [`parse`] makes a checked tree from text, with Prometheus's messages and positions.

pub mod parse;
