//! Aggregations: groups of series, folded as the series come.

mod count_values;
mod fold;
mod quantile;
mod rank;
mod spread;
mod sum;

use std::hash::BuildHasher;

use hashbrown::hash_table::Entry;
use hashbrown::{DefaultHashBuilder, HashTable};
use neocortex_model::labels::{Labels, METRIC_NAME};

use super::annotate::Notes;
use super::call::text;
use super::column::Column;
use super::engine::Frame;
use super::error::EvalError;
use super::names::Names;
use crate::func::METADATA_LABELS;
use crate::parse::ast::{Aggregate, AggregateOp, Expr, Span};
use crate::plan::tree::{Node, aggregate_name};

/// What the groups of an aggregation know of it.
struct Context<'c> {
    op: AggregateOp,
    steps: usize,
    /// Where the aggregated expression stands.
    at: Span,
    notes: &'c Notes,
}

impl Context<'_> {
    fn name(&self) -> &'static str {
        aggregate_name(self.op)
    }
}

/// One group under construction.
trait Fold {
    /// Takes in a series.
    fn add(&mut self, column: &Column, context: &Context<'_>);

    /// The finished values, put into a column that has the group's labels.
    fn finish(self, column: &mut Column, context: &Context<'_>);
}

impl Frame<'_> {
    /// The groups, in the order in which they are met.
    pub(super) fn aggregate(
        &self,
        expr: &Expr,
        aggregate: &Aggregate,
        input: &Node<'_>,
        param: Option<&Node<'_>>,
    ) -> Result<Vec<Column>, EvalError> {
        let context =
            Context { op: aggregate.op, steps: self.steps.count(), at: aggregate.expr.span, notes: &self.query.notes };
        let steps = context.steps;
        let params = |frame: &Self| match param {
            Some(param) => frame.scalar(param).map(|values| (values, param.expr.span)),
            None => Err(EvalError::execution("aggregation needs a parameter")),
        };
        match aggregate.op {
            AggregateOp::Sum => self.fold(aggregate, input, &context, || sum::Sum::new(steps)),
            AggregateOp::Avg => self.fold(aggregate, input, &context, || sum::Avg::new(steps)),
            AggregateOp::Count => self.fold(aggregate, input, &context, || fold::Count::new(steps)),
            AggregateOp::Group => self.fold(aggregate, input, &context, || fold::Presence::new(steps)),
            AggregateOp::Min | AggregateOp::Max => self.fold(aggregate, input, &context, || fold::Extreme::new(steps)),
            AggregateOp::Stddev | AggregateOp::Stdvar => {
                self.fold(aggregate, input, &context, || spread::Spread::new(steps))
            }
            AggregateOp::Quantile => {
                let (values, at) = params(self)?;
                let columns = self.fold(aggregate, input, &context, || quantile::Quantile::new(&values))?;
                // A repeated note stands where it was made last, which is here.
                quantile::note_invalid(&values, at, &self.query.notes);
                Ok(columns)
            }
            AggregateOp::CountValues => {
                let label = match param {
                    Some(param) => text(param)?,
                    None => return Err(EvalError::execution("count_values needs a label")),
                };
                self.count_values(aggregate, label, input)
            }
            AggregateOp::Topk | AggregateOp::Bottomk | AggregateOp::Limitk | AggregateOp::LimitRatio => {
                let (values, at) = params(self)?;
                self.rank(expr.span, aggregate, &values, at, input)
            }
        }
    }

    /// Folds the series into their groups as they come.
    fn fold<F: Fold>(
        &self,
        aggregate: &Aggregate,
        input: &Node<'_>,
        context: &Context<'_>,
        new: impl Fn() -> F,
    ) -> Result<Vec<Column>, EvalError> {
        struct Group<F> {
            labels: Labels,
            drop_name: bool,
            fold: F,
        }
        let before = self.query.budget.held();
        let grouping = Grouping::new(aggregate);
        let mut places = Places::default();
        let mut groups: Vec<Group<F>> = Vec::new();
        self.each_column(input, grouping.names(), &mut |column| {
            let place = places.of(&grouping, &column.labels);
            if place == groups.len() {
                groups.push(Group { labels: grouping.key(&column.labels), drop_name: false, fold: new() });
            }
            groups[place].drop_name |= column.drop_name;
            groups[place].fold.add(&column, context);
            self.query.budget.check_slots(groups.len(), context.steps)
        })?;
        self.query.budget.set_held(before)?;
        let columns = groups.into_iter().map(|group| {
            let mut column = Column::new(group.labels, context.steps);
            column.drop_name = group.drop_name;
            group.fold.finish(&mut column, context);
            column
        });
        Ok(columns.filter(|column| !column.is_empty()).collect())
    }
}

/// `by (…)` or `without (…)`.
struct Grouping<'a> {
    names: Vec<&'a str>,
    without: bool,
}

impl<'a> Grouping<'a> {
    fn new(aggregate: &'a Aggregate) -> Self {
        let mut names: Vec<_> = aggregate.grouping.iter().map(String::as_str).collect();
        if aggregate.without {
            names.push(METRIC_NAME);
        }
        Self { names, without: aggregate.without }
    }

    /// Whether it makes a difference if series have their names.
    fn names(&self) -> Names {
        let by_names = self.names.iter().any(|name| METADATA_LABELS.contains(name));
        if self.without || by_names { Names::Seen } else { Names::Unseen }
    }

    /// The labels of a series' group.
    fn key(&self, labels: &Labels) -> Labels {
        if self.without { labels.without(&self.names) } else { labels.only(&self.names) }
    }
}

/// The numbers of groups, by their labels.
#[derive(Default)]
struct Places {
    table: HashTable<usize>,
    hasher: DefaultHashBuilder,
    /// Labels of the groups, encoded, and where each begins.
    keys: Vec<u8>,
    starts: Vec<usize>,
}

impl Places {
    /// The number of a series' group; that of a group that was not met before is the next.
    fn of(&mut self, grouping: &Grouping<'_>, labels: &Labels) -> usize {
        let start = self.keys.len();
        if grouping.without {
            labels.encode_without(&grouping.names, &mut self.keys);
        } else {
            labels.encode_only(&grouping.names, &mut self.keys);
        }
        let Self { table, hasher, keys, starts } = self;
        let key_of = |place: usize| &keys[starts[place]..starts.get(place + 1).copied().unwrap_or(start)];
        let key = &keys[start..];
        let entry =
            table.entry(hasher.hash_one(key), |place| key_of(*place) == key, |place| hasher.hash_one(key_of(*place)));
        match entry {
            Entry::Occupied(entry) => {
                let place = *entry.get();
                keys.truncate(start);
                place
            }
            Entry::Vacant(entry) => {
                let place = starts.len();
                entry.insert(place);
                starts.push(start);
                place
            }
        }
    }
}
