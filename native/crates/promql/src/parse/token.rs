//! Tokens of PromQL and the words the parser's messages use for them (Prometheus `promql/parser/lex.go`).

use neocortex_model::float::go_quote;

use super::ast::{AggregateOp, BinaryOp, Span};

/// A token and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Where it stands.
    pub span: Span,
}

/// The kinds of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// End of the text.
    Eof,
    /// A name without colon.
    Identifier,
    /// A name with a colon.
    MetricIdentifier,
    /// A number.
    Number,
    /// A number with units: `1h30m`.
    Duration,
    /// A quoted string.
    String,
    /// `(`
    LeftParen,
    /// `)`
    RightParen,
    /// `{`
    LeftBrace,
    /// `}`
    RightBrace,
    /// `[`
    LeftBracket,
    /// `]`
    RightBracket,
    /// `,`
    Comma,
    /// `:`
    Colon,
    /// `=`
    Assign,
    /// `=~`
    EqualRegex,
    /// `!~`
    NotEqualRegex,
    /// `@`
    At,
    /// An operator; `!=` is the one of comparisons and of matchers.
    Operator(BinaryOp),
    /// `sum` and the like.
    Aggregate(AggregateOp),
    /// A word of a modifier.
    Keyword(Keyword),
    /// A word that stands for a value of the query: `start`, `step`.
    Preprocessor(Preprocessor),
}

/// Words of modifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the words")]
pub enum Keyword {
    Anchored,
    Bool,
    By,
    Fill,
    FillLeft,
    FillRight,
    GroupLeft,
    GroupRight,
    Ignoring,
    Offset,
    On,
    Smoothed,
    Without,
}

/// Words that stand for a value known when the query runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the words")]
pub enum Preprocessor {
    Start,
    End,
    Step,
    Range,
    MaxOf,
    MinOf,
}

impl TokenKind {
    /// The kind of a word outside braces, in any case; `None` for names. `newer` knows the words added since Cortex 1.21.
    #[must_use]
    pub fn of_word(word: &str, newer: bool) -> Option<Self> {
        let kind = match word.to_ascii_lowercase().as_str() {
            "and" => Self::Operator(BinaryOp::And),
            "or" => Self::Operator(BinaryOp::Or),
            "unless" => Self::Operator(BinaryOp::Unless),
            "atan2" => Self::Operator(BinaryOp::Atan2),
            "sum" => Self::Aggregate(AggregateOp::Sum),
            "avg" => Self::Aggregate(AggregateOp::Avg),
            "count" => Self::Aggregate(AggregateOp::Count),
            "min" => Self::Aggregate(AggregateOp::Min),
            "max" => Self::Aggregate(AggregateOp::Max),
            "group" => Self::Aggregate(AggregateOp::Group),
            "stddev" => Self::Aggregate(AggregateOp::Stddev),
            "stdvar" => Self::Aggregate(AggregateOp::Stdvar),
            "topk" => Self::Aggregate(AggregateOp::Topk),
            "bottomk" => Self::Aggregate(AggregateOp::Bottomk),
            "count_values" => Self::Aggregate(AggregateOp::CountValues),
            "quantile" => Self::Aggregate(AggregateOp::Quantile),
            "limitk" => Self::Aggregate(AggregateOp::Limitk),
            "limit_ratio" => Self::Aggregate(AggregateOp::LimitRatio),
            "offset" => Self::Keyword(Keyword::Offset),
            "smoothed" => Self::Keyword(Keyword::Smoothed),
            "anchored" => Self::Keyword(Keyword::Anchored),
            "by" => Self::Keyword(Keyword::By),
            "without" => Self::Keyword(Keyword::Without),
            "on" => Self::Keyword(Keyword::On),
            "ignoring" => Self::Keyword(Keyword::Ignoring),
            "group_left" => Self::Keyword(Keyword::GroupLeft),
            "group_right" => Self::Keyword(Keyword::GroupRight),
            "bool" => Self::Keyword(Keyword::Bool),
            "fill" if newer => Self::Keyword(Keyword::Fill),
            "fill_left" if newer => Self::Keyword(Keyword::FillLeft),
            "fill_right" if newer => Self::Keyword(Keyword::FillRight),
            "start" => Self::Preprocessor(Preprocessor::Start),
            "end" => Self::Preprocessor(Preprocessor::End),
            "step" => Self::Preprocessor(Preprocessor::Step),
            "range" if newer => Self::Preprocessor(Preprocessor::Range),
            "max_of" if newer => Self::Preprocessor(Preprocessor::MaxOf),
            "min_of" if newer => Self::Preprocessor(Preprocessor::MinOf),
            "inf" | "nan" => Self::Number,
            _ => return None,
        };
        Some(kind)
    }

    /// True for words that may also be the name of a metric (`metric_identifier` of the grammar).
    #[must_use]
    pub fn is_metric_name(self) -> bool {
        match self {
            Self::Identifier | Self::MetricIdentifier | Self::Aggregate(_) | Self::Preprocessor(_) => true,
            Self::Operator(op) => op.is_set(),
            Self::Keyword(word) => matches!(
                word,
                Keyword::Anchored
                    | Keyword::By
                    | Keyword::Fill
                    | Keyword::FillLeft
                    | Keyword::FillRight
                    | Keyword::Offset
                    | Keyword::Smoothed
                    | Keyword::Without
            ),
            _ => false,
        }
    }

    /// True for words that may also be a label in a grouping (`maybe_label` of the grammar).
    #[must_use]
    pub fn is_label_name(self) -> bool {
        match self {
            Self::Keyword(word) => word != Keyword::Without,
            Self::Operator(op) => op.is_set() || op == BinaryOp::Atan2,
            other => other.is_metric_name(),
        }
    }

    /// How the token is called in "unexpected …"; `text` is what stands in the query.
    #[must_use]
    pub fn describe(self, text: &str) -> String {
        match self {
            Self::Eof => "end of input".to_owned(),
            Self::Identifier => format!("identifier {}", go_quote(text)),
            Self::MetricIdentifier => format!("metric identifier {}", go_quote(text)),
            Self::String => format!("string {}", shortened(text)),
            Self::Number => format!("number {}", shortened(text)),
            Self::Duration => format!("duration {}", shortened(text)),
            Self::Keyword(_) => format!("<{text}>"),
            Self::Operator(_) | Self::At | Self::EqualRegex | Self::NotEqualRegex => format!("<op:{text}>"),
            Self::Aggregate(_) => format!("<aggr:{text}>"),
            _ => shortened(text),
        }
    }
}

/// Quoted, and cut after ten characters when it is longer than ten bytes.
fn shortened(text: &str) -> String {
    if text.len() <= 10 {
        return go_quote(text);
    }
    let end = text.char_indices().nth(10).map_or(text.len(), |(at, _)| at);
    format!("{}...", go_quote(&text[..end]))
}
