//! Worker threads that complete asyncio futures.
//!
//! A call returns an asyncio future at once; a worker does the work without ever taking the GIL and queues the outcome;
//! one eventfd wakes the event loop, whose reader callback ([`Pool::drain`]) sets all finished futures in one go. That
//! is several times cheaper than `run_in_executor`, whose threads queue for the GIL. What waits for others and needs no
//! thread meanwhile runs on the tokio runtime and is announced in the same way.

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::Arc;

use parking_lot::{Condvar, Mutex};
use pyo3::BoundObject;
use pyo3::prelude::*;

use crate::enter::{guarded, guarded_async};
use crate::error::Failure;
use crate::runtime::runtime;
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

/// The tasks of a pool on the tokio runtime.
#[derive(Default)]
struct Tasks {
    state: Mutex<TaskState>,
    ended: Condvar,
}

#[derive(Default)]
struct TaskState {
    running: usize,
    closed: bool,
}

impl Tasks {
    fn begin(&self) -> Result<(), Failure> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(Failure::Closed("the worker pool is closed".to_owned()));
        }
        state.running += 1;
        Ok(())
    }

    fn end(&self) {
        self.state.lock().running -= 1;
        self.ended.notify_all();
    }

    /// Lets no task begin any more and returns when those that run have ended.
    fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        self.ended.wait_while(&mut state, |state| state.running > 0);
    }
}

/// A bounded pool of native worker threads bound to one event loop.
#[pyclass(frozen, module = "neocortex._native")]
pub struct Pool {
    threads: Threads,
    tasks: Arc<Tasks>,
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
                tasks: Arc::default(),
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

    /// Stops taking jobs, waits for those that are queued or under way, and leaves the loop. A second call does nothing.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let first = py.detach(|| {
            self.tasks.close();
            self.threads.close()
        });
        if !first {
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
        let job = move || finished.push(waiting, finish_with(guarded(work), finish));
        self.threads.submit(Box::new(job))?;
        Ok(future)
    }

    /// As [`Self::submit`], for short work that neither waits behind what is queued nor is refused with it: figures are
    /// asked for most when the pool is busy. Takes a thread of the tokio runtime.
    ///
    /// # Errors
    /// As [`Self::spawn`].
    pub fn submit_apart<'py, T, E, V>(
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
        let apart = async move {
            let ended = tokio::task::spawn_blocking(move || guarded(work)).await;
            ended.unwrap_or_else(|e| Err(Failure::Internal(format!("internal error: {e}"))))
        };
        self.spawn(py, apart, finish)
    }

    /// As [`Self::submit`], for work that waits: it runs on the tokio runtime and takes no thread of the pool.
    ///
    /// # Errors
    /// `ClosedError` at once; whatever `work` gives through the future.
    pub fn spawn<'py, T, E, V>(
        &self,
        py: Python<'py>,
        work: impl Future<Output = Result<T, E>> + Send + 'static,
        finish: impl FnOnce(Python<'_>, T) -> PyResult<V> + Send + 'static,
    ) -> PyResult<Bound<'py, PyAny>>
    where
        T: Send + 'static,
        E: Into<Failure>,
        V: for<'a> IntoPyObject<'a>,
    {
        let runtime = runtime()?;
        let future = self.create_future.bind(py).call0()?;
        let (finished, waiting) = (Arc::clone(&self.finished), future.clone().unbind());
        let tasks = Arc::clone(&self.tasks);
        tasks.begin()?;
        runtime.spawn(async move {
            finished.push(waiting, finish_with(guarded_async(work).await, finish));
            tasks.end();
        });
        Ok(future)
    }
}

fn finish_with<T, V>(
    outcome: Result<T, Failure>,
    finish: impl FnOnce(Python<'_>, T) -> PyResult<V> + Send + 'static,
) -> Finish
where
    T: Send + 'static,
    V: for<'a> IntoPyObject<'a>,
{
    match outcome {
        Ok(value) => Box::new(move |py| {
            let value = finish(py, value)?;
            Ok(value.into_pyobject(py).map_err(Into::into)?.into_any().unbind())
        }),
        Err(failure) => Box::new(move |_| Err(failure.into())),
    }
}
