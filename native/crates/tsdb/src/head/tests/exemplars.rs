//! Exemplars, and the queries about names that the API asks.

use neocortex_model::matchers::{MatchOp, Matcher};

use super::{Fixture, Rows, text};
use crate::head::AppendErrorKind;
use crate::tsdb::Options;

const A: &[(&str, &str)] = &[("__name__", "a"), ("job", "x")];
const B: &[(&str, &str)] = &[("__name__", "b"), ("job", "y")];

fn matcher(name: &str, op: MatchOp, value: &str) -> Matcher {
    Matcher::new(op, name, value).expect("a valid expression")
}

fn stored(f: &Fixture) -> Vec<(String, Vec<i64>)> {
    let all = vec![vec![matcher("__name__", MatchOp::Regex, ".+")]];
    let found = f.tsdb.exemplars(&all, i64::MIN, i64::MAX);
    found.iter().map(|s| (s.labels.metric_name().to_owned(), s.exemplars.iter().map(|e| e.t).collect())).collect()
}

#[test]
fn exemplars_need_their_series_and_their_order() {
    let mut f = Fixture::new();
    let unknown = f.append(&Rows::default().row(A).exemplar(500, 1.0, "t").exemplar(600, 1.0, "u"));
    assert_eq!(
        text(&unknown),
        "err: exemplars not ingested because series not already present. timestamp=1970-01-01T00:00:00.5Z, \
         series={__name__=\"a\", job=\"x\"}, exemplar={trace_id=\"t\"}"
    );
    assert_eq!((unknown.exemplars, unknown.failed_exemplars), (0, 2));

    let rows = Rows::default()
        .row(A)
        .float(1000, 1.0)
        .exemplar(1000, 1.0, "t")
        .exemplar(1000, 1.0, "t")
        .row(B)
        .float(1000, 1.0);
    assert_eq!(f.append(&rows).exemplars, 2, "a duplicate is accepted");
    assert_eq!(stored(&f), [("a".to_owned(), vec![1000])]);
    let older = f.append(&Rows::default().row(A).exemplar(900, 1.0, "old").row(B).exemplar(700, 1.0, "b"));
    assert_eq!(
        text(&older),
        "err: out of order exemplar. timestamp=1970-01-01T00:00:00.9Z, series={__name__=\"a\", job=\"x\"}, \
         exemplar={trace_id=\"old\"}"
    );
    assert_eq!(older.discarded.of(AppendErrorKind::ExemplarOutOfOrder), 1);
    // Within one request the older one is dropped without a word.
    let mixed = f.append(&Rows::default().row(A).exemplar(3000, 1.0, "n").exemplar(2000, 1.0, "m"));
    assert_eq!((mixed.exemplars, mixed.first_error), (2, None));
    let expected = [("a".to_owned(), vec![1000, 3000]), ("b".to_owned(), vec![700])];
    assert_eq!(stored(&f), expected);
    assert_eq!(f.tsdb.exemplars(&[vec![matcher("job", MatchOp::Equal, "y")]], 0, 10_000).len(), 1);
    assert_eq!(f.tsdb.exemplars(&[vec![matcher("job", MatchOp::Equal, "y")]], 0, 600).len(), 0);
    f.crash_and_reopen();
    assert_eq!(stored(&f), expected);
    f.tsdb.set_max_exemplars(1);
    assert_eq!(stored(&f), [("a".to_owned(), vec![3000])]);
}

#[test]
fn without_room_exemplars_are_passed_over() {
    let f = Fixture::with(Options::default());
    let appended = f.append(&Rows::default().row(A).exemplar(1, 1.0, "t").row(B).float(1, 1.0).exemplar(1, 1.0, "t"));
    assert_eq!((appended.exemplars, appended.failed_exemplars, appended.first_error), (0, 0, None));
}

#[test]
fn names_values_and_series() {
    let f = Fixture::new();
    f.append(&Rows::default().row(B).float(1, 1.0).row(A).float(1, 1.0));
    let none: &[Matcher] = &[];
    assert_eq!(f.tsdb.label_names(none).unwrap(), ["__name__", "job"]);
    assert_eq!(f.tsdb.label_values("job", none).unwrap(), ["x", "y"]);
    assert_eq!(f.tsdb.label_values("x", none).unwrap(), Vec::<String>::new(), "a value is no name");
    let only_b = [matcher("__name__", MatchOp::NotEqual, "a")];
    assert_eq!(f.tsdb.label_values("job", &only_b).unwrap(), ["y"]);
    assert_eq!(f.tsdb.label_names(&[matcher("job", MatchOp::Equal, "z")]).unwrap(), Vec::<String>::new());
    let series: Vec<String> = f.tsdb.series(none).unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(series, [r#"{__name__="a", job="x"}"#, r#"{__name__="b", job="y"}"#]);
}
