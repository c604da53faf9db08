//! Remote write from bytes to accepted rows, with an encoder that shares nothing with the decoder.

use std::collections::HashSet;
use std::sync::Arc;

use neocortex_model::histogram::{CounterReset, Span};
use neocortex_model::labels::Labels;
use neocortex_model::rows::{KnownSeries, NoKnownSeries, SeriesKey, SeriesRows};
use neocortex_model::sample::{FloatSample, HistogramValue, MetricType};
use neocortex_wire::key::SECRET_BYTES;
use neocortex_wire::validate::{
    DiscardReason, Discarded, LabelSteps, NameValidation, Relabel, Replicas, Validated, ValidationLimits,
};
use neocortex_wire::{DecodeError, KeySecret, WriteBatch, push_v1, push_v2, snappy};
use proptest::prelude::*;

const NOW: i64 = 1_700_000_000_000;
const MAX: usize = 100 << 20;

fn secret() -> KeySecret {
    KeySecret::new(std::array::from_fn(|i| (i * 37 + 11) as u8))
}

/// Builds protobuf messages.
#[derive(Clone, Default)]
struct Message(Vec<u8>);

impl Message {
    fn raw_varint(mut self, mut v: u64) -> Self {
        while v >= 0x80 {
            self.0.push(v as u8 | 0x80);
            v >>= 7;
        }
        self.0.push(v as u8);
        self
    }

    fn varint(self, field: u64, v: u64) -> Self {
        self.raw_varint(field << 3).raw_varint(v)
    }

    fn sint(self, field: u64, v: i64) -> Self {
        self.varint(field, ((v << 1) ^ (v >> 63)) as u64)
    }

    fn double(self, field: u64, v: f64) -> Self {
        let mut out = self.raw_varint(field << 3 | 1);
        out.0.extend_from_slice(&v.to_le_bytes());
        out
    }

    fn bytes(self, field: u64, bytes: impl AsRef<[u8]>) -> Self {
        let bytes = bytes.as_ref();
        let mut out = self.raw_varint(field << 3 | 2).raw_varint(bytes.len() as u64);
        out.0.extend_from_slice(bytes);
        out
    }

    fn message(self, field: u64, message: Message) -> Self {
        self.bytes(field, message.0)
    }

    fn packed(self, field: u64, values: impl IntoIterator<Item = u64>) -> Self {
        self.message(field, values.into_iter().fold(Message::default(), Message::raw_varint))
    }

    fn snappy(&self) -> Vec<u8> {
        snappy::compress(&self.0).unwrap()
    }
}

fn label(name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Message {
    Message::default().bytes(1, name).bytes(2, value)
}

fn sample(t: i64, v: f64) -> Message {
    Message::default().double(1, v).varint(2, t as u64)
}

fn series(labels: &[(&str, &str)], samples: &[(i64, f64)]) -> Message {
    let out = labels.iter().fold(Message::default(), |out, (name, value)| out.message(1, label(name, value)));
    samples.iter().fold(out, |out, (t, v)| out.message(2, sample(*t, *v)))
}

fn request(all: impl IntoIterator<Item = Message>) -> Message {
    all.into_iter().fold(Message::default(), |out, series| out.message(1, series))
}

fn decode(message: &Message) -> WriteBatch {
    push_v1::decode(&message.snappy(), MAX, &secret()).unwrap()
}

fn validate_with(batch: &mut WriteBatch, limits: &ValidationLimits, steps: LabelSteps) -> Validated {
    batch.validate(limits, &Arc::new(steps), NOW, &NoKnownSeries)
}

fn validate(batch: &mut WriteBatch) -> Validated {
    validate_with(batch, &ValidationLimits::default(), LabelSteps::default())
}

fn first_error(series: Message) -> (String, Validated) {
    let mut batch = decode(&request([series]));
    let out = validate(&mut batch);
    (out.first_error.clone().map(|e| e.text).unwrap_or_default(), out)
}

fn shown(batch: &WriteBatch) -> Vec<(String, Vec<FloatSample>)> {
    (0..batch.len()).map(|row| (batch.labels(row).to_string(), batch.floats(row).to_vec())).collect()
}

struct Known(HashSet<SeriesKey>);

impl KnownSeries for Known {
    fn is_known(&self, key: SeriesKey) -> bool {
        self.0.contains(&key)
    }
}

#[test]
fn a_plain_request() {
    let mut batch = decode(&request([
        series(&[("__name__", "up"), ("job", "a")], &[(NOW, 1.0), (NOW + 1, -0.0)]),
        series(&[("job", "b"), ("__name__", "up"), ("empty", "")], &[(NOW, 2.5)]),
        series(&[("__name__", "nothing")], &[]),
    ]));
    assert_eq!((batch.received().series, batch.received().floats), (3, 3));
    let out = validate(&mut batch);
    assert_eq!(out.first_error, None);
    assert_eq!((out.accepted.series, out.accepted.floats, out.latest_sample_ms), (3, 3, NOW + 1));
    let expected = [
        (
            r#"{__name__="up", job="a"}"#.to_owned(),
            vec![FloatSample { t: NOW, v: 1.0 }, FloatSample { t: NOW + 1, v: -0.0 }],
        ),
        (r#"{__name__="up", job="b"}"#.to_owned(), vec![FloatSample { t: NOW, v: 2.5 }]),
    ];
    assert_eq!(shown(&batch), expected);
}

#[test]
fn fields_in_any_order() {
    let odd = Message::default()
        .message(2, sample(NOW, 1.0))
        .message(1, label("__name__", "up"))
        .message(2, sample(NOW + 1, 2.0))
        .message(1, label("job", "a"))
        .varint(99, 5)
        .message(1, label("x", "y"));
    let plain = series(&[("__name__", "up"), ("job", "a"), ("x", "y")], &[(NOW, 1.0), (NOW + 1, 2.0)]);
    let mut batch = decode(&request([odd, plain]));
    assert_eq!(batch.key(0), batch.key(1));
    assert_eq!(validate(&mut batch).first_error, None);
    assert_eq!(shown(&batch)[0], shown(&batch)[1]);
}

#[test]
fn keys_follow_labels_and_generations() {
    let message = request([
        series(&[("__name__", "up"), ("job", "a")], &[(NOW, 1.0)]),
        series(&[("__name__", "up"), ("job", "b")], &[(NOW, 1.0)]),
        series(&[("__name__", "up"), ("job", "a")], &[(NOW + 5, 2.0)]),
    ]);
    let keys = |generation| {
        let mut batch = decode(&message);
        validate_with(&mut batch, &ValidationLimits::default(), LabelSteps { generation, ..LabelSteps::default() });
        (0..3).map(|row| batch.key(row)).collect::<Vec<_>>()
    };
    let (first, again, other) = (keys(1), keys(1), keys(2));
    assert_eq!(first, again);
    assert_eq!(first[0], first[2]);
    assert_ne!(first[0], first[1]);
    assert!(other.iter().all(|key| !first.contains(key)));
}

#[test]
fn known_series_are_not_checked_again_but_their_samples_are() {
    let message = request([
        series(&[("__name__", "bad-name"), ("job", "a")], &[(NOW, 1.0)]),
        series(&[("__name__", "bad-name"), ("job", "b")], &[(NOW + 3_600_000, 1.0)]),
    ]);
    let utf8 = ValidationLimits { name_validation: NameValidation::Utf8, ..ValidationLimits::default() };
    let mut batch = decode(&request([
        series(&[("__name__", "bad-name"), ("job", "a")], &[(NOW, 1.0)]),
        series(&[("__name__", "bad-name"), ("job", "b")], &[(NOW, 1.0)]),
    ]));
    validate_with(&mut batch, &utf8, LabelSteps::default());
    let known = Known((0..2).map(|row| batch.key(row)).collect());

    let mut batch = decode(&message);
    let out = batch.validate(&ValidationLimits::default(), &Arc::default(), NOW, &known);
    assert_eq!(out.first_error.unwrap().text, "timestamp too new: 1700003600000 metric: \"bad-name\"");
    assert_eq!(shown(&batch).len(), 1);
    assert_eq!(batch.labels(0).to_string(), r#"{__name__="bad-name", job="a"}"#);
}

#[test]
fn refusals_of_a_series() {
    let one = &[(NOW, 1.0)][..];
    let long = "x".repeat(2100);
    let shown_long = "x".repeat(200);
    let many: Vec<(String, String)> = (0..31).map(|i| (format!("l{i:02}"), "v".to_owned())).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let many_with_name = [&[("__name__", "m")], &many[..30]].concat();
    let listed = many[..30].iter().map(|(n, _)| format!("{n}=\"v\"")).collect::<Vec<_>>().join(", ");
    let cases = [
        (vec![("a", "b")], "sample missing metric name".to_owned(), DiscardReason::MissingMetricName),
        (vec![("__name__", "")], "sample invalid metric name: \"\"".to_owned(), DiscardReason::MetricNameInvalid),
        (vec![("__name__", "a-b")], "sample invalid metric name: \"a-b\"".to_owned(), DiscardReason::MetricNameInvalid),
        (
            vec![("__name__", "m"), ("a-b", "c")],
            r#"sample invalid label: "a-b" metric "m{a-b=\"c\"}""#.to_owned(),
            DiscardReason::LabelInvalid,
        ),
        (
            vec![("__name__", "m"), ("b", "1"), ("a", "1"), ("b", "2")],
            r#"duplicate label name: "b" metric "m{a=\"1\", b=\"1\", b=\"2\"}""#.to_owned(),
            DiscardReason::DuplicateLabelNames,
        ),
        (
            vec![("__name__", "m"), (&long, "c")],
            format!(
                "label name too long for metric (actual: 2100, limit: 1024) metric: \"m{{{}\" label name: \"{shown_long}\"",
                &shown_long[2..]
            ),
            DiscardReason::LabelNameTooLong,
        ),
        (
            vec![("__name__", "m"), ("a", &long)],
            format!(
                "label value too long for metric (actual: 2100, limit: 2048) metric: \"m{{a=\\\"{}\" label name: \"a\" \
                 label value: \"{shown_long}\"",
                &shown_long[5..]
            ),
            DiscardReason::LabelValueTooLong,
        ),
        (
            many_with_name,
            format!("series has too many labels (actual: 31, limit: 30) series: 'm{{{listed}}}'"),
            DiscardReason::MaxLabelNamesPerSeries,
        ),
    ];
    for (labels, text, reason) in cases {
        let (found, out) = first_error(series(&labels, one));
        assert_eq!(found, text);
        assert_eq!(out.discarded.iter().collect::<Vec<_>>(), [(Discarded::Samples, reason, 1)]);
        assert_eq!((out.accepted.series, out.refused), (0, false));
    }
}

#[test]
fn times_limits() {
    let up = |t| series(&[("__name__", "up")], &[(t, 1.0)]);
    let limits = ValidationLimits { reject_old_samples: true, ..ValidationLimits::default() };
    let oldest = NOW - limits.reject_old_samples_max_age_ms;
    let newest = NOW + limits.creation_grace_period_ms;
    let mut batch = decode(&request([up(oldest), up(newest), up(oldest - 1), up(newest + 1)]));
    let out = validate_with(&mut batch, &limits, LabelSteps::default());
    assert_eq!(out.first_error.unwrap().text, format!("timestamp too old: {} metric: \"up\"", oldest - 1));
    assert_eq!(
        out.discarded.iter().collect::<Vec<_>>(),
        [
            (Discarded::Samples, DiscardReason::GreaterThanMaxSampleAge, 1),
            (Discarded::Samples, DiscardReason::TooFarInFuture, 1)
        ]
    );
    assert_eq!(batch.len(), 2);
}

#[test]
fn size_of_labels() {
    // Two fields of 2 + 8 and 2 + 2 bytes, and of 2 + 1 and 2 + 1.
    let limits = |max_labels_size_bytes| ValidationLimits { max_labels_size_bytes, ..ValidationLimits::default() };
    let message = request([series(&[("__name__", "up"), ("a", "b")], &[(NOW, 1.0)])]);
    assert_eq!(validate_with(&mut decode(&message), &limits(20), LabelSteps::default()).first_error, None);
    let out = validate_with(&mut decode(&message), &limits(19), LabelSteps::default());
    let text = r#"labels size bytes exceeded for metric (actual: 20, limit: 19) metric: "up{a=\"b\"}""#;
    assert_eq!(out.first_error.unwrap().text, text);
}

#[test]
fn a_series_without_labels_ends_the_request() {
    let mut batch = decode(&request([
        series(&[("__name__", "up")], &[(NOW, 1.0)]),
        series(&[], &[(NOW, 1.0)]),
        series(&[("__name__", "up")], &[(NOW, 1.0)]),
    ]));
    let out = validate(&mut batch);
    assert!(out.refused && batch.is_empty());
    assert_eq!(out.first_error.unwrap().text, "empty labels found");
}

#[test]
fn exemplars_are_checked() {
    let with = |exemplar: Message| series(&[("__name__", "up")], &[(NOW, 1.0)]).message(3, exemplar);
    let trace = label("trace_id", "abc");
    let good = Message::default().message(1, trace.clone()).double(2, 0.5).varint(3, NOW as u64);
    let mut batch = decode(&request([with(good)]));
    assert_eq!(validate(&mut batch).accepted.exemplars, 1);
    assert_eq!(batch.exemplars(0)[0].labels, Labels::from_pairs([("trace_id", "abc")]));
    assert_eq!((batch.exemplars(0)[0].v, batch.exemplars(0)[0].t), (0.5, NOW));

    let long = "ü".repeat(121);
    for (exemplar, text) in [
        (
            Message::default().varint(3, 5),
            r#"exemplar missing labels, timestamp: 5 series: {__name__="up"} labels: {}"#.to_owned(),
        ),
        (
            Message::default().message(1, trace),
            r#"exemplar missing timestamp, timestamp: 0 series: {__name__="up"} labels: {trace_id="abc"}"#.to_owned(),
        ),
        (
            Message::default().message(1, label("trace_id", &long)).varint(3, 5),
            format!(
                "exemplar combined labelset exceeds 128 characters, timestamp: 5 series: {{__name__=\"up\"}} \
                 labels: {{trace_id=\"{long}\"}}"
            ),
        ),
    ] {
        assert_eq!(first_error(with(exemplar)).0, text);
    }
}

fn integer_histogram(schema: i64, count: u64) -> Message {
    Message::default()
        .varint(1, count)
        .double(3, 18.4)
        .sint(4, schema)
        .double(5, 0.001)
        .varint(6, 2)
        .message(11, Message::default().sint(1, 0).varint(2, 2))
        .message(11, Message::default().sint(1, 1).varint(2, 2))
        .packed(12, [2u64, 2, 1, 0])
        .varint(14, 2)
        .varint(15, NOW as u64)
}

#[test]
fn histograms_are_decoded_and_checked() {
    let with = |h: Message| series(&[("__name__", "lat")], &[]).message(4, h);
    // Deltas 1, 1, -1, 0: buckets 1, 2, 1, 1.
    let mut batch = decode(&request([with(integer_histogram(1, 7))]));
    let out = validate(&mut batch);
    assert_eq!((out.first_error, out.accepted.histograms), (None, 1));
    let sample = &batch.histograms(0)[0];
    let HistogramValue::Integer(h) = &sample.h else { panic!("{sample:?}") };
    assert_eq!((sample.t, h.count, h.zero_count, h.schema, h.sum), (NOW, 7, 2, 1, 18.4));
    assert_eq!(h.counter_reset, CounterReset::NotReset);
    assert_eq!(h.positive_spans, [Span { offset: 0, length: 2 }, Span { offset: 1, length: 2 }]);
    assert_eq!(h.positive_buckets, [1, 1, -1, 0]);

    let (text, _) = first_error(with(integer_histogram(1, 8)));
    assert_eq!(
        text,
        "invalid native histogram, validation err: 7 observations found in buckets, but the Count field is 8: \
         histogram's observation count should equal the number of observations found in the buckets \
         (in absence of NaN), metric: \"lat\""
    );
    let (text, _) = first_error(with(integer_histogram(9, 7)));
    assert_eq!(text, "invalid native histogram schema 9 for metric: \"lat\". supported schema from -4 to 8");

    let few = ValidationLimits { max_native_histogram_buckets: 3, ..ValidationLimits::default() };
    let mut batch = decode(&request([with(integer_histogram(1, 7))]));
    assert_eq!(validate_with(&mut batch, &few, LabelSteps::default()).reduced_histograms, 1);
    let HistogramValue::Integer(h) = &batch.histograms(0)[0].h else { panic!("changed its kind") };
    // Buckets 0, 1, 3, 4 become 0, 1, 2.
    assert_eq!((h.schema, h.positive_buckets.as_slice()), (0, &[1, 1, 0][..]));
    let mut batch = decode(&request([with(integer_histogram(-4, 7))]));
    let out = validate_with(&mut batch, &few, LabelSteps::default());
    let text = "native histogram bucket count exceeded for metric (limit: 3) metric: \"lat\"";
    assert_eq!(out.first_error.unwrap().text, text);

    let float = Message::default()
        .double(2, 3.5)
        .double(7, 1.5)
        .double(10, 2.0)
        .message(8, Message::default().sint(1, -3).varint(2, 1));
    let mut batch = decode(&request([with(float)]));
    assert_eq!(validate(&mut batch).first_error, None);
    let HistogramValue::Float(h) = &batch.histograms(0)[0].h else { panic!("not a float histogram") };
    assert_eq!((h.count, h.zero_count, h.negative_buckets.as_slice()), (3.5, 1.5, &[2.0][..]));
    assert_eq!(h.negative_spans, [Span { offset: -3, length: 1 }]);
    batch.drop_histogram_series();
    assert!(batch.is_empty());
}

#[test]
fn metadata_is_checked() {
    let metadata = |name: &str, help: &str| Message::default().varint(1, 1).bytes(2, name).bytes(4, help).bytes(5, "s");
    let long = "h".repeat(1025);
    let message = Message::default()
        .message(3, metadata("a", "help"))
        .message(3, metadata("", "help"))
        .message(3, metadata("b", &long));
    let mut batch = decode(&message);
    let out = validate(&mut batch);
    assert_eq!(out.first_error.unwrap().text, "metadata missing metric name");
    assert_eq!(
        out.discarded.iter().collect::<Vec<_>>(),
        [
            (Discarded::Metadata, DiscardReason::MissingMetricName, 1),
            (Discarded::Metadata, DiscardReason::MetadataHelpTooLong, 1)
        ]
    );
    assert_eq!(batch.metadata().len(), 1);
    assert_eq!(batch.metadata()[0].kind, MetricType::Counter);
    let mut batch = decode(&Message::default().message(3, metadata("b", &long)));
    let text = format!("metadata 'HELP' value too long: \"{}\" metric \"b\"", "h".repeat(200));
    assert_eq!(validate(&mut batch).first_error.unwrap().text, text);
}

struct DropJob;

impl Relabel for DropJob {
    fn relabel(&self, labels: Labels) -> Labels {
        if labels.get("job") == Some("gone") { Labels::empty() } else { labels.without(&["job"]) }
    }
}

#[test]
fn label_steps() {
    let message = request([
        series(&[("__name__", "up"), ("__replica__", "r1"), ("cluster", "c"), ("job", "a"), ("x", "1")], &[(NOW, 1.0)]),
        series(&[("__name__", "up"), ("job", "gone")], &[(NOW, 1.0)]),
    ]);
    let mut batch = decode(&message);
    assert_eq!(batch.first_series_labels("cluster", "__replica__"), Some(("c".to_owned(), "r1".to_owned())));
    let steps = LabelSteps {
        generation: 1,
        relabel: Some(Arc::new(DropJob)),
        replicas: Replicas::Remove("__replica__".to_owned()),
        drop_labels: vec!["x".to_owned()],
    };
    let out = validate_with(&mut batch, &ValidationLimits::default(), steps.clone());
    assert_eq!(shown(&batch).iter().map(|(l, _)| l.as_str()).collect::<Vec<_>>(), [r#"{__name__="up", cluster="c"}"#]);
    let discarded = [(Discarded::Samples, DiscardReason::RelabelConfiguration, 1)];
    assert_eq!((out.first_error, out.discarded.iter().collect::<Vec<_>>()), (None, discarded.to_vec()));
    // A storage that asks for the labels of a key that it knew a moment ago gets the same ones.
    let known = Known((0..batch.len()).map(|row| batch.key(row)).collect());
    let mut again = decode(&message);
    again.validate(&ValidationLimits::default(), &Arc::new(steps), NOW, &known);
    assert_eq!(shown(&again), shown(&batch));
}

#[test]
fn replicas_judged_per_series() {
    let of = |replica: &str| series(&[("__name__", "up"), ("__replica__", replica), ("cluster", "c")], &[(NOW, 1.0)]);
    let mut batch =
        decode(&request([of("r1"), of("r2"), series(&[("__name__", "up"), ("cluster", "c")], &[(NOW, 1.0)])]));
    let found: Vec<_> =
        batch.replicas("cluster", "__replica__").into_iter().map(|r| (r.cluster, r.replica, r.samples)).collect();
    let pair = |replica: &str, samples| ("c".to_owned(), replica.to_owned(), samples);
    assert_eq!(found, [pair("r1", 1), pair("r2", 1), pair("", 1)]);
    let replicas = Replicas::PerSeries {
        cluster_label: "cluster".to_owned(),
        replica_label: "__replica__".to_owned(),
        accepted: HashSet::from([("c".to_owned(), "r1".to_owned())]),
    };
    let out = validate_with(&mut batch, &ValidationLimits::default(), LabelSteps { replicas, ..LabelSteps::default() });
    assert_eq!((out.accepted.series, out.first_error), (2, None));
    assert!(shown(&batch).iter().all(|(labels, _)| labels == r#"{__name__="up", cluster="c"}"#));
}

fn v2_series(refs: &[u64]) -> Message {
    Message::default().packed(1, refs.iter().copied())
}

fn v2(symbols: &[&str], series: impl IntoIterator<Item = Message>) -> Result<WriteBatch, DecodeError> {
    let message = symbols.iter().fold(Message::default(), |out, symbol| out.bytes(4, symbol));
    let message = series.into_iter().fold(message, |out, series| out.message(5, series));
    push_v2::decode(&message.snappy(), MAX, &secret())
}

#[test]
fn remote_write_2() {
    let symbols = ["", "__name__", "up", "job", "a", "trace_id", "t1", "Help.", "s"];
    let full = v2_series(&[3, 4, 1, 2])
        .message(2, sample(NOW, 1.5))
        .message(4, v2_series(&[5, 6]).double(2, 0.25).varint(3, NOW as u64))
        .message(5, Message::default().varint(1, 2).varint(3, 7).varint(4, 8))
        .varint(6, 77);
    let plain = v2_series(&[1, 2]).message(2, sample(NOW, 2.0));
    let mut batch = v2(&symbols, [full, plain]).unwrap();
    let out = validate(&mut batch);
    assert_eq!((out.accepted.floats, out.accepted.exemplars, out.accepted.metadata, out.first_error), (2, 1, 1, None));
    assert_eq!(batch.labels(0).to_string(), r#"{__name__="up", job="a"}"#);
    assert_eq!(batch.exemplars(0)[0].labels, Labels::from_pairs([("trace_id", "t1")]));
    let metadata = &batch.metadata()[0];
    assert_eq!((metadata.metric.as_str(), metadata.kind, metadata.help.as_str()), ("up", MetricType::Gauge, "Help."));
    assert_eq!(metadata.unit, "s");
    assert_ne!(batch.key(0), batch.key(1));

    // The key depends on the labels, not on the numbers of the symbols.
    let mut other =
        v2(&["", "job", "a", "__name__", "up"], [v2_series(&[1, 2, 3, 4]).message(2, sample(1, 1.0))]).unwrap();
    validate(&mut other);
    assert_eq!(other.key(0), batch.key(0));
}

#[test]
fn remote_write_2_conversion_errors() {
    let symbols = ["", "__name__", "up"];
    let one = sample(NOW, 1.0);
    for (series, text) in [
        (v2_series(&[1, 2, 1]).message(2, one.clone()), "invalid labelRefs length 3"),
        (
            v2_series(&[1, 9]).message(2, one.clone()),
            "labelRefs 1 (name) = 9 (value) outside of symbols table (size 3)",
        ),
        (v2_series(&[1, 2]), r#"TimeSeries must contain at least one sample or histogram for series {__name__="up"}"#),
        (
            v2_series(&[1, 2]).message(2, one.clone()).message(5, Message::default().varint(4, 3)),
            "invalid UnitRef 3: exceeds symbols length 3",
        ),
        (
            v2_series(&[1, 2]).message(2, one).message(5, Message::default().varint(3, 3)),
            "invalid HelpRef 3: exceeds symbols length 3",
        ),
    ] {
        assert_eq!(v2(&symbols, [series]).unwrap_err().to_string(), text);
    }
}

#[test]
fn each_protocol_reads_the_other_as_nothing() {
    let one = request([series(&[("__name__", "up")], &[(NOW, 1.0)])]);
    assert!(push_v2::decode(&one.snappy(), MAX, &secret()).unwrap().is_empty());
    let two = Message::default().bytes(4, "").message(5, v2_series(&[0, 0]).message(2, sample(1, 1.0)));
    assert!(push_v1::decode(&two.snappy(), MAX, &secret()).unwrap().is_empty());
}

#[test]
fn decoder_texts() {
    for (bytes, text) in [
        (&[0x0a][..], "unexpected EOF"),
        (&[0x0a, 0x05, 0x00], "unexpected EOF"),
        (&[0x80; 11], "proto: integer overflow"),
        (
            &[0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
            "proto: negative length found during unmarshaling",
        ),
        (&[0x08, 0x01], "proto: wrong wireType = 0 for field Timeseries"),
        (&[0x0c], "proto: WriteRequest: wiretype end group for non-group"),
        (&[0x00], "proto: WriteRequest: illegal tag 0 (wire type 0)"),
        (&[0x7f], "proto: illegal wireType 7"),
        (&[0x0a, 0x02, 0x12, 0x05], "unexpected EOF"),
        (&[0x0a, 0x04, 0x12, 0x02, 0x10, 0x80], "unexpected EOF"),
        (&[0x0a, 0x02, 0x08, 0x00], "proto: wrong wireType = 0 for field Labels"),
        (&[0x4b, 0x4b, 0x4b], "unexpected EOF"),
    ] {
        assert_eq!(push_v1::decode_message(bytes.to_vec(), &secret()).unwrap_err().to_string(), text, "{bytes:x?}");
    }
    let empty = push_v1::decode(&snappy::compress(b"").unwrap(), MAX, &secret()).unwrap();
    assert!(empty.is_empty() && empty.metadata().is_empty());
    // A group is passed over, whatever is in it.
    assert!(push_v1::decode_message(vec![0x4b, 0x08, 0x01, 0x4c], &secret()).is_ok());
}

#[test]
fn empty_elements_cannot_fill_the_memory() {
    // Ten megabytes of empty histograms, exemplars or series, which snappy packs into half a megabyte.
    for (field, bytes) in [(4, [0x22, 0]), (3, [0x1a, 0]), (1, [0x0a, 0])] {
        let elements = bytes.repeat(5 << 20);
        let body = if field == 1 { Message(elements) } else { Message::default().bytes(1, &elements) };
        let packed = body.snappy();
        assert!(packed.len() < 1 << 20);
        assert_eq!(push_v1::decode(&packed, MAX, &secret()).unwrap_err(), DecodeError::TooManyElements);
    }
    // The smallest real ones are far from that.
    let mut batch = decode(&request(
        (0..20_000).map(|_| series(&[("__name__", "a")], &[(1, 0.0)]).message(4, Message::default().double(3, 1.0))),
    ));
    assert_eq!(validate(&mut batch).accepted.series, 20_000);
}

#[test]
fn bytes_that_are_no_text_become_replacement_characters() {
    let bad = Message::default()
        .message(1, label("__name__", "up"))
        .message(1, label("a", b"x\xffy"))
        .message(2, sample(NOW, 1.0));
    let mut batch = decode(&request([bad]));
    assert_eq!(validate(&mut batch).first_error, None);
    assert_eq!(batch.labels(0).get("a"), Some("x\u{fffd}y"));
}

prop_compose! {
    fn any_series()(
        labels in prop::collection::btree_map("[a-z]{1,4}", "[a-z\u{e9}]{1,8}", 0..6),
        samples in prop::collection::vec((0..NOW, any::<f64>()), 0..5),
    ) -> (Vec<(String, String)>, Vec<(i64, f64)>) {
        let mut labels: Vec<_> = labels.into_iter().collect();
        labels.push(("__name__".to_owned(), "metric".to_owned()));
        (labels, samples)
    }
}

proptest! {
    #[test]
    fn what_was_encoded_is_decoded(all in prop::collection::vec(any_series(), 0..8), split in any::<bool>()) {
        let message = request(all.iter().map(|(labels, samples)| {
            let labels: Vec<_> = labels.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            if split {
                // Samples first, labels after them and apart.
                let mut out = series(&[], samples);
                for (name, value) in &labels {
                    out = out.message(1, label(name, value)).varint(50, 1);
                }
                out
            } else {
                series(&labels, samples)
            }
        }));
        let mut batch = decode(&message);
        let out = validate(&mut batch);
        prop_assert_eq!(out.first_error, None);
        let expected: Vec<_> = all.iter().filter(|(_, samples)| !samples.is_empty()).collect();
        prop_assert_eq!(batch.len(), expected.len());
        for (row, (labels, samples)) in expected.into_iter().enumerate() {
            prop_assert_eq!(batch.labels(row), Labels::from_pairs(labels.iter().map(|(n, v)| (n, v))));
            let found: Vec<_> = batch.floats(row).iter().map(|s| (s.t, s.v.to_bits())).collect();
            let sent: Vec<_> = samples.iter().map(|(t, v)| (*t, v.to_bits())).collect();
            prop_assert_eq!(found, sent);
        }
    }

    #[test]
    fn both_protocols_agree(all in prop::collection::vec(any_series(), 1..6)) {
        let all: Vec<_> = all.into_iter().filter(|(_, samples)| !samples.is_empty()).collect();
        let mut symbols = vec![""];
        for (name, value) in all.iter().flat_map(|(labels, _)| labels) {
            for text in [name.as_str(), value.as_str()] {
                if !symbols.contains(&text) {
                    symbols.push(text);
                }
            }
        }
        let reference = |text: &str| symbols.iter().position(|symbol| *symbol == text).unwrap() as u64;
        let mut two = v2(&symbols, all.iter().map(|(labels, samples)| {
            let refs: Vec<_> = labels.iter().flat_map(|(n, v)| [reference(n), reference(v)]).collect();
            samples.iter().fold(v2_series(&refs), |out, (t, v)| out.message(2, sample(*t, *v)))
        })).unwrap();
        let mut one = decode(&request(all.iter().map(|(labels, samples)| {
            series(&labels.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect::<Vec<_>>(), samples)
        })));
        let (first, second) = (validate(&mut one), validate(&mut two));
        prop_assert_eq!(first, second);
        // As text: equal NaNs are equal there.
        prop_assert_eq!(format!("{:?}", shown(&one)), format!("{:?}", shown(&two)));
    }

    #[test]
    fn garbage_never_panics(body: Vec<u8>) {
        let decoders = [push_v1::decode_message, push_v2::decode_message];
        for mut batch in decoders.into_iter().filter_map(|decode| decode(body.clone(), &secret()).ok()) {
            validate(&mut batch);
            shown(&batch);
        }
    }

    #[test]
    fn damaged_requests_never_panic(all in prop::collection::vec(any_series(), 1..4), cut: prop::sample::Index, bit: prop::sample::Index) {
        let message = request(all.iter().map(|(labels, samples)| {
            series(&labels.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect::<Vec<_>>(), samples)
                .message(4, integer_histogram(1, 7))
        }));
        let mut body = message.0[..cut.index(message.0.len() + 1)].to_vec();
        if !body.is_empty() {
            let bit = bit.index(body.len() * 8);
            body[bit / 8] ^= 1 << (bit % 8);
        }
        if let Ok(mut batch) = push_v1::decode_message(body, &secret()) {
            validate(&mut batch);
            shown(&batch);
        }
    }

    #[test]
    fn secrets_decide_keys(a in prop::array::uniform32(any::<u8>()), b in prop::array::uniform32(any::<u8>())) {
        prop_assume!(a != b);
        let with = |seed: [u8; 32]| KeySecret::new(std::array::from_fn::<u8, SECRET_BYTES, _>(|i| seed[i % 32]));
        prop_assert_ne!(with(a).hash(b"some labels of a series that is long enough"), with(b).hash(b"some labels of a series that is long enough"));
    }
}
