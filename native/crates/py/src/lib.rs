//! The boundary: the only crate that knows Python. Contents only; each module registers what it offers.
//!
//! Bytes and handles cross, samples and labels do not. Every call goes through [`enter`] or a [`pool::Pool`].

pub mod bucket;
pub mod enter;
pub mod error;
mod failpoint;
pub mod fetch;
pub mod figures;
pub mod labels;
mod pattern;
pub mod pool;
pub mod query;
pub mod query_result;
pub mod read_only;
pub mod remote_read;
mod runtime;
pub mod stats;
mod threads;
pub mod tsdb;
pub mod upkeep_stats;
pub mod write;

use pyo3::prelude::*;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    error::register(module)?;
    failpoint::register(module)?;
    fetch::register(module)?;
    figures::register(module)?;
    module.add_class::<pool::Pool>()?;
    bucket::register(module)?;
    labels::register(module)?;
    pattern::register(module)?;
    query::register(module)?;
    query_result::register(module)?;
    read_only::register(module)?;
    remote_read::register(module)?;
    stats::register(module)?;
    tsdb::register(module)?;
    write::register(module)?;
    module.add("PROFILE", if cfg!(debug_assertions) { "debug" } else { "release" })?;
    Ok(())
}
