//! Work on many series at once, results in the order of the series.

use rayon::prelude::*;

use super::error::EvalError;

/// Results that are held at once while waiting to be taken in.
const BATCH: usize = 256;

/// Fewer series than this are not worth a second thread.
const WORTH: usize = 8;

/// Calls `work` for each of `count` series, on any thread, and `take` with each result, on this thread and in order. The
/// first error in that order ends it.
pub(super) fn in_order<T: Send>(
    count: usize,
    work: impl Fn(usize) -> Result<T, EvalError> + Sync,
    take: &mut dyn FnMut(T) -> Result<(), EvalError>,
) -> Result<(), EvalError> {
    if count < WORTH {
        return (0..count).try_for_each(|i| take(work(i)?));
    }
    for from in (0..count).step_by(BATCH) {
        let batch: Vec<_> = (from..count.min(from + BATCH)).into_par_iter().map(&work).collect();
        batch.into_iter().try_for_each(|result| take(result?))?;
    }
    Ok(())
}
