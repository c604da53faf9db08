//! From text to a checked syntax tree.
//!
//! [`parse_expr`] reads a query, [`parse_metric_selector`] a `match[]`. The grammar is Prometheus's, texts and positions of
//! mistakes included; [`ParseOptions`] says which parts of it are switched on. Trees print as PromQL ([`std::fmt::Display`] in one
//! line, [`pretty`] in several) and as JSON ([`ast_json`]); [`resolve`] gives duration expressions their values.

pub mod ast;
pub mod ast_json;
mod check;
mod duration;
pub mod error;
pub mod functions;
mod grammar;
pub mod lex;
pub mod options;
mod parser;
pub mod pretty;
mod print;
pub mod resolve;
mod selector;
#[cfg(test)]
mod tests;
pub mod token;

use neocortex_model::matchers::Matcher;

use ast::Expr;
pub use error::{ParseError, ParseErrors};
pub use options::ParseOptions;
use parser::{Failure, Parsed, Parser};

/// Reads and checks a query.
///
/// # Errors
/// [`ParseErrors`] with Prometheus's text.
pub fn parse_expr(query: &str, options: &ParseOptions) -> Result<Expr, ParseErrors> {
    let mut expr = read(query, options, |parser| parser.query_expression())?;
    let errors = check::check(query, &mut expr);
    if errors.is_empty() { Ok(expr) } else { Err(ParseErrors(errors)) }
}

/// Reads a selector as in `match[]`. It may select everything (`{}`): that is for the caller to judge.
///
/// # Errors
/// [`ParseErrors`] with Prometheus's text.
pub fn parse_metric_selector(text: &str) -> Result<Vec<Matcher>, ParseErrors> {
    read(text, &ParseOptions::default(), |parser| parser.metric_selector())
}

fn read<T>(
    query: &str,
    options: &ParseOptions,
    rule: impl FnOnce(&mut Parser<'_>) -> Parsed<T>,
) -> Result<T, ParseErrors> {
    let mut parser = Parser::new(query, options).map_err(|e| ParseErrors(vec![e]))?;
    rule(&mut parser).map_err(|failure| match failure {
        Failure::Error(error) => ParseErrors(vec![error]),
        Failure::Unexpected => ParseErrors(vec![ParseError::new(query, ast::Span::default(), "unexpected error")]),
    })
}
