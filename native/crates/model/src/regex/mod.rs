//! Regular expressions with Go's syntax and meaning, anchored on both ends, on top of the `regex` crate.
//!
//! Expressions are parsed here as Go's `regexp/syntax` parses them (flags `Perl` and `DotNL`, as Prometheus does) and
//! refused with its texts; the `regex` crate only sees what the parser understood, written anew. Beyond Go's limits,
//! expressions that nest more than [`MAX_NESTING`] levels or whose program needs more than [`MAX_PROGRAM_BYTES`] are
//! refused. Expressions of literals and `.*` are matched without running a program.

mod ast;
mod class;
mod expand;
mod parse;
mod plan;
mod program;

use std::sync::{Arc, OnceLock};

use plan::Plan;

/// The most levels of groups and repetitions.
pub const MAX_NESTING: usize = 250;

/// The most memory of a compiled program in bytes.
pub const MAX_PROGRAM_BYTES: usize = 32 << 20;

/// The expression is not valid; the text is the one Go's `regexp/syntax` gives.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RegexError(pub String);

/// A compiled `^(?s:…)$`, cheap to clone.
#[derive(Clone, Debug)]
pub struct AnchoredRegex {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    plan: Plan,
    /// The expression in the syntax of the `regex` crate.
    source: String,
    /// Compiled at once unless the plan needs no program.
    program: OnceLock<Option<regex::Regex>>,
    /// Names of the groups from the first on; empty for those without.
    group_names: Vec<String>,
}

impl AnchoredRegex {
    /// Compiles an expression.
    ///
    /// # Errors
    /// [`RegexError`] when Go would refuse it, or when it is too large.
    pub fn new(pattern: &str) -> Result<Self, RegexError> {
        let parsed = parse::parse(pattern)?;
        let source = program::source(&parsed.node);
        let plan = Plan::of(&parsed.node);
        let program = OnceLock::new();
        if let Plan::Program { .. } = plan {
            let compiled = program::compile(&source, MAX_PROGRAM_BYTES);
            let compiled = compiled.ok_or_else(|| RegexError::new("expression too large", pattern))?;
            program.get_or_init(|| Some(compiled));
        }
        Ok(Self { inner: Arc::new(Inner { plan, source, program, group_names: parsed.group_names }) })
    }

    /// True when the whole text matches.
    #[must_use]
    pub fn is_match(&self, text: &str) -> bool {
        match self.inner.plan.decide(text) {
            Some(decided) => decided,
            None => self.program().is_some_and(|program| program.is_match(text)),
        }
    }

    /// Fills a template with the groups of a text that matches: `$1`, `${1}`, `$name` and `${name}` stand for groups,
    /// `$$` for a dollar sign; as Go's `Regexp.Expand`. `None` when the text does not match.
    #[must_use]
    pub fn expand(&self, text: &str, template: &str) -> Option<String> {
        let captures = self.program()?.captures(text)?;
        Some(expand::expand(template, &self.inner.group_names, |group| captures.get(group).map(|found| found.as_str())))
    }

    /// All texts that match, sorted, when they are few enough to be listed; the empty text may be among them.
    #[must_use]
    pub fn literals(&self) -> Option<&[String]> {
        self.inner.plan.literals()
    }

    /// A literal that every match starts with; may be empty.
    #[must_use]
    pub fn prefix(&self) -> &str {
        self.inner.plan.prefix()
    }

    fn program(&self) -> Option<&regex::Regex> {
        // A plan that needs no program consists of literals and `.*`, whose program is as large as the expression.
        self.inner.program.get_or_init(|| program::compile(&self.inner.source, usize::MAX)).as_ref()
    }
}

impl RegexError {
    fn new(what: &str, expression: &str) -> Self {
        Self(format!("error parsing regexp: {what}: `{expression}`"))
    }
}

#[cfg(test)]
mod tests;
