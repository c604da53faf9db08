//! The stream of tokens that the rules of the grammar read, with one token of lookahead.
//!
//! The rules are methods of [`Parser`] in [`super::grammar`], [`super::selector`] and [`super::duration`]. They ask for the next
//! token exactly where the LALR automaton of Prometheus's grammar does: a mistake found by a rule that needs no lookahead comes
//! before one in the token behind it, and ends of selectors are taken from the last token read.

use super::ast::{Expr, Span};
use super::error::ParseError;
use super::lex::Lexer;
use super::options::ParseOptions;
use super::token::{Token, TokenKind};

/// Why a rule gave up.
#[derive(Debug)]
pub(super) enum Failure {
    /// The next token fits no rule; the innermost rule that knows a better text turns it into an error.
    Unexpected,
    /// A mistake, complete with text.
    Error(ParseError),
}

/// Result of a rule.
pub(super) type Parsed<T> = Result<T, Failure>;

/// An expression and the height of its tree.
pub(super) struct Tree {
    pub(super) expr: Expr,
    pub(super) height: u32,
}

/// State of one parse.
pub(super) struct Parser<'a> {
    pub(super) options: &'a ParseOptions,
    lexer: Lexer<'a>,
    lookahead: Option<Token>,
    /// The token read last, used or not.
    last: Token,
    /// End of the last token read that can end a selector or call: a closing bracket, a number or a duration.
    pub(super) last_closing: u32,
    /// Rules under way that contain themselves.
    depth: u32,
}

impl<'a> Parser<'a> {
    /// # Errors
    /// When the query is longer than the options allow.
    pub(super) fn new(query: &'a str, options: &'a ParseOptions) -> Result<Self, ParseError> {
        if query.len() > options.max_query_bytes.min(u32::MAX as usize) {
            let message = format!("query is longer than {} bytes", options.max_query_bytes);
            return Err(ParseError::new(query, Span::default(), message));
        }
        let last = Token { kind: TokenKind::Eof, span: Span::default() };
        let lexer = Lexer::new(query, options.newer_syntax);
        Ok(Self { options, lexer, lookahead: None, last, last_closing: 0, depth: 0 })
    }

    pub(super) fn query(&self) -> &'a str {
        self.lexer.input()
    }

    /// What stands at a token.
    pub(super) fn text(&self, token: Token) -> &'a str {
        &self.query()[token.span.start as usize..token.span.end as usize]
    }

    /// The next token, which stays.
    pub(super) fn peek(&mut self) -> Parsed<Token> {
        if let Some(token) = self.lookahead {
            return Ok(token);
        }
        let token = self.lexer.next_token().map_err(|e| self.error_value(e.span, e.message))?;
        if matches!(
            token.kind,
            TokenKind::RightBrace
                | TokenKind::RightParen
                | TokenKind::RightBracket
                | TokenKind::Duration
                | TokenKind::Number
        ) {
            self.last_closing = token.span.end;
        }
        self.last = token;
        self.lookahead = Some(token);
        Ok(token)
    }

    /// The next token, which is used up.
    pub(super) fn bump(&mut self) -> Parsed<Token> {
        let token = self.peek()?;
        self.lookahead = None;
        Ok(token)
    }

    /// Uses the next token up if it is of this kind.
    pub(super) fn accept(&mut self, kind: TokenKind) -> Parsed<Option<Token>> {
        if self.peek()?.kind == kind { self.bump().map(Some) } else { Ok(None) }
    }

    /// The next token, which must be of this kind.
    pub(super) fn expect(&mut self, kind: TokenKind) -> Parsed<Token> {
        self.accept(kind)?.ok_or(Failure::Unexpected)
    }

    /// An error at a place.
    pub(super) fn fail<T>(&self, span: Span, message: impl Into<String>) -> Parsed<T> {
        Err(self.error_value(span, message))
    }

    pub(super) fn error_value(&self, span: Span, message: impl Into<String>) -> Failure {
        Failure::Error(ParseError::new(self.query(), span, message))
    }

    /// Puts the text of "unexpected …" to a token that fitted no rule, naming the place in the grammar.
    pub(super) fn explain<T>(&self, result: Parsed<T>, context: &str, expected: &str) -> Parsed<T> {
        match result {
            Err(Failure::Unexpected) => {
                let mut message = format!("unexpected {}", self.last.kind.describe(self.text(self.last)));
                for (word, text) in [(" in ", context), (", expected ", expected)] {
                    if !text.is_empty() {
                        message.push_str(word);
                        message.push_str(text);
                    }
                }
                self.fail(self.last.span, message)
            }
            other => other,
        }
    }

    /// Runs a rule that may contain itself, down to the depth that the options allow.
    pub(super) fn nested<T>(&mut self, rule: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= self.options.max_depth {
            return self.too_deep(self.options.max_depth);
        }
        self.depth += 1;
        let result = rule(self);
        self.depth -= 1;
        result
    }

    /// A tree one higher than the highest of its branches.
    ///
    /// # Errors
    /// When that is higher than the options allow.
    pub(super) fn tree(&self, expr: Expr, branches: u32) -> Parsed<Tree> {
        if branches >= self.options.max_height {
            return self.too_deep(self.options.max_height);
        }
        Ok(Tree { expr, height: branches + 1 })
    }

    #[cold]
    #[inline(never)]
    pub(super) fn too_deep<T>(&self, most: u32) -> Parsed<T> {
        self.fail(self.last.span, format!("query is nested deeper than {most} levels"))
    }

    /// End of an aggregation behind whose last parenthesis the parser had to read a token more (`findPrevRightParen`): when
    /// that token is a parenthesis itself, the end is the one before it.
    pub(super) fn end_before_lookahead(&self) -> u32 {
        let bytes = self.query().as_bytes();
        let at = self.last.span.start as usize;
        if at == 0 || bytes.get(at) != Some(&b')') {
            return self.last_closing;
        }
        for before in (1..at).rev() {
            match bytes[before] {
                b')' => return u32::try_from(before + 1).unwrap_or(self.last_closing),
                b' ' | b'\t' | b'\n' | b'\r' => {}
                _ => break,
            }
        }
        self.last_closing
    }
}
