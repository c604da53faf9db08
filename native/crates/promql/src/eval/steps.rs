//! The times of evaluation.

use super::error::EvalError;

/// Times at equal distance, in milliseconds.
#[derive(Clone, Debug)]
pub(super) struct Steps {
    /// The first.
    pub start_ms: i64,
    /// Each of them.
    pub times: Vec<i64>,
}

impl Steps {
    /// The times `start_ms, start_ms + step_ms, …` up to `end_ms`; none when the end is before the start.
    ///
    /// # Errors
    /// [`EvalError::TooManySamples`] when there are more than `max`.
    pub fn new(start_ms: i64, end_ms: i64, step_ms: i64, max: u64) -> Result<Self, EvalError> {
        let step_ms = step_ms.max(1);
        let mut times = Vec::new();
        if end_ms >= start_ms {
            let count = end_ms.abs_diff(start_ms) / step_ms.unsigned_abs() + 1;
            if count > max {
                return Err(EvalError::TooManySamples);
            }
            times = (0..count as i64).map(|i| start_ms + i * step_ms).collect();
        }
        Ok(Self { start_ms, times })
    }

    /// The first of them alone.
    pub fn first(&self) -> Self {
        Self { times: self.times.iter().take(1).copied().collect(), ..*self }
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.times.len()
    }
}
