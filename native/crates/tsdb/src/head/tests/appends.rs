//! What is taken, what is refused, and in which words.

use neocortex_model::labels::Labels;

use super::{Fixture, Rows, text};
use crate::head::{AppendErrorKind, LabelSetLimit, Limit, SeriesLimits};

const A: &[(&str, &str)] = &[("__name__", "a"), ("job", "x")];
const B: &[(&str, &str)] = &[("__name__", "b"), ("job", "x")];

#[test]
fn what_is_appended_is_there_after_a_crash() {
    let mut f = Fixture::new();
    for i in 0..500 {
        let appended = f.append(&Rows::default().row(A).float(i * 15_000, i as f64).row(B).float(i * 15_000, 1.0));
        assert_eq!((appended.samples, appended.first_error), (2, None));
    }
    let before = f.contents();
    assert_eq!(before.len(), 2);
    assert_eq!(before[0].1.len(), 500);
    assert!(f.tsdb.stats().chunks > 2, "chunks are cut");
    f.crash_and_reopen();
    assert_eq!(f.contents(), before);
    assert_eq!(f.tsdb.replay_stats().samples, 1000);
    let appended = f.append(&Rows::default().row(A).float(500 * 15_000, 1.0));
    assert_eq!((appended.samples, appended.new_series), (1, 0), "goes on after a replay");
}

#[test]
fn out_of_order_across_requests_is_refused_and_within_one_is_dropped() {
    let f = Fixture::new();
    f.append(&Rows::default().row(A).float(10_000, 1.0));
    let appended = f.append(&Rows::default().row(A).float(5_000, 1.0).row(B).float(5_000, 2.0));
    assert_eq!(
        text(&appended),
        r#"err: out of order sample. timestamp=1970-01-01T00:00:05Z, series={__name__="a", job="x"}"#
    );
    assert_eq!((appended.samples, appended.failed_samples), (1, 1));
    assert_eq!(appended.discarded.of(AppendErrorKind::OutOfOrder), 1);

    let appended = f.append(&Rows::default().row(A).float(30_000, 3.0).float(20_000, 2.0).row(A).float(25_000, 4.0));
    assert_eq!((appended.samples, appended.first_error), (3, None));
    assert_eq!(f.contents()[0].1, [(10_000, 1.0), (30_000, 3.0)]);
    assert_eq!(f.tsdb.stats().out_of_order_samples, 3);
}

#[test]
fn rows_of_one_series_in_one_request_follow_each_other() {
    let mut f = Fixture::new();
    let appended =
        f.append(&Rows::default().row(A).float(1, 1.0).row(B).float(1, 1.0).row(A).float(2, 2.0).float(2, 9.0));
    assert_eq!((appended.samples, appended.new_series, appended.first_error), (4, 2, None));
    let expected = [(1, 1.0), (2, 2.0)];
    assert_eq!(f.contents()[0].1, expected);
    f.crash_and_reopen();
    assert_eq!(f.contents()[0].1, expected);
    assert_eq!(f.tsdb.replay_stats().dropped_samples, 0, "the log holds what memory held");
}

#[test]
fn duplicates() {
    let f = Fixture::new();
    f.append(&Rows::default().row(A).float(1000, 1.5));
    let same = f.append(&Rows::default().row(A).float(1000, 1.5));
    assert_eq!((same.samples, same.first_error), (1, None));
    let other = f.append(&Rows::default().row(A).float(1000, 1e7));
    assert_eq!(
        text(&other),
        "err: duplicate sample for timestamp 1000; overrides not allowed: existing 1.5, new value 1e+07. \
         series={__name__=\"a\", job=\"x\"}"
    );
    assert_eq!(f.tsdb.stats().float_samples_appended, 1);
}

#[test]
fn out_of_bounds_is_half_a_block_behind() {
    let f = Fixture::new();
    let hour = 3_600_000;
    // The first sample of an empty head sets the bound, and its time is not known to the text yet.
    let first = f.append(&Rows::default().row(A).float(10 * hour, 1.0).row(B).float(9 * hour - 1, 1.0));
    assert_eq!(
        text(&first),
        r#"err: out of bounds. timestamp=1970-01-01T08:59:59.999Z, series={__name__="b", job="x"}"#
    );
    let later = f.append(&Rows::default().row(B).float(9 * hour - 1, 1.0).float(9 * hour, 2.0));
    assert_eq!(
        text(&later),
        "err: out of bounds. timestamp=1970-01-01T08:59:59.999Z, tsdbHeadMaxTimestamp=1970-01-01T10:00:00Z, \
         series={__name__=\"b\", job=\"x\"}"
    );
    assert_eq!((later.samples, later.failed_samples), (1, 1));
    assert_eq!(f.tsdb.stats().out_of_bound_samples, 2);
}

#[test]
fn a_request_that_needs_more_room_than_the_process_has_is_not_taken() {
    let f = Fixture::new();
    let room = |room| SeriesLimits { room: Some(room), ..SeriesLimits::default() };
    let two = Rows::default().row(A).float(1, 1.0).row(B).float(1, 1.0);
    let refused = f.tsdb.append(&two, &room(1)).unwrap_err();
    assert_eq!(refused.to_string(), "cannot add series: ingesters's max series limit reached");
    assert_eq!((f.tsdb.stats().series, f.tsdb.stats().float_samples_appended), (0, 0));
    assert_eq!(f.tsdb.append(&two, &room(2)).unwrap().samples, 2);
    // Existing series need no room.
    assert_eq!(f.tsdb.append(&Rows::default().row(A).float(2, 1.0), &room(0)).unwrap().samples, 1);
}

#[test]
fn limits_on_label_sets() {
    let f = Fixture::new();
    let limit = |labels: &[(&str, &str)], most: u64| LabelSetLimit {
        labels: Labels::from_pairs(labels.iter().copied()),
        limit: Limit { local: 0, global: most, actual: most },
    };
    let sets = [limit(&[("team", "a")], 2), limit(&[("team", "a"), ("env", "dev")], 1), limit(&[], 1)];
    let limits = SeriesLimits { per_label_set: sets.clone().into(), ..Default::default() };
    let push = |labels: &[(&str, &str)]| f.tsdb.append(&Rows::default().row(labels).float(1, 1.0), &limits).unwrap();
    assert_eq!(push(&[("__name__", "m"), ("team", "a"), ("env", "dev")]).samples, 1);
    assert_eq!(
        text(&push(&[("__name__", "n"), ("team", "a"), ("env", "dev")])),
        "per-labelset series limit of 1 exceeded (labelSet: {env=\"dev\", team=\"a\"}, \
         global limit: 1 actual local limit: 1) for series {__name__=\"n\", env=\"dev\", team=\"a\"}"
    );
    let three = Rows::default()
        .row(&[("__name__", "n"), ("team", "a")])
        .float(1, 1.0)
        .row(&[("__name__", "o"), ("team", "a")])
        .float(1, 1.0)
        .row(&[("__name__", "m"), ("team", "b")])
        .float(1, 1.0);
    let appended = f.tsdb.append(&three, &limits).unwrap();
    assert_eq!((appended.samples, appended.discarded.of(AppendErrorKind::SeriesPerLabelSet)), (2, 1));
    assert!(
        text(&push(&[("__name__", "m"), ("team", "c")]))
            .starts_with("per-labelset series limit of 1 exceeded (labelSet: {},")
    );
    assert_eq!(f.tsdb.label_set_series(&sets), [2, 1, 1]);
    // No limit but a count.
    let counted = SeriesLimits {
        per_label_set: [LabelSetLimit { limit: Limit::NONE, ..limit(&[], 0) }].into(),
        ..Default::default()
    };
    assert_eq!(f.tsdb.append(&Rows::default().row(&[("__name__", "z")]).float(1, 1.0), &counted).unwrap().samples, 1);
}

#[test]
fn limits_on_series() {
    let f = Fixture::new();
    let message = "please contact administrator to raise it".to_owned();
    let limits = SeriesLimits { per_user: Limit::local(2), admin_message: message.clone(), ..Default::default() };
    let rows =
        Rows::default().row(A).float(1, 1.0).row(B).float(1, 1.0).row(&[("__name__", "c")]).float(1, 1.0).float(2, 2.0);
    let appended = f.tsdb.append(&rows, &limits).unwrap();
    assert_eq!((appended.samples, appended.failed_samples, appended.new_series), (2, 2, 2));
    assert_eq!(
        text(&appended),
        "per-user series limit of 2 exceeded, please contact administrator to raise it \
         (local limit: 2 global limit: 0 actual local limit: 2)"
    );
    // Samples of existing series are taken at the limit.
    assert_eq!(f.tsdb.append(&Rows::default().row(A).float(2, 2.0), &limits).unwrap().first_error, None);

    let limits = SeriesLimits {
        per_metric: Limit { local: 0, global: 6, actual: 1 },
        admin_message: message,
        ..Default::default()
    };
    let rows =
        Rows::default().row(&[("__name__", "a"), ("job", "y")]).float(1, 1.0).row(&[("__name__", "d")]).float(1, 1.0);
    let appended = f.tsdb.append(&rows, &limits).unwrap();
    assert_eq!(appended.samples, 1);
    assert_eq!(
        text(&appended),
        "per-metric series limit of 6 exceeded for metric a, please contact administrator to raise it \
         (local limit: 0 global limit: 6 actual local limit: 1) for series {__name__=\"a\", job=\"y\"}"
    );
    let both = Rows::default()
        .row(&[("__name__", "e"), ("i", "1")])
        .float(1, 1.0)
        .row(&[("__name__", "e"), ("i", "2")])
        .float(1, 1.0);
    assert_eq!(f.tsdb.append(&both, &limits).unwrap().discarded.of(AppendErrorKind::SeriesPerMetric), 1);
}
