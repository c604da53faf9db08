//! From the rows of a request to what is logged and then kept.
//!
//! An append has three steps. *Plan*: under a read lock every row is resolved to a series and every sample judged; the
//! result is a list of what to do. *Log*: the list goes to the write-ahead log. *Apply*: under the write lock the list is
//! carried out, which cannot fail. When the log cannot be written the list is dropped, so that memory never holds what
//! was not acknowledged. Appenders of one tenant take turns over all three steps, so what the plan saw still holds when
//! it is applied.
//!
//! Source: Prometheus `tsdb/head_append.go`, Cortex `pkg/ingester/ingester.go` (`Push`). Both check a sample against
//! what the head held at the start of the request, and drop without an error what turns out to be older than another
//! sample of the same request.

use std::borrow::Cow;

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use neocortex_model::labels::Labels;
use neocortex_model::rows::{SeriesKey, SeriesRows};
use neocortex_model::sample::{Exemplar, HistogramSample, HistogramValue, is_stale_nan};

use super::exemplars::{self, ExemplarRing, Verdict};
use super::kind::{SampleKind, same_histogram, stale_histogram};
use super::label_set_limits::LabelSetCounts;
use super::label_sets::SeriesId;
use super::limits::{LimitExceeded, LimitScope, SeriesLimits};
use super::order::{Behind, NewestTimes, Order, Place};
use super::outcome::{AppendCause, AppendError, AppendErrorKind, Appended};
use super::series::Series;
use super::store::Store;
use super::table::KeyTable;
use super::touch::Touches;
use crate::chunk::open::Last;

/// A series to be created; it gets the next number.
pub(super) struct NewSeries {
    pub(super) labels: Labels,
}

/// Samples that can be logged kind by kind: within a batch no series gets a float after a histogram, or histograms of
/// two kinds.
#[derive(Default)]
pub(super) struct Batch<'a> {
    pub(super) floats: Vec<(SeriesId, i64, f64)>,
    pub(super) histograms: Vec<(SeriesId, i64, Cow<'a, HistogramValue>)>,
    /// The kind of histograms that a series gets in this batch.
    histogram_kinds: HashMap<SeriesId, SampleKind>,
}

/// What an append is going to do.
#[derive(Default)]
pub(super) struct Plan<'a> {
    pub(super) outcome: Appended,
    pub(super) new: Vec<NewSeries>,
    pub(super) batches: Vec<Batch<'a>>,
    /// What is out of order, histograms in the order of their kinds: that of the log.
    pub(super) late: Batch<'a>,
    pub(super) exemplars: Vec<(SeriesId, &'a Exemplar)>,
    /// Keys to be learnt.
    pub(super) keys: Vec<(SeriesKey, SeriesId)>,
    /// Series that got samples, and whether histograms were among them.
    pub(super) touched: Vec<(SeriesId, bool)>,
    pub(super) behind: Behind,
}

/// The settings and the state of the head that a plan is made with.
pub(super) struct Context<'a> {
    pub(super) store: &'a Store,
    pub(super) keys: &'a KeyTable,
    pub(super) ring: &'a ExemplarRing,
    pub(super) limits: &'a SeriesLimits,
    pub(super) native_histograms: bool,
    pub(super) active_histograms: u64,
    pub(super) chunk_range_ms: i64,
}

/// The newest sample that a series gets in this request.
#[derive(Clone, Copy)]
struct Newest {
    t: i64,
    kind: SampleKind,
}

/// The series of a row.
enum Target {
    /// There, or planned to be created.
    Series(SeriesId),
    /// Not there yet.
    Missing(Labels),
}

/// Makes a plan.
pub(super) struct Planner<'a, 'c, R> {
    rows: &'a R,
    context: Context<'c>,
    touches: &'c mut Touches,
    plan: Plan<'a>,
    order: Order,
    new_by_labels: HashMap<Labels, SeriesId>,
    new_by_key: HashMap<SeriesKey, SeriesId>,
    new_by_metric: HashMap<String, u64>,
    label_sets: LabelSetCounts<'c>,
    /// The newest samples of this request, made when a series shows up in a second row.
    newest: Option<HashMap<SeriesId, Newest>>,
    newest_exemplars: HashMap<SeriesId, &'a Exemplar>,
}

/// What is known of a row while its samples are judged.
struct Row {
    index: usize,
    target: Target,
    newest: Option<Newest>,
    new_key: Option<SeriesKey>,
}

impl Row {
    fn times(&self, stored: Last<'_>) -> NewestTimes {
        NewestTimes { stored: stored.t(), added: self.newest.map(|newest| newest.t) }
    }
}

impl<'a, 'c, R: SeriesRows> Planner<'a, 'c, R> {
    pub(super) fn new(rows: &'a R, context: Context<'c>, touches: &'c mut Touches) -> Self {
        let max_t = context.store.max_t;
        let head_max_t = (max_t != i64::MIN).then_some(max_t);
        let (floor_t, window_ms) = (context.store.min_valid_t, context.limits.out_of_order_window_ms);
        let order = Order::new(head_max_t, floor_t, context.chunk_range_ms / 2, window_ms);
        touches.next_request();
        Self {
            rows,
            label_sets: LabelSetCounts::new(&context.limits.per_label_set),
            context,
            touches,
            plan: Plan { batches: vec![Batch::default()], ..Plan::default() },
            order,
            new_by_labels: HashMap::new(),
            new_by_key: HashMap::new(),
            new_by_metric: HashMap::new(),
            newest: None,
            newest_exemplars: HashMap::new(),
        }
    }

    pub(super) fn run(mut self) -> Plan<'a> {
        let rows = self.rows;
        let known = self.context.keys.get_all((0..rows.len()).map(|index| rows.key(index)));
        for (index, known) in known.into_iter().enumerate() {
            self.row(index, known);
        }
        self.plan.behind = self.order.behind;
        self.plan.late.histograms.sort_by_key(|(_, _, value)| SampleKind::of_histogram(value));
        self.plan
    }

    /// `known` is the series that the row's key was known for at the start of the request.
    fn row(&mut self, index: usize, known: Option<SeriesId>) {
        let mut row = self.resolve(index, known);
        if let Target::Series(id) = row.target {
            row.newest = self.newest_of(id);
        }
        let (samples, histograms) = (self.plan.outcome.samples, self.plan.outcome.histograms);
        for sample in self.rows.floats(index) {
            match self.float(&mut row, sample.t, sample.v) {
                Ok(()) => self.plan.outcome.samples += 1,
                Err(cause) => {
                    self.plan.outcome.failed_samples += 1;
                    self.refuse(index, sample.t, cause, 1);
                }
            }
        }
        if self.context.native_histograms {
            for sample in self.rows.histograms(index) {
                match self.histogram(&mut row, sample) {
                    Ok(()) => self.plan.outcome.histograms += 1,
                    Err(cause) => {
                        self.plan.outcome.failed_histograms += 1;
                        self.refuse(index, sample.t, cause, 1);
                    }
                }
            }
        } else {
            self.plan.outcome.ignored_histograms += self.rows.histograms(index).len() as u64;
        }
        let got_histograms = self.plan.outcome.histograms > histograms;
        if let Target::Series(id) = row.target {
            if got_histograms || self.plan.outcome.samples > samples {
                self.plan.touched.push((id, got_histograms));
            }
            if let (Some(all), Some(newest)) = (&mut self.newest, row.newest) {
                all.insert(id, newest);
            }
        }
        if self.context.ring.capacity() > 0 {
            self.exemplars(&row);
        }
    }

    /// Finds the series of a row; asks for its labels only when the key is not known.
    fn resolve(&mut self, index: usize, known: Option<SeriesId>) -> Row {
        let key = self.rows.key(index);
        // A key may outlive its series for a moment.
        let known = known.filter(|id| self.context.store.get(*id).is_some());
        let known = known.or_else(|| self.new_by_key.get(&key).copied());
        if let Some(id) = known {
            return Row { index, target: Target::Series(id), newest: None, new_key: None };
        }
        let labels = self.rows.labels(index);
        let found = self.context.store.find(&labels).or_else(|| self.new_by_labels.get(&labels).copied());
        match found {
            Some(id) => {
                self.learn(key, id);
                Row { index, target: Target::Series(id), newest: None, new_key: None }
            }
            None => Row { index, target: Target::Missing(labels), newest: None, new_key: Some(key) },
        }
    }

    fn learn(&mut self, key: SeriesKey, id: SeriesId) {
        self.new_by_key.insert(key, id);
        self.plan.keys.push((key, id));
    }

    /// The newest sample that the series got from earlier rows of this request.
    fn newest_of(&mut self, id: SeriesId) -> Option<Newest> {
        if self.touches.first_in_request(id) {
            return None;
        }
        let batches = &self.plan.batches;
        self.newest.get_or_insert_with(|| newest_samples(batches)).get(&id).copied()
    }

    fn float(&mut self, row: &mut Row, t: i64, v: f64) -> Result<(), AppendCause> {
        let in_bounds = self.order.is_in_bounds(t)?;
        let id = self.series_of(row)?;
        let in_batch = row.newest.map(|newest| newest.kind).filter(|kind| kind.is_histogram());
        if let (true, Some(kind)) = (is_stale_nan(v), in_batch) {
            // A staleness marker takes the kind of what it ends.
            return self.take_histogram(row, id, t, Cow::Owned(stale_histogram(kind)), in_bounds);
        }
        let last = self.last(id);
        let place = self.order.place(row.times(last), t, SampleKind::Float, in_bounds, || check_float(last, v))?;
        if place == Place::Nowhere {
            return Ok(());
        }
        let kind = row.newest.map_or_else(|| SampleKind::of_last(last), |newest| Some(newest.kind));
        match kind.filter(|kind| is_stale_nan(v) && kind.is_histogram()) {
            Some(kind) => self.push_histogram(row, id, t, Cow::Owned(stale_histogram(kind)), place),
            None if place == Place::OutOfOrder => self.push_late_float(id, t, v),
            None => {
                row.newest = Some(Newest { t, kind: SampleKind::Float });
                let batch = self.batch_for(id, SampleKind::Float);
                batch.floats.push((id, t, v));
            }
        }
        Ok(())
    }

    fn histogram(&mut self, row: &mut Row, sample: &'a HistogramSample) -> Result<(), AppendCause> {
        let in_bounds = self.order.is_in_bounds(sample.t)?;
        let id = self.series_of(row)?;
        self.take_histogram(row, id, sample.t, Cow::Borrowed(&sample.h), in_bounds)
    }

    fn take_histogram(
        &mut self,
        row: &mut Row,
        id: SeriesId,
        t: i64,
        value: Cow<'a, HistogramValue>,
        in_bounds: bool,
    ) -> Result<(), AppendCause> {
        let last = self.last(id);
        let kind = SampleKind::of_histogram(&value);
        let place = self.order.place(row.times(last), t, kind, in_bounds, || check_histogram(last, &value))?;
        if place != Place::Nowhere {
            self.push_histogram(row, id, t, value, place);
        }
        Ok(())
    }

    fn push_late_float(&mut self, id: SeriesId, t: i64, v: f64) {
        if !self.is_late_duplicate(id, t) {
            self.plan.late.floats.push((id, t, v));
        }
    }

    /// True when the out-of-order chunk that is open has a sample of this time: then the other one is dropped.
    fn is_late_duplicate(&self, id: SeriesId, t: i64) -> bool {
        self.context.store.out_of_order.has_in_open_chunk(id, t)
    }

    fn push_histogram(&mut self, row: &mut Row, id: SeriesId, t: i64, value: Cow<'a, HistogramValue>, place: Place) {
        if place == Place::OutOfOrder {
            if !self.is_late_duplicate(id, t) {
                self.plan.late.histograms.push((id, t, value));
            }
            return;
        }
        let kind = SampleKind::of_histogram(&value);
        row.newest = Some(Newest { t, kind });
        let batch = self.batch_for(id, kind);
        batch.histogram_kinds.insert(id, kind);
        batch.histograms.push((id, t, value));
    }

    /// The batch that a sample can go to without changing places with an earlier one of its series.
    fn batch_for(&mut self, id: SeriesId, kind: SampleKind) -> &mut Batch<'a> {
        let fits = self.plan.batches.last().is_some_and(|batch| {
            batch.histogram_kinds.is_empty() || batch.histogram_kinds.get(&id).is_none_or(|before| *before == kind)
        });
        if !fits {
            self.plan.batches.push(Batch::default());
        }
        let last = self.plan.batches.len() - 1;
        &mut self.plan.batches[last]
    }

    /// The newest sample of the series before this request.
    fn last(&self, id: SeriesId) -> Last<'c> {
        let store = self.context.store;
        store.get(id).map_or(Last::None, Series::last)
    }

    /// The series of a row, planning its creation if need be.
    fn series_of(&mut self, row: &mut Row) -> Result<SeriesId, AppendCause> {
        let labels = match &row.target {
            Target::Series(id) => return Ok(*id),
            Target::Missing(labels) => labels.clone(),
        };
        let metric = labels.metric_name();
        self.check_limits(metric, &labels).map_err(AppendCause::Limit)?;
        self.label_sets.plan(&labels);
        *self.new_by_metric.entry_ref(metric).or_insert(0) += 1;
        let id = self.context.store.next_id() + self.plan.new.len() as SeriesId;
        if let Some(key) = row.new_key.take() {
            self.learn(key, id);
        }
        self.touches.first_in_request(id);
        self.new_by_labels.insert(labels.clone(), id);
        self.plan.new.push(NewSeries { labels });
        self.plan.outcome.new_series += 1;
        row.target = Target::Series(id);
        Ok(id)
    }

    /// Limits in Cortex's order: all series of the tenant, its native histogram series, the metric's, the label sets'.
    fn check_limits(&mut self, metric: &str, labels: &Labels) -> Result<(), LimitExceeded> {
        let limits = self.context.limits;
        let exceeded = |scope, limit| Err(LimitExceeded { scope, limit, admin_message: limits.admin_message.clone() });
        let series = (self.context.store.len() + self.plan.new.len()) as u64;
        if series >= limits.per_user.actual {
            return exceeded(LimitScope::User, limits.per_user);
        }
        if self.context.active_histograms >= limits.histograms_per_user.actual {
            return exceeded(LimitScope::UserHistograms, limits.histograms_per_user);
        }
        let stored = self.context.store.count(neocortex_model::labels::METRIC_NAME, metric) as u64;
        let planned = self.new_by_metric.get(metric).copied().unwrap_or(0);
        if stored + planned >= limits.per_metric.actual {
            return exceeded(LimitScope::Metric, limits.per_metric);
        }
        self.label_sets.check(self.context.store, labels)
    }

    fn exemplars(&mut self, row: &Row) {
        let exemplars = self.rows.exemplars(row.index);
        let Target::Series(id) = row.target else {
            if let Some(first) = exemplars.first() {
                let n = exemplars.len() as u64;
                self.plan.outcome.failed_exemplars += n;
                let cause = AppendCause::ExemplarUnknownSeries { exemplar: first.labels.clone() };
                self.refuse(row.index, first.t, cause, n);
            }
            return;
        };
        for exemplar in exemplars {
            let labels = || exemplar.labels.clone();
            let cause = match self.context.ring.check(id, exemplar) {
                Verdict::Take | Verdict::Duplicate => None,
                Verdict::OutOfOrder => Some(AppendCause::ExemplarOutOfOrder { exemplar: labels() }),
                Verdict::LabelsTooLong => Some(AppendCause::ExemplarLabelsTooLong { exemplar: labels() }),
            };
            if let Some(cause) = cause {
                self.plan.outcome.failed_exemplars += 1;
                self.refuse(row.index, exemplar.t, cause, 1);
                continue;
            }
            self.plan.outcome.exemplars += 1;
            self.take_exemplar(id, exemplar);
        }
    }

    fn take_exemplar(&mut self, id: SeriesId, exemplar: &'a Exemplar) {
        if self.context.ring.check(id, exemplar) != Verdict::Take {
            return;
        }
        match self.newest_exemplars.entry(id) {
            Entry::Occupied(mut newest) => {
                if exemplars::check(Some(newest.get()), exemplar) != Verdict::Take {
                    return;
                }
                newest.insert(exemplar);
            }
            Entry::Vacant(none) => {
                none.insert(exemplar);
            }
        }
        self.plan.exemplars.push((id, exemplar));
    }

    fn refuse(&mut self, index: usize, t: i64, cause: AppendCause, n: u64) {
        self.plan.outcome.discarded.add(AppendErrorKind::of(&cause), n);
        if self.plan.outcome.first_error.is_none() {
            self.plan.outcome.first_error = Some(AppendError { series: self.rows.labels(index), t, cause });
        }
    }
}

fn newest_samples(batches: &[Batch<'_>]) -> HashMap<SeriesId, Newest> {
    let mut newest = HashMap::new();
    for batch in batches {
        for (id, t, _) in &batch.floats {
            newest.insert(*id, Newest { t: *t, kind: SampleKind::Float });
        }
        for (id, t, value) in &batch.histograms {
            newest.insert(*id, Newest { t: *t, kind: SampleKind::of_histogram(value) });
        }
    }
    newest
}

/// Judges a float of the time of the newest sample: the same one may come again.
fn check_float(last: Last<'_>, v: f64) -> Result<(), AppendCause> {
    match last {
        Last::Float(_, stored) if stored.to_bits() == v.to_bits() => Ok(()),
        Last::Float(_, stored) => Err(AppendCause::DuplicateFloat { existing: Some(stored), new: v }),
        // Dropped without a word, as Prometheus does.
        Last::Closed(_) => Ok(()),
        _ => Err(AppendCause::DuplicateFloat { existing: None, new: v }),
    }
}

/// Judges a histogram of the time of the newest sample: the same one may come again. What the newest one is may not be at
/// hand.
fn check_histogram(last: Last<'_>, value: &HistogramValue) -> Result<(), AppendCause> {
    if matches!(last, Last::Closed(_)) || same_histogram(last, value) {
        Ok(())
    } else {
        Err(AppendCause::DuplicateHistogram)
    }
}
