//! What databases did to keep themselves small, all together.

use neocortex_tsdb::{Tally, Tsdb, UpkeepStats};
use pyo3::prelude::*;

/// `UpkeepStats`
#[pyclass(frozen, name = "UpkeepStats", module = "neocortex._native")]
#[derive(Clone, Default)]
pub struct PyUpkeepStats {
    stats: UpkeepStats,
    log_writes: u64,
    log_pages: u64,
    log_syncs: Tally,
    log_corruptions: u64,
}

/// Attempts, failures, and seconds that all attempts took.
type Counted = (u64, u64, f64);

fn counted(tally: Tally) -> Counted {
    (tally.attempts, tally.failures, tally.seconds)
}

#[pymethods]
impl PyUpkeepStats {
    #[getter]
    fn compactions(&self) -> Counted {
        counted(self.stats.compactions)
    }

    #[getter]
    fn compactions_by_duration(&self) -> Vec<u64> {
        self.stats.compactions_by_duration.to_vec()
    }

    #[getter]
    fn head_truncations(&self) -> Counted {
        counted(self.stats.head_truncations)
    }

    #[getter]
    fn log_truncations(&self) -> Counted {
        counted(self.stats.log_truncations)
    }

    #[getter]
    fn checkpoints(&self) -> Counted {
        counted(self.stats.checkpoints)
    }

    #[getter]
    fn checkpoint_removals(&self) -> Counted {
        counted(self.stats.checkpoint_removals)
    }

    #[getter]
    fn reloads(&self) -> Counted {
        counted(self.stats.reloads)
    }

    #[getter]
    fn retentions(&self) -> u64 {
        self.stats.retentions
    }

    #[getter]
    fn log_writes(&self) -> u64 {
        self.log_writes
    }

    #[getter]
    fn log_pages(&self) -> u64 {
        self.log_pages
    }

    #[getter]
    fn log_syncs(&self) -> Counted {
        counted(self.log_syncs)
    }

    #[getter]
    fn log_corruptions(&self) -> u64 {
        self.log_corruptions
    }
}

impl PyUpkeepStats {
    /// Adds a database's.
    pub fn add(&mut self, tsdb: &Tsdb) {
        let (wal, replay) = (tsdb.stats().wal, tsdb.replay_stats());
        self.stats += tsdb.upkeep_stats();
        self.log_writes += wal.writes;
        self.log_pages += wal.pages;
        self.log_syncs += wal.syncs;
        self.log_corruptions += u64::from(replay.repaired) + u64::from(replay.out_of_order_repaired);
    }
}
