//! How the database ends and starts.

use std::path::Path;
use std::sync::Arc;

use neocortex_tsdb::fs::{Fault, FaultyFs, Fs};
use neocortex_tsdb::{Options, Tsdb};

use crate::machine::{Checked, DIR, Machine, Ticking};
use crate::model::End;
use crate::read::{exemplars, read, select};

/// Starts that may fail one after the other.
const MAX_FAILING_STARTS: usize = 5;

impl Machine {
    /// The process is gone, and the disk without faults.
    pub(crate) fn kill(&mut self) {
        let disk = self.fs.after_process_crash();
        self.go_on_with(disk);
    }

    /// The power is gone, and so is what was not durable: all of it without a seed.
    pub(crate) fn lose_power(&mut self, seed: Option<u64>) {
        let disk = match seed {
            Some(seed) => self.fs.after_power_failure_by_chance(seed),
            None => self.fs.after_power_failure(),
        };
        self.go_on_with(disk);
    }

    fn go_on_with(&mut self, disk: FaultyFs) {
        (self.tsdb, self.selected) = (None, None);
        self.metadata.forget();
        self.fs = disk;
        (self.sound_from, self.full) = (0, false);
    }

    /// The process dies or the power fails.
    pub(crate) fn die(&mut self) -> End {
        match self.chance.up_to(5) {
            0 => self.lose_power(None),
            1 => {
                let seed = self.chance.bits();
                self.lose_power(Some(seed));
            }
            _ => {
                self.kill();
                return End::Process;
            }
        }
        End::Power
    }

    pub(crate) fn die_and_start(&mut self) -> Checked {
        let end = self.die();
        self.start(end)
    }

    /// Starts the database by itself, however often that fails for a failing disk.
    pub(crate) fn start(&mut self, mut end: End) -> Checked {
        for attempt in 0.. {
            self.history.push(format!("  start after {end:?}"));
            // At last, the disk is sound.
            self.sound = attempt == MAX_FAILING_STARTS || !self.trouble_start();
            let fs: Arc<dyn Fs> = Arc::new(self.fs.clone());
            let clock = Arc::<Ticking>::clone(&self.clock);
            let snapshot_on_close = self.mix.snapshots && self.chance.up_to(3) > 0;
            let options = Options { snapshot_on_close, ..self.options.clone() };
            let opened = Tsdb::open(fs, clock, Path::new(DIR), options);
            match opened {
                Ok(tsdb) => {
                    self.tsdb = Some(tsdb);
                    break;
                }
                failed => self.may_fail(failed)?,
            }
            if self.fs.has_crashed() {
                end = end.max(self.die());
            } else {
                self.kill();
            }
        }
        if end == End::Power {
            self.exemplars.doubt();
        }
        self.exemplars.check(&exemplars(self.tsdb())?)?;
        self.metadata.check(self.tsdb())?;
        let found = select(self.tsdb(), i64::MIN, i64::MAX).and_then(|selection| read(&selection, i64::MIN, i64::MAX));
        match self.readable(found)? {
            Some(found) => self.model.check_started(&found, end, !self.fs.has_given_up()),
            None => Ok(()),
        }
    }

    /// Lets something go wrong at a start, or not.
    fn trouble_start(&mut self) -> bool {
        match self.chance.up_to(9) {
            0 if self.mix.faults => self.fill(self.options.segment_size / 1000),
            1 | 2 if self.mix.faults => {
                let fault = Fault::ALL[self.chance.up_to(Fault::ALL.len() - 1)];
                let after = self.chance.up_to(8) as u64;
                self.fail(after, fault);
            }
            3 | 4 if self.mix.flips => {
                let after = self.chance.up_to(8) as u64;
                self.fs.flip_at(self.fs.reads() + after, self.chance.bits());
            }
            _ => return false,
        }
        true
    }
}
