//! `count_values`

use hashbrown::HashMap;
use neocortex_model::float::{format_sample, go_quote_bytes};
use neocortex_model::labels::{Labels, LabelsBuilder};
use neocortex_model::result::Value;

use super::Grouping;
use crate::eval::column::{Column, is_absent};
use crate::eval::engine::Frame;
use crate::eval::error::EvalError;
use crate::eval::names::Names;
use crate::parse::ast::Aggregate;
use crate::plan::tree::Node;

impl Frame<'_> {
    /// How often each value occurs in each group, under the label `label`.
    pub(super) fn count_values(
        &self,
        aggregate: &Aggregate,
        label: &[u8],
        input: &Node<'_>,
    ) -> Result<Vec<Column>, EvalError> {
        let invalid = || EvalError::execution(format!("invalid label name {}", go_quote_bytes(label)));
        let label = std::str::from_utf8(label).ok().filter(|name| !name.is_empty()).ok_or_else(invalid)?;
        let mut grouping = Grouping::new(aggregate);
        if !aggregate.without {
            grouping.names.push(label);
        }
        let mut places: HashMap<Labels, usize> = HashMap::new();
        let mut columns: Vec<Column> = Vec::new();
        let steps = self.steps.count();
        let mut at_last = 0;
        self.each_column(input, Names::Seen, &mut |series| {
            at_last += u64::from(steps > 0 && series.get(steps - 1).is_some());
            // A series tends to keep its value: the place of the last one is remembered.
            let mut last: Option<(Value, usize)> = None;
            for step in 0..steps {
                let Some(value) = series.get(step) else { continue };
                let place = match &last {
                    Some((known, place)) if same(known, &value) => *place,
                    _ => {
                        let labels = labels_with_value(&series.labels, label, &value);
                        *places.entry(grouping.key(&labels)).or_insert_with_key(|labels| {
                            columns.push(Column::new(labels.clone(), steps));
                            columns.len() - 1
                        })
                    }
                };
                let slot = &mut columns[place].floats[step];
                *slot = if is_absent(*slot) { 1.0 } else { *slot + 1.0 };
                last = Some((value, place));
                self.query.budget.check_slots(columns.len(), steps)?;
            }
            Ok(())
        })?;
        self.query.budget.hold(at_last)?;
        Ok(columns)
    }
}

fn same(a: &Value, b: &Value) -> bool {
    matches!((a, b), (Value::Float(a), Value::Float(b)) if a.to_bits() == b.to_bits())
}

fn labels_with_value(labels: &Labels, label: &str, value: &Value) -> Labels {
    let mut builder = LabelsBuilder::from_labels(labels);
    match value {
        Value::Float(v) => builder.set(label, &format_sample(*v)),
        Value::Histogram(h) => builder.set(label, &h.to_string()),
    }
    builder.finish()
}
