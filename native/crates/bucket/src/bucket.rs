//! The client.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{TryFutureExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path as StorePath;
use object_store::{GetOptions, ObjectMeta, ObjectStore, ObjectStoreExt};

use crate::error::BucketError;
use crate::key::Key;
use crate::local::make_directory;
use crate::retry::Retry;
use crate::upload::upload;

/// Objects that one listing gives at most.
const MAX_LISTED: usize = 1 << 20;

/// A bucket of an object store. Its operations need a tokio runtime around them.
#[derive(Clone, Debug)]
pub struct Bucket {
    store: Arc<dyn ObjectStore>,
    retry: Retry,
}

/// An object that was listed or looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its key.
    pub key: String,
    /// Its length.
    pub size_bytes: u64,
    /// When it was written, milliseconds since the epoch.
    pub modified_ms: i64,
}

/// What is directly below a folder, each ascending by key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folder {
    /// Objects.
    pub objects: Vec<Object>,
    /// Folders, the end of the key without a slash.
    pub folders: Vec<String>,
}

impl Bucket {
    /// The bucket whose objects are the files below `dir`, which is made if need be. What was written is durable.
    ///
    /// # Errors
    /// [`BucketError::Local`], [`BucketError::Refused`] when `dir` cannot be used.
    pub fn filesystem(dir: &Path) -> Result<Self, BucketError> {
        make_directory(dir)?;
        let store = LocalFileSystem::new_with_prefix(dir)
            .map_err(|e| BucketError::of_folder(&dir.to_string_lossy(), "open", e))?;
        Ok(Self::new(Arc::new(store.with_automatic_cleanup(true).with_fsync(true)), Retry::default()))
    }

    /// The bucket of a store.
    #[must_use]
    pub fn new(store: Arc<dyn ObjectStore>, retry: Retry) -> Self {
        Self { store, retry }
    }

    /// Uploads a file, part by part; gives its length in bytes.
    ///
    /// # Errors
    /// [`BucketError::Local`] when the file cannot be read or becomes shorter meanwhile, else what the store says.
    pub async fn upload(&self, key: &Key, file: &Path) -> Result<u64, BucketError> {
        self.retry.run(|| upload(&*self.store, key, file)).await
    }

    /// Writes an object.
    ///
    /// # Errors
    /// What the store says.
    pub async fn put(&self, key: &Key, bytes: Bytes) -> Result<(), BucketError> {
        self.retry.run(|| self.put_once(key, bytes.clone())).await
    }

    async fn put_once(&self, key: &Key, bytes: Bytes) -> Result<(), BucketError> {
        let put = self.store.put(key.path(), bytes.into()).await;
        put.map(|_| ()).map_err(|e| BucketError::of(key, "put", e))
    }

    /// Reads a whole object of at most `max_bytes`.
    ///
    /// # Errors
    /// [`BucketError::NotFound`], [`BucketError::TooLarge`] before anything of it is read, else what the store says.
    pub async fn get(&self, key: &Key, max_bytes: u64) -> Result<Bytes, BucketError> {
        self.retry.run(|| self.get_once(key, GetOptions::default(), max_bytes)).await
    }

    /// Reads the bytes of a range, fewer where the object ends before it does.
    ///
    /// # Errors
    /// [`BucketError::NotFound`]; [`BucketError::Refused`] when the range is empty or begins after the end; else what
    /// the store says.
    pub async fn get_range(&self, key: &Key, range: Range<u64>) -> Result<Bytes, BucketError> {
        let len = range.end.saturating_sub(range.start);
        let options = || GetOptions { range: Some(range.clone().into()), ..GetOptions::default() };
        self.retry.run(|| self.get_once(key, options(), len)).await
    }

    async fn get_once(&self, key: &Key, options: GetOptions, max_bytes: u64) -> Result<Bytes, BucketError> {
        let failed = |e| BucketError::of_existing(key, "get", e);
        let got = self.store.get_opts(key.path(), options).await.map_err(failed)?;
        let found = got.range.end - got.range.start;
        if found > max_bytes {
            return Err(BucketError::TooLarge { key: key.to_string(), found, max: max_bytes });
        }
        got.bytes().await.map_err(failed)
    }

    /// Whether there is such an object; a folder is none.
    ///
    /// # Errors
    /// What the store says.
    pub async fn exists(&self, key: &Key) -> Result<bool, BucketError> {
        match self.attributes(key).await {
            Ok(_) => Ok(true),
            Err(BucketError::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Size and age of an object.
    ///
    /// # Errors
    /// [`BucketError::NotFound`], else what the store says.
    pub async fn attributes(&self, key: &Key) -> Result<Object, BucketError> {
        let failed = |e| BucketError::of_existing(key, "look at", e);
        let head = || self.store.head(key.path()).map_err(failed);
        self.retry.run(head).await.map(Object::from)
    }

    /// All objects below a folder at any depth, ascending by key; none when there is no such folder. `None` is the whole
    /// bucket.
    ///
    /// # Errors
    /// [`BucketError::TooLarge`] for more than a million, else what the store says.
    pub async fn list(&self, folder: Option<&Key>) -> Result<Vec<Object>, BucketError> {
        let mut objects = self.retry.run(|| self.list_once(folder)).await?;
        objects.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        Ok(objects)
    }

    async fn list_once(&self, folder: Option<&Key>) -> Result<Vec<Object>, BucketError> {
        let failed = |e| BucketError::of_folder(name_of(folder), "list", e);
        let mut stream = self.store.list(folder.map(Key::path));
        let mut objects = Vec::new();
        while let Some(meta) = stream.try_next().await.map_err(failed)? {
            if objects.len() == MAX_LISTED {
                let (key, found) = (name_of(folder).to_owned(), MAX_LISTED as u64 + 1);
                return Err(BucketError::TooLarge { key, found, max: MAX_LISTED as u64 });
            }
            objects.push(meta.into());
        }
        Ok(objects)
    }

    /// Objects and folders directly below a folder; none when there is no such folder. `None` is the whole bucket.
    ///
    /// # Errors
    /// What the store says.
    pub async fn list_folder(&self, folder: Option<&Key>) -> Result<Folder, BucketError> {
        let failed = |e| BucketError::of_folder(name_of(folder), "list", e);
        let list = || self.store.list_with_delimiter(folder.map(Key::path)).map_err(failed);
        let listed = self.retry.run(list).await?;
        let mut objects: Vec<Object> = listed.objects.into_iter().map(Object::from).collect();
        objects.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        let mut folders: Vec<String> = listed.common_prefixes.into_iter().map(StorePath::into).collect();
        folders.sort_unstable();
        Ok(Folder { objects, folders })
    }

    /// Deletes an object; one that is not there is no error.
    ///
    /// # Errors
    /// What the store says.
    pub async fn delete(&self, key: &Key) -> Result<(), BucketError> {
        let failed = |e| BucketError::of_existing(key, "delete", e);
        let delete = || self.store.delete(key.path()).map_err(failed);
        match self.retry.run(delete).await {
            Err(BucketError::NotFound { .. }) => Ok(()),
            outcome => outcome,
        }
    }
}

impl From<ObjectMeta> for Object {
    fn from(meta: ObjectMeta) -> Self {
        Self { key: meta.location.into(), size_bytes: meta.size, modified_ms: meta.last_modified.timestamp_millis() }
    }
}

fn name_of(folder: Option<&Key>) -> &str {
    folder.map_or("the bucket", Key::as_str)
}
