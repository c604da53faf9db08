//! Prometheus's own scripts for PromQL (`promql/promqltest`), run as they are.
//!
//! They are not part of this repository: `NEOCORTEX_PROMQLTEST_DIR` names their folder (`promql/promqltest/testdata` of
//! Prometheus), which is `../shared/promqltest` beside the repository otherwise. `NEOCORTEX_PROMQLTEST_SHOW` names a file
//! whose failures are to be shown, or `all`; `NEOCORTEX_PROMQLTEST_RECORD` a file for what is loaded and answered.
//!
//! * [`script`] reads a script into commands, with [`series`] for series and [`expect`] for what is expected.
//! * [`storage`] holds what `load` loads, with [`nhcb`] for `load_with_nhcb`.
//! * [`record`] writes down what is loaded and answered, for tests/e2e/test_promqltest.py, which asks a server the same.
//! * [`run`] evaluates, with [`at_modifier`] for the variants of instant queries, and [`compare`] judges the answers.

mod at_modifier;
mod compare;
mod expect;
mod nhcb;
mod record;
mod run;
mod script;
mod series;
mod storage;

use std::io::Write;
use std::path::PathBuf;

use record::Record;
use run::Report;

/// Each script with its number of evaluations. All pass.
const SCRIPTS: &[(&str, usize)] = &[
    ("aggregators.test", 160),
    ("at_modifier.test", 78),
    ("collision.test", 2),
    ("duration_expression.test", 59),
    ("extended_vectors.test", 169),
    ("fill-modifier.test", 46),
    ("functions.test", 431),
    ("histograms.test", 185),
    ("info.test", 53),
    ("limit.test", 37),
    ("literals.test", 25),
    ("name_label_dropping.test", 30),
    ("native_histograms.test", 522),
    ("operators.test", 214),
    ("range_queries.test", 18),
    ("selectors.test", 31),
    ("staleness.test", 17),
    ("start_timestamps.test", 26),
    ("subquery.test", 34),
    ("trig_functions.test", 19),
    ("type_and_unit.test", 58),
];

/// Says something that `cargo test` does not swallow.
fn say(text: &str) {
    writeln!(std::io::stderr(), "promqltest: {text}").expect("standard error is open");
}

fn folder() -> PathBuf {
    match std::env::var_os("NEOCORTEX_PROMQLTEST_DIR") {
        Some(folder) => folder.into(),
        None => PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/promqltest"),
    }
}

fn show(name: &str, report: &Report) {
    let wanted = std::env::var("NEOCORTEX_PROMQLTEST_SHOW").unwrap_or_default();
    if wanted == "all" || wanted == name {
        for (line, failure) in &report.failures {
            say(&format!("{name}:{line}: {failure}"));
        }
    }
}

#[test]
fn prometheus_scripts() {
    let folder = folder();
    if !folder.is_dir() {
        say(&format!("NOT RUN: {} is no folder; set NEOCORTEX_PROMQLTEST_DIR", folder.display()));
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "the scripts are missing");
        return;
    }
    let (mut total, mut passed) = (0, 0);
    let mut record = Record::from_environment();
    let mut failing = Vec::new();
    for (name, evaluations) in SCRIPTS {
        let text = std::fs::read_to_string(folder.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        let report = run::script(&text, &mut record);
        show(name, &report);
        say(&format!("{name}: {}/{}", report.passed, report.total));
        if (report.passed, report.total) != (*evaluations, *evaluations) {
            failing.push(format!("{name}: {}/{}, wanted {evaluations}", report.passed, report.total));
        }
        total += report.total;
        passed += report.passed;
    }
    say(&format!("{passed} of {total} evaluations pass"));
    assert!(failing.is_empty(), "{}", failing.join("\n"));
}
