use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int8Type, Int32Type, TimestampMillisecondType};
use arrow_array::{Array, ArrayRef};
use neocortex_model::histogram::{FloatHistogram, Span};
use neocortex_model::labels::Labels;
use neocortex_model::result::{MatrixSeries, QueryValue, Value, VectorSample};

use super::{LabelLayout, Table, TableError};

fn labels(pairs: &[(&str, &str)]) -> Labels {
    Labels::from_pairs(pairs.iter().copied())
}

fn table(value: &QueryValue) -> Table {
    Table::of_result(value, LabelLayout::Columns).unwrap()
}

fn names(table: &Table) -> Vec<String> {
    table.batch().schema().fields().iter().map(|field| field.name().clone()).collect()
}

fn column<'t>(table: &'t Table, name: &str) -> &'t ArrayRef {
    table.batch().column_by_name(name).unwrap_or_else(|| panic!("no column {name}"))
}

fn texts(table: &Table, name: &str) -> Vec<Option<String>> {
    let column = column(table, name).as_dictionary::<Int32Type>();
    let values = column.values().as_string::<i32>();
    column.keys().iter().map(|key| key.map(|key| values.value(key as usize).to_owned())).collect()
}

fn times(table: &Table) -> Vec<i64> {
    column(table, "timestamp").as_primitive::<TimestampMillisecondType>().values().to_vec()
}

fn floats(table: &Table) -> Vec<Option<f64>> {
    column(table, "value").as_primitive::<Float64Type>().iter().collect()
}

fn histogram() -> FloatHistogram {
    FloatHistogram {
        schema: 0,
        zero_threshold: 0.5,
        zero_count: 2.0,
        count: 7.0,
        sum: 9.5,
        positive_spans: vec![Span { offset: 1, length: 3 }],
        positive_buckets: vec![4.0, 0.0, 1.0],
        ..FloatHistogram::default()
    }
}

#[test]
fn a_matrix_is_one_row_a_sample() {
    let series = |pairs: &[(&str, &str)], floats: &[(i64, f64)]| MatrixSeries {
        labels: labels(pairs),
        floats: floats.to_vec(),
        histograms: Vec::new(),
    };
    let table = table(&QueryValue::Matrix(vec![
        series(&[("job", "a"), ("zone", "x")], &[(1, 1.0), (2, 2.0)]),
        series(&[("job", "a")], &[(1, 3.0)]),
        series(&[("job", "b"), ("zone", "x")], &[(2, 4.0), (3, 5.0)]),
    ]));
    assert_eq!(names(&table), ["timestamp", "job", "zone", "value"]);
    assert_eq!(times(&table), [1, 2, 1, 2, 3]);
    assert_eq!(floats(&table), [1.0, 2.0, 3.0, 4.0, 5.0].map(Some));
    assert_eq!(texts(&table, "job"), ["a", "a", "a", "b", "b"].map(|text| Some(text.to_owned())));
    let zones = [Some("x"), Some("x"), None, Some("x"), Some("x")];
    assert_eq!(texts(&table, "zone"), zones.map(|text| text.map(str::to_owned)));
    assert_eq!(column(&table, "job").as_dictionary::<Int32Type>().values().len(), 2, "each value is there once");
}

#[test]
fn histograms_are_structs_between_the_floats() {
    let h = Arc::new(histogram());
    let table = table(&QueryValue::Matrix(vec![
        MatrixSeries { labels: labels(&[("job", "a")]), floats: vec![(1, 1.0)], histograms: Vec::new() },
        MatrixSeries {
            labels: labels(&[("job", "b")]),
            floats: vec![(2, 5.0), (9, 6.0)],
            histograms: vec![(1, Arc::clone(&h)), (3, Arc::clone(&h)), (10, h)],
        },
    ]));
    assert_eq!(names(&table), ["timestamp", "job", "value", "histogram"]);
    assert_eq!(times(&table), [1, 1, 2, 3, 9, 10]);
    assert_eq!(floats(&table), [Some(1.0), None, Some(5.0), None, Some(6.0), None]);
    let column = column(&table, "histogram").as_struct();
    let present: Vec<bool> = (0..column.len()).map(|row| column.is_valid(row)).collect();
    assert_eq!(present, [false, true, false, true, false, true]);
    assert_eq!(column.column_by_name("sum").unwrap().as_primitive::<Float64Type>().value(3), 9.5);
    let buckets = column.column_by_name("buckets").unwrap().as_list::<i32>();
    assert_eq!(buckets.value(2).len(), 0);
    let of_first = buckets.value(1);
    let field = |name: &str| of_first.as_struct().column_by_name(name).unwrap().clone();
    let numbers = |name: &str| field(name).as_primitive::<Float64Type>().values().to_vec();
    assert_eq!(field("bounds").as_primitive::<Int8Type>().values(), &[3, 0, 0]);
    assert_eq!(numbers("lower"), [-0.5, 1.0, 4.0]);
    assert_eq!(numbers("upper"), [0.5, 2.0, 8.0]);
    assert_eq!(numbers("count"), [2.0, 4.0, 1.0]);
}

#[test]
fn vectors_scalars_and_strings() {
    let sample = |pairs: &[(&str, &str)], value| VectorSample { labels: labels(pairs), t: 7, value };
    let vector =
        table(&QueryValue::Vector(vec![sample(&[("b", "1")], Value::Float(2.0)), sample(&[], Value::Float(1.0))]));
    assert_eq!((names(&vector), times(&vector)), (vec!["timestamp".into(), "b".into(), "value".into()], vec![7, 7]));
    assert_eq!(texts(&vector, "b"), [Some("1".to_owned()), None]);
    let scalar = table(&QueryValue::Scalar { t: 5, v: -1.5 });
    assert_eq!((times(&scalar), floats(&scalar)), (vec![5], vec![Some(-1.5)]));
    let string = table(&QueryValue::String { t: 5, v: "text".to_owned() });
    assert_eq!(column(&string, "value").as_string::<i32>().value(0), "text");
    let nothing = table(&QueryValue::Vector(Vec::new()));
    assert_eq!((names(&nothing), nothing.rows()), (vec!["timestamp".to_owned(), "value".to_owned()], 0));
}

#[test]
fn labels_make_way_for_the_columns() {
    let sample = VectorSample {
        labels: labels(&[("value", "1.2"), ("exported_value", "x"), ("timestamp", "t"), ("labels", "l")]),
        t: 1,
        value: Value::Float(1.0),
    };
    let table = table(&QueryValue::Vector(vec![sample]));
    let expected = ["timestamp", "exported_value", "labels", "exported_timestamp", "exported_exported_value", "value"];
    assert_eq!(names(&table), expected);
    assert_eq!(texts(&table, "exported_exported_value"), [Some("1.2".to_owned())]);
    assert_eq!(texts(&table, "exported_value"), [Some("x".to_owned())]);
}

#[test]
fn labels_as_maps() {
    let series = |pairs: &[(&str, &str)], times: &[i64]| MatrixSeries {
        labels: labels(pairs),
        floats: times.iter().map(|t| (*t, 1.0)).collect(),
        histograms: Vec::new(),
    };
    let matrix = QueryValue::Matrix(vec![
        series(&[("a", "1"), ("value", "é")], &[1, 2]),
        series(&[], &[1]),
        series(&[("b", "2")], &[3]),
    ]);
    let table = Table::of_result(&matrix, LabelLayout::Map).unwrap();
    assert_eq!(names(&table), ["timestamp", "labels", "value"]);
    let maps = column(&table, "labels").as_map();
    let row = |row: usize| -> Vec<(String, String)> {
        let entries = maps.value(row);
        let (names, values) = (entries.column(0).as_string::<i32>(), entries.column(1).as_string::<i32>());
        (0..entries.len()).map(|i| (names.value(i).to_owned(), values.value(i).to_owned())).collect()
    };
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(row(0), [pair("a", "1"), pair("value", "é")]);
    assert_eq!(row(0), row(1));
    assert_eq!(row(2), []);
    assert_eq!(row(3), [pair("b", "2")]);
}

#[test]
fn series_are_rows_of_labels() {
    let series = [labels(&[("a", "1")]), labels(&[]), labels(&[("b", "2")])];
    let columns = Table::of_series(&series, LabelLayout::Columns).unwrap();
    assert_eq!((names(&columns), columns.rows()), (vec!["a".to_owned(), "b".to_owned()], 3));
    assert_eq!(texts(&columns, "a"), [Some("1".to_owned()), None, None]);
    let none = Table::of_series(&series[1..2], LabelLayout::Columns).unwrap();
    assert_eq!((names(&none).len(), none.rows()), (0, 1));
    assert_eq!(names(&Table::of_series(&series, LabelLayout::Map).unwrap()), ["labels"]);
}

#[test]
fn what_no_column_holds_is_refused_before_it_is_made() {
    let long = "x".repeat(1 << 20);
    let series = MatrixSeries {
        labels: labels(&[("a", &long)]),
        floats: (0..2048).map(|t| (t, 1.0)).collect(),
        histograms: Vec::new(),
    };
    let matrix = QueryValue::Matrix(vec![series]);
    let refused = Table::of_result(&matrix, LabelLayout::Map).unwrap_err();
    assert!(matches!(refused, TableError::TooLarge("bytes of labels")), "{refused}");
    assert_eq!(Table::of_result(&matrix, LabelLayout::Columns).unwrap().rows(), 2048);
}
