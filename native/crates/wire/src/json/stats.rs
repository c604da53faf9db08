//! Figures of an evaluation in its answer.
//!
//! Cortex's query-frontend decodes vectors and matrices and writes them anew, with the figures that it knows of; numbers and
//! texts it hands on as the querier wrote them, with times, and without the figures of steps where there are none.

use std::time::Duration;

use neocortex_model::result::{QueryValue, SampleStats};

use super::number::{push_integer, push_seconds, push_value};
use super::push_list;

/// What an evaluation took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timings {
    /// Before it began.
    pub queue: Duration,
    /// From its begin to its end.
    pub evaluation: Duration,
}

/// The member `stats` of an answer.
pub(super) fn push_stats(out: &mut Vec<u8>, value: &QueryValue, stats: &SampleStats, timings: &Timings) {
    out.extend_from_slice(br#","stats":{"#);
    if matches!(value, QueryValue::Scalar { .. } | QueryValue::String { .. }) {
        push_timings(out, timings);
        out.extend_from_slice(br#","samples":{"#);
        if !stats.per_step.is_empty() {
            push_per_step(out, stats);
            out.push(b',');
        }
        push_total(out, stats);
    } else {
        out.extend_from_slice(br#""samples":{"#);
        push_total(out, stats);
        out.push(b',');
        push_per_step(out, stats);
    }
    out.extend_from_slice(br#","peakSamples":"#);
    push_integer(out, stats.peak_samples);
    out.extend_from_slice(b"}}");
}

fn push_total(out: &mut Vec<u8>, stats: &SampleStats) {
    out.extend_from_slice(br#""totalQueryableSamples":"#);
    push_integer(out, stats.total_queryable_samples);
}

fn push_per_step(out: &mut Vec<u8>, stats: &SampleStats) {
    out.extend_from_slice(br#""totalQueryableSamplesPerStep":"#);
    push_list(out, &stats.per_step, |out, (t, count)| {
        out.push(b'[');
        push_seconds(out, *t);
        out.push(b',');
        push_integer(out, *count);
        out.push(b']');
    });
}

/// Seconds; preparing and sorting are part of the evaluation here.
fn push_timings(out: &mut Vec<u8>, timings: &Timings) {
    let evaluation = timings.evaluation.as_secs_f64();
    let (queue, all) = (timings.queue.as_secs_f64(), (timings.queue + timings.evaluation).as_secs_f64());
    out.extend_from_slice(br#""timings":"#);
    for (before, seconds) in [
        (r#"{"evalTotalTime":"#, evaluation),
        (r#","resultSortTime":"#, 0.0),
        (r#","queryPreparationTime":"#, 0.0),
        (r#","innerEvalTime":"#, evaluation),
        (r#","execQueueTime":"#, queue),
        (r#","execTotalTime":"#, all),
    ] {
        out.extend_from_slice(before.as_bytes());
        push_value(out, seconds);
    }
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &QueryValue, per_step: Vec<(i64, u64)>) -> String {
        let stats = SampleStats { total_queryable_samples: 3, peak_samples: 2, per_step };
        let timings = Timings { queue: Duration::from_millis(500), evaluation: Duration::from_millis(250) };
        let mut out = Vec::new();
        push_stats(&mut out, value, &stats, &timings);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_vector_has_figures_of_samples_alone() {
        let vector = QueryValue::Vector(Vec::new());
        assert_eq!(
            text(&vector, Vec::new()),
            r#","stats":{"samples":{"totalQueryableSamples":3,"totalQueryableSamplesPerStep":[],"peakSamples":2}}"#
        );
        assert!(
            text(&vector, vec![(1500, 3), (2000, 0)]).contains(r#""totalQueryableSamplesPerStep":[[1.5,3],[2,0]],"#)
        );
    }

    #[test]
    fn a_number_has_times_too() {
        let number = QueryValue::Scalar { t: 0, v: 1.0 };
        assert_eq!(
            text(&number, Vec::new()),
            concat!(
                r#","stats":{"timings":{"evalTotalTime":0.25,"resultSortTime":0,"queryPreparationTime":0,"#,
                r#""innerEvalTime":0.25,"execQueueTime":0.5,"execTotalTime":0.75},"#,
                r#""samples":{"totalQueryableSamples":3,"peakSamples":2}}"#
            )
        );
        let each = r#""samples":{"totalQueryableSamplesPerStep":[[1.5,3]],"totalQueryableSamples":3,"peakSamples":2}}"#;
        assert!(text(&number, vec![(1500, 3)]).ends_with(each));
    }
}
