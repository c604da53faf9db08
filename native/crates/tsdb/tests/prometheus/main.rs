//! Our files before a real Prometheus, and its files before us.
//!
//! Needs `prometheus` and `promtool` on the PATH. Where they are missing the tests say so and pass, but not when the
//! environment has `CI=true`.

#![allow(clippy::disallowed_methods, reason = "the tests look at the files from outside")]

mod block;
mod chunk_files;
mod directory;
mod log;
mod out_of_order;
mod process;
mod snapshot;
