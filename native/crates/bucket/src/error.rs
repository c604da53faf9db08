//! What can go wrong with a bucket.

use std::io;
use std::path::{Path, PathBuf};

use crate::key::Key;

/// Why an operation on a bucket failed.
#[derive(Debug, thiserror::Error)]
pub enum BucketError {
    /// There is no such object.
    #[error("{key}: there is no such object")]
    NotFound {
        /// The object.
        key: String,
    },
    /// It may succeed when it is tried again.
    #[error("{doing} {key}: {source}")]
    Transient {
        /// The object, or the folder that was listed.
        key: String,
        /// What was being done, such as `upload`.
        doing: &'static str,
        /// What the store said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The store refuses, and will do so again: no permission, no space, no such bucket.
    #[error("{doing} {key}: {source}")]
    Refused {
        /// The object, or the folder that was listed.
        key: String,
        /// What was being done, such as `upload`.
        doing: &'static str,
        /// What the store said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The object, or the list of objects, is longer than the caller takes.
    #[error("{key}: {found} is more than {max}")]
    TooLarge {
        /// The object, or the folder that was listed.
        key: String,
        /// Bytes of the object, or objects seen so far.
        found: u64,
        /// What the caller takes.
        max: u64,
    },
    /// No object can have that key.
    #[error("{key:?} cannot be the key of an object: {why}")]
    InvalidKey {
        /// What was given.
        key: String,
        /// The rule that it breaks.
        why: &'static str,
    },
    /// The file to be uploaded could not be read, or the directory of a bucket not be made.
    #[error("{doing} {}: {source}", path.display())]
    Local {
        /// The file or directory.
        path: PathBuf,
        /// What was being done, such as `read`.
        doing: &'static str,
        /// The refusal of the operating system.
        source: io::Error,
    },
}

impl BucketError {
    pub(crate) fn local(path: &Path, doing: &'static str, source: io::Error) -> Self {
        Self::Local { path: path.to_owned(), doing, source }
    }

    /// What a store said of an object.
    pub(crate) fn of(key: &Key, doing: &'static str, error: object_store::Error) -> Self {
        Self::of_folder(key.as_str(), doing, error)
    }

    /// What a store said of an object that should be there: below a file there is none.
    pub(crate) fn of_existing(key: &Key, doing: &'static str, error: object_store::Error) -> Self {
        match refusal(&error) {
            Some(io::ErrorKind::NotADirectory) => Self::NotFound { key: key.to_string() },
            _ => Self::of(key, doing, error),
        }
    }

    /// What a store said of an object or a folder.
    pub(crate) fn of_folder(key: &str, doing: &'static str, error: object_store::Error) -> Self {
        let key = key.to_owned();
        match error {
            object_store::Error::NotFound { .. } => Self::NotFound { key },
            error if is_final(&error) => Self::Refused { key, doing, source: error.into() },
            error => Self::Transient { key, doing, source: error.into() },
        }
    }

    /// Whether trying again makes sense.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Transient { .. })
    }
}

/// Whether the store would say the same again.
fn is_final(error: &object_store::Error) -> bool {
    use object_store::Error;
    match error {
        // The kind for everything else, network included: the operating system's word decides if there is one.
        Error::Generic { .. } => refusal(error).is_some_and(|kind| {
            matches!(
                kind,
                io::ErrorKind::PermissionDenied
                    | io::ErrorKind::NotADirectory
                    | io::ErrorKind::IsADirectory
                    | io::ErrorKind::ReadOnlyFilesystem
                    | io::ErrorKind::StorageFull
                    | io::ErrorKind::InvalidFilename
            )
        }),
        Error::JoinError { .. } => false,
        _ => true,
    }
}

/// The kind of the operating system's refusal that an error comes from.
fn refusal(error: &object_store::Error) -> Option<io::ErrorKind> {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if let Some(refused) = error.downcast_ref::<io::Error>() {
            return Some(refused.kind());
        }
        cause = error.source();
    }
    None
}
