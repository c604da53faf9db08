//! Carries out a history.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use neocortex_tsdb::fs::{Chance, Fault, FaultyFs};
use neocortex_tsdb::head::SeriesLimits;
use neocortex_tsdb::{Clock, Compacted, Options, Tsdb, TsdbError, WalCompression};

use crate::exemplars::ExemplarModel;
use crate::metadata::MetadataModel;
use crate::model::{End, Model, Retention};
use crate::read::{Found, Selection, Unreadable, exemplars, read, select};
use crate::steps::{Mix, Step};
use crate::write::{Request, SeriesNumber, Value, Write};

/// Where the database is.
pub const DIR: &str = "/data/tenant";

/// A whole number of ranges.
const START_MS: i64 = 1_700_000_000_000 / 60_000 * 60_000;

const RANGE_MS: i64 = 60_000;

/// A clock that never shows the same time twice, so that names of blocks ascend.
#[derive(Default)]
pub struct Ticking(AtomicI64);

impl Clock for Ticking {
    fn now_ms(&self) -> i64 {
        START_MS + self.0.fetch_add(1, Ordering::Relaxed)
    }
}

/// A database, its disk, and what is known of both.
pub struct Machine {
    pub(crate) chance: Chance,
    pub(crate) mix: Mix,
    pub(crate) options: Options,
    limits: SeriesLimits,
    pub(crate) clock: Arc<Ticking>,
    pub(crate) fs: FaultyFs,
    pub(crate) tsdb: Option<Tsdb>,
    pub(crate) model: Model,
    pub(crate) exemplars: ExemplarModel,
    pub(crate) metadata: MetadataModel,
    /// Calls from this one on are without faults.
    pub(crate) sound_from: u64,
    pub(crate) full: bool,
    /// Nothing could go wrong any more when this step began.
    pub(crate) sound: bool,
    last_request: Vec<Write>,
    last_value: Value,
    pub(crate) selected: Option<(Selection, Found)>,
    pub(crate) history: Vec<String>,
}

/// A broken promise.
pub type Checked<T = ()> = Result<T, String>;

impl Machine {
    pub fn new(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let mix = Mix { faults: chance.up_to(3) > 0, flips: chance.up_to(7) == 0, snapshots: chance.up_to(1) == 0 };
        let retention_ms = if chance.up_to(1) == 0 { 0 } else { RANGE_MS * 4 };
        let options = Options {
            wal_compression: [WalCompression::None, WalCompression::Snappy, WalCompression::Zstd][chance.up_to(2)],
            segment_size: 32 << 10,
            chunk_range_ms: RANGE_MS,
            max_block_range_ms: [0, RANGE_MS * 3, RANGE_MS * 9][chance.up_to(2)],
            retention_ms,
            samples_per_chunk: 4 + chance.up_to(12) as u32,
            max_exemplars: chance.up_to(3),
            native_histograms: true,
            out_of_order_cap: 1 + chance.up_to(7),
            // A segment whose sync failed is found damaged only when it is read again, which a snapshot puts off.
            ..Options::default()
        };
        let window_ms = [0, RANGE_MS / 2, RANGE_MS * 5][chance.up_to(2)];
        let limits = SeriesLimits { out_of_order_window_ms: window_ms, ..SeriesLimits::default() };
        let exemplars = ExemplarModel::new(options.max_exemplars, mix.flips);
        let history = vec![format!("seed {seed}: {mix:?}, window {window_ms} ms, {options:?}")];
        Self {
            chance,
            mix,
            options,
            limits,
            clock: Arc::default(),
            fs: FaultyFs::new(),
            tsdb: None,
            model: Model::new(Retention { range_ms: RANGE_MS, retention_ms }, mix.flips),
            exemplars,
            metadata: MetadataModel::default(),
            sound_from: 0,
            full: false,
            sound: true,
            last_request: Vec::new(),
            last_value: 0,
            selected: None,
            history,
        }
    }

    /// What happened, a line a step.
    pub fn history(&self) -> &[String] {
        &self.history
    }

    pub fn run(&mut self) -> Checked {
        self.start(End::Process)?;
        for _ in 0..20 + self.chance.up_to(80) {
            let step = Step::any(&mut self.chance, self.mix, RANGE_MS);
            self.history.push(format!("{step:?}"));
            self.sound = !self.full && self.fs.calls() >= self.sound_from;
            self.step(step)?;
            if self.fs.has_crashed() {
                self.die_and_start()?;
            }
        }
        self.die_and_start()
    }

    fn step(&mut self, step: Step) -> Checked {
        match step {
            Step::Append { first, series, pause_ms } => {
                let t = self.model.newest_t().map_or(START_MS, |newest| newest + pause_ms);
                let refused = self.send_new(first..first + series, t)?;
                if refused > 0 && !self.mix.flips {
                    return Err(format!("{refused} new samples were refused"));
                }
            }
            Step::AppendLate { series, back_ms } => {
                let t = self.model.newest_t().map_or(START_MS, |newest| newest - back_ms);
                self.send_new(series..series + 1, t)?;
            }
            Step::Resend => {
                self.send()?;
            }
            Step::Read { from, to } => {
                let span = self.model.newest_t().map_or(0, |newest| newest - START_MS);
                let at = |part: usize| START_MS + span * part as i64 / 256;
                self.read(at(from), at(to))?;
            }
            Step::Select => {
                let selection = select(self.tsdb(), i64::MIN, i64::MAX);
                let before = selection.and_then(|s| read(&s, i64::MIN, i64::MAX).map(|found| (s, found)));
                self.selected = self.readable(before)?;
            }
            Step::ReadSelected => self.read_selected()?,
            Step::Compact => self.compact(Tsdb::compact)?,
            Step::Flush => self.compact(Tsdb::flush)?,
            Step::RemoveExpired { shipped } => self.remove_expired(shipped)?,
            Step::Map => {
                let mapped = self.tsdb().map_chunks();
                self.may_fail(mapped)?;
                self.read(i64::MIN, i64::MAX)?;
            }
            Step::Remove => self.remove()?,
            Step::SendMetadata { metric, description } => {
                let tsdb = self.tsdb.as_ref().expect("it runs between steps");
                self.metadata.send(tsdb, metric, description)?;
            }
            Step::PurgeMetadata => {
                let tsdb = self.tsdb.as_ref().expect("it runs between steps");
                self.metadata.purge(tsdb)?;
            }
            Step::Stop => {
                let closed = self.tsdb().close();
                if closed.is_ok() && !self.fs.has_given_up() {
                    self.model.make_all_durable();
                }
                self.may_fail(closed)?;
                self.die_and_start()?;
            }
            Step::Kill => {
                self.kill();
                self.start(End::Process)?;
            }
            Step::PowerOff { seed } => {
                self.lose_power(seed);
                self.start(End::Power)?;
            }
            Step::Fail { after, fault } => self.fail(after, fault),
            Step::Fill { room } => self.fill(room),
            Step::Free => {
                self.fs.set_capacity(None);
                self.full = false;
            }
            Step::Flip { after, bit } => self.fs.flip_at(self.fs.reads() + after, bit),
        }
        Ok(())
    }

    pub(crate) fn tsdb(&self) -> &Tsdb {
        self.tsdb.as_ref().expect("it runs between steps")
    }

    /// Sends a request of new values; gives how many samples were refused.
    fn send_new(&mut self, series: std::ops::Range<SeriesNumber>, t: i64) -> Checked<usize> {
        self.last_value += 1;
        self.last_request = series.map(|series| Write { series, t, value: self.last_value }).collect();
        self.send()
    }

    /// Checks what is shown of the exemplars of a request that was answered with so many taken, or not.
    fn check_exemplars(&mut self, writes: &[Write], taken: Option<u64>) -> Checked {
        let shown = exemplars(self.tsdb())?;
        match taken {
            Some(taken) => self.exemplars.acknowledge(writes, taken as usize, &shown),
            None => {
                // Some may be in the log all the same.
                self.exemplars.doubt();
                self.exemplars.check(&shown)
            }
        }
    }

    /// Sends the last request; gives how many samples were refused. What was taken can be read at once, and only that.
    fn send(&mut self) -> Checked<usize> {
        let writes = self.last_request.clone();
        let Some(t) = writes.first().map(|write| write.t) else { return Ok(0) };
        let segment = self.tsdb().stats().wal.segment;
        self.exemplars.send(&writes);
        let appended = self.tsdb().append(&Request::new(&writes), &self.limits);
        self.note_durable(segment);
        let taken = match &appended {
            Ok(appended) => (appended.samples + appended.histograms) as usize,
            Err(_) => 0,
        };
        self.check_exemplars(&writes, appended.as_ref().ok().map(|appended| appended.exemplars))?;
        let found = select(self.tsdb(), t, t).and_then(|selection| read(&selection, t, t));
        let Some(found) = self.readable(found)? else {
            self.model.doubt(&writes);
            return Ok(0);
        };
        if appended.is_err() {
            // Sent again, it may have been taken the first time.
            self.model.doubt(&writes);
            self.model.check_running(&found, t, t)?;
            self.may_fail(appended)?;
            return Ok(0);
        }
        let is_there = |write: &&Write| found.get(&(write.series, write.t)) == Some(&write.value);
        let there: Vec<Write> = writes.iter().filter(is_there).copied().collect();
        // What is refused may be there from an earlier time.
        let new = there.iter().filter(|write| !self.model.is_acknowledged(write)).count();
        // What comes again with another value may be taken out of order, and does not count.
        let again = writes.iter().filter(|write| self.model.is_sent_again(write)).count();
        if !(new..=there.len() + again).contains(&taken) {
            return Err(format!("{taken} samples of the request were taken, {} are there, {new} new", there.len()));
        }
        self.model.acknowledge(&there);
        Ok(writes.len() - taken)
    }

    fn read(&self, from: i64, to: i64) -> Checked {
        let found = select(self.tsdb(), from, to).and_then(|selection| read(&selection, from, to));
        match self.readable(found)? {
            Some(found) => self.model.check_running(&found, from, to),
            None => Ok(()),
        }
    }

    /// What came after the selection is not part of it, and what went to blocks or past retention still is. Only what came
    /// late may have become part of it, where blocks with that were merged with others.
    fn read_selected(&mut self) -> Checked {
        let Some((selection, before)) = self.selected.take() else { return Ok(()) };
        let Some(mut now) = self.readable(read(&selection, i64::MIN, i64::MAX))? else { return Ok(()) };
        if self.limits.out_of_order_window_ms > 0 && self.options.max_block_range_ms > 0 {
            self.model.check_running(&now, 0, 0)?;
            now.retain(|key, _| before.contains_key(key));
        }
        if now == before { Ok(()) } else { Err("a selection changed while it was held".to_owned()) }
    }

    fn compact(&mut self, compact: impl Fn(&Tsdb) -> Result<Compacted, TsdbError>) -> Checked {
        let segment = self.tsdb().stats().wal.segment;
        let compacted = compact(self.tsdb());
        self.note_durable(segment);
        self.may_fail(compacted)?;
        self.exemplars.doubt();
        self.read(i64::MIN, i64::MAX)
    }

    fn remove(&mut self) -> Checked {
        let removed = self.tsdb().remove();
        let is_removed = removed.is_ok();
        self.may_fail(removed)?;
        let end = self.die();
        if is_removed && end == End::Process {
            self.model.remove_all();
        } else {
            self.model.doubt_all();
        }
        self.exemplars.doubt();
        self.start(end)
    }

    /// Blocks that may go do; of those, with `shipped`, only some.
    fn remove_expired(&mut self, shipped: Option<u64>) -> Checked {
        let shipped = shipped.map(|some| {
            let ulids = self.tsdb().blocks().into_iter().map(|block| block.meta().ulid);
            ulids.enumerate().filter(|(i, _)| some >> (i % 64) & 1 == 1).map(|(_, ulid)| ulid).collect()
        });
        let removed = self.tsdb().remove_expired(shipped.as_ref());
        self.may_fail(removed)?;
        self.read(i64::MIN, i64::MAX)
    }

    /// Durable is what is in segments that were ended since `segment` was written, and what is in blocks.
    fn note_durable(&mut self, segment: u64) {
        let tsdb = self.tsdb.as_ref().expect("it runs between steps");
        if tsdb.stats().wal.segment > segment && !self.fs.has_given_up() {
            self.model.make_durable(i64::MIN, i64::MAX);
        }
        let blocks = if self.mix.flips { Vec::new() } else { tsdb.blocks() };
        for meta in blocks.iter().map(|block| block.meta()).filter(|meta| meta.compaction.stands_for_the_log()) {
            self.model.make_durable(meta.min_time, meta.max_time);
        }
    }

    /// An operation may fail where calls fail or bits flip, and nowhere else.
    pub(crate) fn may_fail<T>(&mut self, result: Result<T, TsdbError>) -> Checked {
        match result {
            Ok(_) => Ok(()),
            Err(e) if self.sound && !self.mix.flips => Err(format!("failed on a sound disk: {e}")),
            Err(e) => {
                // Paths hold names that chance makes.
                let text = if let TsdbError::Io { doing, source, .. } = e {
                    format!("{doing}: {source}")
                } else {
                    e.to_string()
                };
                self.history.push(format!("  {text}"));
                Ok(())
            }
        }
    }

    /// Reads may fail where bits flip, and nowhere else.
    pub(crate) fn readable<T>(&self, result: Result<T, Unreadable>) -> Checked<Option<T>> {
        match result {
            Ok(read) => Ok(Some(read)),
            Err(Unreadable::Failed(_)) if self.mix.flips => Ok(None),
            Err(Unreadable::Failed(broken) | Unreadable::Absurd(broken)) => Err(broken),
        }
    }

    pub(crate) fn fail(&mut self, after: u64, fault: Fault) {
        let call = self.fs.calls() + after;
        self.fs.fail_at(call, fault);
        self.sound_from = self.sound_from.max(call + 1);
    }

    pub(crate) fn fill(&mut self, room: usize) {
        self.fs.set_capacity(Some(self.fs.used() + room));
        self.full = true;
    }
}
