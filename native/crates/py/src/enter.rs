//! The one gate into the core: panics become errors of that call alone, the GIL is released, errors get their class.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use pyo3::prelude::*;

use crate::error::Failure;

/// Runs `work` and turns a panic into [`Failure::Internal`].
///
/// The core's locks do not poison (parking_lot), and every structure is changed only after what can fail; so state that
/// a panicking call leaves behind is usable by the next one.
pub fn guarded<T, E: Into<Failure>>(work: impl FnOnce() -> Result<T, E>) -> Result<T, Failure> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result.map_err(Into::into),
        Err(payload) => Err(Failure::Internal(format!("internal error: {}", panic_text(payload.as_ref())))),
    }
}

/// Runs `work` on this thread without the GIL. Only for calls that are proven short; all else goes to the pool.
pub fn enter<T: Send, E: Into<Failure>>(py: Python<'_>, work: impl FnOnce() -> Result<T, E> + Send) -> PyResult<T> {
    py.detach(|| guarded(work)).map_err(PyErr::from)
}

fn panic_text(payload: &(dyn Any + Send)) -> &str {
    payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("panic without a text")
}
