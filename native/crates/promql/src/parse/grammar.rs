//! Expressions: operators, aggregations, calls, literals. The rules are named after those of Prometheus's
//! `promql/parser/generated_parser.y`.
//!
//! Rules that an expression goes through only now and then are never inlined: otherwise every level of nesting pays for their
//! locals on the stack.

use neocortex_model::float::{UnquoteError, go_quote, parse_number, unquote, unquote_bytes};
use neocortex_model::time::parse_duration;

use super::ast::{Aggregate, AggregateOp, Binary, BinaryOp, Cardinality, Expr, ExprKind, Span, VectorMatching};
use super::functions::{self, Function, Origin};
use super::parser::{Failure, Parsed, Parser, Tree};
use super::token::{Keyword, Preprocessor, Token, TokenKind};

/// Precedence of `^`, the one that binds tighter than a sign.
const POWER: u8 = 6;

fn precedence(op: BinaryOp) -> u8 {
    match op {
        BinaryOp::Or => 1,
        BinaryOp::And | BinaryOp::Unless => 2,
        BinaryOp::Eq
        | BinaryOp::Ne
        | BinaryOp::Gt
        | BinaryOp::Lt
        | BinaryOp::Ge
        | BinaryOp::Le
        | BinaryOp::TrimUpper
        | BinaryOp::TrimLower => 3,
        BinaryOp::Add | BinaryOp::Sub => 4,
        BinaryOp::Mul | BinaryOp::Div | BinaryOp::Mod | BinaryOp::Atan2 => 5,
        BinaryOp::Pow => POWER,
    }
}

/// What may stand between an operator and its right operand (`bin_modifier`).
struct Modifiers {
    return_bool: bool,
    matching: VectorMatching,
}

impl Parser<'_> {
    /// `START_EXPRESSION expr EOF`
    pub(super) fn query_expression(&mut self) -> Parsed<Expr> {
        if self.peek()?.kind == TokenKind::Eof {
            return self.fail(Span::default(), "no expression found in input");
        }
        let result = self.expr().and_then(|tree| self.expect(TokenKind::Eof).map(|_| tree.expr));
        self.explain(result, "", "")
    }

    /// `expr`
    pub(super) fn expr(&mut self) -> Parsed<Tree> {
        self.binary_expr(0)
    }

    /// `binary_expr`: operators of at least this precedence.
    fn binary_expr(&mut self, lowest: u8) -> Parsed<Tree> {
        let mut left = self.unary_expr()?;
        while let TokenKind::Operator(op) = self.peek()?.kind {
            let level = precedence(op);
            if level < lowest {
                break;
            }
            self.bump()?;
            let modifiers = self.bin_modifier()?;
            // Only ^ groups to the right.
            let right = self.nested(|p| p.binary_expr(if op == BinaryOp::Pow { level } else { level + 1 }))?;
            left = self.new_binary(op, modifiers, left, right)?;
        }
        Ok(left)
    }

    #[inline(never)]
    fn new_binary(&self, op: BinaryOp, modifiers: Modifiers, left: Tree, right: Tree) -> Parsed<Tree> {
        let span = Span { start: left.expr.span.start, end: right.expr.span.end };
        let Modifiers { return_bool, matching } = modifiers;
        if !self.options.fill_modifiers && (matching.fill_left.is_some() || matching.fill_right.is_some()) {
            return self.fail(span, "binop fill modifiers are experimental and not enabled");
        }
        let height = left.height.max(right.height);
        let binary = Binary { op, left: left.expr, right: right.expr, return_bool, matching: Some(matching) };
        self.tree(Expr { span, kind: ExprKind::Binary(Box::new(binary)) }, height)
    }

    /// `unary_expr`: a sign binds looser than `^`, and becomes part of a literal.
    fn unary_expr(&mut self) -> Parsed<Tree> {
        let token = self.peek()?;
        let TokenKind::Operator(op @ (BinaryOp::Add | BinaryOp::Sub)) = token.kind else {
            return self.postfix_expr();
        };
        self.bump()?;
        let mut operand = self.nested(|p| p.binary_expr(POWER))?;
        let span = Span { start: token.span.start, end: operand.expr.span.end };
        if let ExprKind::Number { value, .. } = &mut operand.expr.kind {
            if op == BinaryOp::Sub {
                *value = -*value;
            }
            operand.expr.span = span;
            return Ok(operand);
        }
        let height = operand.height;
        self.tree(Expr { span, kind: ExprKind::Unary { op, expr: Box::new(operand.expr) } }, height)
    }

    /// An operand with the modifiers and brackets behind it, which bind tighter than any operator.
    fn postfix_expr(&mut self) -> Parsed<Tree> {
        let mut tree = self.primary_expr()?;
        loop {
            tree = match self.peek()?.kind {
                TokenKind::Keyword(Keyword::Offset) => self.offset_expr(tree)?,
                TokenKind::At => self.step_invariant_expr(tree)?,
                TokenKind::LeftBracket => self.matrix_selector_or_subquery(tree)?,
                TokenKind::Keyword(word @ (Keyword::Anchored | Keyword::Smoothed)) => {
                    self.extended_range_expr(tree, word)?
                }
                _ => return Ok(tree),
            };
        }
    }

    fn primary_expr(&mut self) -> Parsed<Tree> {
        let token = self.peek()?;
        match token.kind {
            TokenKind::Number | TokenKind::Duration => {
                let expr = self.number_duration_literal()?;
                self.tree(expr, 0)
            }
            TokenKind::String => self.string_literal(token),
            TokenKind::LeftParen => self.paren_expr(),
            TokenKind::LeftBrace => self.vector_selector(None),
            TokenKind::Aggregate(op) => {
                self.bump()?;
                match self.peek()?.kind {
                    TokenKind::LeftParen | TokenKind::Keyword(Keyword::By | Keyword::Without) => {
                        self.aggregate_expr(op, token)
                    }
                    _ => self.vector_selector(Some(token)),
                }
            }
            TokenKind::Identifier => self.function_call_or_selector(token),
            TokenKind::Preprocessor(word) if self.options.newer_syntax || word == Preprocessor::Step => {
                self.function_call_or_selector(token)
            }
            kind if kind.is_metric_name() => {
                self.bump()?;
                self.vector_selector(Some(token))
            }
            _ => Err(Failure::Unexpected),
        }
    }

    /// `string_literal`
    #[inline(never)]
    fn string_literal(&mut self, token: Token) -> Parsed<Tree> {
        self.bump()?;
        let literal = self.text(token);
        let text = unquote_bytes(literal).or_else(|e| self.not_quoted(token, e))?;
        self.tree(Expr { span: token.span, kind: ExprKind::String(text) }, 0)
    }

    /// `paren_expr`
    #[inline(never)]
    fn paren_expr(&mut self) -> Parsed<Tree> {
        let open = self.bump()?;
        let inner = self.nested(Self::expr)?;
        let close = self.expect(TokenKind::RightParen)?;
        let span = Span { start: open.span.start, end: close.span.end };
        self.tree(Expr { span, kind: ExprKind::Paren(Box::new(inner.expr)) }, inner.height)
    }

    /// `number_duration_literal`
    #[inline(never)]
    pub(super) fn number_duration_literal(&mut self) -> Parsed<Expr> {
        let token = self.bump()?;
        let (value, duration) = self.number_value(token)?;
        Ok(Expr { span: token.span, kind: ExprKind::Number { value, duration } })
    }

    /// The number a token stands for, in seconds for durations, and whether it is one.
    pub(super) fn number_value(&self, token: Token) -> Parsed<(f64, bool)> {
        let text = self.text(token);
        match token.kind {
            TokenKind::Number => parse_number(text)
                .map(|value| (value, false))
                .or_else(|e| self.fail(token.span, format!("error parsing number: {e}"))),
            TokenKind::Duration => match parse_duration(text) {
                #[allow(clippy::cast_precision_loss, reason = "durations are below 2^53 milliseconds")]
                Ok(ms) => Ok(((ms / 1000) as f64 + (ms % 1000) as f64 / 1000.0, true)),
                Err(e) => self.fail(token.span, e.to_string()),
            },
            _ => Err(Failure::Unexpected),
        }
    }

    /// The text of a string token.
    pub(super) fn unquoted(&self, token: Token) -> Parsed<String> {
        unquote(self.text(token)).or_else(|e| self.not_quoted(token, e))
    }

    fn not_quoted<T>(&self, token: Token, e: UnquoteError) -> Parsed<T> {
        self.fail(token.span, format!("error unquoting string {}: {e}", go_quote(self.text(token))))
    }

    /// `aggregate_expr`, its operator read: the modifier stands before or behind the arguments.
    #[inline(never)]
    fn aggregate_expr(&mut self, op: AggregateOp, word: Token) -> Parsed<Tree> {
        let parts = self.aggregate_parts();
        let (without, grouping, args, overread) = self.explain(parts, "aggregation", "")?;
        let end = if overread { self.end_before_lookahead() } else { self.last_closing };
        let span = Span { start: word.span.start, end };
        let count = args.len();
        let height = args.iter().map(|arg| arg.height).max().unwrap_or(0);
        let mut args = args.into_iter().map(|arg| arg.expr);
        if count == 0 {
            return self.fail(span, "no arguments for aggregate expression provided");
        }
        if op.is_experimental() && !self.options.experimental_functions {
            let flag = "--enable-feature=promql-experimental-functions";
            return self.fail(span, format!("{}() is experimental and must be enabled with {flag}", op.as_str()));
        }
        let desired = if op.has_param() { 2 } else { 1 };
        let param = if op.has_param() { args.next() } else { None };
        match (args.next(), count == desired) {
            (Some(expr), true) => {
                let aggregate = Aggregate { op, expr, param, grouping, without };
                self.tree(Expr { span, kind: ExprKind::Aggregate(Box::new(aggregate)) }, height)
            }
            _ => {
                let message = "wrong number of arguments for aggregate expression provided";
                self.fail(span, format!("{message}, expected {desired}, got {count}"))
            }
        }
    }

    /// Whether `without` was written, the labels, the arguments, and whether a token behind them was read.
    fn aggregate_parts(&mut self) -> Parsed<(bool, Vec<String>, Vec<Tree>, bool)> {
        if let Some((without, grouping)) = self.aggregate_modifier()? {
            return Ok((without, grouping, self.function_call_body()?, false));
        }
        let args = self.function_call_body()?;
        Ok(match self.aggregate_modifier()? {
            Some((without, grouping)) => (without, grouping, args, false),
            None => (false, Vec::new(), args, true),
        })
    }

    /// `aggregate_modifier`
    fn aggregate_modifier(&mut self) -> Parsed<Option<(bool, Vec<String>)>> {
        let without = match self.peek()?.kind {
            TokenKind::Keyword(Keyword::By) => false,
            TokenKind::Keyword(Keyword::Without) => true,
            _ => return Ok(None),
        };
        self.bump()?;
        Ok(Some((without, self.grouping_labels()?)))
    }

    /// `function_call_body`
    fn function_call_body(&mut self) -> Parsed<Vec<Tree>> {
        self.expect(TokenKind::LeftParen)?;
        let mut args = Vec::new();
        if self.accept(TokenKind::RightParen)?.is_some() {
            return Ok(args);
        }
        loop {
            args.push(self.nested(Self::expr)?);
            let Some(comma) = self.accept(TokenKind::Comma)? else { break };
            if !starts_expression(self.peek()?.kind) {
                return self.fail(comma.span, "trailing commas not allowed in function call args");
            }
        }
        self.expect(TokenKind::RightParen)?;
        Ok(args)
    }

    /// `function_call`, or a metric with the name of a function.
    #[inline(never)]
    fn function_call_or_selector(&mut self, word: Token) -> Parsed<Tree> {
        self.bump()?;
        if self.peek()?.kind != TokenKind::LeftParen {
            return self.vector_selector(Some(word));
        }
        if matches!(word.kind, TokenKind::Preprocessor(_)) && !self.options.newer_syntax {
            return self.step_as_operand(word);
        }
        let args = self.function_call_body()?;
        let name = self.text(word);
        let Some(func) = self.known_function(name) else {
            return self.fail(word.span, format!("unknown function with name {}", go_quote(name)));
        };
        let promoted = func.origin == Origin::Promoted && self.options.newer_syntax;
        if func.experimental && !promoted && !self.options.experimental_functions {
            return self.fail(word.span, format!("function {} is not enabled", go_quote(name)));
        }
        let height = args.iter().map(|arg| arg.height).max().unwrap_or(0);
        let args = args.into_iter().map(|arg| arg.expr).collect();
        let span = Span { start: word.span.start, end: self.last_closing };
        self.tree(Expr { span, kind: ExprKind::Call { func, args } }, height)
    }

    /// The grammar of Cortex 1.21 takes `step()` for a duration everywhere, and then does not know what to do with it.
    fn step_as_operand<T>(&mut self, word: Token) -> Parsed<T> {
        self.expect(TokenKind::LeftParen)?;
        self.expect(TokenKind::RightParen)?;
        self.fail(word.span, "unknown node type: *parser.DurationExpr")
    }

    fn known_function(&self, name: &str) -> Option<&'static Function> {
        functions::lookup(name).filter(|function| match function.origin {
            Origin::Core | Origin::Promoted => true,
            Origin::Newer => self.options.newer_syntax,
            Origin::Extended => self.options.extended_range_functions,
            Origin::Alias => self.options.holt_winters,
        })
    }

    /// `grouping_labels`
    fn grouping_labels(&mut self) -> Parsed<Vec<String>> {
        let open = self.expect(TokenKind::LeftParen);
        self.explain(open, "grouping opts", "\"(\"")?;
        let mut labels = Vec::new();
        loop {
            // Both an empty list and a comma at the end are allowed.
            if self.accept(TokenKind::RightParen)?.is_some() {
                return Ok(labels);
            }
            let label = self.grouping_label();
            labels.push(self.explain(label, "grouping opts", "label")?);
            if self.accept(TokenKind::Comma)?.is_none() {
                let close = self.expect(TokenKind::RightParen);
                self.explain(close, "grouping opts", "\",\" or \")\"")?;
                return Ok(labels);
            }
        }
    }

    /// `grouping_label`
    fn grouping_label(&mut self) -> Parsed<String> {
        let token = self.peek()?;
        let label = match token.kind {
            TokenKind::String => {
                self.bump()?;
                self.unquoted(token)?
            }
            kind if kind.is_label_name() => {
                self.bump()?;
                self.text(token).to_owned()
            }
            _ => return Err(Failure::Unexpected),
        };
        if label.is_empty() {
            return self.fail(token.span, "invalid label name for grouping: \"\"");
        }
        Ok(label)
    }

    /// `bin_modifier`
    #[inline(never)]
    fn bin_modifier(&mut self) -> Parsed<Modifiers> {
        let return_bool = self.accept(TokenKind::Keyword(Keyword::Bool))?.is_some();
        let mut modifiers = Modifiers { return_bool, matching: VectorMatching::default() };
        let matching = &mut modifiers.matching;
        matching.on = match self.peek()?.kind {
            TokenKind::Keyword(Keyword::On) => true,
            TokenKind::Keyword(Keyword::Ignoring) => false,
            _ => {
                self.fill_modifiers(matching)?;
                return Ok(modifiers);
            }
        };
        self.bump()?;
        matching.labels = self.grouping_labels()?;
        let card = match self.peek()?.kind {
            TokenKind::Keyword(Keyword::GroupLeft) => Some(Cardinality::ManyToOne),
            TokenKind::Keyword(Keyword::GroupRight) => Some(Cardinality::OneToMany),
            _ => None,
        };
        if let Some(card) = card {
            self.bump()?;
            matching.card = card;
            let next = self.peek()?.kind;
            if next == TokenKind::LeftParen || !starts_expression(next) {
                matching.include = self.grouping_labels()?;
            }
        }
        self.fill_modifiers(matching)?;
        Ok(modifiers)
    }

    /// `fill_modifiers`
    fn fill_modifiers(&mut self, matching: &mut VectorMatching) -> Parsed<()> {
        match self.peek()?.kind {
            TokenKind::Keyword(Keyword::Fill) => {
                let value = self.fill_value()?;
                matching.fill_left = Some(value);
                matching.fill_right = Some(value);
            }
            TokenKind::Keyword(Keyword::FillLeft) => {
                matching.fill_left = Some(self.fill_value()?);
                if self.peek()?.kind == TokenKind::Keyword(Keyword::FillRight) {
                    matching.fill_right = Some(self.fill_value()?);
                }
            }
            TokenKind::Keyword(Keyword::FillRight) => {
                matching.fill_right = Some(self.fill_value()?);
                if self.peek()?.kind == TokenKind::Keyword(Keyword::FillLeft) {
                    matching.fill_left = Some(self.fill_value()?);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// `fill_value`, the word before it not yet read.
    fn fill_value(&mut self) -> Parsed<f64> {
        self.bump()?;
        self.expect(TokenKind::LeftParen)?;
        let negative = match self.peek()?.kind {
            TokenKind::Operator(op @ (BinaryOp::Add | BinaryOp::Sub)) => {
                self.bump()?;
                op == BinaryOp::Sub
            }
            _ => false,
        };
        if !matches!(self.peek()?.kind, TokenKind::Number | TokenKind::Duration) {
            return Err(Failure::Unexpected);
        }
        let token = self.bump()?;
        let (value, _) = self.number_value(token)?;
        self.expect(TokenKind::RightParen)?;
        Ok(if negative { -value } else { value })
    }
}

/// True for tokens an expression can begin with.
fn starts_expression(kind: TokenKind) -> bool {
    match kind {
        TokenKind::Number
        | TokenKind::Duration
        | TokenKind::String
        | TokenKind::LeftParen
        | TokenKind::LeftBrace
        | TokenKind::Operator(BinaryOp::Add | BinaryOp::Sub) => true,
        other => other.is_metric_name(),
    }
}
