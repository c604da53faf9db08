//! Regular expressions of matchers.

use neocortex_model::regex::AnchoredRegex;

/// A pattern, a zero byte, a text.
pub fn regex(input: &[u8]) {
    let Ok(input) = std::str::from_utf8(input) else { return };
    let (pattern, text) = input.split_once('\0').unwrap_or((input, ""));
    let Ok(regex) = AnchoredRegex::new(pattern) else { return };
    let matched = regex.is_match(text);
    assert_eq!(matched, regex.expand(text, "$1").is_some());
    assert!(!matched || text.starts_with(regex.prefix()));
    if let Some(literals) = regex.literals() {
        assert_eq!(matched, literals.iter().any(|literal| literal == text));
    }
}
