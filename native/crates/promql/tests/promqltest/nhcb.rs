//! Classic histograms as native histograms with custom buckets (`util/convertnhcb`).

use std::collections::BTreeMap;

use neocortex_model::histogram::{CUSTOM_BUCKETS_SCHEMA, FloatHistogram, Span};
use neocortex_model::labels::{Labels, LabelsBuilder, METRIC_NAME};

use super::script::Load;
use super::series::SeriesValue;

/// A classic histogram at one time.
#[derive(Default)]
struct Classic {
    /// Cumulative counts by upper bound, ascending.
    buckets: Vec<(f64, f64)>,
    count: Option<f64>,
    sum: f64,
}

enum Part {
    Bucket(f64),
    Count,
    Sum,
}

/// The histograms behind the series `…_bucket`, `…_count` and `…_sum` of a command.
pub fn convert(load: &Load) -> Result<Vec<(Labels, i64, FloatHistogram)>, String> {
    let mut found: BTreeMap<(Labels, i64), Classic> = BTreeMap::new();
    for series in &load.series {
        let Some((part, base)) = part_of(&series.labels) else { continue };
        for (value, t) in series.values.iter().zip((0..).map(|i: i64| i * load.step_ms)) {
            let SeriesValue::Float(v) = value else { continue };
            let classic = found.entry((base.clone(), t)).or_default();
            match part {
                Part::Bucket(bound) => classic.buckets.push((bound, *v)),
                Part::Count => classic.count = Some(*v),
                Part::Sum => classic.sum = *v,
            }
        }
    }
    found.into_iter().map(|((labels, t), classic)| Ok((labels, t, classic.convert()?))).collect()
}

/// Which part of which histogram a series is.
fn part_of(labels: &Labels) -> Option<(Part, Labels)> {
    let name = labels.metric_name();
    let (part, base) = if let Some(base) = name.strip_suffix("_bucket") {
        let bound: f64 = labels.get("le")?.parse().ok()?;
        (Part::Bucket(bound), base)
    } else if let Some(base) = name.strip_suffix("_count") {
        (Part::Count, base)
    } else {
        (Part::Sum, name.strip_suffix("_sum")?)
    };
    if matches!(part, Part::Bucket(bound) if bound.is_nan()) {
        return None;
    }
    let mut builder = LabelsBuilder::from_labels(labels);
    builder.set(METRIC_NAME, base);
    builder.remove("le");
    Some((part, builder.finish()))
}

impl Classic {
    fn convert(mut self) -> Result<FloatHistogram, String> {
        self.buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        self.buckets.dedup_by_key(|bucket| bucket.0);
        let highest = self.buckets.last().copied();
        let count = self.count.or(highest.map(|bucket| bucket.1)).unwrap_or(0.0);
        if highest.is_none_or(|bucket| bucket.0 != f64::INFINITY) {
            self.buckets.push((f64::INFINITY, count));
        }
        let mut before = 0.0;
        let mut counts = Vec::with_capacity(self.buckets.len());
        for (_, cumulative) in &self.buckets {
            if *cumulative < before {
                return Err(format!("count is not cumulative: {cumulative} < {before}"));
            }
            counts.push(cumulative - before);
            before = *cumulative;
        }
        if count != before {
            return Err(format!("count mismatch: {count} != {before}"));
        }
        let mut h = FloatHistogram {
            schema: CUSTOM_BUCKETS_SCHEMA,
            count,
            sum: self.sum,
            positive_spans: vec![Span { offset: 0, length: counts.len() as u32 }],
            positive_buckets: counts,
            custom_values: self.buckets.iter().map(|b| b.0).filter(|bound| bound.is_finite()).collect(),
            ..Default::default()
        };
        h.compact();
        h.validate().map_err(|e| e.to_string())?;
        Ok(h)
    }
}
