//! The syntax tree. Positions are byte offsets into the query, end exclusive. Nodes name the rule of Prometheus's
//! `promql/parser/generated_parser.y` that makes them.

use neocortex_model::matchers::Matcher;

/// A stretch of the query text in bytes, end exclusive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// Type of the value of an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ValueType {
    /// A number.
    Scalar,
    /// Series with one sample each.
    Vector,
    /// Series with many samples each.
    Matrix,
    /// A string.
    String,
    /// Nothing (an error of the parser).
    None,
}

impl ValueType {
    /// The word in messages and in the API: `scalar`, `vector`, `matrix`, `string`, `none`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Vector => "vector",
            Self::Matrix => "matrix",
            Self::String => "string",
            Self::None => "none",
        }
    }

    /// The words in the parser's messages: `scalar`, `instant vector`, `range vector`, `string`, `none`.
    #[must_use]
    pub fn documented(self) -> &'static str {
        match self {
            Self::Vector => "instant vector",
            Self::Matrix => "range vector",
            other => other.as_str(),
        }
    }
}

/// An expression and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// Where it stands.
    pub span: Span,
    /// What it is.
    pub kind: ExprKind,
}

impl Expr {
    /// Type of the value.
    #[must_use]
    pub fn value_type(&self) -> ValueType {
        let mut expr = self;
        loop {
            expr = match &expr.kind {
                ExprKind::Number { .. } => return ValueType::Scalar,
                ExprKind::String(_) => return ValueType::String,
                ExprKind::Paren(inner) | ExprKind::Unary { expr: inner, .. } => inner,
                // Scalar only when both sides are; parentheses and signs aside, that takes a walk down both.
                ExprKind::Binary(binary) => return binary.value_type(),
                ExprKind::Aggregate(_) | ExprKind::Vector(_) => return ValueType::Vector,
                ExprKind::Call { func, .. } => return func.returns,
                ExprKind::Matrix(_) | ExprKind::Subquery(_) => return ValueType::Matrix,
            };
        }
    }
}

/// The kinds of expressions.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// `number_duration_literal`: `1.5`; `duration` when it was written as one (`5m`), which changes how it prints.
    Number {
        /// The number; a duration counts in seconds.
        value: f64,
        /// Written as a duration.
        duration: bool,
    },
    /// `string_literal`: `"text"`, unquoted. Escapes may give bytes that are not UTF-8.
    String(Vec<u8>),
    /// `paren_expr`: `(expr)`
    Paren(Box<Expr>),
    /// `unary_expr`: `-expr`, `+expr`
    Unary {
        /// [`BinaryOp::Add`] or [`BinaryOp::Sub`].
        op: BinaryOp,
        /// Operand.
        expr: Box<Expr>,
    },
    /// `binary_expr`: `left op right`
    Binary(Box<Binary>),
    /// `aggregate_expr`: `sum by (a) (expr)`
    Aggregate(Box<Aggregate>),
    /// `function_call`: `f(args)`
    Call {
        /// The function's entry in the table.
        func: &'static super::functions::Function,
        /// Arguments.
        args: Vec<Expr>,
    },
    /// `vector_selector`: `name{a="b"}`
    Vector(VectorSelector),
    /// `matrix_selector`: `name{a="b"}[5m]`; the selector's `offset` and `at` apply to the whole.
    Matrix(Box<MatrixSelector>),
    /// `subquery_expr`: `expr[5m:1m]`
    Subquery(Box<Subquery>),
}

/// `@` (`step_invariant_expr`) and `offset` (`offset_expr`) of a selector or subquery.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TimeShift {
    /// `offset`: milliseconds into the past; negative for the future.
    pub offset_ms: i64,
    /// `offset (expression)`: resolved into `offset_ms` once step and range are known.
    pub offset_expr: Option<Box<DurationExpr>>,
    /// `@`
    pub at: Option<At>,
}

/// What `@` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// `@ 1.5`, milliseconds.
    Timestamp(i64),
    /// `@ start()`
    Start,
    /// `@ end()`
    End,
}

/// A vector selector.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VectorSelector {
    /// Metric name as written before the braces; empty when there is none, or when it is quoted inside (`{"a.b"}`), where it
    /// is a matcher like any other.
    pub name: String,
    /// All matchers, in order; the one that the name stands for is last, as Prometheus has it.
    pub matchers: Vec<Matcher>,
    /// `@` and `offset`.
    pub shift: TimeShift,
    /// `anchored` (extended range selectors).
    pub anchored: bool,
    /// `smoothed` (extended range selectors).
    pub smoothed: bool,
}

/// A range selector.
#[derive(Clone, Debug, PartialEq)]
pub struct MatrixSelector {
    /// The selector and its modifiers.
    pub selector: VectorSelector,
    /// Where the selector without range and modifiers stands.
    pub selector_span: Span,
    /// Milliseconds.
    pub range_ms: i64,
    /// `[expression]`: resolved into `range_ms` once step and range are known.
    pub range_expr: Option<Box<DurationExpr>>,
}

/// A subquery.
#[derive(Clone, Debug, PartialEq)]
pub struct Subquery {
    /// What is evaluated.
    pub expr: Expr,
    /// Milliseconds.
    pub range_ms: i64,
    /// `[expression:]`
    pub range_expr: Option<Box<DurationExpr>>,
    /// Milliseconds; 0 = the default resolution.
    pub step_ms: i64,
    /// `[:expression]`
    pub step_expr: Option<Box<DurationExpr>>,
    /// `@` and `offset`.
    pub shift: TimeShift,
}

/// `duration_expr` (experimental): `5m + step()`.
#[derive(Clone, Debug, PartialEq)]
pub struct DurationExpr {
    /// Where it stands.
    pub span: Span,
    /// What it is.
    pub kind: DurationExprKind,
}

/// The kinds of duration expressions.
#[derive(Clone, Debug, PartialEq)]
pub enum DurationExprKind {
    /// A literal in seconds; `duration` as for [`ExprKind::Number`].
    Number {
        /// Seconds.
        value: f64,
        /// Written as a duration.
        duration: bool,
    },
    /// `step()`
    Step,
    /// `range()`
    Range,
    /// `min_of(a, b)` / `max_of(a, b)`
    Pick {
        /// `max_of`
        max: bool,
        /// Written `min` / `max`, as the PromQL of Cortex 1.21 has it.
        short: bool,
        /// First operand.
        left: Box<DurationExpr>,
        /// Second operand.
        right: Box<DurationExpr>,
    },
    /// `-a`, `+a`
    Unary {
        /// Minus.
        negative: bool,
        /// Operand.
        expr: Box<DurationExpr>,
    },
    /// `a + b` and so on: [`BinaryOp`]'s arithmetic ones.
    Binary {
        /// Operator.
        op: BinaryOp,
        /// Left.
        left: Box<DurationExpr>,
        /// Right.
        right: Box<DurationExpr>,
    },
    /// `(a)`
    Paren(Box<DurationExpr>),
}

/// Binary operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are the operators")]
pub enum BinaryOp {
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Pow,
    Atan2,
    Eq,
    Ne,
    Gt,
    Lt,
    Ge,
    Le,
    And,
    Or,
    Unless,
    /// `</`: histogram trim, keeps the buckets below.
    TrimUpper,
    /// `>/`: histogram trim, keeps the buckets above.
    TrimLower,
}

impl BinaryOp {
    /// The operator as it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::Mod => "%",
            Self::Pow => "^",
            Self::Atan2 => "atan2",
            Self::Eq => "==",
            Self::Ne => "!=",
            Self::Gt => ">",
            Self::Lt => "<",
            Self::Ge => ">=",
            Self::Le => "<=",
            Self::And => "and",
            Self::Or => "or",
            Self::Unless => "unless",
            Self::TrimUpper => "</",
            Self::TrimLower => ">/",
        }
    }

    /// True for `== != > < >= <=`.
    #[must_use]
    pub fn is_comparison(self) -> bool {
        matches!(self, Self::Eq | Self::Ne | Self::Gt | Self::Lt | Self::Ge | Self::Le)
    }

    /// True for `and or unless`.
    #[must_use]
    pub fn is_set(self) -> bool {
        matches!(self, Self::And | Self::Or | Self::Unless)
    }
}

/// A binary expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Binary {
    /// Operator.
    pub op: BinaryOp,
    /// Left operand.
    pub left: Expr,
    /// Right operand.
    pub right: Expr,
    /// `bool` of a comparison.
    pub return_bool: bool,
    /// How vectors are joined; `None` unless both sides are vectors.
    pub matching: Option<VectorMatching>,
}

impl Binary {
    /// Type of the value: a scalar when both operands are scalars, else a vector. The parser has settled it: operands that are
    /// vectors have a `matching`; a scalar and a vector make a vector.
    #[must_use]
    pub fn value_type(&self) -> ValueType {
        let scalar = |expr: &Expr| expr.value_type() == ValueType::Scalar;
        if scalar(&self.left) && scalar(&self.right) { ValueType::Scalar } else { ValueType::Vector }
    }
}

/// How many elements of each side may match.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cardinality {
    /// Each at most once.
    #[default]
    OneToOne,
    /// `group_left`
    ManyToOne,
    /// `group_right`
    OneToMany,
    /// Set operators.
    ManyToMany,
}

/// `bin_modifier`: how vectors are joined.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VectorMatching {
    /// How many of each side.
    pub card: Cardinality,
    /// Labels of `on (…)` or `ignoring (…)`.
    pub labels: Vec<String>,
    /// `on` was written.
    pub on: bool,
    /// Labels of `group_left (…)` / `group_right (…)`.
    pub include: Vec<String>,
    /// `fill(v)`/`fill_left(v)`: the value of a missing left element.
    pub fill_left: Option<f64>,
    /// `fill(v)`/`fill_right(v)`: the value of a missing right element.
    pub fill_right: Option<f64>,
}

/// Aggregations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are the aggregations")]
pub enum AggregateOp {
    Sum,
    Avg,
    Count,
    Min,
    Max,
    Group,
    Stddev,
    Stdvar,
    Topk,
    Bottomk,
    CountValues,
    Quantile,
    Limitk,
    LimitRatio,
}

impl AggregateOp {
    /// The aggregation as it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sum => "sum",
            Self::Avg => "avg",
            Self::Count => "count",
            Self::Min => "min",
            Self::Max => "max",
            Self::Group => "group",
            Self::Stddev => "stddev",
            Self::Stdvar => "stdvar",
            Self::Topk => "topk",
            Self::Bottomk => "bottomk",
            Self::CountValues => "count_values",
            Self::Quantile => "quantile",
            Self::Limitk => "limitk",
            Self::LimitRatio => "limit_ratio",
        }
    }

    /// True when the first argument is a parameter.
    #[must_use]
    pub fn has_param(self) -> bool {
        matches!(
            self,
            Self::Topk | Self::Bottomk | Self::CountValues | Self::Quantile | Self::Limitk | Self::LimitRatio
        )
    }

    /// Only with experimental functions switched on.
    #[must_use]
    pub fn is_experimental(self) -> bool {
        matches!(self, Self::Limitk | Self::LimitRatio)
    }
}

/// An aggregation.
#[derive(Clone, Debug, PartialEq)]
pub struct Aggregate {
    /// Which one.
    pub op: AggregateOp,
    /// What is aggregated.
    pub expr: Expr,
    /// The first argument of `topk`, `bottomk`, `quantile`, `count_values`, `limitk`, `limit_ratio`.
    pub param: Option<Expr>,
    /// Labels of `by (…)` or `without (…)`.
    pub grouping: Vec<String>,
    /// `without` was written.
    pub without: bool,
}
