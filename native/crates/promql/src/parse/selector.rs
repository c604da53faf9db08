//! Selectors and what stands behind them: matchers, ranges, subqueries, `offset`, `@`, `anchored`, `smoothed`. The rules are
//! named after those of Prometheus's `promql/parser/generated_parser.y`.

use neocortex_model::matchers::{MatchOp, Matcher};

use super::ast::{
    At, BinaryOp, DurationExpr, DurationExprKind, Expr, ExprKind, MatrixSelector, Span, Subquery, TimeShift,
    VectorSelector,
};
use super::parser::{Failure, Parsed, Parser, Tree};
use super::token::{Keyword, Preprocessor, Token, TokenKind};

/// The label that holds the name of the metric.
const METRIC_NAME: &str = "__name__";

impl Parser<'_> {
    /// `START_METRIC_SELECTOR vector_selector EOF`: the matchers of a `match[]`.
    pub(super) fn metric_selector(&mut self) -> Parsed<Vec<Matcher>> {
        let result = self.lone_selector();
        self.explain(result, "", "")
    }

    fn lone_selector(&mut self) -> Parsed<Vec<Matcher>> {
        let token = self.peek()?;
        let name = token.kind.is_metric_name().then_some(token);
        if name.is_some() {
            self.bump()?;
        } else if token.kind != TokenKind::LeftBrace {
            return Err(Failure::Unexpected);
        }
        let tree = self.vector_selector(name)?;
        self.expect(TokenKind::Eof)?;
        match tree.expr.kind {
            ExprKind::Vector(selector) => Ok(selector.matchers),
            _ => Err(Failure::Unexpected),
        }
    }

    /// `vector_selector`, its name read if it has one.
    #[inline(never)]
    pub(super) fn vector_selector(&mut self, name: Option<Token>) -> Parsed<Tree> {
        let open = self.accept(TokenKind::LeftBrace)?;
        let mut span = name.or(open).ok_or(Failure::Unexpected)?.span;
        let mut selector = VectorSelector::default();
        if open.is_some() {
            selector.matchers = self.label_match_list()?;
            span.end = self.last_closing;
        }
        if let Some(token) = name {
            self.text(token).clone_into(&mut selector.name);
            selector.matchers.push(self.name_matcher(token, self.text(token))?);
        }
        self.tree(Expr { span, kind: ExprKind::Vector(selector) }, 0)
    }

    /// `label_matchers`, its brace read, with the closing one.
    fn label_match_list(&mut self) -> Parsed<Vec<Matcher>> {
        let mut matchers = Vec::new();
        loop {
            // Both an empty list and a comma at the end are allowed.
            if self.accept(TokenKind::RightBrace)?.is_some() {
                return Ok(matchers);
            }
            matchers.push(self.label_matcher()?);
            if self.accept(TokenKind::Comma)?.is_none() {
                let close = self.expect(TokenKind::RightBrace);
                self.explain(close, "label matching", "\",\" or \"}\"")?;
                return Ok(matchers);
            }
        }
    }

    /// `label_matcher`
    fn label_matcher(&mut self) -> Parsed<Matcher> {
        let token = self.peek()?;
        let label = match token.kind {
            TokenKind::Identifier => {
                self.bump()?;
                self.text(token).to_owned()
            }
            TokenKind::String => {
                self.bump()?;
                self.unquoted(token)?
            }
            _ => return self.explain(Err(Failure::Unexpected), "label matching", "identifier or \"}\""),
        };
        let op = match self.peek()?.kind {
            TokenKind::Assign => MatchOp::Equal,
            TokenKind::Operator(BinaryOp::Ne) => MatchOp::NotEqual,
            TokenKind::EqualRegex => MatchOp::Regex,
            TokenKind::NotEqualRegex => MatchOp::NotRegex,
            _ if token.kind == TokenKind::String => return self.name_matcher(token, &label),
            _ => return self.explain(Err(Failure::Unexpected), "label matching", "label matching operator"),
        };
        self.bump()?;
        let literal = self.expect(TokenKind::String);
        let literal = self.explain(literal, "label matching", "string")?;
        let value = self.unquoted(literal)?;
        let span = Span { start: token.span.start, end: literal.span.end };
        Matcher::new(op, label, value).or_else(|e| self.fail(span, e.to_string()))
    }

    fn name_matcher(&self, token: Token, name: &str) -> Parsed<Matcher> {
        Matcher::new(MatchOp::Equal, METRIC_NAME, name).or_else(|e| self.fail(token.span, e.to_string()))
    }

    /// `matrix_selector` and `subquery_expr`, the operand read.
    #[inline(never)]
    pub(super) fn matrix_selector_or_subquery(&mut self, tree: Tree) -> Parsed<Tree> {
        let open = self.bump()?;
        let range = self.positive_duration_expr();
        let range = self.explain(range, "subquery or range selector", self.durations_expected(""))?;
        let (range_ms, range_expr) = range.into_ms();
        if let Some(close) = self.accept(TokenKind::RightBracket)? {
            return self.matrix_selector(tree.expr, (open, close), range_ms, range_expr);
        }
        let colon = self.expect(TokenKind::Colon);
        self.explain(colon, "subquery or range", "\":\" or \"]\"")?;
        let (step_ms, step_expr) = match self.accept(TokenKind::RightBracket)? {
            Some(_) => (0, None),
            None => {
                let step = self.positive_duration_expr();
                let step = self.explain(step, "subquery selector", self.durations_expected(" or \"]\""))?;
                let close = self.expect(TokenKind::RightBracket);
                self.explain(close, "subquery selector", "\"]\"")?;
                step.into_ms()
            }
        };
        let span = Span { start: tree.expr.span.start, end: self.last_closing };
        let shift = TimeShift::default();
        let subquery = Subquery { expr: tree.expr, range_ms, range_expr, step_ms, step_expr, shift };
        self.tree(Expr { span, kind: ExprKind::Subquery(Box::new(subquery)) }, tree.height)
    }

    fn matrix_selector(
        &self,
        operand: Expr,
        (open, close): (Token, Token),
        range_ms: i64,
        range_expr: Option<Box<DurationExpr>>,
    ) -> Parsed<Tree> {
        let brackets = Span { start: open.span.start, end: close.span.end };
        let selector_span = operand.span;
        let ExprKind::Vector(selector) = operand.kind else {
            return self.fail(brackets, "ranges only allowed for vector selectors");
        };
        // Cortex 1.21 overlooks these two.
        let newer = self.options.newer_syntax;
        if selector.shift.offset_ms != 0 || (newer && selector.shift.offset_expr.is_some()) {
            return self.fail(brackets, "no offset modifiers allowed before range");
        }
        let at = selector.shift.at;
        if matches!(at, Some(At::Timestamp(_))) || (newer && at.is_some()) {
            return self.fail(brackets, "no @ modifiers allowed before range");
        }
        let span = Span { start: selector_span.start, end: self.last_closing };
        let matrix = MatrixSelector { selector, selector_span, range_ms, range_expr };
        self.tree(Expr { span, kind: ExprKind::Matrix(Box::new(matrix)) }, 0)
    }

    /// `offset_expr`, the operand read.
    #[inline(never)]
    pub(super) fn offset_expr(&mut self, mut tree: Tree) -> Parsed<Tree> {
        self.bump()?;
        let offset = self.offset_duration_expr();
        let offset = self.explain(offset, "offset", self.durations_expected(""))?;
        let span = tree.expr.span;
        let Some(shift) = tree.expr.shift_mut() else {
            return self.fail(span, behind_selector("offset"));
        };
        if shift.offset_ms != 0 || shift.offset_expr.is_some() {
            return self.fail(span, "offset may not be set multiple times");
        }
        (shift.offset_ms, shift.offset_expr) = offset.into_ms();
        tree.expr.span.end = self.last_closing;
        Ok(tree)
    }

    /// `step_invariant_expr`, the operand read: `@` with a timestamp, `start()` or `end()`.
    #[inline(never)]
    pub(super) fn step_invariant_expr(&mut self, mut tree: Tree) -> Parsed<Tree> {
        self.bump()?;
        let at = self.at_modifier(tree.expr.span);
        let at = self.explain(at, "@", "timestamp")?;
        let span = tree.expr.span;
        let Some(shift) = tree.expr.shift_mut() else {
            return self.fail(span, behind_selector("@"));
        };
        if shift.at.is_some() {
            return self.fail(span, "@ <timestamp> may not be set multiple times");
        }
        shift.at = Some(at);
        tree.expr.span.end = self.last_closing;
        Ok(tree)
    }

    fn at_modifier(&mut self, operand: Span) -> Parsed<At> {
        let token = self.bump_known(|kind| {
            matches!(
                kind,
                TokenKind::Preprocessor(Preprocessor::Start | Preprocessor::End)
                    | TokenKind::Operator(BinaryOp::Add | BinaryOp::Sub)
                    | TokenKind::Number
                    | TokenKind::Duration
            )
        })?;
        if let TokenKind::Preprocessor(word) = token.kind {
            self.expect(TokenKind::LeftParen)?;
            self.expect(TokenKind::RightParen)?;
            return Ok(if word == Preprocessor::Start { At::Start } else { At::End });
        }
        let seconds = match token.kind {
            TokenKind::Operator(sign) => {
                let number = self.bump_known(|kind| matches!(kind, TokenKind::Number | TokenKind::Duration))?;
                let (value, _) = self.number_value(number)?;
                if sign == BinaryOp::Sub { -value } else { value }
            }
            _ => self.number_value(token)?.0,
        };
        #[allow(clippy::cast_precision_loss, reason = "the bounds of the check in Prometheus")]
        if !seconds.is_finite() || seconds >= i64::MAX as f64 || seconds <= i64::MIN as f64 {
            let text = match seconds {
                s if s.is_finite() => format!("{s:.6}"),
                s => neocortex_model::float::format_sample(s),
            };
            return self.fail(operand, format!("timestamp out of bounds for @ modifier: {text}"));
        }
        #[allow(clippy::cast_possible_truncation, reason = "saturates")]
        Ok(At::Timestamp((seconds * 1000.0).round() as i64))
    }

    /// Uses the next token up when it is one of these.
    fn bump_known(&mut self, known: impl Fn(TokenKind) -> bool) -> Parsed<Token> {
        if known(self.peek()?.kind) { self.bump() } else { Err(Failure::Unexpected) }
    }

    /// `anchored_expr` and `smoothed_expr`, the operand read.
    #[inline(never)]
    pub(super) fn extended_range_expr(&mut self, mut tree: Tree, word: Keyword) -> Parsed<Tree> {
        self.bump()?;
        let anchored = word == Keyword::Anchored;
        let name = if anchored { "anchored" } else { "smoothed" };
        let span = tree.expr.span;
        if !self.options.extended_range_selectors {
            return self.fail(span, format!("{name} modifier is experimental and not enabled"));
        }
        let selector = match &mut tree.expr.kind {
            ExprKind::Vector(selector) => selector,
            ExprKind::Matrix(matrix) => &mut matrix.selector,
            ExprKind::Subquery(_) => {
                return self.fail(span, format!("{name} modifier is not supported for subqueries"));
            }
            _ => return self.fail(span, format!("{name} modifier not implemented")),
        };
        if anchored {
            selector.anchored = true;
        } else {
            selector.smoothed = true;
        }
        if selector.anchored && selector.smoothed {
            return self.fail(span, "anchored and smoothed modifiers cannot be used together");
        }
        Ok(tree)
    }

    /// The words for what may stand where a duration is missing.
    fn durations_expected(&self, more: &str) -> &'static str {
        match (self.options.newer_syntax, more.is_empty()) {
            (true, true) => "number, duration, step(), or range()",
            (true, false) => "number, duration, step(), range(), or \"]\"",
            (false, true) => "number, duration, or step()",
            (false, false) => "number, duration, or step() or \"]\"",
        }
    }
}

fn behind_selector(modifier: &str) -> String {
    let modifier = if modifier == "@" { "@ modifier" } else { "offset modifier" };
    format!("{modifier} must be preceded by an instant vector selector or range vector selector or a subquery")
}

impl Expr {
    /// `@` and `offset` of a selector or subquery.
    fn shift_mut(&mut self) -> Option<&mut TimeShift> {
        match &mut self.kind {
            ExprKind::Vector(selector) => Some(&mut selector.shift),
            ExprKind::Matrix(matrix) => Some(&mut matrix.selector.shift),
            ExprKind::Subquery(subquery) => Some(&mut subquery.shift),
            _ => None,
        }
    }
}

impl DurationExpr {
    /// Milliseconds of a literal; 0 and the expression itself when it has to be evaluated.
    fn into_ms(self) -> (i64, Option<Box<Self>>) {
        match self.kind {
            DurationExprKind::Number { value, .. } => (super::duration::seconds_to_ms(value), None),
            _ => (0, Some(Box::new(self))),
        }
    }
}
