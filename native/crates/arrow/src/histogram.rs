//! The column of native histograms: structs of what the query API shows of them.
//!
//! | field | type |
//! |---|---|
//! | `count`, `sum` | 64-bit float |
//! | `buckets` | list of structs, ascending, buckets without observations left out |
//!
//! A bucket has `bounds`, an 8-bit number as in the query API (0 for `(]`, 1 for `[)`, 2 for `()`, 3 for `[]`), and
//! `lower`, `upper` and `count` as 64-bit floats.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int8Array, ListArray, StructArray};
use arrow_buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field, Fields};
use neocortex_model::histogram::FloatHistogram;

use crate::error::{TableError, next_offset};

fn float(name: &str) -> Field {
    Field::new(name, DataType::Float64, false)
}

/// The column; null where there is no histogram.
pub(crate) fn column(histograms: &[Option<&FloatHistogram>]) -> Result<(Field, ArrayRef), TableError> {
    let number = |of: fn(&FloatHistogram) -> f64| -> ArrayRef {
        Arc::new(Float64Array::from_iter_values(histograms.iter().map(|h| h.map_or(0.0, of))))
    };
    let buckets = buckets(histograms)?;
    let fields = Fields::from(vec![
        float("count"),
        float("sum"),
        Field::new("buckets", arrow_array::Array::data_type(&buckets).clone(), false),
    ]);
    let present: NullBuffer = histograms.iter().map(Option::is_some).collect();
    let columns = vec![number(|h| h.count), number(|h| h.sum), Arc::new(buckets) as ArrayRef];
    let column = StructArray::try_new(fields.clone(), columns, Some(present))?;
    Ok((Field::new("histogram", DataType::Struct(fields), true), Arc::new(column)))
}

fn buckets(histograms: &[Option<&FloatHistogram>]) -> Result<ListArray, TableError> {
    let mut offsets = vec![0];
    let (mut bounds, mut lower, mut upper, mut count) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut end = 0;
    for histogram in histograms {
        let before = count.len();
        for bucket in histogram.map(FloatHistogram::ascending).unwrap_or_default() {
            if bucket.count != 0.0 {
                bounds.push(bucket.bounds() as i8);
                lower.push(bucket.lower);
                upper.push(bucket.upper);
                count.push(bucket.count);
            }
        }
        end = next_offset(end, count.len() - before, "buckets")?;
        offsets.push(end);
    }
    let fields =
        Fields::from(vec![Field::new("bounds", DataType::Int8, false), float("lower"), float("upper"), float("count")]);
    let floats = [lower, upper, count].map(|values| Arc::new(Float64Array::from(values)) as ArrayRef);
    let columns = [Arc::new(Int8Array::from(bounds)) as ArrayRef].into_iter().chain(floats).collect();
    let buckets = StructArray::try_new(fields.clone(), columns, None)?;
    let item = Arc::new(Field::new("item", DataType::Struct(fields), false));
    Ok(ListArray::try_new(item, OffsetBuffer::new(ScalarBuffer::from(offsets)), Arc::new(buckets), None)?)
}
