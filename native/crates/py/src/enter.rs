//! The one gate into the core: panics become errors of that call alone, the GIL is released, errors get their class.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossbeam_channel::{RecvTimeoutError, bounded};
use futures_util::FutureExt;
use pyo3::prelude::*;

use crate::error::Failure;

/// Runs `work` and turns a panic into [`Failure::Internal`].
///
/// The core's locks do not poison (parking_lot), and every structure is changed only after what can fail; so state that
/// a panicking call leaves behind is usable by the next one.
pub fn guarded<T, E: Into<Failure>>(work: impl FnOnce() -> Result<T, E>) -> Result<T, Failure> {
    outcome_of(catch_unwind(AssertUnwindSafe(work)))
}

/// As [`guarded`], for work that waits.
pub async fn guarded_async<T, E: Into<Failure>>(work: impl Future<Output = Result<T, E>>) -> Result<T, Failure> {
    outcome_of(AssertUnwindSafe(work).catch_unwind().await)
}

fn outcome_of<T, E: Into<Failure>>(ended: std::thread::Result<Result<T, E>>) -> Result<T, Failure> {
    match ended {
        Ok(result) => result.map_err(Into::into),
        Err(payload) => Err(Failure::Internal(format!("internal error: {}", panic_text(payload.as_ref())))),
    }
}

/// Runs `work` on this thread without the GIL. Only for calls that are proven short; all else goes to the pool.
pub fn enter<T: Send, E: Into<Failure>>(py: Python<'_>, work: impl FnOnce() -> Result<T, E> + Send) -> PyResult<T> {
    py.detach(|| guarded(work)).map_err(PyErr::from)
}

/// How often signals are looked for while a call is under way.
const SIGNALS_EVERY: Duration = Duration::from_millis(50);

/// Runs `work` without the GIL on a thread of its own, while signals are handled on this one. When a handler raises, as
/// that of Ctrl-C does, `cancelled` is set, which is to end the work soon; then what the handler raised is raised.
pub fn enter_interruptible<T: Send, E: Into<Failure>>(
    py: Python<'_>,
    cancelled: &AtomicBool,
    work: impl FnOnce() -> Result<T, E> + Send,
) -> PyResult<T> {
    let (done, outcome) = bounded(1);
    std::thread::scope(|scope| {
        let work = move || drop(done.send(guarded(work)));
        std::thread::Builder::new().name("query".to_owned()).spawn_scoped(scope, work)?;
        let mut raised = None;
        loop {
            match py.detach(|| outcome.recv_timeout(SIGNALS_EVERY)) {
                Ok(result) => return raised.map_or_else(|| result.map_err(PyErr::from), Err),
                Err(RecvTimeoutError::Timeout) if raised.is_none() => {
                    raised = py.check_signals().err();
                    cancelled.store(raised.is_some(), Ordering::Relaxed);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Failure::Internal("internal error: a query ended without an outcome".to_owned()).into());
                }
            }
        }
    })
}

fn panic_text(payload: &(dyn Any + Send)) -> &str {
    payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("panic without a text")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(result: Result<(), Failure>) -> String {
        match result {
            Err(Failure::Internal(text)) => text,
            other => panic!("not an internal failure: {other:?}"),
        }
    }

    #[test]
    fn results_pass() {
        assert!(matches!(guarded::<_, Failure>(|| Ok(7)), Ok(7)));
        let refused = guarded::<(), _>(|| Err(Failure::Parse("unexpected end".to_owned())));
        assert!(matches!(refused, Err(Failure::Parse(text)) if text == "unexpected end"));
    }

    #[test]
    fn a_panic_is_an_internal_failure_with_its_text() {
        let with_str = guarded::<(), Failure>(|| panic!("a bug"));
        assert_eq!(text_of(with_str), "internal error: a bug");
        let with_string = guarded::<(), Failure>(|| panic!("a bug in {}", "head"));
        assert_eq!(text_of(with_string), "internal error: a bug in head");
        let with_a_value = guarded::<(), Failure>(|| std::panic::panic_any(7));
        assert_eq!(text_of(with_a_value), "internal error: panic without a text");
        let empty = Vec::<i32>::new();
        let out_of_bounds = guarded::<(), Failure>(move || panic!("{}", empty[3]));
        assert_eq!(text_of(out_of_bounds), "internal error: index out of bounds: the len is 0 but the index is 3");
    }

    #[test]
    fn a_panic_while_waiting_is_one_too() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let ended = runtime.block_on(guarded_async::<(), Failure>(async {
            tokio::task::yield_now().await;
            panic!("a bug")
        }));
        assert_eq!(text_of(ended), "internal error: a bug");
        assert!(matches!(runtime.block_on(guarded_async::<_, Failure>(async { Ok(7) })), Ok(7)));
    }

    #[test]
    fn a_lock_held_while_panicking_is_free_again() {
        let lock = parking_lot::Mutex::new(1);
        let failed = guarded::<(), Failure>(|| {
            let mut held = lock.lock();
            *held = 2;
            panic!("while holding it")
        });
        assert_eq!(text_of(failed), "internal error: while holding it");
        assert_eq!(*lock.lock(), 2);
    }
}
