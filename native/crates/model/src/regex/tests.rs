use proptest::prelude::*;

use super::*;

fn regex(pattern: &str) -> AnchoredRegex {
    AnchoredRegex::new(pattern).unwrap_or_else(|e| panic!("{pattern}: {e}"))
}

/// Texts were taken from Go 1.26.
#[test]
fn refuses_what_go_refuses_with_its_text() {
    for (pattern, text) in [
        ("(a", "missing closing ): `(a`"),
        ("a)b", "unexpected ): `a)b`"),
        ("[a", "missing closing ]: `[a`"),
        ("x[]", "missing closing ]: `[]`"),
        ("[b-a]", "invalid character class range: `b-a`"),
        ("[[:foo:]]", "invalid character class range: `[:foo:]`"),
        (r"[z-\d]", r"invalid escape sequence: `\d`"),
        (r"\p{Foo}", r"invalid character class range: `\p{Foo}`"),
        (r"\p{Old_Italic}", r"invalid character class range: `\p{Old_Italic}`"),
        (r"a\p{", r"invalid character class range: `\p{`"),
        ("*", "missing argument to repetition operator: `*`"),
        ("a|+?b", "missing argument to repetition operator: `+?`"),
        ("(*a)", "missing argument to repetition operator: `*`"),
        ("a**", "invalid nested repetition operator: `**`"),
        ("a*?+?", "invalid nested repetition operator: `*?+?`"),
        ("a{2}{3}", "invalid nested repetition operator: `{2}{3}`"),
        ("a{1001}", "invalid repeat count: `{1001}`"),
        ("a{3,2}", "invalid repeat count: `{3,2}`"),
        ("(a{100}){11}", "invalid repeat count: `{11}`"),
        (r"\8", r"invalid escape sequence: `\8`"),
        (r"\1", r"invalid escape sequence: `\1`"),
        (r"\C", r"invalid escape sequence: `\C`"),
        (r"\x{110000}", r"invalid escape sequence: `\x{110000`"),
        (r"\u0061", r"invalid escape sequence: `\u`"),
        ("a\\", "trailing backslash at end of expression: ``"),
        ("(?x)a", "invalid or unsupported Perl syntax: `(?x`"),
        ("(?=a)", "invalid or unsupported Perl syntax: `(?=`"),
        ("(?i-)a", "invalid or unsupported Perl syntax: `(?i-)`"),
        ("(?P<1-2>a)", "invalid named capture: `(?P<1-2>`"),
        ("(?P<n", "invalid named capture: `(?P<n`"),
    ] {
        assert_eq!(AnchoredRegex::new(pattern).unwrap_err().to_string(), format!("error parsing regexp: {text}"));
    }
}

#[test]
fn means_what_go_means() {
    for (pattern, matching, others) in [
        ("a.c", &["abc", "a\nc", "aéc"][..], &["ac", "xabc", "abcx"][..]),
        ("(?-s)a.c", &["abc"], &["a\nc"]),
        (r"\d+", &["123"], &["\u{665}", ""]),
        (r"\w+", &["aB_1"], &["é"]),
        (r"\s", &[" ", "\t", "\x0c"], &["\u{a0}", "\x0b"]),
        (r"é\b.*", &["éa"], &["é", "é-"]),
        ("[a[b]]", &["a]", "[]", "b]"], &["a", "b"]),
        ("[a&&b]", &["a", "&", "b"], &["", "&&"]),
        ("[+--b~~]", &["+", ",", "-", "~"], &["a", "--"]),
        (r"\Qa.b*\E+", &["a.b*", "a.b**"], &["axb"]),
        (r"\101\x42\x{43}", &["ABC"], &[]),
        ("(?i)straße|k", &["STRAßE", "\u{212a}", "K"], &["strasse"]),
        ("a(?i)b|c", &["aB", "C"], &["AB"]),
        ("(?i:a)b", &["Ab"], &["AB"]),
        ("{a}|a{,2}", &["{a}", "a{,2}"], &["a"]),
        ("^^a$$", &["a"], &["aa"]),
        ("(?m)a$\n^b", &["a\nb"], &["ab"]),
        (r"\Aa\z", &["a"], &["a\n"]),
        (r"\pN\p{Greek}\P{L}\p{^L}\p{uppercase letter}", &["1α--A"], &["1a--A"]),
        ("[[:^alpha:][:digit:]]", &["1", "-"], &["a"]),
        ("(?P<n>a)(?<n>b)", &["ab"], &["a"]),
        ("|a", &["", "a"], &["b"]),
        ("a{0}b", &["b"], &["ab"]),
    ] {
        let regex = regex(pattern);
        matching.iter().for_each(|text| assert!(regex.is_match(text), "{pattern} {text:?}"));
        others.iter().for_each(|text| assert!(!regex.is_match(text), "{pattern} {text:?}"));
    }
}

#[test]
fn lists_what_can_be_listed() {
    for (pattern, expected) in [
        ("b|a|b", Some(&["a", "b"][..])),
        ("(?:foo|ba[rz])", Some(&["bar", "baz", "foo"])),
        ("a(b|c)?", Some(&["a", "ab", "ac"])),
        ("", Some(&[""])),
        ("a|", Some(&["", "a"])),
        ("(?i)a", Some(&["A", "a"])),
        (r"[^\x00-\x{10ffff}]", Some(&[])),
        ("a.*", None),
        ("a+", None),
        ("[a-z]{2}", None),
        (r"\w\w", None),
    ] {
        let found = regex(pattern);
        let expected = expected.map(|texts| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
        assert_eq!(found.literals().map(<[String]>::to_vec), expected, "{pattern}");
    }
}

#[test]
fn knows_prefixes() {
    for (pattern, prefix) in [
        ("foo.*", "foo"),
        ("foo(bar|baz).*x", "fooba"),
        ("(foo|fob).+", "fo"),
        ("foo.*|fu.*", "f"),
        (".*foo", ""),
        ("fo?o", "fo"),
        ("foo|", ""),
        ("häs.*|häß.*", "hä"),
        ("abc|abd", "ab"),
    ] {
        assert_eq!(regex(pattern).prefix(), prefix, "{pattern}");
    }
}

#[test]
fn gaps_need_no_program() {
    for (pattern, matching, others) in [
        (".*", &["", "a\nb"][..], &[][..]),
        (".+", &["é"], &[""]),
        ("a.*b", &["ab", "axxb", "abb"], &["a", "b", "aba"]),
        ("a.+b", &["axb", "abb"], &["ab"]),
        (".*a.*b.*", &["ab", "xaxbx", "aab"], &["ba"]),
        (".+a.+a", &["xaxa", "éaaa", "aaxa"], &["aaa", "xaa"]),
        ("(.*)ab(.*)ab", &["abab", "xababab"], &["ab", "aba"]),
        ("aba.*aba", &["abaaba"], &["ababa"]),
        ("foo.*|.*bar|x", &["foo", "foobar", "bar", "x"], &["xx", "barx"]),
    ] {
        let regex = regex(pattern);
        assert!(matches!(regex.inner.plan, Plan::Globs { .. }), "{pattern}");
        matching.iter().for_each(|text| assert!(regex.is_match(text), "{pattern} {text:?}"));
        others.iter().for_each(|text| assert!(!regex.is_match(text), "{pattern} {text:?}"));
    }
    assert!(matches!(regex(".+.+").inner.plan, Plan::Program { .. }));
    assert!(!regex(".+.+").is_match("a"));
}

#[test]
fn expands_groups() {
    assert_eq!(regex("(.*)-(?P<n>.*)").expand("a-b", "$2${1}x$n").as_deref(), Some("baxb"));
    assert_eq!(regex("(?P<n>a)|(?P<n>b)").expand("b", "[$n]").as_deref(), Some("[b]"));
    assert_eq!(regex("a|b").expand("b", "$0$1").as_deref(), Some("b"));
    assert_eq!(regex("a").expand("b", "$0"), None);
}

#[test]
fn depth_and_size_are_limited() {
    let nested = |levels: usize| format!("{}a{}", "(".repeat(levels), ")".repeat(levels));
    assert!(regex(&nested(240)).is_match("a"));
    for pattern in [nested(251), nested(100_000)] {
        let expected = format!("error parsing regexp: expression nests too deeply: `{pattern}`");
        assert_eq!(AnchoredRegex::new(&pattern).unwrap_err().0, expected);
    }
    let stacked = format!("a{}", "*(?i)".repeat(300));
    assert!(AnchoredRegex::new(&stacked).unwrap_err().0.contains("nests too deeply"));
    let large = AnchoredRegex::new(r"\pL{1000}").unwrap_err();
    assert_eq!(large.0, r"error parsing regexp: expression too large: `\pL{1000}`");
    let words: Vec<String> = (0..10_000).map(|i| format!("value-{i}")).collect();
    let many = regex(&words.join("|"));
    assert_eq!(many.literals().map(<[String]>::len), Some(10_000));
    assert!(many.is_match("value-777") && !many.is_match("value-"));
    assert_eq!(many.expand("value-9", "<$0>").as_deref(), Some("<value-9>"));
}

proptest! {
    #[test]
    fn no_pattern_panics(pattern in "[ab(|)*+?.{}0-9,^$\\[\\]\\\\:Pp<>inQEdw-]{0,20}", text in "[ab(1-]{0,6}") {
        if let Ok(regex) = AnchoredRegex::new(&pattern) {
            let matched = regex.is_match(&text);
            prop_assert_eq!(matched, regex.expand(&text, "$1").is_some());
            prop_assert!(!matched || text.starts_with(regex.prefix()));
            if let Some(literals) = regex.literals() {
                prop_assert_eq!(matched, literals.contains(&text));
            }
        }
    }

    #[test]
    fn plans_agree_with_the_program(pattern in "(a|b|é|\\.\\*|\\.\\+|ab|\\|){0,8}", text in "[abé]{0,8}") {
        let pattern = pattern.replace("\\.\\*", ".*").replace("\\.\\+", ".+").replace("\\|", "|");
        if let Ok(regex) = AnchoredRegex::new(&pattern) {
            let program = ::regex::Regex::new(&format!("^(?s:{pattern})$")).unwrap();
            prop_assert_eq!(regex.is_match(&text), program.is_match(&text), "{}", pattern);
        }
    }
}
