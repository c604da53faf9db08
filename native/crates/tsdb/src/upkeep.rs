//! What is counted of a database's upkeep: compactions, truncations, checkpoints.

use std::ops::AddAssign;
use std::time::Instant;

use parking_lot::Mutex;

/// How often something was done, how often it failed, and how long it took.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tally {
    /// Times that it was tried.
    pub attempts: u64,
    /// Times that it failed.
    pub failures: u64,
    /// Seconds that all attempts took.
    pub seconds: f64,
}

impl Tally {
    /// Does `work` and counts it.
    pub(crate) fn count<T, E>(&mut self, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let begin = Instant::now();
        let done = work();
        self.add(begin, done.is_ok());
        done
    }

    fn add(&mut self, begin: Instant, well: bool) {
        self.attempts += 1;
        self.failures += u64::from(!well);
        self.seconds += begin.elapsed().as_secs_f64();
    }
}

/// Figures of a database's upkeep since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct UpkeepStats {
    /// Blocks written, of the head or of other blocks; the empty ones that are not kept count too.
    pub compactions: Tally,
    /// These by how long they took, see [`Self::COMPACTION_BOUNDS_S`].
    pub compactions_by_duration: [u64; Self::COMPACTION_BOUNDS_S.len() + 1],
    /// Times that the head forgot what is in blocks.
    pub head_truncations: Tally,
    /// Times that the log was shortened.
    pub log_truncations: Tally,
    /// Checkpoints written.
    pub checkpoints: Tally,
    /// Times that what a checkpoint stands for was removed.
    pub checkpoint_removals: Tally,
    /// Times that the blocks here were looked through.
    pub reloads: Tally,
    /// Times that blocks were found to be past retention.
    pub retentions: u64,
}

impl UpkeepStats {
    /// Upper bounds of durations in seconds, inclusive. Those of `prometheus_tsdb_compaction_duration_seconds`.
    pub const COMPACTION_BOUNDS_S: [f64; 14] =
        [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 2048.0, 4096.0, 8192.0];
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.attempts += other.attempts;
        self.failures += other.failures;
        self.seconds += other.seconds;
    }
}

impl AddAssign for UpkeepStats {
    fn add_assign(&mut self, other: Self) {
        self.compactions += other.compactions;
        let buckets = self.compactions_by_duration.iter_mut().zip(other.compactions_by_duration);
        buckets.for_each(|(count, more)| *count += more);
        self.head_truncations += other.head_truncations;
        self.log_truncations += other.log_truncations;
        self.checkpoints += other.checkpoints;
        self.checkpoint_removals += other.checkpoint_removals;
        self.reloads += other.reloads;
        self.retentions += other.retentions;
    }
}

/// What there is to be done on a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// Full chunks are in memory, see [`crate::Tsdb::map_chunks`].
    pub mapping: bool,
    /// The head spans enough for a block, or blocks are to become longer ones, see [`crate::Tsdb::compact`].
    pub compaction: bool,
    /// Blocks are past retention, or some may be there that others were made of, see [`crate::Tsdb::remove_expired`].
    pub removal: bool,
}

/// Counts the upkeep of one database.
#[derive(Debug, Default)]
pub(crate) struct Upkeep {
    stats: Mutex<UpkeepStats>,
}

impl Upkeep {
    pub(crate) fn stats(&self) -> UpkeepStats {
        *self.stats.lock()
    }

    /// Does `work` and counts it under what `tally` names.
    pub(crate) fn count<T, E>(
        &self,
        tally: impl FnOnce(&mut UpkeepStats) -> &mut Tally,
        work: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        let begin = Instant::now();
        let done = work();
        tally(&mut self.stats.lock()).add(begin, done.is_ok());
        done
    }

    /// Writes a block and counts that.
    pub(crate) fn count_compaction<T, E>(&self, write: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let begin = Instant::now();
        let done = self.count(|stats| &mut stats.compactions, write);
        let seconds = begin.elapsed().as_secs_f64();
        let bucket = UpkeepStats::COMPACTION_BOUNDS_S.partition_point(|bound| *bound < seconds);
        self.stats.lock().compactions_by_duration[bucket] += 1;
        done
    }

    /// Blocks were found to be past retention.
    pub(crate) fn count_retention(&self) {
        self.stats.lock().retentions += 1;
    }
}
