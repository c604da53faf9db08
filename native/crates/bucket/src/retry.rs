//! Trying again what may pass.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use crate::error::BucketError;

/// How often an operation is tried, and how long the pauses between are: the first one as given, each further one twice
/// as long up to the longest, all of them shortened by up to a half at random.
#[derive(Clone, Copy, Debug)]
pub struct Retry {
    /// At least one.
    pub attempts: u32,
    /// Pause after the first failure.
    pub first_pause: Duration,
    /// Pauses do not grow beyond.
    pub longest_pause: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self { attempts: 4, first_pause: Duration::from_millis(100), longest_pause: Duration::from_secs(5) }
    }
}

impl Retry {
    /// Makes attempts until one succeeds, one fails for good, or there were enough; gives what the last one gave.
    pub(crate) async fn run<T, F>(&self, mut attempt: impl FnMut() -> F) -> Result<T, BucketError>
    where
        F: Future<Output = Result<T, BucketError>>,
    {
        let mut pause = self.first_pause;
        for _ in 1..self.attempts {
            match attempt().await {
                Err(error) if error.is_transient() => tokio::time::sleep(shortened(pause)).await,
                outcome => return outcome,
            }
            pause = (pause * 2).min(self.longest_pause);
        }
        attempt().await
    }
}

/// A pause between a half and the whole, so that clients that failed together do not come back together.
fn shortened(pause: Duration) -> Duration {
    // Keyed anew at random by the standard library.
    let chance = RandomState::new().hash_one(0u8) as f64 / u64::MAX as f64;
    pause.mul_f64(0.5 + chance / 2.0)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn transient() -> BucketError {
        BucketError::Transient { key: "k".to_owned(), doing: "put", source: "no answer".into() }
    }

    async fn attempts_made(attempts: u32, fail: impl Fn(u32) -> Option<BucketError>) -> (u32, bool) {
        let retry = Retry { attempts, first_pause: Duration::ZERO, longest_pause: Duration::ZERO };
        let made = Cell::new(0);
        let attempt = || {
            made.set(made.get() + 1);
            std::future::ready(fail(made.get()).map_or(Ok(()), Err))
        };
        let outcome = retry.run(attempt).await;
        (made.get(), outcome.is_ok())
    }

    #[tokio::test]
    async fn transient_failures_are_tried_again_so_often() {
        assert_eq!(attempts_made(3, |_| None).await, (1, true));
        assert_eq!(attempts_made(3, |n| (n < 3).then(transient)).await, (3, true));
        assert_eq!(attempts_made(3, |_| Some(transient())).await, (3, false));
        assert_eq!(attempts_made(0, |_| Some(transient())).await, (1, false));
        let lost = |_| Some(BucketError::NotFound { key: "k".to_owned() });
        assert_eq!(attempts_made(3, lost).await, (1, false));
    }

    #[test]
    fn pauses_are_shortened_by_at_most_a_half() {
        let pause = Duration::from_secs(8);
        assert!((0..100).map(|_| shortened(pause)).all(|p| p >= pause / 2 && p <= pause));
    }
}
