//! Failures on this side and the Python exceptions they become. One variant, one class.

use std::path::PathBuf;

use neocortex_arrow::TableError;
use neocortex_model::series::StorageError;
use pyo3::exceptions::{PyException, PyFileNotFoundError};
use pyo3::prelude::*;
use pyo3::{PyTypeInfo, create_exception};

create_exception!(_native, NativeError, PyException, "Base of all errors of the native core.");
create_exception!(_native, InternalError, NativeError, "A fault of ours (a panic): this request fails, nothing else.");
create_exception!(_native, OverloadedError, NativeError, "The worker pool's queue is full.");
create_exception!(_native, ClosedError, NativeError, "The database or the pool was closed.");
create_exception!(
    _native,
    DecodeError,
    NativeError,
    "The body of a request is not what it should be; the text is the answer's."
);
create_exception!(_native, ParseError, NativeError, "A query or selector does not parse; the text has the position.");
create_exception!(_native, ExecutionError, NativeError, "A query could not be evaluated; the text is the answer's.");
create_exception!(_native, LimitError, NativeError, "A limit of the tenant was hit; the text is the answer's.");
create_exception!(_native, QueryCanceledError, NativeError, "The query was cancelled.");
create_exception!(_native, QueryTimeoutError, NativeError, "The query's time was up.");
create_exception!(_native, StorageFailedError, NativeError, "The storage could not be read or written.");
create_exception!(
    _native,
    BucketError,
    NativeError,
    "An operation on a bucket failed for good; the text names the key."
);
create_exception!(
    _native,
    BucketUnavailableError,
    BucketError,
    "It failed however often it was tried, and may succeed later."
);
create_exception!(_native, ObjectNotFoundError, BucketError, "There is no such object.");

/// Why a call failed; carried across threads and raised once attached to Python.
#[derive(Debug)]
#[allow(missing_docs, reason = "the variants are documented by the exceptions they become")]
pub enum Failure {
    Internal(String),
    Overloaded(String),
    Closed(String),
    Decode(String),
    Parse(String),
    Execution(String),
    Limit(String),
    Cancelled(String),
    Timeout(String),
    Storage(String),
    /// Python's own `FileNotFoundError`.
    NotFound(PathBuf),
    Bucket(String),
    BucketUnavailable(String),
    ObjectNotFound(String),
}

impl From<Failure> for PyErr {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Internal(text) => InternalError::new_err(text),
            Failure::Overloaded(text) => OverloadedError::new_err(text),
            Failure::Closed(text) => ClosedError::new_err(text),
            Failure::Decode(text) => DecodeError::new_err(text),
            Failure::Parse(text) => ParseError::new_err(text),
            Failure::Execution(text) => ExecutionError::new_err(text),
            Failure::Limit(text) => LimitError::new_err(text),
            Failure::Cancelled(text) => QueryCanceledError::new_err(text),
            Failure::Timeout(text) => QueryTimeoutError::new_err(text),
            Failure::Storage(text) => StorageFailedError::new_err(text),
            Failure::NotFound(path) => {
                PyFileNotFoundError::new_err((libc::ENOENT, "No such file or directory", path.into_os_string()))
            }
            Failure::Bucket(text) => BucketError::new_err(text),
            Failure::BucketUnavailable(text) => BucketUnavailableError::new_err(text),
            Failure::ObjectNotFound(text) => ObjectNotFoundError::new_err(text),
        }
    }
}

impl From<StorageError> for Failure {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Limit(text) => Self::Limit(text),
            StorageError::Cancelled => Self::Cancelled(error.to_string()),
            StorageError::Corrupt(text) => Self::Storage(text),
        }
    }
}

impl From<TableError> for Failure {
    fn from(error: TableError) -> Self {
        match error {
            TableError::TooLarge(_) => Self::Limit(error.to_string()),
            TableError::Arrow(_) => Self::Internal(format!("internal error: {error}")),
        }
    }
}

/// Adds the exception classes to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    for class in [
        NativeError::type_object(py),
        InternalError::type_object(py),
        OverloadedError::type_object(py),
        ClosedError::type_object(py),
        DecodeError::type_object(py),
        ParseError::type_object(py),
        ExecutionError::type_object(py),
        LimitError::type_object(py),
        QueryCanceledError::type_object(py),
        QueryTimeoutError::type_object(py),
        StorageFailedError::type_object(py),
        BucketError::type_object(py),
        BucketUnavailableError::type_object(py),
        ObjectNotFoundError::type_object(py),
    ] {
        module.add(class.name()?, class)?;
    }
    Ok(())
}
