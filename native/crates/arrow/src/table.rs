//! A result as columns.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, RecordBatch, RecordBatchOptions, StringArray, TimestampMillisecondArray};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use neocortex_model::labels::Labels;
use neocortex_model::result::QueryValue;

use crate::error::TableError;
use crate::labels::{Columns, LabelLayout};
use crate::points::Points;
use crate::{histogram, labels};

/// A result as columns; sharing is cheap, the columns are never copied.
#[derive(Clone, Debug)]
pub struct Table {
    batch: RecordBatch,
}

impl Table {
    /// The columns of a result, see the crate.
    ///
    /// # Errors
    /// [`TableError::TooLarge`]
    pub fn of_result(value: &QueryValue, layout: LabelLayout) -> Result<Self, TableError> {
        match value {
            QueryValue::Scalar { t, v } => {
                let value: ArrayRef = Arc::new(Float64Array::from(vec![*v]));
                Self::new(1, vec![timestamp(vec![*t]), (Field::new("value", DataType::Float64, true), value)])
            }
            QueryValue::String { t, v } => {
                let value: ArrayRef = Arc::new(StringArray::from_iter_values([v]));
                Self::new(1, vec![timestamp(vec![*t]), (Field::new("value", DataType::Utf8, true), value)])
            }
            QueryValue::Vector(samples) => Self::of_points(Points::of_vector(samples), layout),
            QueryValue::Matrix(matrix) => Self::of_points(Points::of_matrix(matrix), layout),
        }
    }

    /// The columns of labels alone, one row a label set.
    ///
    /// # Errors
    /// As [`Self::of_result`].
    pub fn of_series(series: &[Labels], layout: LabelLayout) -> Result<Self, TableError> {
        let runs: Vec<(&Labels, usize)> = series.iter().map(|labels| (labels, 1)).collect();
        Self::new(series.len(), labels::columns(&runs, layout)?)
    }

    fn of_points(points: Points<'_>, layout: LabelLayout) -> Result<Self, TableError> {
        let Points { runs, t, v, h } = points;
        let rows = t.len();
        let mut columns = vec![timestamp(t)];
        columns.extend(labels::columns(&runs, layout)?);
        let floats = (!h.is_empty()).then(|| h.iter().map(Option::is_none).collect::<NullBuffer>());
        let values: ArrayRef = Arc::new(Float64Array::new(v.into(), floats));
        columns.push((Field::new("value", DataType::Float64, true), values));
        if !h.is_empty() {
            columns.push(histogram::column(&h)?);
        }
        Self::new(rows, columns)
    }

    fn new(rows: usize, columns: Columns) -> Result<Self, TableError> {
        let (fields, columns): (Vec<Field>, Vec<ArrayRef>) = columns.into_iter().unzip();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(Self { batch: RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)? })
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.batch.num_rows()
    }

    pub(crate) fn batch(&self) -> &RecordBatch {
        &self.batch
    }
}

fn timestamp(t: Vec<i64>) -> (Field, ArrayRef) {
    let column = TimestampMillisecondArray::from(t).with_timezone("UTC");
    let kind = DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()));
    (Field::new("timestamp", kind, false), Arc::new(column))
}
