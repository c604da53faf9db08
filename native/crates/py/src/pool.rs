//! Worker threads that complete asyncio futures.
//!
//! A call returns an asyncio future at once; a worker does the work without ever taking the GIL and queues the outcome;
//! one eventfd wakes the event loop, whose reader callback ([`Pool::drain`]) sets all finished futures in one go. That
//! is several times cheaper than `run_in_executor`, whose threads queue for the GIL.

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::Arc;

use parking_lot::Mutex;
use pyo3::BoundObject;
use pyo3::prelude::*;

use crate::enter::guarded;
use crate::error::Failure;
use crate::threads::Threads;

/// Makes the Python value of a finished job, or its exception. Runs on the event loop.
type Finish = Box<dyn FnOnce(Python<'_>) -> PyResult<Py<PyAny>> + Send>;

/// Outcomes on their way to the event loop, and the eventfd that announces them.
struct Finished {
    outcomes: Mutex<Vec<(Py<PyAny>, Finish)>>,
    event: OwnedFd,
}

impl Finished {
    fn push(&self, future: Py<PyAny>, finish: Finish) {
        let mut outcomes = self.outcomes.lock();
        outcomes.push((future, finish));
        // The loop takes the whole list at each wake-up: one wake-up is enough for all that come before it.
        if outcomes.len() == 1 {
            self.announce();
        }
    }

    fn announce(&self) {
        let one = 1u64.to_ne_bytes();
        // SAFETY: `event` is an open eventfd and `one` has the eight bytes it wants. A failed write (counter full) still
        // leaves the descriptor readable, which is all that is needed.
        unsafe { libc::write(self.event.as_raw_fd(), one.as_ptr().cast(), one.len()) };
    }

    fn take(&self) -> Vec<(Py<PyAny>, Finish)> {
        let mut count = [0u8; 8];
        // SAFETY: `event` is an open non-blocking eventfd and `count` has room for its eight bytes.
        unsafe { libc::read(self.event.as_raw_fd(), count.as_mut_ptr().cast(), count.len()) };
        std::mem::take(&mut *self.outcomes.lock())
    }
}

/// A bounded pool of native worker threads bound to one event loop.
#[pyclass(frozen, module = "neocortex._native")]
pub struct Pool {
    threads: Threads,
    finished: Arc<Finished>,
    create_future: Py<PyAny>,
    event_loop: Py<PyAny>,
}

#[pymethods]
impl Pool {
    /// Pool(loop, threads, queue_size, name): starts the threads and registers with the loop.
    #[new]
    fn new(event_loop: Bound<'_, PyAny>, threads: usize, queue_size: usize, name: &str) -> PyResult<Py<Self>> {
        let py = event_loop.py();
        // SAFETY: eventfd has no preconditions; the result is checked before it is owned.
        let fd = unsafe { libc::eventfd(0, libc::EFD_NONBLOCK | libc::EFD_CLOEXEC) };
        if fd < 0 {
            return Err(std::io::Error::last_os_error().into());
        }
        // SAFETY: the descriptor was just made and nobody else owns it.
        let event = unsafe { OwnedFd::from_raw_fd(fd) };
        let finished = Arc::new(Finished { outcomes: Mutex::new(Vec::new()), event });
        let pool = Py::new(
            py,
            Self {
                threads: Threads::start(name, threads, queue_size)?,
                finished,
                create_future: event_loop.getattr("create_future")?.unbind(),
                event_loop: event_loop.clone().unbind(),
            },
        )?;
        event_loop.call_method1("add_reader", (fd, pool.getattr(py, "drain")?))?;
        Ok(pool)
    }

    /// Sets the futures of all finished jobs. Called by the event loop.
    fn drain(&self, py: Python<'_>) -> PyResult<()> {
        for (future, finish) in self.finished.take() {
            let future = future.bind(py);
            // A cancelled handler no longer waits: its outcome is dropped, here, where Python objects may be released.
            if future.call_method0("done")?.is_truthy()? {
                continue;
            }
            match finish(py) {
                Ok(value) => future.call_method1("set_result", (value,))?,
                Err(error) => future.call_method1("set_exception", (error.into_value(py),))?,
            };
        }
        Ok(())
    }

    /// Stops taking jobs, waits for those that are queued, and leaves the loop. A second call does nothing.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        if !py.detach(|| self.threads.close()) {
            return Ok(());
        }
        self.drain(py)?;
        self.event_loop.call_method1(py, "remove_reader", (self.finished.event.as_raw_fd(),))?;
        Ok(())
    }

    /// Number of jobs that wait for a thread.
    #[getter]
    fn queued(&self) -> usize {
        self.threads.queued()
    }
}

impl Pool {
    /// Queues `work` and returns the asyncio future of `finish(its result)`.
    ///
    /// # Errors
    /// `ClosedError` and `OverloadedError` at once; whatever `work` gives through the future.
    pub fn submit<'py, T, E, V>(
        &self,
        py: Python<'py>,
        work: impl FnOnce() -> Result<T, E> + Send + 'static,
        finish: impl FnOnce(Python<'_>, T) -> PyResult<V> + Send + 'static,
    ) -> PyResult<Bound<'py, PyAny>>
    where
        T: Send + 'static,
        E: Into<Failure>,
        V: for<'a> IntoPyObject<'a>,
    {
        let future = self.create_future.bind(py).call0()?;
        let (finished, waiting) = (Arc::clone(&self.finished), future.clone().unbind());
        let job = move || {
            let finish: Finish = match guarded(work) {
                Ok(value) => Box::new(move |py| {
                    let value = finish(py, value)?;
                    Ok(value.into_pyobject(py).map_err(Into::into)?.into_any().unbind())
                }),
                Err(failure) => Box::new(move |_| Err(failure.into())),
            };
            finished.push(waiting, finish);
        };
        self.threads.submit(Box::new(job))?;
        Ok(future)
    }
}
