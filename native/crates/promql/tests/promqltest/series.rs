//! Series as scripts write them: `name{a="b"} 1+2x3 _ stale {{schema:0 count:1 buckets:[1]}}x2`.

use std::sync::{Arc, LazyLock};

use neocortex_model::histogram::{CounterReset, FloatHistogram, Span};
use neocortex_model::labels::{Labels, METRIC_NAME};
use neocortex_model::matchers::MatchOp;
use neocortex_model::sample::stale_nan;
use neocortex_promql::parse::parse_metric_selector;
use regex::Regex;

/// The most values that one item may stand for.
const MAX_REPEAT: usize = 1_000_000;

/// One value of a sequence.
#[derive(Clone, Debug, PartialEq)]
pub enum SeriesValue {
    /// `_`
    Omitted,
    /// A number, or `stale`.
    Float(f64),
    /// A histogram, and whether its hint of counter resets was written.
    Histogram(Arc<FloatHistogram>, bool),
}

/// Splits a line into the series and the rest.
pub fn split_metric(line: &str) -> Result<(Labels, &str), String> {
    let end = metric_end(line)?;
    let (metric, rest) = line.split_at(end);
    let matchers = parse_metric_selector(metric).map_err(|e| format!("{metric}: {e}"))?;
    let mut pairs = Vec::new();
    for matcher in &matchers {
        if matcher.op() != MatchOp::Equal {
            return Err(format!("{metric}: only = is allowed"));
        }
        pairs.push((matcher.name(), matcher.value()));
    }
    pairs.sort_by_key(|(name, _)| *name != METRIC_NAME);
    Ok((Labels::from_pairs(pairs), rest))
}

/// Where the series ends: behind its braces, or behind the name when there are none.
fn metric_end(line: &str) -> Result<usize, String> {
    let bytes = line.as_bytes();
    let name = bytes.iter().position(|b| *b == b'{' || b.is_ascii_whitespace()).unwrap_or(bytes.len());
    let after = line[name..].trim_start();
    let braces = after.starts_with('{') && !after.starts_with("{{");
    if !braces {
        return Ok(name);
    }
    let mut quote = None;
    let mut escaped = false;
    for (i, b) in bytes.iter().enumerate().skip(name) {
        match (quote, b) {
            (Some(_), _) if escaped => escaped = false,
            (Some(q), b'\\') if q != b'`' => escaped = true,
            (Some(q), b) if q == *b => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'' | b'`') => quote = Some(*b),
            (None, b'}') => return Ok(i + 1),
            (None, _) => {}
        }
    }
    Err(format!("unclosed braces: {line}"))
}

/// A series and its values.
pub fn parse_series(line: &str) -> Result<(Labels, Vec<SeriesValue>), String> {
    let (labels, rest) = split_metric(line)?;
    let mut values = Vec::new();
    for item in split_items(rest)? {
        parse_item(item, &mut values).map_err(|e| format!("{item}: {e}"))?;
    }
    Ok((labels, values))
}

/// Splits at white space outside of `{{…}}`.
fn split_items(text: &str) -> Result<Vec<&str>, String> {
    let mut items = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let mut end = 0;
        while let Some(c) = rest[end..].chars().next() {
            if rest[end..].starts_with("{{") {
                end += rest[end..].find("}}").ok_or_else(|| format!("unclosed histogram: {rest}"))? + 2;
            } else if c.is_whitespace() {
                break;
            } else {
                end += c.len_utf8();
            }
        }
        items.push(&rest[..end]);
        rest = rest[end..].trim_start();
    }
    Ok(items)
}

static FLOAT_ITEM: LazyLock<Regex> = LazyLock::new(|| {
    let number = r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[Ii]nf|[Nn]a[Nn]";
    Regex::new(&format!(r"^([+-]?(?:{number}))(?:([+-](?:{number})))?(?:x(\d+))?$")).expect("a valid expression")
});

static HISTOGRAM_ITEM: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^\{\{(.*?)\}\}(?:([+-])\{\{(.*?)\}\})?(?:x(\d+))?$").expect("a valid expression"));

fn repetitions(text: &str) -> Result<usize, String> {
    let n: usize = text.parse().map_err(|e| format!("{e}"))?;
    if n > MAX_REPEAT { Err(format!("{n} repetitions are too many")) } else { Ok(n) }
}

fn parse_item(item: &str, values: &mut Vec<SeriesValue>) -> Result<(), String> {
    if item == "_" {
        values.push(SeriesValue::Omitted);
    } else if let Some(n) = item.strip_prefix("_x") {
        values.extend(std::iter::repeat_n(SeriesValue::Omitted, repetitions(n)?));
    } else if item == "stale" {
        values.push(SeriesValue::Float(stale_nan()));
    } else if let Some(parts) = HISTOGRAM_ITEM.captures(item) {
        let (base, hinted) = parse_histogram(&parts[1])?;
        let times = parts.get(4).map_or(Ok(0), |n| repetitions(n.as_str()))?;
        let base = Arc::new(base);
        let Some(step) = parts.get(3) else {
            values.extend(std::iter::repeat_n(SeriesValue::Histogram(base, hinted), times + 1));
            return Ok(());
        };
        let (step, hinted) = parse_histogram(step.as_str())?;
        let mut current = base;
        for i in 0..=times {
            if i > 0 {
                if current.schema > step.schema {
                    return Err("the increment has a lower resolution".to_owned());
                }
                let mut next = FloatHistogram::clone(&current);
                let combined = if &parts[2] == "+" { next.add(&step) } else { next.sub(&step) };
                combined.map_err(|e| e.to_string())?;
                current = Arc::new(next);
            }
            values.push(SeriesValue::Histogram(Arc::clone(&current), hinted));
        }
    } else if let Some(parts) = FLOAT_ITEM.captures(item) {
        let mut value = parse_float(&parts[1])?;
        let times = parts.get(3).map_or(Ok(0), |n| repetitions(n.as_str()))?;
        let step = parts.get(2).map(|step| parse_float(step.as_str())).transpose()?;
        for _ in 0..=times {
            values.push(SeriesValue::Float(value));
            if let Some(step) = step {
                value += step;
            }
        }
    } else {
        return Err("not a value".to_owned());
    }
    Ok(())
}

fn parse_float(text: &str) -> Result<f64, String> {
    text.parse().map_err(|_| format!("{text}: not a number"))
}

/// The inside of `{{…}}`: `key:value` pairs; lists in brackets.
fn parse_histogram(text: &str) -> Result<(FloatHistogram, bool), String> {
    let mut h = FloatHistogram::default();
    let (mut offset, mut negative_offset, mut hinted) = (0, 0, false);
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (key, after) = rest.split_once(':').ok_or_else(|| format!("{rest}: no key"))?;
        let (value, behind) = match after.strip_prefix('[') {
            Some(list) => list.split_once(']').ok_or_else(|| format!("{after}: unclosed list"))?,
            None => after.split_at(after.find(char::is_whitespace).unwrap_or(after.len())),
        };
        let list = || value.split_whitespace().map(parse_float).collect::<Result<Vec<_>, _>>();
        let int = || value.parse::<i32>().map_err(|_| format!("{value}: not an integer"));
        match key {
            "schema" => h.schema = int()?,
            "sum" => h.sum = parse_float(value)?,
            "count" => h.count = parse_float(value)?,
            "z_bucket" => h.zero_count = parse_float(value)?,
            "z_bucket_w" => h.zero_threshold = parse_float(value)?,
            "custom_values" => h.custom_values = list()?,
            "buckets" => h.positive_buckets = list()?,
            "n_buckets" => h.negative_buckets = list()?,
            "offset" => offset = int()?,
            "n_offset" => negative_offset = int()?,
            "counter_reset_hint" => {
                hinted = true;
                h.counter_reset = match value {
                    "unknown" => CounterReset::Unknown,
                    "reset" => CounterReset::Reset,
                    "not_reset" => CounterReset::NotReset,
                    "gauge" => CounterReset::Gauge,
                    _ => return Err(format!("{value}: not a hint")),
                };
            }
            _ => return Err(format!("{key}: unknown key")),
        }
        rest = behind.trim_start();
    }
    let spans = |offset, buckets: &[f64]| match buckets.len() {
        0 => Vec::new(),
        n => vec![Span { offset, length: n as u32 }],
    };
    h.positive_spans = spans(offset, &h.positive_buckets);
    h.negative_spans = spans(negative_offset, &h.negative_buckets);
    Ok((h, hinted))
}
