//! What is wrong with a query, in Prometheus's words (`ParseErr`, `posrange`).

use std::fmt;

use super::ast::Span;

/// A mistake in a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// Where it stands, in bytes.
    pub span: Span,
    /// What is wrong, without position.
    pub message: String,
    /// Line and column, both from 1, columns in bytes; `None` in an empty query.
    pub position: Option<(usize, usize)>,
}

impl ParseError {
    /// An error at a place of a query.
    #[must_use]
    pub fn new(query: &str, span: Span, message: impl Into<String>) -> Self {
        let position = (!query.is_empty()).then(|| {
            let before = &query.as_bytes()[..query.len().min(span.start as usize)];
            let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
            let column = before.iter().rev().take_while(|&&byte| byte != b'\n').count() + 1;
            (line, column)
        });
        Self { span, message: message.into(), position }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            Some((line, column)) => write!(f, "{line}:{column}: parse error: {}", self.message),
            None => write!(f, "unknown position: parse error: {}", self.message),
        }
    }
}

impl std::error::Error for ParseError {}

/// The mistakes of a query in the order in which they were found, at least one. Its text is that of the first.
///
/// A mistake of syntax ends the search; of mistakes of types, the first 64 are listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseErrors(pub Vec<ParseError>);

impl fmt::Display for ParseErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.first().map_or(Ok(()), |first| first.fmt(f))
    }
}

impl std::error::Error for ParseErrors {}
