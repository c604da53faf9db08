//! From a file to an object.

use std::path::Path;

use bytes::Bytes;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt};

use crate::error::BucketError;
use crate::key::Key;
use crate::local::LocalFile;

/// Bytes of a part. S3 wants at least 5 MiB and at most 10,000 parts: enough for files of 80 GB, longer than any of a block.
pub(crate) const PART_BYTES: usize = 8 << 20;

/// Uploads a file; gives its length. Fails without an object having come to be, except that the answer to the last step
/// may be what got lost.
pub(crate) async fn upload(store: &dyn ObjectStore, key: &Key, path: &Path) -> Result<u64, BucketError> {
    let mut file = LocalFile::open(path).await?;
    let first = file.part(PART_BYTES).await?;
    let failed = |e| BucketError::of(key, "upload", e);
    if !file.has_more() {
        let len = first.len() as u64;
        store.put(key.path(), first.into()).await.map_err(failed)?;
        return Ok(len);
    }
    let mut upload = store.put_multipart(key.path()).await.map_err(failed)?;
    let outcome = in_parts(&mut *upload, key, &mut file, first).await;
    if outcome.is_err() {
        // What is left behind without it costs space only, and stores have rules to clear it away.
        let _ = upload.abort().await;
    }
    outcome
}

/// One part after the other, so that one is in memory at a time.
async fn in_parts(
    upload: &mut dyn MultipartUpload,
    key: &Key,
    file: &mut LocalFile,
    first: Bytes,
) -> Result<u64, BucketError> {
    let failed = |e| BucketError::of(key, "upload", e);
    let mut len = first.len() as u64;
    upload.put_part(first.into()).await.map_err(failed)?;
    while file.has_more() {
        let part = file.part(PART_BYTES).await?;
        len += part.len() as u64;
        upload.put_part(part.into()).await.map_err(failed)?;
    }
    upload.complete().await.map_err(failed)?;
    Ok(len)
}
