//! Series in memory over all databases of a process: what a limit of the process is held against.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

/// A sum over the databases that share it.
#[derive(Debug, Default)]
pub struct SeriesCount(AtomicU64);

impl SeriesCount {
    /// Series in memory now.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What one database adds to the sum, until it is dropped.
pub(crate) struct Share {
    sum: Arc<SeriesCount>,
    own: Mutex<u64>,
}

impl Share {
    pub(crate) fn of(sum: &Arc<SeriesCount>) -> Self {
        Self { sum: Arc::clone(sum), own: Mutex::new(0) }
    }

    /// The sum over all databases.
    pub(crate) fn sum(&self) -> u64 {
        self.sum.get()
    }

    /// Has the sum know what `series` gives, the number of the database's series now.
    pub(crate) fn update(&self, series: impl FnOnce() -> u64) {
        // Asked for under the lock: of two threads the later one has the later figure.
        let mut own = self.own.lock();
        let now = series();
        // Modulo 2^64, so that a difference may be negative.
        self.sum.0.fetch_add(now.wrapping_sub(*own), Ordering::Relaxed);
        *own = now;
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.update(|| 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::head::SeriesLimits;
    use crate::head::tests::{Fixture, Rows};
    use crate::tsdb::Options;

    fn two(t: i64) -> Rows {
        Rows::default().row(&[("__name__", "a")]).float(t, 1.0).row(&[("__name__", "b")]).float(t, 1.0)
    }

    #[test]
    fn appends_replays_and_compactions_count() {
        let options = Options::default();
        let count = Arc::clone(&options.series_count);
        let (mut one, other) = (Fixture::with(options.clone()), Fixture::with(options));
        one.append(&two(1000));
        one.append(&two(2000));
        assert_eq!(count.get(), 2);
        other.append(&two(1000));
        assert_eq!(count.get(), 4);
        one.crash_and_reopen();
        assert_eq!(count.get(), 4, "the database that crashed is dropped, what it logged is replayed");
        one.tsdb.flush().unwrap();
        assert_eq!(count.get(), 2);
        drop(other);
        assert_eq!(count.get(), 0);
    }

    #[test]
    fn a_request_that_is_not_taken_does_not_count() {
        let f = Fixture::new();
        let no_room = SeriesLimits { room: Some(1), ..SeriesLimits::default() };
        f.tsdb.append(&two(1000), &no_room).unwrap_err();
        assert_eq!(f.options.series_count.get(), 0);
    }

    #[test]
    fn threads_leave_the_right_sum() {
        let sum = Arc::new(SeriesCount::default());
        let (share, series) = (Share::of(&sum), AtomicU64::new(0));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..1000 {
                        series.fetch_add(1, Ordering::Relaxed);
                        share.update(|| series.load(Ordering::Relaxed));
                    }
                });
            }
        });
        assert_eq!(sum.get(), 4000);
    }
}
