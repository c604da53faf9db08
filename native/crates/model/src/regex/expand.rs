//! Templates.

/// Go's `Regexp.Expand`; `group` gives the text of a group by its number, 0 being the whole match.
pub(super) fn expand<'t>(template: &str, group_names: &[String], group: impl Fn(usize) -> Option<&'t str>) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some((name, after)) = reference(after) {
            let number = match number(name) {
                Some(number) => Some(number),
                // Of groups with the same name, the first that took part counts.
                None => (1..).zip(group_names).find(|(i, n)| *n == name && group(*i).is_some()).map(|(i, _)| i),
            };
            out.push_str(number.and_then(&group).unwrap_or_default());
            rest = after;
        } else {
            out.push('$');
            rest = after;
        }
    }
    out.push_str(rest);
    out
}

/// `name` or `{name}` at the start of a text, and what comes after.
fn reference(text: &str) -> Option<(&str, &str)> {
    let (inner, braces) = match text.strip_prefix('{') {
        Some(inner) => (inner, true),
        None => (text, false),
    };
    let end = inner.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(inner.len());
    if end == 0 {
        return None;
    }
    let (name, after) = inner.split_at(end);
    let after = if braces { after.strip_prefix('}')? } else { after };
    Some((name, after))
}

/// A group's number; what has a leading zero or is very large is a name.
fn number(name: &str) -> Option<usize> {
    let is_number = name.bytes().all(|b| b.is_ascii_digit()) && (name.len() == 1 || !name.starts_with('0'));
    if is_number && name.len() <= 9 { name.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates() {
        let names = ["", "a", "é", "a"].map(str::to_owned);
        let texts = [Some("whole"), Some("one"), None, Some("three"), Some("four")];
        let filled = |template| expand(template, &names, |group| texts.get(group).copied().flatten());
        for (template, expected) in [
            ("", ""),
            ("$1-$3", "one-three"),
            ("${1}x$1x", "onex"),
            ("$0$$1", "whole$1"),
            ("$", "$"),
            ("a$", "a$"),
            ("$(1)", "$(1)"),
            ("${1", "${1"),
            ("${}", "${}"),
            ("$a,$é", "four,three"),
            ("$2|$9|$01|$b|", "||||"),
        ] {
            assert_eq!(filled(template), expected, "{template}");
        }
    }
}
