//! `info`: labels of info series added to the series of the same target.
//!
//! Source: Prometheus's `promql/info.go`. There the info series are selected by the targets that the input has; here the
//! selection is known before the evaluation, and series of other targets are left out when it is read.

use std::collections::BTreeMap;

use hashbrown::{HashMap, HashSet};
use neocortex_model::labels::{Labels, LabelsBuilder, METRIC_NAME};

use super::budget::column_samples;
use super::column::Column;
use super::engine::Frame;
use super::error::EvalError;
use super::source::Selected;
use crate::plan::tree::Info;

/// The labels that tell a target.
const IDENTIFYING: [&str; 2] = ["instance", "job"];

/// An info series and when its sample at each step was taken.
struct InfoSeries<'s> {
    labels: &'s Labels,
    sampled: Vec<Option<i64>>,
}

/// The info series that holds at each step, of one info metric and one target.
type Holding = Vec<Option<usize>>;

impl Frame<'_> {
    /// The input with labels added, and without the series whose info does not match.
    pub(super) fn info(&self, info: &Info<'_>) -> Result<Vec<Column>, EvalError> {
        let input = self.vector(&info.input)?;
        let is_info = |column: &Column| info.names.iter().all(|m| m.matches(column.labels.metric_name()));
        let targets: Vec<HashSet<&str>> = IDENTIFYING
            .iter()
            .map(|name| input.iter().filter(|c| !is_info(c)).filter_map(|c| c.labels.get(name)).collect())
            .collect();
        let series = if targets.iter().all(HashSet::is_empty) {
            Vec::new()
        } else {
            self.info_series(info, self.query.selected(info.selection)?, &targets)?
        };
        let holding = hold(&series, &input, self.steps.count())?;
        let mut output = Output { places: HashMap::new(), columns: Vec::new(), steps: self.steps.count() };
        for column in &input {
            self.query.budget.check_time()?;
            if is_info(column) {
                output.put(column, &column.labels, 0..self.steps.count())?;
            } else {
                enrich(info, column, &series, &holding, &mut output)?;
            }
            self.query.budget.check_slots(output.columns.len(), self.steps.count())?;
        }
        Ok(output.columns)
    }

    /// The info series of the targets that have a sample at some step.
    fn info_series<'s>(
        &self,
        info: &Info<'_>,
        selected: &'s Selected,
        targets: &[HashSet<&str>],
    ) -> Result<Vec<InfoSeries<'s>>, EvalError> {
        let mut series = Vec::new();
        for i in 0..selected.len() {
            self.query.budget.check_time()?;
            let labels = selected.labels(i);
            let of_target = |(name, values): (&&str, &HashSet<&str>)| {
                values.is_empty() || values.contains(labels.get(name).unwrap_or(""))
            };
            if !IDENTIFYING.iter().zip(targets).all(of_target) {
                continue;
            }
            let samples = selected.samples(i)?;
            let mut sampled = vec![None; self.steps.count()];
            let mut histogram = false;
            self.last_samples(&info.shift, &samples, |step, last| {
                sampled[step] = Some(samples.t[last]);
                histogram |= samples.histogram(last).is_some();
                self.count_loaded(step, 1);
            });
            if histogram {
                return Err(EvalError::execution(format!(
                    "this should be an info metric, with float samples: {labels}"
                )));
            }
            if sampled.iter().any(Option::is_some) {
                self.query.budget.hold(sampled.iter().flatten().count() as u64)?;
                series.push(InfoSeries { labels, sampled });
            }
        }
        Ok(series)
    }
}

/// Which series holds at each step, by info metric and target: the one with the latest sample.
fn hold<'s>(
    series: &[InfoSeries<'s>],
    input: &[Column],
    steps: usize,
) -> Result<BTreeMap<&'s str, HashMap<Labels, Holding>>, EvalError> {
    let mut holding: BTreeMap<&str, HashMap<Labels, Holding>> = BTreeMap::new();
    for (i, candidate) in series.iter().enumerate() {
        let by_target = holding.entry(candidate.labels.metric_name()).or_default();
        let held = by_target.entry(candidate.labels.only(&IDENTIFYING)).or_insert_with(|| vec![None; steps]);
        for (step, slot) in held.iter_mut().enumerate() {
            let Some(sampled) = candidate.sampled[step] else { continue };
            let known = slot.and_then(|known: usize| Some((known, series[known].sampled[step]?)));
            match known {
                Some((_, t)) if t > sampled => {}
                Some((known, t)) if t == sampled && input.iter().any(|c| super::names::has_value(c, step)) => {
                    return Err(EvalError::execution(format!(
                        "found duplicate series for info metric: existing {} @ {t}, new {} @ {sampled}",
                        series[known].labels, candidate.labels
                    )));
                }
                _ => *slot = Some(i),
            }
        }
    }
    Ok(holding)
}

/// Puts out a series with the labels that hold at each step.
fn enrich(
    info: &Info<'_>,
    column: &Column,
    series: &[InfoSeries<'_>],
    holding: &BTreeMap<&str, HashMap<Labels, Holding>>,
    output: &mut Output,
) -> Result<(), EvalError> {
    let target = column.labels.only(&IDENTIFYING);
    let holding: Vec<&Holding> = holding.values().filter_map(|by_target| by_target.get(&target)).collect();
    let at = |step: usize| holding.iter().filter_map(|held| held[step]).collect::<Vec<_>>();
    let mut from = 0;
    while from < output.steps {
        // The same info tends to hold for many steps.
        let infos = at(from);
        let to = (from + 1..output.steps).find(|step| at(*step) != infos).unwrap_or(output.steps);
        if let Some(labels) = enriched(info, &column.labels, infos.iter().map(|i| series[*i].labels))? {
            output.put(column, &labels, from..to)?;
        }
        from = to;
    }
    Ok(())
}

/// The labels with those of the info series added; `None` when the series has no info but must have.
fn enriched<'s>(
    info: &Info<'_>,
    base: &Labels,
    infos: impl Iterator<Item = &'s Labels>,
) -> Result<Option<Labels>, EvalError> {
    let wanted = |name: &str| info.data.is_empty() || info.data.iter().any(|m| m.name() == name);
    let mut added: BTreeMap<&str, &str> = BTreeMap::new();
    let mut found = false;
    for labels in infos {
        found = true;
        for (name, value) in labels.iter().filter(|(name, _)| *name != METRIC_NAME && wanted(name)) {
            if added.get(name).is_some_and(|known| *known != value) {
                return Err(EvalError::execution(format!("conflicting label: {name}")));
            }
            if base.get(name).is_none() {
                added.insert(name, value);
            }
        }
    }
    if !found && !info.data.iter().all(|m| m.matches_empty()) {
        return Ok(None);
    }
    let mut builder = LabelsBuilder::from_labels(base);
    added.iter().for_each(|(name, value)| builder.set(name, value));
    Ok(Some(builder.finish()))
}

/// Columns under construction, by labels.
struct Output {
    places: HashMap<Labels, usize>,
    columns: Vec<Column>,
    steps: usize,
}

impl Output {
    /// Copies the values of some steps under new labels.
    fn put(&mut self, from: &Column, labels: &Labels, steps: std::ops::Range<usize>) -> Result<(), EvalError> {
        if column_samples(from) == 0 {
            return Ok(());
        }
        let place = *self.places.entry_ref(labels).or_insert_with(|| {
            let mut column = Column::new(labels.clone(), self.steps);
            column.drop_name = from.drop_name;
            self.columns.push(column);
            self.columns.len() - 1
        });
        let column = &mut self.columns[place];
        for step in steps {
            let Some(value) = from.get(step) else { continue };
            if super::names::has_value(column, step) {
                return Err(EvalError::duplicate_labels());
            }
            column.set(step, Some(value));
        }
        Ok(())
    }
}
