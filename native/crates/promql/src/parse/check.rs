//! Types and combinations that the grammar lets through (Prometheus `checkAST`).

use hashbrown::HashSet;
use neocortex_model::float::go_quote;
use neocortex_model::matchers::Matcher;

use super::ast::{Aggregate, AggregateOp, Binary, Cardinality, Expr, ExprKind, Span, ValueType, VectorSelector};
use super::error::ParseError;
use super::functions::Function;

/// Checks a tree from the leaves up, and settles how vectors are joined: [`Binary::matching`] stays only between two vectors, and
/// set operators become many-to-many. The mistakes are in Prometheus's order.
pub(super) fn check(query: &str, expr: &mut Expr) -> Vec<ParseError> {
    let mut checker = Checker { query, errors: Vec::new() };
    checker.expr(expr, false);
    checker.errors
}

/// Mistakes of types that are listed; a query can hold millions, and the answer shows one.
const MOST_ERRORS: usize = 64;

struct Checker<'a> {
    query: &'a str,
    errors: Vec<ParseError>,
}

impl Checker<'_> {
    fn error(&mut self, span: Span, message: impl Into<String>) {
        if self.errors.len() < MOST_ERRORS {
            self.errors.push(ParseError::new(self.query, span, message));
        }
    }

    /// Checks one expression and gives its type. `label_selector`: it is the second argument of `info`, which may match
    /// everything.
    fn expr(&mut self, expr: &mut Expr, label_selector: bool) -> ValueType {
        let span = expr.span;
        match &mut expr.kind {
            ExprKind::Number { .. } => ValueType::Scalar,
            ExprKind::String(_) => ValueType::String,
            ExprKind::Paren(inner) => self.expr(inner, false),
            ExprKind::Unary { expr: operand, .. } => {
                let found = self.expr(operand, false);
                if !is_number(found) {
                    let message = "unary expression only allowed on expressions of type scalar or instant vector, got";
                    self.error(span, format!("{message} \"{}\"", found.documented()));
                }
                found
            }
            ExprKind::Binary(binary) => self.binary(span, binary),
            ExprKind::Aggregate(aggregate) => {
                self.aggregate(aggregate);
                ValueType::Vector
            }
            ExprKind::Call { func, args } => {
                self.call(span, func, args);
                func.returns
            }
            ExprKind::Vector(selector) => {
                self.selector(span, selector, label_selector);
                ValueType::Vector
            }
            ExprKind::Matrix(matrix) => {
                self.selector(matrix.selector_span, &matrix.selector, false);
                ValueType::Matrix
            }
            ExprKind::Subquery(subquery) => {
                let found = self.expr(&mut subquery.expr, false);
                if found != ValueType::Vector {
                    let found = found.as_str();
                    self.error(span, format!("subquery is only allowed on instant vector, got {found} instead"));
                }
                ValueType::Matrix
            }
        }
    }

    fn aggregate(&mut self, aggregate: &mut Aggregate) {
        self.expect(&mut aggregate.expr, ValueType::Vector, "aggregation expression");
        if let Some(param) = &mut aggregate.param {
            let want = if aggregate.op == AggregateOp::CountValues { ValueType::String } else { ValueType::Scalar };
            self.expect(param, want, "aggregation parameter");
        }
    }

    fn expect(&mut self, expr: &mut Expr, want: ValueType, context: &str) {
        let found = self.expr(expr, false);
        if found != want {
            let (want, found) = (want.documented(), found.documented());
            self.error(expr.span, format!("expected type {want} in {context}, got {found}"));
        }
    }

    fn binary(&mut self, span: Span, binary: &mut Binary) -> ValueType {
        let left = self.expr(&mut binary.left, false);
        let right = self.expr(&mut binary.right, false);
        let op = binary.op;
        let both_scalars = left == ValueType::Scalar && right == ValueType::Scalar;
        let operator = self.between(binary.left.span.end, binary.right.span.start);
        if binary.return_bool && !op.is_comparison() {
            self.error(operator, "bool modifier can only be used on comparison operators");
        }
        if op.is_comparison() && !binary.return_bool && both_scalars {
            self.error(operator, "comparisons between scalars must use BOOL modifier");
        }
        self.matching(span, operator, binary, left, right);
        if (left == ValueType::Scalar || right == ValueType::Scalar) && op.is_set() {
            let message = "not allowed in binary scalar expression";
            self.error(span, format!("set operator {} {message}", go_quote(op.as_str())));
        }
        if both_scalars { ValueType::Scalar } else { ValueType::Vector }
    }

    fn matching(&mut self, span: Span, operator: Span, binary: &mut Binary, left: ValueType, right: ValueType) {
        let op = binary.op;
        let Some(matching) = &mut binary.matching else { return };
        if op.is_set() && matching.card == Cardinality::OneToOne {
            matching.card = Cardinality::ManyToMany;
        }
        let matching = matching.clone();
        if matching.on {
            let include: HashSet<&String> = matching.include.iter().collect();
            for label in matching.labels.iter().filter(|label| include.contains(label)) {
                let message = "must not occur in ON and GROUP clause at once";
                self.error(operator, format!("label {} {message}", go_quote(label)));
            }
        }
        for (operand, found) in [(&binary.left, left), (&binary.right, right)] {
            if !is_number(found) {
                self.error(operand.span, "binary expression must contain only scalar and instant vector types");
            }
        }
        let fills = matching.fill_left.is_some() || matching.fill_right.is_some();
        if left != ValueType::Vector || right != ValueType::Vector {
            if !matching.labels.is_empty() {
                self.error(span, "vector matching only allowed between instant vectors");
            }
            if fills {
                self.error(span, "filling in missing series only allowed between instant vectors");
            }
            binary.matching = None;
        } else if op.is_set() {
            if matches!(matching.card, Cardinality::OneToMany | Cardinality::ManyToOne) {
                self.error(span, format!("no grouping allowed for {} operation", go_quote(op.as_str())));
                self.error(span, "set operations must always be many-to-many");
            }
            if fills {
                self.error(span, "filling in missing series not allowed for set operators");
            }
        }
    }

    /// The stretch between two operands, without the spaces around the operator.
    fn between(&self, from: u32, to: u32) -> Span {
        let bytes = self.query.as_bytes();
        let is_space = |at: u32| bytes.get(at as usize).is_some_and(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r'));
        let start = (from..to).find(|&at| !is_space(at)).unwrap_or(from);
        let end = (start..to).rev().find(|&at| !is_space(at)).unwrap_or(start);
        Span { start, end }
    }

    fn call(&mut self, span: Span, func: &Function, args: &mut [Expr]) {
        let name = go_quote(func.name);
        let (declared, given) = (func.args.len(), args.len());
        if func.variadic == 0 {
            if declared != given {
                self.error(span, format!("expected {declared} argument(s) in call to {name}, got {given}"));
            }
        } else {
            let least = declared.saturating_sub(1);
            let most = usize::try_from(func.variadic).ok().map(|more| least + more);
            if given < least {
                self.error(span, format!("expected at least {least} argument(s) in call to {name}, got {given}"));
            } else if let Some(most) = most.filter(|&most| most < given) {
                self.error(span, format!("expected at most {most} argument(s) in call to {name}, got {given}"));
            }
        }
        let labels_only = func.name == "info";
        if labels_only && given > 1 {
            self.info_selector(span, &name, &args[1]);
        }
        for (at, arg) in args.iter_mut().enumerate() {
            // Arguments beyond the declared ones have the type of the last, if the function takes any.
            let declared_type = match func.args.get(at) {
                Some(&declared_type) => declared_type,
                None if func.variadic == 0 => break,
                None => match func.args.last() {
                    Some(&last) => last,
                    None => break,
                },
            };
            let found = self.expr(arg, labels_only && at == 1);
            if found != declared_type {
                let (want, found) = (declared_type.documented(), found.documented());
                self.error(arg.span, format!("expected type {want} in call to function {name}, got {found}"));
            }
        }
    }

    /// The second argument of `info` is a selector without a name.
    fn info_selector(&mut self, span: Span, name: &str, arg: &Expr) {
        let found = arg.value_type();
        if found != ValueType::Vector {
            let (want, found) = (ValueType::Vector.documented(), found.documented());
            self.error(span, format!("expected type {want} in call to function {name}, got {found}"));
        }
        match &arg.kind {
            ExprKind::Vector(selector) if selector.name.is_empty() => {}
            ExprKind::Vector(_) => self.error(arg.span, "expected label selectors only, got vector selector instead"),
            _ => self.error(arg.span, "expected label selectors only"),
        }
    }

    fn selector(&mut self, span: Span, selector: &VectorSelector, label_selector: bool) {
        if let Some((_, inside)) = selector.matchers.split_last().filter(|_| !selector.name.is_empty()) {
            for matcher in inside.iter().filter(|matcher| matcher.name() == "__name__") {
                let (outside, inside) = (go_quote(&selector.name), go_quote(matcher.value()));
                self.error(span, format!("metric name must not be set twice: {outside} or {inside}"));
            }
        } else if !label_selector && selector.matchers.iter().all(Matcher::matches_empty) {
            self.error(span, "vector selector must contain at least one non-empty matcher");
        }
    }
}

fn is_number(found: ValueType) -> bool {
    matches!(found, ValueType::Scalar | ValueType::Vector)
}
