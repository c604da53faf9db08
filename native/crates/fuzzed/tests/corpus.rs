//! Every target goes over its corpus, the inputs of what was found before among it.

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use neocortex_fuzzed::TARGETS;

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

fn names(folder: &Path, without: &str) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
    let mut names: Vec<String> = entries.map(|entry| name(entry).trim_end_matches(without).to_owned()).collect();
    names.sort_unstable();
    names
}

#[test]
fn nothing_in_a_corpus_is_wrong() {
    let mut failed = Vec::new();
    for (name, run) in TARGETS {
        let corpus = fuzz().join("corpus").join(name);
        for input in names(&corpus, "") {
            let bytes = fs::read(corpus.join(&input)).unwrap();
            if catch_unwind(|| run(&bytes)).is_err() {
                failed.push(format!("{name}/{input}"));
            }
        }
    }
    assert!(failed.is_empty(), "{failed:?}");
}

#[test]
fn every_target_has_a_binary_and_a_corpus() {
    let mut targets: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    targets.sort_unstable();
    assert_eq!(names(&fuzz().join("fuzz_targets"), ".rs"), targets);
    assert_eq!(names(&fuzz().join("corpus"), ""), targets);
    let manifest = fs::read_to_string(fuzz().join("Cargo.toml")).unwrap();
    assert!(targets.iter().all(|name| manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\""))));
}
