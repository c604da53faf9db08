//! The times of evaluation.

use super::error::EvalError;

/// Times at equal distance, in milliseconds.
#[derive(Clone, Debug)]
pub(super) struct Steps {
    /// The first.
    pub start_ms: i64,
    /// None is later.
    pub end_ms: i64,
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
            let count = (end_ms.abs_diff(start_ms) / step_ms.unsigned_abs()).saturating_add(1);
            if count > max {
                return Err(EvalError::TooManySamples);
            }
            times = (0..count as i64).map(|i| start_ms + i * step_ms).collect();
        }
        Ok(Self { start_ms, end_ms, times })
    }

    /// The first of them alone.
    pub fn first(&self) -> Self {
        Self { start_ms: self.start_ms, end_ms: self.start_ms, times: self.times.iter().take(1).copied().collect() }
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.times.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_step_is_not_after_the_end() {
        let times = |start, end, step| Steps::new(start, end, step, 10).map(|steps| steps.times);
        assert_eq!(times(5, 16, 5), Ok(vec![5, 10, 15]));
        assert_eq!(times(5, 5, 0), Ok(vec![5]));
        assert_eq!(times(6, 5, 1), Ok(Vec::new()));
    }

    #[test]
    fn too_many_steps_are_refused_before_they_are_made() {
        assert_eq!(Steps::new(0, 10, 1, 10).map(|steps| steps.count()), Err(EvalError::TooManySamples));
        assert!(Steps::new(i64::MIN, i64::MAX, 1, u64::MAX - 1).is_err());
    }
}
