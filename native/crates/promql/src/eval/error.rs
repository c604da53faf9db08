//! Why an evaluation gave no answer.

use neocortex_model::series::StorageError;

use crate::parse::ast::ValueType;
use crate::parse::resolve::ResolveError;

/// An evaluation failed. The texts are those of Prometheus's engine, ready for the `error` field of an answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvalError {
    /// The storage could not select.
    #[error("expanding series: {0}")]
    Select(StorageError),
    /// The storage could not decode a series.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The caller gave up.
    #[error("query was canceled in expression evaluation")]
    Cancelled,
    /// The deadline passed.
    #[error("query timed out in expression evaluation")]
    Timeout,
    /// More samples would be held at once than allowed.
    #[error("query processing would load too many samples into memory in query execution")]
    TooManySamples,
    /// A range query must give one value a step.
    #[error(
        "invalid expression type \"{}\" for range query, must be Scalar or instant Vector",
        .0.documented()
    )]
    NotForRange(ValueType),
    /// A duration expression has no usable value at the times of the query.
    #[error(transparent)]
    Duration(#[from] ResolveError),
    /// The data do not fit the expression, e.g. many-to-many matching; the text is the answer's.
    #[error("{0}")]
    Execution(String),
}

impl EvalError {
    /// An [`EvalError::Execution`] with this text.
    pub fn execution(text: impl Into<String>) -> Self {
        Self::Execution(text.into())
    }

    /// Two series of one vector have the same labels.
    #[must_use]
    pub fn duplicate_labels() -> Self {
        Self::execution("vector cannot contain metrics with the same labelset")
    }
}
