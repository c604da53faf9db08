//! A bounded queue of jobs and the threads that run them. Knows nothing of Python, so that it is tested without.

use std::thread::JoinHandle;

use crossbeam_channel::{Sender, TrySendError, bounded};
use parking_lot::Mutex;

use crate::enter::guarded;
use crate::error::Failure;

/// What a thread runs; it hands its outcome on itself.
pub type Job = Box<dyn FnOnce() + Send>;

/// Named threads on one queue. A job that panics ends alone: its thread goes on with the next.
pub struct Threads {
    jobs: Mutex<Option<Sender<Job>>>,
    handles: Mutex<Vec<JoinHandle<()>>>,
}

impl Threads {
    /// Starts at least one thread, with room for at least one waiting job.
    ///
    /// # Errors
    /// When the system gives no more threads.
    pub fn start(name: &str, threads: usize, queue_size: usize) -> std::io::Result<Self> {
        let (jobs, queue) = bounded::<Job>(queue_size.max(1));
        let handles = (0..threads.max(1))
            .map(|i| {
                let queue = queue.clone();
                std::thread::Builder::new().name(format!("{name}-{i}")).spawn(move || {
                    for job in queue {
                        // The job's own guard has made an outcome of its panic; this one keeps the thread.
                        let _ = guarded::<_, Failure>(|| {
                            job();
                            Ok(())
                        });
                    }
                })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { jobs: Mutex::new(Some(jobs)), handles: Mutex::new(handles) })
    }

    /// Queues a job.
    ///
    /// # Errors
    /// `Closed` after [`Self::close`], `Overloaded` when the queue is full; the job is dropped unrun, on this thread.
    pub fn submit(&self, job: Job) -> Result<(), Failure> {
        let jobs = self.jobs.lock();
        match jobs.as_ref().map(|jobs| jobs.try_send(job)) {
            Some(Ok(())) => Ok(()),
            Some(Err(TrySendError::Full(_))) => Err(Failure::Overloaded("too many requests are queued".to_owned())),
            Some(Err(TrySendError::Disconnected(_))) | None => {
                Err(Failure::Closed("the worker pool is closed".to_owned()))
            }
        }
    }

    /// Number of jobs that wait for a thread.
    pub fn queued(&self) -> usize {
        self.jobs.lock().as_ref().map_or(0, Sender::len)
    }

    /// Takes no more jobs and returns when those that are queued are done; whether this call was the first.
    pub fn close(&self) -> bool {
        let first = self.jobs.lock().take().is_some();
        for handle in std::mem::take(&mut *self.handles.lock()) {
            // A thread catches the panics of its jobs, so there is no error to hand on.
            let _ = handle.join();
        }
        first
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc::{Receiver, channel};
    use std::time::Duration;

    use super::*;

    const SOON: Duration = Duration::from_secs(10);

    /// Occupies one thread until the sender is dropped; returns when the thread has taken the job.
    fn occupy(threads: &Threads) -> std::sync::mpsc::Sender<()> {
        let (release, released) = channel::<()>();
        let (taken, took) = channel();
        let job = move || {
            let _ = taken.send(());
            let _ = released.recv();
        };
        threads.submit(Box::new(job)).expect("a free thread");
        took.recv_timeout(SOON).expect("the job runs");
        release
    }

    fn name_of_thread(threads: &Threads) -> Receiver<Option<String>> {
        let (send, receive) = channel();
        let job = move || drop(send.send(std::thread::current().name().map(str::to_owned)));
        threads.submit(Box::new(job)).expect("room in the queue");
        receive
    }

    #[test]
    fn jobs_run_on_named_threads() {
        let threads = Threads::start("query", 0, 0).expect("a thread");
        assert_eq!(name_of_thread(&threads).recv_timeout(SOON), Ok(Some("query-0".to_owned())));
    }

    #[test]
    fn a_panicking_job_ends_alone() {
        let threads = Threads::start("p", 1, 8).expect("a thread");
        for _ in 0..3 {
            threads.submit(Box::new(|| panic!("on purpose"))).expect("room in the queue");
        }
        assert_eq!(name_of_thread(&threads).recv_timeout(SOON), Ok(Some("p-0".to_owned())));
        assert!(threads.close());
    }

    #[test]
    fn a_full_queue_refuses_and_drops_the_job() {
        let threads = Threads::start("p", 1, 1).expect("a thread");
        let release = occupy(&threads);
        threads.submit(Box::new(|| ())).expect("room for one");
        assert_eq!(threads.queued(), 1);
        let held = Arc::new(());
        let also_held = Arc::clone(&held);
        let refused = threads.submit(Box::new(move || drop(also_held)));
        assert!(matches!(refused, Err(Failure::Overloaded(text)) if text == "too many requests are queued"));
        assert_eq!(Arc::strong_count(&held), 1);
        drop(release);
        threads.close();
        assert_eq!(threads.queued(), 0);
    }

    #[test]
    fn close_waits_for_what_is_queued() {
        let threads = Arc::new(Threads::start("p", 2, 64).expect("two threads"));
        let done = Arc::new(AtomicUsize::new(0));
        let releases = [occupy(&threads), occupy(&threads)];
        for _ in 0..50 {
            let done = Arc::clone(&done);
            let job = move || {
                done.fetch_add(1, Ordering::SeqCst);
            };
            threads.submit(Box::new(job)).expect("room in the queue");
        }
        let closing = std::thread::spawn({
            let threads = Arc::clone(&threads);
            move || threads.close()
        });
        while !matches!(threads.submit(Box::new(|| ())), Err(Failure::Closed(_))) {
            std::thread::yield_now();
        }
        assert_eq!(done.load(Ordering::SeqCst), 0);
        drop(releases);
        assert!(closing.join().expect("close returns"));
        assert_eq!(done.load(Ordering::SeqCst), 50);
        assert!(!threads.close());
    }

    #[test]
    fn a_closed_pool_says_so() {
        let threads = Threads::start("p", 1, 1).expect("a thread");
        threads.close();
        let refused = threads.submit(Box::new(|| ()));
        assert!(matches!(refused, Err(Failure::Closed(text)) if text == "the worker pool is closed"));
    }
}
