//! The promises.
//!
//! 1. While the database runs, it shows what it acknowledged: all of it, and nothing else.
//! 2. What it acknowledged has been handed to the operating system: after the death of the process all of it is there.
//! 3. Acknowledged samples become durable, so that a loss of power leaves them, when the segment of the log that has them is
//!    ended (a next one began, the database was closed, or opened again), and when a block has them; those that came late
//!    when the database is closed or opened again. That is as true as the syncs of the operating system are: what a failed
//!    one has lost may be missing.
//! 4. What was neither acknowledged nor durable may be there after a start, whole samples of it; what was never sent is not.
//! 5. What a start found stays: it is acknowledged and durable from then on. What it did not find never comes back.
//! 6. A sample that comes again with another value does not count.
//! 7. Blocks past retention may be gone. Nothing younger is.
//! 8. A removed database is gone. Where its removal failed, or the power did after it, there may be some of it.

use std::collections::BTreeMap;

use crate::read::Found;
use crate::write::{SeriesNumber, Value, Write};

/// What is known of a sample that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    /// Its request failed, or its process died before it answered.
    Maybe,
    Acknowledged,
    Durable,
}

/// How the last life of the database ended, at the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// The process stopped or died.
    Process,
    /// The power failed.
    Power,
}

/// How long samples are kept.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// Length of a block's range.
    pub range_ms: i64,
    /// How long before the newest block's end a block must end to be removed, 0 for ever.
    pub retention_ms: i64,
}

/// A value that was sent of a sample.
#[derive(Clone, Copy, Debug)]
struct Sent {
    value: Value,
    standing: Standing,
    /// It may have gone to the log of samples out of order.
    late: bool,
}

/// All samples that were sent and may still matter.
pub struct Model {
    /// More than one value of a sample when it was sent again with another.
    samples: BTreeMap<(SeriesNumber, i64), Vec<Sent>>,
    retention: Retention,
    newest_t: i64,
    /// The medium lies: samples may be missing, but still none may be wrong.
    damaged: bool,
}

impl Model {
    pub fn new(retention: Retention, damaged: bool) -> Self {
        Self { samples: BTreeMap::new(), retention, newest_t: i64::MIN, damaged }
    }

    /// Time of the newest sample that was ever sent.
    pub fn newest_t(&self) -> Option<i64> {
        (self.newest_t != i64::MIN).then_some(self.newest_t)
    }

    /// True when the sample was acknowledged with this value before.
    pub fn is_acknowledged(&self, write: &Write) -> bool {
        let values = self.samples.get(&(write.series, write.t)).into_iter().flatten();
        values.into_iter().any(|sent| sent.value == write.value && sent.standing >= Standing::Acknowledged)
    }

    /// True when the sample was sent with another value before.
    pub fn is_sent_again(&self, write: &Write) -> bool {
        self.samples.get(&(write.series, write.t)).into_iter().flatten().any(|sent| sent.value != write.value)
    }

    /// The request was answered, these samples of it being taken.
    pub fn acknowledge(&mut self, writes: &[Write]) {
        self.add(writes, Standing::Acknowledged);
    }

    /// The request failed.
    pub fn doubt(&mut self, writes: &[Write]) {
        self.add(writes, Standing::Maybe);
    }

    fn add(&mut self, writes: &[Write], standing: Standing) {
        let newest_t = self.newest_t;
        for write in writes {
            self.newest_t = self.newest_t.max(write.t);
            let values = self.samples.entry((write.series, write.t)).or_default();
            match values.iter_mut().find(|sent| sent.value == write.value) {
                Some(sent) => sent.standing = standing.max(sent.standing),
                None => values.push(Sent { value: write.value, standing, late: write.t <= newest_t }),
            }
        }
    }

    /// What was acknowledged up to now, of times from `from` on and before `to`, has become durable, except what came late.
    pub fn make_durable(&mut self, from: i64, to: i64) {
        self.make_durable_if(|t, sent| (from..to).contains(&t) && !sent.late);
    }

    /// What was acknowledged up to now has become durable.
    pub fn make_all_durable(&mut self) {
        self.make_durable_if(|_, _| true);
    }

    fn make_durable_if(&mut self, has: impl Fn(i64, &Sent) -> bool) {
        for ((_, t), values) in &mut self.samples {
            for sent in values.iter_mut().filter(|sent| sent.standing == Standing::Acknowledged && has(*t, sent)) {
                sent.standing = Standing::Durable;
            }
        }
    }

    /// The database was removed.
    pub fn remove_all(&mut self) {
        self.samples.clear();
    }

    /// The database was to be removed, and any of its samples may be there.
    pub fn doubt_all(&mut self) {
        self.samples.values_mut().flatten().for_each(|sent| sent.standing = Standing::Maybe);
    }

    /// What a running database shows of the times from `from` to `to`.
    pub fn check_running(&self, found: &Found, from: i64, to: i64) -> Result<(), String> {
        self.check(found, from, to, Standing::Acknowledged, Standing::Acknowledged)
    }

    /// Everything that a database has after a start; it is what there is from now on, and durable unless a sync failed.
    pub fn check_started(&mut self, found: &Found, end: End, durable: bool) -> Result<(), String> {
        let needed = if end == End::Power { Standing::Durable } else { Standing::Acknowledged };
        self.check(found, i64::MIN, i64::MAX, needed, Standing::Maybe)?;
        if self.damaged {
            return Ok(());
        }
        let standing = if durable { Standing::Durable } else { Standing::Acknowledged };
        let expiring: Vec<i64> = self.samples.keys().map(|(_, t)| *t).filter(|t| self.may_expire(*t)).collect();
        self.samples.retain(|key, values| match found.get(key) {
            Some(value) => {
                values.retain(|sent| sent.value == *value);
                values.iter_mut().for_each(|sent| sent.standing = sent.standing.max(standing));
                true
            }
            None => expiring.contains(&key.1),
        });
        Ok(())
    }

    /// Samples of standing `needed` must be there with their values; others may be if their standing is `allowed`.
    fn check(&self, found: &Found, from: i64, to: i64, needed: Standing, allowed: Standing) -> Result<(), String> {
        if !self.damaged {
            self.check_needed(found, from, to, needed)?;
        }
        for (key, is) in found {
            let sent = self.samples.get(key).into_iter().flatten();
            match sent.filter(|sent| sent.value == *is).map(|sent| sent.standing).max() {
                Some(standing) if standing >= allowed || self.damaged => {}
                Some(standing) => return Err(format!("shown: {key:?} = {is}, {standing:?}")),
                None => return Err(format!("invented: {key:?} = {is}")),
            }
        }
        Ok(())
    }

    fn check_needed(&self, found: &Found, from: i64, to: i64, needed: Standing) -> Result<(), String> {
        for (key, values) in self.samples.iter().filter(|((_, t), _)| (from..=to).contains(t)) {
            let must = values.iter().filter(|sent| sent.standing >= needed).max_by_key(|sent| sent.standing);
            let Some(Sent { value: must, standing, .. }) = must else { continue };
            match found.get(key) {
                Some(is) if is != must => return Err(format!("wrong: {key:?} is {is}, was acknowledged as {must}")),
                None if !self.may_expire(key.1) => return Err(format!("lost: {key:?} = {must}, {standing:?}")),
                _ => {}
            }
        }
        Ok(())
    }

    /// True when a block with the sample may be past retention. It ends after the sample, and the newest block ends with
    /// the range of the newest sample at the latest.
    fn may_expire(&self, t: i64) -> bool {
        let Retention { range_ms, retention_ms } = self.retention;
        let newest_end = (self.newest_t / range_ms + 1) * range_ms;
        retention_ms > 0 && newest_end - (t + 1) >= retention_ms
    }
}
