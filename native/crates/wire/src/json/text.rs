//! Strings.

const HEX: &[u8; 16] = b"0123456789abcdef";

/// A quoted string that escapes quotes, backslashes and control characters below 0x20 only.
pub(super) fn push_escaped(out: &mut Vec<u8>, text: &str) {
    push(out, text, |byte| byte < 0x20 || byte == b'"' || byte == b'\\');
}

/// A quoted string that also escapes what is special in HTML and in JavaScript.
pub(super) fn push_html_escaped(out: &mut Vec<u8>, text: &str) {
    // Both separators begin with the byte 0xe2, which few texts have.
    if !text.as_bytes().contains(&0xe2) {
        return push(out, text, is_html_special);
    }
    out.push(b'"');
    for (i, part) in text.split('\u{2028}').enumerate() {
        if i > 0 {
            out.extend_from_slice(b"\\u2028");
        }
        for (i, part) in part.split('\u{2029}').enumerate() {
            if i > 0 {
                out.extend_from_slice(b"\\u2029");
            }
            push_part(out, part, is_html_special);
        }
    }
    out.push(b'"');
}

fn is_html_special(byte: u8) -> bool {
    byte < 0x20 || matches!(byte, b'"' | b'\\' | b'<' | b'>' | b'&')
}

fn push(out: &mut Vec<u8>, text: &str, special: impl Fn(u8) -> bool) {
    out.push(b'"');
    push_part(out, text, special);
    out.push(b'"');
}

fn push_part(out: &mut Vec<u8>, text: &str, special: impl Fn(u8) -> bool) {
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|&byte| special(byte)) {
        out.extend_from_slice(&rest[..at]);
        match rest[at] {
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            byte @ (b'"' | b'\\') => out.extend_from_slice(&[b'\\', byte]),
            byte => {
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
            }
        }
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(text: &str) -> String {
        let mut out = Vec::new();
        push_escaped(&mut out, text);
        String::from_utf8(out).unwrap()
    }

    fn html_escaped(text: &str) -> String {
        let mut out = Vec::new();
        push_html_escaped(&mut out, text);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn escapes_what_json_asks_for() {
        assert_eq!(
            escaped("a\"b\\c\n\r\t\u{1}\u{7f}<é\u{2028}>&"),
            "\"a\\\"b\\\\c\\n\\r\\t\\u0001\u{7f}<é\u{2028}>&\""
        );
        assert_eq!(escaped(""), "\"\"");
    }

    #[test]
    fn escapes_html_and_line_separators() {
        assert_eq!(html_escaped("<a>&\u{8}€"), "\"\\u003ca\\u003e\\u0026\\u0008€\"");
        assert_eq!(html_escaped("a\u{2028}<\u{2029}\u{2029}b"), "\"a\\u2028\\u003c\\u2029\\u2029b\"");
    }
}
