//! Columns of labels.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, DictionaryArray, Int32Array, MapArray, StringArray, StructArray};
use arrow_buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field, Fields};
use hashbrown::HashMap;
use neocortex_model::labels::Labels;

use crate::error::{TableError, next_offset};

/// Names that a column of a label cannot have.
const TAKEN: [&str; 3] = ["timestamp", "value", "histogram"];

/// Where the labels are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelLayout {
    /// One column a label name.
    Columns,
    /// One column of maps.
    Map,
}

/// Columns with their fields.
pub(crate) type Columns = Vec<(Field, ArrayRef)>;

/// The columns of labels for label sets that stand for a number of rows each.
pub(crate) fn columns(runs: &[(&Labels, usize)], layout: LabelLayout) -> Result<Columns, TableError> {
    match layout {
        LabelLayout::Columns => dictionaries(runs),
        LabelLayout::Map => Ok(vec![map(runs)?]),
    }
}

/// The values of one label name.
#[derive(Default)]
struct Dictionary<'r> {
    keys: HashMap<&'r str, i32>,
    values: Vec<&'r str>,
    bytes: i32,
    /// A key for each run that has the label, by the number of the run.
    runs: Vec<(usize, i32)>,
}

impl<'r> Dictionary<'r> {
    fn add(&mut self, run: usize, value: &'r str) -> Result<(), TableError> {
        let key = match self.keys.get(value) {
            Some(key) => *key,
            None => {
                let key = next_offset(0, self.values.len(), "label values")?;
                self.bytes = next_offset(self.bytes, value.len(), "bytes of label values")?;
                self.values.push(value);
                self.keys.insert(value, key);
                key
            }
        };
        self.runs.push((run, key));
        Ok(())
    }

    fn column(&self, runs: &[(&Labels, usize)], rows: usize) -> Result<DictionaryArray<Int32Type>, TableError> {
        let (mut keys, mut present) = (Vec::with_capacity(rows), Vec::new());
        let mut own = self.runs.iter().peekable();
        let partial = self.runs.len() < runs.len();
        for (run, (_, len)) in runs.iter().enumerate() {
            let key = own.next_if(|(of, _)| *of == run).map(|(_, key)| *key);
            keys.resize(keys.len() + len, key.unwrap_or(0));
            if partial {
                present.resize(keys.len(), key.is_some());
            }
        }
        let keys = Int32Array::new(keys.into(), partial.then(|| NullBuffer::from(present)));
        Ok(DictionaryArray::try_new(keys, Arc::new(StringArray::from_iter_values(&self.values)))?)
    }
}

fn dictionaries(runs: &[(&Labels, usize)]) -> Result<Columns, TableError> {
    let mut by_name: BTreeMap<&str, Dictionary<'_>> = BTreeMap::new();
    for (run, (labels, _)) in runs.iter().enumerate() {
        for (name, value) in labels.iter() {
            by_name.entry(name).or_default().add(run, value)?;
        }
    }
    let mut names: BTreeSet<&str> = TAKEN.into_iter().collect();
    names.extend(by_name.keys());
    let rows = runs.iter().map(|(_, len)| len).sum();
    let mut columns = Vec::with_capacity(by_name.len());
    for (name, dictionary) in &by_name {
        let column = dictionary.column(runs, rows)?;
        let field = Field::new(column_name(name, &names), arrow_array::Array::data_type(&column).clone(), true);
        columns.push((field, Arc::new(column) as ArrayRef));
    }
    Ok(columns)
}

/// The name of a label's column; `names` are all labels and what is [`TAKEN`].
fn column_name(label: &str, names: &BTreeSet<&str>) -> String {
    let mut name = label.to_owned();
    if TAKEN.contains(&label) {
        while names.contains(name.as_str()) {
            name.insert_str(0, "exported_");
        }
    }
    name
}

fn map(runs: &[(&Labels, usize)]) -> Result<(Field, ArrayRef), TableError> {
    let (mut entries, mut bytes) = (0, 0);
    for (labels, rows) in runs {
        entries = next_offset(entries, labels.len().saturating_mul(*rows), "labels")?;
        // The encoded form is longer than the names and longer than the values.
        bytes = next_offset(bytes, labels.as_bytes().len().saturating_mul(*rows), "bytes of labels")?;
    }
    let (mut names, mut values) = (Vec::with_capacity(entries as usize), Vec::with_capacity(entries as usize));
    let mut offsets = vec![0];
    for (labels, rows) in runs {
        for _ in 0..*rows {
            for (name, value) in labels.iter() {
                names.push(name);
                values.push(value);
            }
            offsets.push(names.len() as i32);
        }
    }
    let fields =
        Fields::from(vec![Field::new("key", DataType::Utf8, false), Field::new("value", DataType::Utf8, true)]);
    let columns: Vec<ArrayRef> =
        vec![Arc::new(StringArray::from_iter_values(names)), Arc::new(StringArray::from_iter_values(values))];
    let entries = StructArray::try_new(fields.clone(), columns, None)?;
    let of = Arc::new(Field::new("entries", DataType::Struct(fields), false));
    let maps = MapArray::try_new(Arc::clone(&of), OffsetBuffer::new(ScalarBuffer::from(offsets)), entries, None, true)?;
    Ok((Field::new("labels", DataType::Map(of, true), false), Arc::new(maps)))
}
