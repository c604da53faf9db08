//! Appending to the head: plan, log, apply; and what else changes a head.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use neocortex_model::rows::SeriesRows;
use neocortex_model::sample::{HistogramValue, Metadata};

use super::append::{Batch, Context, Plan, Planner};
use super::label_set_limits::LabelSetLimit;
use super::label_sets::SeriesId;
use super::limits::{MetadataLimits, SeriesLimits};
use super::order::KindCounts;
use super::out_of_order::OutOfOrderLog;
use super::outcome::{AppendErrorKind, Appended, MetadataOutcome};
use super::stats::{ActiveSeries, add};
use super::store::Store;
use super::{Appender, Head};
use crate::chunk::encode::Value;
use crate::error::TsdbError;
use crate::failpoint;
use crate::wal::read::Position;
use crate::wal::record::{self, RefExemplar, RefHistogram, RefSample, SamplesEncoder};
use crate::wal::write::Writer;

impl Head {
    /// Appends a request, see [`crate::Tsdb::append`].
    pub(crate) fn append<R: SeriesRows>(&self, rows: &R, limits: &SeriesLimits) -> Result<Appended, TsdbError> {
        let mut appender = self.appender.lock();
        let appender = &mut *appender;
        if appender.wal.is_none() {
            return Err(TsdbError::Closed);
        }
        let begin = Instant::now();
        let plan = self.plan(rows, limits, appender);
        let planned = Instant::now();
        if limits.room.is_some_and(|room| plan.new.len() as u64 > room) {
            return Err(TsdbError::TooManySeries);
        }
        let first_ref = appender.next_ref;
        // Whatever becomes of the log, these numbers are spent.
        appender.next_ref += plan.new.len() as u64;
        failpoint::reach("append.before-log");
        self.log(&plan, first_ref, appender)?;
        failpoint::reach("append.logged");
        let appended = self.apply(plan, first_ref, appender);
        failpoint::reach("append.applied");
        Ok(Appended { planning: planned - begin, committing: planned.elapsed(), ..appended })
    }

    fn plan<'a, R: SeriesRows>(&self, rows: &'a R, limits: &SeriesLimits, appender: &mut Appender) -> Plan<'a> {
        let store = self.store.read();
        let ring = self.ring.read();
        let context = Context {
            store: &store,
            keys: &self.keys,
            ring: &ring,
            limits,
            native_histograms: self.native_histograms.load(Relaxed),
            active_histograms: appender.touches.active().histograms,
            chunk_range_ms: self.chunk_range_ms,
        };
        Planner::new(rows, context, &mut appender.touches).run()
    }

    /// Writes the plan to the log: new series first, then the batches, then the exemplars; and what is out of order to its own
    /// log, after the series that it names.
    fn log(&self, plan: &Plan<'_>, first_ref: u64, appender: &mut Appender) -> Result<(), TsdbError> {
        let (records, late) = {
            let store = self.store.read();
            let first_id = store.next_id();
            let wal_ref = |id: SeriesId| match id.checked_sub(first_id) {
                Some(new) => first_ref + u64::from(new),
                None => store.series(id).wal_ref,
            };
            let mut late = Vec::new();
            encode_batch(&plan.late, &wal_ref, &mut late);
            (encode(plan, first_ref, wal_ref), late)
        };
        if records.is_empty() && late.is_empty() {
            return Ok(());
        }
        let wal = appender.wal.as_mut().ok_or(TsdbError::Closed)?;
        let failed = |_: &TsdbError| add(&self.counters.wal_failures, 1);
        let mut written = 0;
        if !records.is_empty() {
            written = wal.log(&slices(&records)).inspect_err(failed)?;
        }
        if !late.is_empty() {
            let log = appender.out_of_order_log.as_mut().ok_or(TsdbError::Closed)?;
            failpoint::reach("late.before-log");
            // Both logs have the request, or none.
            log.log(&slices(&late)).inspect_err(failed).inspect_err(|_| wal.take_back(written))?;
        }
        add(&self.counters.wal_bytes, written);
        *self.counters.wal.lock() = wal.stats();
        Ok(())
    }

    /// Carries out a plan that was logged.
    fn apply(&self, mut plan: Plan<'_>, first_ref: u64, appender: &mut Appender) -> Appended {
        let now_ms = self.clock.now_ms();
        let mut store = self.store.write();
        for (new, wal_ref) in plan.new.iter().zip(first_ref..) {
            store.create(&new.labels, wal_ref);
        }
        let (mut floats, mut histograms) = (0, 0);
        for batch in &plan.batches {
            apply_batch(&mut store, batch);
            floats += batch.floats.len() as u64;
            histograms += batch.histograms.len() as u64;
        }
        for (_, _, value) in plan.batches.iter().chain([&plan.late]).flat_map(|batch| &batch.histograms) {
            plan.outcome.buckets.observe(value.bucket_count());
        }
        let late = apply_late(&mut store, plan.late);
        let series = store.len();
        drop(store);
        if !plan.exemplars.is_empty() {
            let mut ring = self.ring.write();
            for (id, exemplar) in &plan.exemplars {
                ring.add(*id, (*exemplar).clone());
            }
        }
        for (key, id) in plan.keys {
            self.keys.insert(key, id, series);
        }
        for (id, histograms) in &plan.touched {
            appender.touches.see(*id, now_ms, *histograms);
        }
        let counters = &self.counters;
        add(&counters.float_samples, floats + late.floats);
        add(&counters.histogram_samples, histograms + late.histograms);
        add(&counters.out_of_order_floats_appended, late.floats);
        add(&counters.out_of_order_histograms_appended, late.histograms);
        add(&counters.exemplars, plan.exemplars.len() as u64);
        let behind = &plan.behind;
        add(&counters.out_of_order, behind.out_of_order.floats);
        add(&counters.out_of_order_histograms, behind.out_of_order.histograms);
        add(&counters.too_old, behind.too_old);
        if let Some(delta) = &behind.delta {
            counters.out_of_order_delta.lock().add(delta);
        }
        let discarded = &plan.outcome.discarded;
        add(&counters.out_of_bounds, discarded.of(AppendErrorKind::OutOfBounds));
        add(&counters.out_of_order_exemplars, discarded.of(AppendErrorKind::ExemplarOutOfOrder));
        if !plan.touched.is_empty() {
            counters.last_append_ms.store(now_ms, Relaxed);
        }
        plan.outcome
    }

    /// Gives the head its logs; appends are possible from now on.
    pub(super) fn start(&self, wal: Writer, out_of_order_log: OutOfOrderLog) {
        *self.counters.wal.lock() = wal.stats();
        let mut appender = self.appender.lock();
        appender.wal = Some(wal);
        appender.out_of_order_log = Some(out_of_order_log);
    }

    /// Writes what chunks are full, makes these and the logs durable and ends appends. Gives the end of the log; `None` when
    /// the head was closed before, and when a snapshot cannot stand for the log: the chunk files may not be durable, or it is
    /// not clear whose chunks they have.
    pub(crate) fn close(&self) -> Result<Option<Position>, TsdbError> {
        // Appends end first: what they make full goes to files.
        let wal = self.appender.lock().wal.take();
        let end = wal.map(|mut wal| wal.close().map(|()| wal.position())).transpose();
        let files = self.close_files();
        let mut appender = self.appender.lock();
        let late = appender.out_of_order_log.take().map_or(Ok(()), |mut log| log.close());
        end.and_then(|end| late.and(files).map(|durable| end.filter(|_| durable && !appender.had_numbers_twice)))
    }

    /// Takes metadata as far as the limits allow.
    pub(crate) fn set_metadata(&self, metadata: &[Metadata], limits: &MetadataLimits) -> MetadataOutcome {
        if metadata.is_empty() {
            return MetadataOutcome::default();
        }
        self.metadata.write().set(metadata, limits, self.clock.now_ms())
    }

    /// Forgets metadata that was last set before a time.
    pub(crate) fn purge_metadata(&self, before_ms: i64) -> u64 {
        self.metadata.write().purge(before_ms)
    }

    /// Numbers of series that count for the limits, one a limit.
    pub(crate) fn label_set_series(&self, limits: &[LabelSetLimit]) -> Vec<u64> {
        let store = self.store.read();
        (0..limits.len()).map(|place| store.label_set_series(limits, place)).collect()
    }

    /// Changes how many exemplars are kept.
    pub(crate) fn set_max_exemplars(&self, max_exemplars: usize) {
        if self.ring.read().capacity() != max_exemplars {
            self.ring.write().resize(max_exemplars);
        }
    }

    /// Changes whether native histograms are taken.
    pub(crate) fn set_native_histograms(&self, enabled: bool) {
        self.native_histograms.store(enabled, Relaxed);
    }

    /// Ends the activity of series that were not seen since a time; gives those that are left.
    pub(crate) fn active_series(&self, since_ms: i64) -> ActiveSeries {
        let mut appender = self.appender.lock();
        appender.touches.expire(since_ms);
        appender.touches.active()
    }
}

fn apply_batch(store: &mut Store, batch: &Batch<'_>) {
    for (id, t, v) in &batch.floats {
        store.append_float(*id, *t, *v);
    }
    for (id, t, value) in &batch.histograms {
        store.append_histogram(*id, *t, value);
    }
}

/// Carries out what is out of order; counts what was inserted.
fn apply_late(store: &mut Store, late: Batch<'_>) -> KindCounts {
    let mut inserted = KindCounts::default();
    for (id, t, v) in late.floats {
        inserted.floats += u64::from(store.out_of_order.insert(id, t, Value::Float(v)));
    }
    for (id, t, value) in late.histograms {
        let value = Value::Histogram(Arc::new(value.into_owned()));
        inserted.histograms += u64::from(store.out_of_order.insert(id, t, value));
    }
    inserted
}

fn slices(records: &[Vec<u8>]) -> Vec<&[u8]> {
    records.iter().map(Vec::as_slice).collect()
}

fn encode(plan: &Plan<'_>, first_ref: u64, wal_ref: impl Fn(SeriesId) -> u64) -> Vec<Vec<u8>> {
    let mut records = Vec::new();
    if !plan.new.is_empty() {
        let mut out = Vec::new();
        record::encode_series(&mut out, (first_ref..).zip(plan.new.iter().map(|new| &new.labels)));
        records.push(out);
    }
    for batch in &plan.batches {
        encode_batch(batch, &wal_ref, &mut records);
    }
    if !plan.exemplars.is_empty() {
        let exemplars: Vec<RefExemplar> = plan
            .exemplars
            .iter()
            .map(|(id, e)| RefExemplar { series: wal_ref(*id), t: e.t, v: e.v, labels: e.labels.clone() })
            .collect();
        let mut out = Vec::new();
        record::encode_exemplars(&mut out, &exemplars);
        records.push(out);
    }
    records
}

/// Appends the records of a batch: floats, then histograms by kind.
fn encode_batch(batch: &Batch<'_>, wal_ref: &impl Fn(SeriesId) -> u64, records: &mut Vec<Vec<u8>>) {
    if !batch.floats.is_empty() {
        let mut out = Vec::with_capacity(17 + batch.floats.len() * 12);
        let mut encoder = SamplesEncoder::default();
        for (id, t, v) in &batch.floats {
            encoder.push(&mut out, RefSample { series: wal_ref(*id), t: *t, v: *v });
        }
        records.push(out);
    }
    if !batch.histograms.is_empty() {
        let histogram = |(id, t, h): &(SeriesId, i64, Cow<'_, HistogramValue>)| RefHistogram {
            series: wal_ref(*id),
            t: *t,
            h: HistogramValue::clone(h),
        };
        let histograms: Vec<RefHistogram> = batch.histograms.iter().map(histogram).collect();
        records.extend(record::encode_histograms(&histograms));
    }
}
