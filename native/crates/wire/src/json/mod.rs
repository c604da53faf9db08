//! Answers of the query API as JSON, byte for byte as Cortex writes them.
//!
//! Source: Cortex's `pkg/querier/tripperware` (vectors and matrices), `pkg/util/api` (errors) and Prometheus's
//! `web/api/v1` and `util/jsonutil` (everything else), with the rules of the JSON library that they use.

mod lists;
mod number;
mod query;
mod stats;
mod text;

pub use lists::{error_response, exemplars_response, metadata_response, series_response, strings_response};
pub use query::query_response;
pub use stats::Timings;

use neocortex_model::labels::Labels;
use neocortex_model::result::Annotations;

use text::{push_escaped, push_html_escaped};

/// How strings of an envelope are escaped; label sets never escape more than JSON asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Escape {
    /// What JSON asks for.
    Json,
    /// `<`, `>`, `&`, U+2028 and U+2029 too.
    Html,
}

impl Escape {
    fn push(self, out: &mut Vec<u8>, text: &str) {
        match self {
            Self::Json => push_escaped(out, text),
            Self::Html => push_html_escaped(out, text),
        }
    }
}

const SUCCESS: &[u8] = br#"{"status":"success","data":"#;

/// The end of a successful answer: warnings and infos when there are any.
fn push_end(out: &mut Vec<u8>, annotations: &Annotations, escape: Escape) {
    for (key, texts) in [(&b",\"warnings\":"[..], &annotations.warnings), (b",\"infos\":", &annotations.infos)] {
        if !texts.is_empty() {
            out.extend_from_slice(key);
            push_list(out, texts, |out, text| escape.push(out, text));
        }
    }
    out.push(b'}');
}

fn push_list<T>(out: &mut Vec<u8>, items: impl IntoIterator<Item = T>, mut push: impl FnMut(&mut Vec<u8>, T)) {
    out.push(b'[');
    for (i, item) in items.into_iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        push(out, item);
    }
    out.push(b']');
}

fn push_labels(out: &mut Vec<u8>, labels: &Labels) {
    out.push(b'{');
    for (i, (name, value)) in labels.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        push_escaped(out, name);
        out.push(b':');
        push_escaped(out, value);
    }
    out.push(b'}');
}
