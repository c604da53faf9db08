//! What a database answers, as the model knows it.

use std::collections::BTreeMap;
use std::sync::Arc;

use neocortex_model::matchers::{MatchOp, Matcher};
use neocortex_model::sample::Samples;
use neocortex_model::series::{Queryable, SelectHints, Series};
use neocortex_tsdb::Tsdb;

use crate::exemplars::ExemplarKey;
use crate::write::{NUMBER_LABEL, SeriesNumber, Value, value_of};

/// Samples by series and time.
pub type Found = BTreeMap<(SeriesNumber, i64), Value>;

/// A reader that has selected and not read yet.
pub struct Selection(Vec<Arc<dyn Series>>);

/// Why there is no answer, or one that no client may get.
pub enum Unreadable {
    /// The database reports an error.
    Failed(String),
    /// The answer contradicts itself.
    Absurd(String),
}

/// Selects the series that have samples from `from` to `to` (milliseconds).
pub fn select(tsdb: &Tsdb, from: i64, to: i64) -> Result<Selection, Unreadable> {
    let all = Matcher::new(MatchOp::Regex, NUMBER_LABEL, ".+").expect("a valid expression");
    let hints = SelectHints { start_ms: from, end_ms: to, ..SelectHints::default() };
    tsdb.select(&[all], &hints).map(Selection).map_err(|e| Unreadable::Failed(e.to_string()))
}

/// Reads what a selection has from `from` to `to` (milliseconds).
pub fn read(selection: &Selection, from: i64, to: i64) -> Result<Found, Unreadable> {
    let mut found = Found::new();
    for series in &selection.0 {
        let labels = series.labels();
        let absurd = |what: &str| Unreadable::Absurd(format!("{labels}: {what}"));
        let number = labels.get(NUMBER_LABEL).and_then(|text| text.parse().ok());
        let number: SeriesNumber = number.ok_or_else(|| absurd("an unknown series"))?;
        let mut samples = Samples::default();
        series.read(from, to, &mut samples).map_err(|e| Unreadable::Failed(e.to_string()))?;
        if samples.t.windows(2).any(|pair| pair[0] >= pair[1]) {
            return Err(absurd("times that do not ascend"));
        }
        for (i, t) in samples.t.iter().enumerate() {
            let value = match samples.histogram(i) {
                Some(h) => value_of(h).ok_or_else(|| absurd("a histogram that nobody sent"))?,
                None => samples.v[i] as Value,
            };
            if found.insert((number, *t), value).is_some() {
                return Err(absurd("twice in one answer"));
            }
        }
    }
    Ok(found)
}

/// All exemplars, by series, each series' ascending.
pub fn exemplars(tsdb: &Tsdb) -> Result<Vec<ExemplarKey>, String> {
    let mut found = Vec::new();
    for series in tsdb.exemplars(&[Vec::new()], i64::MIN, i64::MAX) {
        let number = series.labels.get(NUMBER_LABEL).and_then(|text| text.parse().ok());
        let number: SeriesNumber = number.ok_or_else(|| format!("exemplars of an unknown series {}", series.labels))?;
        found.extend(series.exemplars.iter().map(|e| (number, e.t, e.v as Value)));
    }
    Ok(found)
}
