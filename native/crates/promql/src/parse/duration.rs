//! Durations in brackets and behind `offset`, and their evaluation (Prometheus `promql/durations.go`). The rules are named after
//! those of `promql/parser/generated_parser.y`.

use super::ast::{AggregateOp, BinaryOp, DurationExpr, DurationExprKind, ExprKind, Span};
use super::parser::{Failure, Parsed, Parser};
use super::token::{Preprocessor, Token, TokenKind};

/// Beyond this many seconds a duration does not fit Go's nanoseconds.
const MAX_SECONDS: f64 = 9_223_372_036.854_776;

/// Milliseconds of seconds; what is below a nanosecond is rounded, what is below a millisecond is cut.
#[must_use]
#[allow(clippy::cast_possible_truncation, reason = "saturates")]
pub(super) fn seconds_to_ms(seconds: f64) -> i64 {
    (seconds * 1e9).round() as i64 / 1_000_000
}

/// Precedence of an operator in durations; `None` for those that are not allowed there.
fn precedence(op: BinaryOp) -> Option<u8> {
    match op {
        BinaryOp::Add | BinaryOp::Sub => Some(1),
        BinaryOp::Mul | BinaryOp::Div | BinaryOp::Mod => Some(2),
        BinaryOp::Pow => Some(3),
        _ => None,
    }
}

impl Parser<'_> {
    /// `positive_duration_expr`
    pub(super) fn positive_duration_expr(&mut self) -> Parsed<DurationExpr> {
        let duration = self.duration_expr(0)?;
        match duration.kind {
            DurationExprKind::Number { value, .. } if value <= 0.0 => {
                self.fail(duration.span, "duration must be greater than 0")
            }
            _ => Ok(duration),
        }
    }

    /// `offset_duration_expr`: a literal, a sign and a literal, or a call end here, so that `a offset 5m + b` adds `b` to the
    /// shifted `a`. Only behind parentheses or more signs does arithmetic belong to the offset.
    pub(super) fn offset_duration_expr(&mut self) -> Parsed<DurationExpr> {
        let token = self.peek()?;
        let TokenKind::Operator(sign @ (BinaryOp::Add | BinaryOp::Sub)) = token.kind else {
            return match token.kind {
                TokenKind::LeftParen => self.duration_expr(0),
                _ => self.duration_primary(),
            };
        };
        self.bump()?;
        let negative = sign == BinaryOp::Sub;
        match self.peek()?.kind {
            TokenKind::Number | TokenKind::Duration => {
                let literal = self.duration_literal_unchecked()?;
                self.signed_literal(token, negative, literal)
            }
            TokenKind::LeftParen => {
                let inner = self.nested(Self::paren_duration)?;
                if let DurationExprKind::Paren(content) = &inner.kind
                    && matches!(content.kind, DurationExprKind::Number { .. })
                    && !self.options.newer_syntax
                {
                    self.check_experimental(content.span)?;
                }
                Ok(signed(token, negative, inner))
            }
            TokenKind::Operator(_) => {
                let operand = self.nested(|p| p.duration_expr(3))?;
                let left = self.apply_sign(token, negative, operand)?;
                self.duration_operators(left, 0)
            }
            _ => {
                let call = self.duration_call()?;
                let span = Span { start: token.span.start, end: call.span.end };
                self.check_call(span)?;
                Ok(DurationExpr { span, kind: DurationExprKind::Unary { negative, expr: Box::new(call) } })
            }
        }
    }

    /// `duration_expr`: operators of at least this precedence.
    fn duration_expr(&mut self, lowest: u8) -> Parsed<DurationExpr> {
        let token = self.peek()?;
        let left = match token.kind {
            TokenKind::Operator(sign @ (BinaryOp::Add | BinaryOp::Sub)) => {
                self.bump()?;
                let operand = self.nested(|p| p.duration_expr(3))?;
                self.apply_sign(token, sign == BinaryOp::Sub, operand)?
            }
            _ => self.duration_primary()?,
        };
        self.duration_operators(left, lowest)
    }

    fn duration_operators(&mut self, mut left: DurationExpr, lowest: u8) -> Parsed<DurationExpr> {
        let mut height = 0;
        while let TokenKind::Operator(op) = self.peek()?.kind {
            let Some(level) = precedence(op).filter(|&level| level >= lowest) else { break };
            let operator = self.bump()?;
            let right = self.nested(|p| p.duration_expr(if op == BinaryOp::Pow { level } else { level + 1 }))?;
            self.check_experimental(left.span)?;
            let zero = matches!(right.kind, DurationExprKind::Number { value, .. } if value == 0.0);
            match op {
                BinaryOp::Div if zero => return self.fail(operator.span, "division by zero"),
                BinaryOp::Mod if zero => return self.fail(operator.span, "modulo by zero"),
                _ => {}
            }
            height += 1;
            if height >= self.options.max_height {
                return self.too_deep(self.options.max_height);
            }
            let span = Span { start: left.span.start, end: right.span.end };
            let kind = DurationExprKind::Binary { op, left: Box::new(left), right: Box::new(right) };
            left = DurationExpr { span, kind };
        }
        Ok(left)
    }

    fn duration_primary(&mut self) -> Parsed<DurationExpr> {
        let token = self.peek()?;
        match token.kind {
            TokenKind::Number | TokenKind::Duration => {
                let literal = self.duration_literal_unchecked()?;
                self.check_range(literal.span, &literal)?;
                Ok(literal)
            }
            TokenKind::LeftParen => {
                let inner = self.nested(Self::paren_duration)?;
                if let DurationExprKind::Paren(content) = &inner.kind {
                    self.check_experimental(content.span)?;
                }
                Ok(inner)
            }
            _ => {
                let call = self.duration_call()?;
                self.check_call(call.span)?;
                Ok(call)
            }
        }
    }

    /// `step()`, `range()`, `max_of(a, b)`, `min_of(a, b)`; Cortex 1.21 writes the last two `max` and `min`.
    fn duration_call(&mut self) -> Parsed<DurationExpr> {
        let token = self.peek()?;
        let (max, short) = match token.kind {
            TokenKind::Preprocessor(word @ (Preprocessor::Step | Preprocessor::Range)) => {
                self.bump()?;
                self.expect(TokenKind::LeftParen)?;
                let close = self.expect(TokenKind::RightParen)?;
                let span = Span { start: token.span.start, end: close.span.end };
                let kind = if word == Preprocessor::Step { DurationExprKind::Step } else { DurationExprKind::Range };
                return Ok(DurationExpr { span, kind });
            }
            TokenKind::Preprocessor(Preprocessor::MaxOf) => (true, false),
            TokenKind::Preprocessor(Preprocessor::MinOf) => (false, false),
            TokenKind::Aggregate(AggregateOp::Max) if !self.options.newer_syntax => (true, true),
            TokenKind::Aggregate(AggregateOp::Min) if !self.options.newer_syntax => (false, true),
            _ => return Err(Failure::Unexpected),
        };
        self.bump()?;
        self.expect(TokenKind::LeftParen)?;
        let left = Box::new(self.nested(|p| p.duration_expr(0))?);
        self.expect(TokenKind::Comma)?;
        let right = Box::new(self.nested(|p| p.duration_expr(0))?);
        self.expect(TokenKind::RightParen)?;
        // As in Prometheus, the place is that of the operands.
        let span = Span { start: left.span.start, end: right.span.end };
        Ok(DurationExpr { span, kind: DurationExprKind::Pick { max, short, left, right } })
    }

    fn paren_duration(&mut self) -> Parsed<DurationExpr> {
        let open = self.bump()?;
        let inner = self.duration_expr(0)?;
        self.expect(TokenKind::RightParen)?;
        // Positions as in Prometheus, which keeps no place for parentheses in its tree: twice is once, and of the two only the
        // one before a literal counts.
        let span = match inner.kind {
            DurationExprKind::Paren(_) => return Ok(inner),
            DurationExprKind::Number { .. } => Span { start: open.span.start, end: inner.span.end },
            _ => inner.span,
        };
        Ok(DurationExpr { span, kind: DurationExprKind::Paren(Box::new(inner)) })
    }

    fn duration_literal_unchecked(&mut self) -> Parsed<DurationExpr> {
        let literal = self.number_duration_literal()?;
        match literal.kind {
            ExprKind::Number { value, duration } => {
                Ok(DurationExpr { span: literal.span, kind: DurationExprKind::Number { value, duration } })
            }
            _ => Err(Failure::Unexpected),
        }
    }

    /// A sign in front of any duration: a literal takes it in, `+` vanishes.
    fn apply_sign(&self, sign: Token, negative: bool, operand: DurationExpr) -> Parsed<DurationExpr> {
        match operand.kind {
            DurationExprKind::Number { .. } => self.signed_literal(sign, negative, operand),
            _ => Ok(signed(sign, negative, operand)),
        }
    }

    fn signed_literal(&self, sign: Token, negative: bool, mut literal: DurationExpr) -> Parsed<DurationExpr> {
        if let DurationExprKind::Number { value, .. } = &mut literal.kind {
            if negative {
                *value = -*value;
            }
            literal.span.start = sign.span.start;
        }
        self.check_range(sign.span, &literal)?;
        Ok(literal)
    }

    fn check_range(&self, span: Span, literal: &DurationExpr) -> Parsed<()> {
        match literal.kind {
            DurationExprKind::Number { value, .. } if value.abs() > MAX_SECONDS => {
                self.fail(span, "duration out of range")
            }
            _ => Ok(()),
        }
    }

    fn check_experimental(&self, span: Span) -> Parsed<()> {
        if self.options.duration_expressions {
            return Ok(());
        }
        self.fail(span, "experimental duration expression is not enabled")
    }

    /// Calls need the switch only in the newer syntax; Cortex 1.21 takes `step()` and `max()` without.
    fn check_call(&self, span: Span) -> Parsed<()> {
        if self.options.newer_syntax { self.check_experimental(span) } else { Ok(()) }
    }
}

/// A sign in front of a duration that is no literal.
fn signed(sign: Token, negative: bool, operand: DurationExpr) -> DurationExpr {
    if !negative {
        return operand;
    }
    let span = Span { start: sign.span.start, end: operand.span.end };
    DurationExpr { span, kind: DurationExprKind::Unary { negative, expr: Box::new(operand) } }
}
