//! The one tokio runtime: what waits for object stores runs there, and every pool is told when it is done.

use std::sync::OnceLock;

use tokio::runtime::{Builder, Runtime};

use crate::error::Failure;

/// Threads that drive what waits; it is work of others that is waited for.
const THREADS: usize = 2;

/// Threads for calls of the operating system that block: files of the filesystem store and files that are uploaded.
const BLOCKING_THREADS: usize = 32;

static RUNTIME: OnceLock<Runtime> = OnceLock::new();

/// The runtime, started at the first call.
///
/// # Errors
/// [`Failure::Internal`] when the system gives no threads.
pub fn runtime() -> Result<&'static Runtime, Failure> {
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime);
    }
    let made = Builder::new_multi_thread()
        .worker_threads(THREADS)
        .max_blocking_threads(BLOCKING_THREADS)
        .thread_name("bucket")
        .enable_all()
        .build()
        .map_err(|e| Failure::Internal(format!("cannot start the runtime: {e}")))?;
    Ok(RUNTIME.get_or_init(|| made))
}
