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

#[cfg(test)]
mod tests {
    use super::*;

    /// Recorded answers of Cortex 1.21.1 with its default flags.
    const RECORDED: &[(&str, &str)] = &[
        ("gold_gauge{", "1:12: parse error: unexpected end of input inside braces"),
        ("nofunc(x)", "1:1: parse error: unknown function with name \"nofunc\""),
        (
            "rate(gold_gauge)",
            "1:6: parse error: expected type range vector in call to function \"rate\", got instant vector",
        ),
        ("{job=~\".*\"}", "1:1: parse error: vector selector must contain at least one non-empty matcher"),
        ("sum by (a", "1:10: parse error: unclosed left parenthesis"),
        ("gold_gauge[0s]", "1:12: parse error: duration must be greater than 0"),
        ("1 +", "1:4: parse error: unexpected end of input"),
        ("foo bar", "1:5: parse error: unexpected identifier \"bar\""),
        ("gold_gauge @ nope()", "1:14: parse error: unexpected identifier \"nope\" in @, expected timestamp"),
        ("sort_by_label(gold_gauge, \"instance\")", "1:1: parse error: function \"sort_by_label\" is not enabled"),
        ("info(gold_gauge)", "1:1: parse error: function \"info\" is not enabled"),
        ("sum(", "1:5: parse error: unclosed left parenthesis"),
        ("", "unknown position: parse error: no expression found in input"),
    ];

    #[test]
    fn mistakes_have_the_recorded_texts() {
        for (query, text) in RECORDED {
            let result = parse_expr(query, &ParseOptions::default());
            assert_eq!(result.map_err(|e| e.to_string()), Err((*text).to_owned()), "{query}");
        }
    }

    #[test]
    fn deep_nesting_is_a_mistake_and_no_crash() {
        for (open, close) in [("(", ")"), ("-(", ")"), ("abs(", ")"), ("1^", ""), ("1+", ""), ("a[", "")] {
            let query = format!("{}1{}", open.repeat(1_000_000), close.repeat(1_000_000));
            assert!(parse_expr(&query, &ParseOptions::everything()).is_err(), "{open}");
        }
        let durations = format!("a[{}1{}]", "(".repeat(1_000_000), ")".repeat(1_000_000));
        assert!(parse_expr(&durations, &ParseOptions::everything()).is_err());
    }
}
