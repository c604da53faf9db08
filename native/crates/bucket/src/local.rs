//! The local disk, as far as this crate touches it by itself: the directory of a bucket, and files that are uploaded.

use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use tokio::io::AsyncReadExt;

use crate::error::BucketError;

/// Makes the directory of a bucket with its parents, if it is not there.
pub(crate) fn make_directory(dir: &Path) -> Result<(), BucketError> {
    std::fs::create_dir_all(dir).map_err(|e| BucketError::local(dir, "create", e))
}

/// A file that is read from its start, one part after the other.
pub(crate) struct LocalFile {
    path: PathBuf,
    file: tokio::fs::File,
    /// Bytes that are left, by the length that the file had when it was opened.
    left: u64,
}

impl LocalFile {
    pub(crate) async fn open(path: &Path) -> Result<Self, BucketError> {
        let failed = |e| BucketError::local(path, "open", e);
        let file = tokio::fs::File::open(path).await.map_err(failed)?;
        let left = file.metadata().await.map_err(failed)?.len();
        Ok(Self { path: path.to_owned(), file, left })
    }

    /// Whether there is another part.
    pub(crate) fn has_more(&self) -> bool {
        self.left > 0
    }

    /// The next bytes, at most `max` and fewer only at the end.
    pub(crate) async fn part(&mut self, max: usize) -> Result<Bytes, BucketError> {
        let len = usize::try_from(self.left).map_or(max, |left| left.min(max));
        let mut part = vec![0; len];
        // A file that became shorter meanwhile is not what was to be uploaded.
        let read = self.file.read_exact(&mut part).await;
        read.map_err(|e: io::Error| BucketError::local(&self.path, "read", e))?;
        self.left -= len as u64;
        Ok(part.into())
    }
}
