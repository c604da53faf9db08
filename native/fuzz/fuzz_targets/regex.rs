//! Regular expressions: a pattern, a zero byte, a text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use neocortex_model::regex::AnchoredRegex;

fuzz_target!(|input: &str| {
    let (pattern, text) = input.split_once('\0').unwrap_or((input, ""));
    let Ok(regex) = AnchoredRegex::new(pattern) else { return };
    let matched = regex.is_match(text);
    assert_eq!(matched, regex.expand(text, "$1").is_some());
    assert!(!matched || text.starts_with(regex.prefix()));
    if let Some(literals) = regex.literals() {
        assert_eq!(matched, literals.iter().any(|literal| literal == text));
    }
});
