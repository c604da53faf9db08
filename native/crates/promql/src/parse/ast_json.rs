//! The tree as `parse_query` returns it (Prometheus `web/api/v1/translate_ast.go`).
//!
//! Keys are sorted and strings escaped as Go's encoder does it. What PromQL has learnt since Cortex 1.21 (duration expressions, fill
//! values) appears only where a query uses it, so that other queries look as they do there.

use neocortex_model::float::format_sample;
use neocortex_model::matchers::Matcher;

use super::ast::{
    Aggregate, At, Binary, Cardinality, DurationExpr, DurationExprKind, Expr, ExprKind, Subquery, TimeShift,
    VectorMatching, VectorSelector,
};
use super::functions::Function;

/// The JSON text of a tree.
#[must_use]
pub fn to_json(expr: &Expr) -> String {
    let mut out = String::new();
    write_expr(&mut out, expr);
    out
}

/// An object under construction; the caller names the keys in ascending order.
struct Object<'a> {
    out: &'a mut String,
    empty: bool,
}

impl<'a> Object<'a> {
    fn open(out: &'a mut String) -> Self {
        out.push('{');
        Self { out, empty: true }
    }

    /// Writes a key; what is pushed to the returned text is its value.
    fn key(&mut self, name: &str) -> &mut String {
        if !self.empty {
            self.out.push(',');
        }
        self.empty = false;
        write_string(self.out, name);
        self.out.push(':');
        self.out
    }

    fn text(&mut self, name: &str, value: &str) {
        write_string(self.key(name), value);
    }

    fn raw(&mut self, name: &str, value: impl ToString) {
        let value = value.to_string();
        self.key(name).push_str(&value);
    }

    fn duration(&mut self, name: &str, value: Option<&DurationExpr>) {
        if let Some(value) = value {
            write_duration(self.key(name), value);
        }
    }

    fn close(self) {
        self.out.push('}');
    }
}

fn write_expr(out: &mut String, expr: &Expr) {
    match &expr.kind {
        ExprKind::Binary(binary) => write_binary(out, binary),
        ExprKind::Aggregate(aggregate) => write_aggregate(out, aggregate),
        ExprKind::Subquery(subquery) => write_subquery(out, subquery),
        ExprKind::Vector(selector) => write_selector(out, selector, "vectorSelector", None),
        ExprKind::Matrix(matrix) => {
            let range = (matrix.range_ms, matrix.range_expr.as_deref());
            write_selector(out, &matrix.selector, "matrixSelector", Some(range));
        }
        ExprKind::Call { func, args } => {
            let mut object = Object::open(out);
            write_list(object.key("args"), args, write_expr);
            write_function(object.key("func"), func);
            object.text("type", "call");
            object.close();
        }
        ExprKind::Number { value, .. } => {
            let mut object = Object::open(out);
            object.text("type", "numberLiteral");
            object.text("val", &format_sample(*value));
            object.close();
        }
        ExprKind::String(text) => {
            let mut object = Object::open(out);
            object.text("type", "stringLiteral");
            object.text("val", &String::from_utf8_lossy(text));
            object.close();
        }
        ExprKind::Paren(inner) => {
            let mut object = Object::open(out);
            write_expr(object.key("expr"), inner);
            object.text("type", "parenExpr");
            object.close();
        }
        ExprKind::Unary { op, expr: operand } => {
            let mut object = Object::open(out);
            write_expr(object.key("expr"), operand);
            object.text("op", op.as_str());
            object.text("type", "unaryExpr");
            object.close();
        }
    }
}

fn write_function(out: &mut String, func: &Function) {
    let mut object = Object::open(out);
    write_list(object.key("argTypes"), func.args, |out, value_type| write_string(out, value_type.as_str()));
    object.text("name", func.name);
    object.text("returnType", func.returns.as_str());
    object.raw("variadic", func.variadic);
    object.close();
}

fn write_aggregate(out: &mut String, aggregate: &Aggregate) {
    let mut object = Object::open(out);
    write_expr(object.key("expr"), &aggregate.expr);
    write_list(object.key("grouping"), &aggregate.grouping, |out, label| write_string(out, label));
    object.text("op", aggregate.op.as_str());
    match &aggregate.param {
        Some(param) => write_expr(object.key("param"), param),
        None => object.raw("param", "null"),
    }
    object.text("type", "aggregation");
    object.raw("without", aggregate.without);
    object.close();
}

fn write_binary(out: &mut String, binary: &Binary) {
    let mut object = Object::open(out);
    object.raw("bool", binary.return_bool);
    write_expr(object.key("lhs"), &binary.left);
    match &binary.matching {
        Some(matching) => write_matching(object.key("matching"), matching),
        None => object.raw("matching", "null"),
    }
    object.text("op", binary.op.as_str());
    write_expr(object.key("rhs"), &binary.right);
    object.text("type", "binaryExpr");
    object.close();
}

fn write_matching(out: &mut String, matching: &VectorMatching) {
    let mut object = Object::open(out);
    object.text(
        "card",
        match matching.card {
            Cardinality::OneToOne => "one-to-one",
            Cardinality::ManyToOne => "many-to-one",
            Cardinality::OneToMany => "one-to-many",
            Cardinality::ManyToMany => "many-to-many",
        },
    );
    if matching.fill_left.is_some() || matching.fill_right.is_some() {
        let fills = object.key("fillValues");
        let mut sides = Object::open(fills);
        for (side, value) in [("lhs", matching.fill_left), ("rhs", matching.fill_right)] {
            // JSON has no NaN and no infinities.
            let value = value.filter(|v| v.is_finite());
            sides.raw(side, value.map_or_else(|| "null".to_owned(), json_number));
        }
        sides.close();
    }
    write_list(object.key("include"), &matching.include, |out, label| write_string(out, label));
    write_list(object.key("labels"), &matching.labels, |out, label| write_string(out, label));
    object.raw("on", matching.on);
    object.close();
}

/// A finite number as Go's `encoding/json` writes it.
fn json_number(v: f64) -> String {
    if v == 0.0 || (1e-6..1e21).contains(&v.abs()) {
        return format_sample(v);
    }
    let text = format!("{v:e}");
    if v.abs() >= 1.0 { text.replace('e', "e+") } else { text }
}

fn write_selector(
    out: &mut String,
    selector: &VectorSelector,
    node: &str,
    range: Option<(i64, Option<&DurationExpr>)>,
) {
    let mut object = Object::open(out);
    object.raw("anchored", selector.anchored);
    write_list(object.key("matchers"), &selector.matchers, write_matcher);
    object.text("name", &selector.name);
    write_offset(&mut object, &selector.shift);
    if let Some((range_ms, range_expr)) = range {
        object.raw("range", range_ms);
        object.duration("rangeExpr", range_expr);
    }
    object.raw("smoothed", selector.smoothed);
    write_at(&mut object, &selector.shift);
    object.text("type", node);
    object.close();
}

fn write_matcher(out: &mut String, matcher: &Matcher) {
    let mut object = Object::open(out);
    object.text("name", matcher.name());
    object.text("type", matcher.op().as_str());
    object.text("value", matcher.value());
    object.close();
}

fn write_subquery(out: &mut String, subquery: &Subquery) {
    let mut object = Object::open(out);
    write_expr(object.key("expr"), &subquery.expr);
    write_offset(&mut object, &subquery.shift);
    object.raw("range", subquery.range_ms);
    object.duration("rangeExpr", subquery.range_expr.as_deref());
    match subquery.shift.at {
        Some(At::Start) => object.text("startOrEnd", "start"),
        Some(At::End) => object.text("startOrEnd", "end"),
        _ => object.raw("startOrEnd", "null"),
    }
    object.raw("step", subquery.step_ms);
    object.duration("stepExpr", subquery.step_expr.as_deref());
    write_timestamp(&mut object, &subquery.shift);
    object.text("type", "subquery");
    object.close();
}

fn write_offset(object: &mut Object<'_>, shift: &TimeShift) {
    object.raw("offset", shift.offset_ms);
    object.duration("offsetExpr", shift.offset_expr.as_deref());
}

fn write_at(object: &mut Object<'_>, shift: &TimeShift) {
    match shift.at {
        Some(At::Start) => object.text("startOrEnd", "start"),
        Some(At::End) => object.text("startOrEnd", "end"),
        _ => object.raw("startOrEnd", "null"),
    }
    write_timestamp(object, shift);
}

fn write_timestamp(object: &mut Object<'_>, shift: &TimeShift) {
    match shift.at {
        Some(At::Timestamp(ms)) => object.raw("timestamp", ms),
        _ => object.raw("timestamp", "null"),
    }
}

fn write_duration(out: &mut String, duration: &DurationExpr) {
    let (inner, wrapped) = match &duration.kind {
        // Prometheus marks expressions in parentheses, and makes a literal in parentheses a sign in front of it.
        DurationExprKind::Paren(inner) => match &inner.kind {
            DurationExprKind::Number { .. } => return write_duration_parts(out, "+", None, Some(inner.as_ref()), true),
            _ => (inner.as_ref(), true),
        },
        _ => (duration, false),
    };
    match &inner.kind {
        DurationExprKind::Number { value, duration } => {
            let mut object = Object::open(out);
            object.raw("duration", duration);
            object.text("type", "numberLiteral");
            object.text("val", &format_sample(*value));
            object.close();
        }
        DurationExprKind::Step => write_duration_parts(out, "step", None, None, wrapped),
        DurationExprKind::Range => write_duration_parts(out, "range", None, None, wrapped),
        DurationExprKind::Pick { max, short, left, right } => {
            let name = match (max, short) {
                (true, true) => "max",
                (true, false) => "max_of",
                (false, true) => "min",
                (false, false) => "min_of",
            };
            write_duration_parts(out, name, Some(left), Some(right), wrapped);
        }
        DurationExprKind::Unary { negative, expr } => {
            write_duration_parts(out, if *negative { "-" } else { "+" }, None, Some(expr), wrapped);
        }
        DurationExprKind::Binary { op, left, right } => {
            write_duration_parts(out, op.as_str(), Some(left), Some(right), wrapped);
        }
        DurationExprKind::Paren(_) => write_duration(out, inner),
    }
}

fn write_duration_parts(
    out: &mut String,
    op: &str,
    left: Option<&DurationExpr>,
    right: Option<&DurationExpr>,
    wrapped: bool,
) {
    let mut object = Object::open(out);
    for (name, side) in [("lhs", left), ("op", None), ("rhs", right), ("type", None)] {
        match (name, side) {
            ("op", _) => object.text("op", op),
            ("type", _) => object.text("type", "durationExpr"),
            (_, Some(side)) => write_duration(object.key(name), side),
            (_, None) => object.raw(name, "null"),
        }
    }
    object.raw("wrapped", wrapped);
    object.close();
}

fn write_list<T>(out: &mut String, items: &[T], write: impl Fn(&mut String, &T)) {
    out.push('[');
    for (at, item) in items.iter().enumerate() {
        out.push_str(if at == 0 { "" } else { "," });
        write(out, item);
    }
    out.push(']');
}

/// A string as Go's encoder writes it: `<`, `>` and `&` are escaped for HTML.
fn write_string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..' ' => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}
