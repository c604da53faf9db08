//! Names of objects.

use std::fmt;

use object_store::path::Path;

use crate::error::BucketError;

/// Longest key in bytes, as S3 has it.
const MAX_BYTES: usize = 1024;

/// The name of an object: segments between slashes, such as `tenant/01ARZ3NDEKTSV4RRFFQ69G5FAV/chunks/000001`.
///
/// A key is used as it is, nothing is escaped. It is not empty, has at most 1024 bytes, no empty segment, none that is
/// `.` or `..`, no control character, and no segment that ends with `#` and digits, which would be a file that is being
/// written.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    path: Path,
}

impl Key {
    /// # Errors
    /// [`BucketError::InvalidKey`]
    pub fn new(text: &str) -> Result<Self, BucketError> {
        let invalid = |why| BucketError::InvalidKey { key: text.to_owned(), why };
        if text.is_empty() {
            return Err(invalid("it is empty"));
        }
        if text.len() > MAX_BYTES {
            return Err(invalid("it is longer than 1024 bytes"));
        }
        // The parser takes one slash away at either end.
        if text.starts_with('/') || text.ends_with('/') {
            return Err(invalid("it begins or ends with a slash"));
        }
        if text.split('/').any(is_being_written) {
            return Err(invalid("a segment ends with # and a number"));
        }
        let path = Path::parse(text).map_err(|_| invalid("a segment is empty, . or .., or has a control character"))?;
        Ok(Self { path })
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.path.as_ref()
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

fn is_being_written(segment: &str) -> bool {
    segment.split_once('#').is_some_and(|(_, end)| !end.is_empty() && end.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_key() {
        for text in ["a", "t/01ARZ3NDEKTSV4RRFFQ69G5FAV/chunks/000001", "t-1_!.*'()/x", "a#b/c#", "ü/%2F", "a b/..c"] {
            assert_eq!(Key::new(text).map(|key| key.to_string()).ok().as_deref(), Some(text));
        }
        let long = "x".repeat(1025);
        for text in ["", "/a", "a/", "a//b", ".", "a/../b", "a/./b", "a\nb", "a/b#1", "a#2/b", &long] {
            assert!(matches!(Key::new(text), Err(BucketError::InvalidKey { .. })), "{text:?}");
        }
    }
}
