//! Why there is no table.

/// A result does not fit into Arrow columns.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// A column would need more entries or bytes than its 32-bit offsets can tell.
    #[error("the result has too many {0} for one column, ask for less at once")]
    TooLarge(&'static str),
    /// The Arrow library refused the columns: a fault of ours.
    #[error(transparent)]
    Arrow(#[from] arrow_schema::ArrowError),
}

/// The end of the next entry of a column with 32-bit offsets.
pub(crate) fn next_offset(last: i32, more: usize, of: &'static str) -> Result<i32, TableError> {
    i32::try_from(more).ok().and_then(|more| last.checked_add(more)).ok_or(TableError::TooLarge(of))
}
