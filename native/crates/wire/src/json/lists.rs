//! Answers that are lists: series, label names and values, metadata, exemplars; and errors.

use neocortex_model::labels::Labels;
use neocortex_model::result::Annotations;
use neocortex_model::sample::{Exemplar, Metadata};
use neocortex_model::series::SeriesExemplars;

use super::number::{push_quoted, push_seconds_padded};
use super::text::push_html_escaped;
use super::{Escape, SUCCESS, push_end, push_labels, push_list};

/// The answer of `/series`: label sets in the order given.
#[must_use]
pub fn series_response(series: &[Labels], annotations: &Annotations) -> Vec<u8> {
    let mut out = SUCCESS.to_vec();
    push_list(&mut out, series, push_labels);
    push_end(&mut out, annotations, Escape::Html);
    out
}

/// The answer of `/labels` and `/label/<name>/values`: strings in the order given.
#[must_use]
pub fn strings_response<S: AsRef<str>>(strings: &[S], annotations: &Annotations) -> Vec<u8> {
    let mut out = SUCCESS.to_vec();
    push_list(&mut out, strings, |out, text| push_html_escaped(out, text.as_ref()));
    push_end(&mut out, annotations, Escape::Html);
    out
}

/// The answer of `/metadata`: an object of lists by metric name. `metadata` must be sorted by metric.
#[must_use]
pub fn metadata_response(metadata: &[Metadata]) -> Vec<u8> {
    let mut out = SUCCESS.to_vec();
    out.push(b'{');
    for (i, group) in metadata.chunk_by(|a, b| a.metric == b.metric).enumerate() {
        if i > 0 {
            out.push(b',');
        }
        push_html_escaped(&mut out, &group[0].metric);
        out.push(b':');
        push_list(&mut out, group, |out, metadata| {
            for (key, text) in [
                (&br#"{"type":"#[..], metadata.kind.as_str()),
                (br#","help":"#, &metadata.help),
                (br#","unit":"#, &metadata.unit),
            ] {
                out.extend_from_slice(key);
                push_html_escaped(out, text);
            }
            out.push(b'}');
        });
    }
    out.extend_from_slice(b"}}");
    out
}

/// The answer of `/query_exemplars`; `None` is answered as `null`, which Cortex does for several tenants at once.
#[must_use]
pub fn exemplars_response(series: Option<&[SeriesExemplars]>, annotations: &Annotations) -> Vec<u8> {
    let mut out = SUCCESS.to_vec();
    match series {
        None => out.extend_from_slice(b"null"),
        Some(series) => push_list(&mut out, series, |out, series| {
            out.extend_from_slice(br#"{"seriesLabels":"#);
            push_labels(out, &series.labels);
            out.extend_from_slice(br#","exemplars":"#);
            push_list(out, &series.exemplars, push_exemplar);
            out.push(b'}');
        }),
    }
    push_end(&mut out, annotations, Escape::Html);
    out
}

fn push_exemplar(out: &mut Vec<u8>, exemplar: &Exemplar) {
    out.extend_from_slice(br#"{"labels":"#);
    push_labels(out, &exemplar.labels);
    out.extend_from_slice(br#","value":"#);
    push_quoted(out, exemplar.v);
    out.extend_from_slice(br#","timestamp":"#);
    push_seconds_padded(out, exemplar.t);
    out.push(b'}');
}

/// An error, such as `bad_data` with its text.
#[must_use]
pub fn error_response(error_type: &str, text: &str) -> Vec<u8> {
    let mut out = br#"{"status":"error","errorType":"#.to_vec();
    push_html_escaped(&mut out, error_type);
    out.extend_from_slice(br#","error":"#);
    push_html_escaped(&mut out, text);
    out.push(b'}');
    out
}

#[cfg(test)]
mod tests {
    use neocortex_model::sample::MetricType;

    use super::*;

    fn text(bytes: Vec<u8>) -> String {
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn lists() {
        let none = Annotations::default();
        let some = Annotations { warnings: vec!["results truncated due to limit".to_owned()], infos: Vec::new() };
        assert_eq!(
            text(series_response(&[Labels::from_pairs([("a", "<")])], &none)),
            r#"{"status":"success","data":[{"a":"<"}]}"#
        );
        assert_eq!(
            text(strings_response(&["i1", "<"], &some)),
            r#"{"status":"success","data":["i1","\u003c"],"warnings":["results truncated due to limit"]}"#
        );
        assert_eq!(text(strings_response::<&str>(&[], &none)), r#"{"status":"success","data":[]}"#);
    }

    #[test]
    fn metadata_by_metric() {
        let metadata = |metric: &str, help: &str| Metadata {
            metric: metric.to_owned(),
            kind: MetricType::Counter,
            help: help.to_owned(),
            unit: String::new(),
        };
        assert_eq!(
            text(metadata_response(&[metadata("a", "1"), metadata("a", "2"), metadata("b", "")])),
            concat!(
                r#"{"status":"success","data":{"a":[{"type":"counter","help":"1","unit":""},"#,
                r#"{"type":"counter","help":"2","unit":""}],"b":[{"type":"counter","help":"","unit":""}]}}"#
            )
        );
        assert_eq!(text(metadata_response(&[])), r#"{"status":"success","data":{}}"#);
    }

    #[test]
    fn exemplars() {
        let exemplar = Exemplar { labels: Labels::from_pairs([("trace_id", "abc")]), v: 0.5, t: 1500 };
        let series = SeriesExemplars { labels: Labels::from_pairs([("a", "b")]), exemplars: vec![exemplar] };
        assert_eq!(
            text(exemplars_response(Some(&[series]), &Annotations::default())),
            concat!(
                r#"{"status":"success","data":[{"seriesLabels":{"a":"b"},"#,
                r#""exemplars":[{"labels":{"trace_id":"abc"},"value":"0.5","timestamp":1.500}]}]}"#
            )
        );
        assert_eq!(text(exemplars_response(None, &Annotations::default())), r#"{"status":"success","data":null}"#);
    }

    #[test]
    fn errors() {
        assert_eq!(
            text(error_response("bad_data", "1:1: \"a\" > b")),
            r#"{"status":"error","errorType":"bad_data","error":"1:1: \"a\" \u003e b"}"#
        );
    }
}
