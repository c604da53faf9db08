//! Vectors joined by labels: one to one, many to one, one to many, with or without values for what is missing.

use std::ops::Range;

use hashbrown::HashMap;
use neocortex_model::labels::{Labels, LabelsBuilder};
use neocortex_model::result::Value;

use super::changes_meaning;
use super::element::{Element, float};
use super::signature::{Group, Matched};
use crate::eval::column::{Column, is_absent};
use crate::eval::engine::Frame;
use crate::eval::error::EvalError;
use crate::eval::names::has_value;
use crate::func::METADATA_LABELS;
use crate::parse::ast::{Binary, Cardinality, Expr, VectorMatching};

/// The join of two vectors. After the swap of `group_right`, `many` is the side that may have several elements for one of
/// `one`; for one to one, `many` is the left.
struct Join<'j> {
    binary: &'j Binary,
    matching: &'j VectorMatching,
    element: Element<'j>,
    many: &'j [Column],
    one: &'j [Column],
    /// `one` is the left operand.
    swapped: bool,
    delayed: bool,
    /// Duplicates are named in the order of their texts.
    ordered_duplicates: bool,
    steps: usize,
    out: Output,
}

/// One side of a pair.
enum Operand<'c> {
    /// A series.
    Series(&'c Column),
    /// The value for what is missing, and the labels by which it would match.
    Fill(Labels, f64),
}

/// What is known of a group.
struct GroupState {
    /// The series of `one`, and at which steps each has a value: no two at the same step.
    partners: Vec<(usize, Vec<Range<usize>>)>,
    /// The steps at which none of them has; empty when nobody asks.
    alone: Vec<Range<usize>>,
    /// Whether there was a match at the step; empty when nobody asks.
    matched: Vec<bool>,
    /// Of many to one: the steps at which a result had these labels.
    by_labels: Option<HashMap<Labels, Vec<bool>>>,
}

/// Columns under construction, by labels.
#[derive(Default)]
struct Output {
    places: HashMap<Labels, usize>,
    columns: Vec<Column>,
}

impl Frame<'_> {
    /// Any operator but the set operators, between vectors.
    pub(super) fn matched(
        &self,
        expr: &Expr,
        binary: &Binary,
        left: &[Column],
        right: &[Column],
    ) -> Result<Vec<Column>, EvalError> {
        let default = VectorMatching::default();
        let matching = binary.matching.as_ref().unwrap_or(&default);
        let swapped = matching.card == Cardinality::OneToMany;
        let (many, one) = if swapped { (right, left) } else { (left, right) };
        let matched = Matched::new(matching, many, one);
        let mut join = Join {
            binary,
            matching,
            element: Element { op: binary.op, at: expr.span, notes: &self.query.notes },
            many,
            one,
            swapped,
            delayed: self.delayed(),
            ordered_duplicates: self.query.options.newer_messages,
            steps: self.steps.count(),
            out: Output::default(),
        };
        join.refuse_duplicates(&matched)?;
        let mut states: Vec<_> = matched.groups.iter().map(|group| GroupState::new(&join, group)).collect();
        for (column, group) in many.iter().zip(&matched.left) {
            self.query.budget.check_time()?;
            join.join_many(column, &mut states[*group])?;
            self.query.budget.check_slots(join.out.columns.len(), join.steps)?;
        }
        for (column, group) in one.iter().zip(&matched.right) {
            join.fill_many(column, &mut states[*group])?;
        }
        let mut columns = join.out.columns;
        columns.retain(|column| !column.is_empty());
        Ok(columns)
    }
}

impl Join<'_> {
    /// The value for a missing element of the side `one`, and of `many`.
    ///
    /// As in Prometheus, the swap of `group_right` does not swap them.
    fn fills(&self) -> (Option<f64>, Option<f64>) {
        (self.matching.fill_right, self.matching.fill_left)
    }

    /// The side `one` may have one element only for the same labels at the same step. The earliest step with more is
    /// reported, unless nothing could match there, and at that step the first element that has a predecessor.
    fn refuse_duplicates(&self, matched: &Matched) -> Result<(), EvalError> {
        let fills = self.fills();
        let filled = fills.0.is_some() || fills.1.is_some();
        let mut found: Option<(usize, usize, usize)> = None;
        for group in matched.groups.iter().filter(|group| group.one().len() > 1) {
            for step in 0..found.map_or(self.steps, |(step, ..)| step + 1) {
                let mut present = group.one().iter().filter(|i| has_value(&self.one[**i], step));
                let (Some(first), Some(second)) = (present.next(), present.next()) else { continue };
                if found.is_some_and(|known| known <= (step, *second, *first)) {
                    break;
                }
                if filled || self.many.iter().any(|column| has_value(column, step)) {
                    found = Some((step, *second, *first));
                    break;
                }
            }
        }
        let Some((_, second, first)) = found else { return Ok(()) };
        let side = if self.swapped { "left" } else { "right" };
        let group = self.match_labels(&self.one[second].labels);
        // Cortex names the later one first; the Prometheus after its own orders the two by their texts.
        let (mut first, mut second) = (self.one[first].labels.to_string(), self.one[second].labels.to_string());
        if self.ordered_duplicates && second > first {
            std::mem::swap(&mut first, &mut second);
        }
        Err(EvalError::execution(format!(
            "found duplicate series for the match group {group} on the {side} hand-side of the operation: \
             [{second}, {first}];\
             many-to-many matching not allowed: matching labels must be unique on one side"
        )))
    }

    /// The labels that are matched, for messages and for elements that are filled in.
    fn match_labels(&self, labels: &Labels) -> Labels {
        super::signature::signature(self.matching, labels)
    }

    /// Joins a series of `many` with its partners.
    fn join_many(&mut self, many: &Column, state: &mut GroupState) -> Result<(), EvalError> {
        let partners = std::mem::take(&mut state.partners);
        for (i, runs) in &partners {
            let one = &self.one[*i];
            self.join_pair(Operand::Series(many), Operand::Series(one), runs, state)?;
        }
        state.partners = partners;
        let (Some(fill), _) = self.fills() else { return Ok(()) };
        let one = Operand::Fill(self.match_labels(&many.labels), fill);
        let alone = std::mem::take(&mut state.alone);
        self.join_pair(Operand::Series(many), one, &alone, state)?;
        state.alone = alone;
        Ok(())
    }

    /// Gives a series of `one`, where nothing was matched with it, a partner of the value for what is missing.
    fn fill_many(&mut self, one: &Column, state: &mut GroupState) -> Result<(), EvalError> {
        let (_, Some(fill)) = self.fills() else { return Ok(()) };
        let alone = runs(self.steps, |step| !state.matched[step]);
        let many = Operand::Fill(self.match_labels(&one.labels), fill);
        self.join_pair(many, Operand::Series(one), &alone, state)
    }

    /// Puts out the values of a pair at some steps.
    fn join_pair(
        &mut self,
        many: Operand<'_>,
        one: Operand<'_>,
        runs: &[Range<usize>],
        state: &mut GroupState,
    ) -> Result<(), EvalError> {
        let present = |step: &usize| many.has_value(*step) && one.has_value(*step);
        let Some(first) = runs.iter().cloned().flatten().find(present) else { return Ok(()) };
        let labels = self.result_labels(many.labels(), one.labels());
        if let (Operand::Series(many), Operand::Series(one)) = (&many, &one)
            && self.is_plain(many, one, state)
        {
            return self.join_floats(many, one, &labels, runs);
        }
        let one_to_one = self.matching.card == Cardinality::OneToOne;
        let mut place = None;
        let mut seen = state.by_labels.as_mut().map(|by_labels| {
            let seen = by_labels.entry_ref(&labels).or_default();
            seen.resize(self.steps, false);
            seen
        });
        for step in runs.iter().cloned().flatten().filter(|step| *step >= first) {
            let (Some(l), Some(r)) = (many.get(step), one.get(step)) else { continue };
            let Some(value) = self.combine(&l, &r) else { continue };
            let again = state.matched.get_mut(step).is_some_and(|matched| std::mem::replace(matched, true));
            if again && one_to_one {
                return Err(EvalError::execution(
                    "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)",
                ));
            }
            if seen.as_mut().is_some_and(|seen| std::mem::replace(&mut seen[step], true)) {
                return Err(EvalError::execution(
                    "multiple matches for labels: grouping labels must ensure unique matches",
                ));
            }
            let Some(value) = value else { continue };
            let place = *place.get_or_insert_with(|| self.out.place(&labels, self.binary.return_bool, self.steps));
            self.out.put(place, step, value)?;
        }
        Ok(())
    }

    /// Arithmetic between floats only, with nothing to watch.
    fn is_plain(&self, many: &Column, one: &Column, state: &GroupState) -> bool {
        let unwatched = state.matched.is_empty() && state.by_labels.is_none();
        unwatched && changes_meaning(self.binary.op) && many.histograms.is_empty() && one.histograms.is_empty()
    }

    /// [`Join::join_pair`] for the plain case.
    fn join_floats(
        &mut self,
        many: &Column,
        one: &Column,
        labels: &Labels,
        runs: &[Range<usize>],
    ) -> Result<(), EvalError> {
        let (left, right) = if self.swapped { (one, many) } else { (many, one) };
        let place = self.out.place(labels, self.binary.return_bool, self.steps);
        let out = &mut self.out.columns[place];
        for step in runs.iter().cloned().flatten() {
            let (l, r) = (left.floats[step], right.floats[step]);
            if is_absent(l) || is_absent(r) {
                continue;
            }
            if has_value(out, step) {
                return Err(EvalError::duplicate_labels());
            }
            out.floats[step] = float(self.binary.op, l, r);
        }
        Ok(())
    }

    /// The value of a pair: `None` when the operator is not for these types, `Some(None)` when a filter drops it.
    fn combine(&self, many: &Value, one: &Value) -> Option<Option<Value>> {
        let (l, r) = if self.swapped { (one, many) } else { (many, one) };
        let outcome = self.element.apply(l, r)?;
        Some(if self.binary.return_bool { Some(Value::Float(f64::from(outcome.holds))) } else { outcome.kept() })
    }

    /// The labels of the result of a pair.
    fn result_labels(&self, many: &Labels, one: &Labels) -> Labels {
        let matching = self.matching;
        let mut builder = LabelsBuilder::from_labels(many);
        if changes_meaning(self.binary.op) || (self.binary.return_bool && !self.delayed) {
            METADATA_LABELS.iter().for_each(|name| builder.remove(name));
        }
        if matching.card == Cardinality::OneToOne {
            if matching.on {
                for (name, _) in many.iter().filter(|(name, _)| !matching.labels.iter().any(|l| l == name)) {
                    builder.remove(name);
                }
            } else {
                matching.labels.iter().for_each(|name| builder.remove(name));
            }
        }
        for name in &matching.include {
            builder.set(name, one.get(name).unwrap_or(""));
        }
        builder.finish()
    }
}

impl Group {
    fn many(&self) -> &[usize] {
        &self.left
    }

    fn one(&self) -> &[usize] {
        &self.right
    }
}

impl Operand<'_> {
    fn labels(&self) -> &Labels {
        match self {
            Self::Series(column) => &column.labels,
            Self::Fill(labels, _) => labels,
        }
    }

    fn has_value(&self, step: usize) -> bool {
        match self {
            Self::Series(column) => has_value(column, step),
            Self::Fill(..) => true,
        }
    }

    fn get(&self, step: usize) -> Option<Value> {
        match self {
            Self::Series(column) => column.get(step),
            Self::Fill(_, v) => Some(Value::Float(*v)),
        }
    }
}

impl GroupState {
    /// Only what can go wrong is watched.
    fn new(join: &Join<'_>, group: &Group) -> Self {
        let steps = join.steps;
        let one_to_one = join.matching.card == Cardinality::OneToOne;
        let (fill_one, fill_many) = join.fills();
        let several = group.many().len() > 1;
        let watched = fill_many.is_some() || (one_to_one && several);
        let nobody = |step: usize| !group.one().iter().any(|i| has_value(&join.one[*i], step));
        Self {
            partners: group.one().iter().map(|i| (*i, runs(steps, |step| has_value(&join.one[*i], step)))).collect(),
            alone: if fill_one.is_some() { runs(steps, nobody) } else { Vec::new() },
            matched: vec![false; if watched { steps } else { 0 }],
            by_labels: (!one_to_one && (several || fill_many.is_some())).then(HashMap::new),
        }
    }
}

/// The runs of steps for which something is true.
fn runs(steps: usize, is_true: impl Fn(usize) -> bool) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for step in (0..steps).filter(|step| is_true(*step)) {
        match runs.last_mut() {
            Some(run) if run.end == step => run.end += 1,
            _ => runs.push(step..step + 1),
        }
    }
    runs
}

impl Output {
    /// The column with these labels.
    fn place(&mut self, labels: &Labels, drop_name: bool, steps: usize) -> usize {
        *self.places.entry_ref(labels).or_insert_with(|| {
            let mut column = Column::new(labels.clone(), steps);
            column.drop_name = drop_name;
            self.columns.push(column);
            self.columns.len() - 1
        })
    }

    fn put(&mut self, place: usize, step: usize, value: Value) -> Result<(), EvalError> {
        let column = &mut self.columns[place];
        if has_value(column, step) {
            return Err(EvalError::duplicate_labels());
        }
        column.set(step, Some(value));
        Ok(())
    }
}
