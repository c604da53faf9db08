//! A bucket as Python sees it.

use std::path::PathBuf;

use bytes::Bytes;
use neocortex_bucket::{Bucket, BucketError, Key, Object};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;

use crate::enter::enter;
use crate::error::Failure;
use crate::pool::Pool;

impl From<BucketError> for Failure {
    fn from(error: BucketError) -> Self {
        let text = error.to_string();
        match error {
            BucketError::NotFound { .. } => Self::ObjectNotFound(text),
            BucketError::Transient { .. } => Self::BucketUnavailable(text),
            BucketError::Refused { .. }
            | BucketError::TooLarge { .. }
            | BucketError::InvalidKey { .. }
            | BucketError::Local { .. } => Self::Bucket(text),
        }
    }
}

/// `Bucket`
#[pyclass(frozen, name = "Bucket", module = "neocortex._native")]
pub struct PyBucket {
    bucket: Bucket,
}

/// Key, length, and when it was written in milliseconds.
type Listed = (String, u64, i64);

#[pymethods]
impl PyBucket {
    /// The bucket of files below a folder, which is made if need be.
    #[staticmethod]
    fn filesystem(py: Python<'_>, folder: PathBuf) -> PyResult<Self> {
        Ok(Self { bucket: enter(py, || Bucket::filesystem(&folder))? })
    }

    fn upload<'py>(&self, py: Python<'py>, pool: &Pool, key: &str, path: PathBuf) -> PyResult<Bound<'py, PyAny>> {
        let (bucket, key) = self.at(key)?;
        pool.spawn(py, async move { bucket.upload(&key, &path).await }, |_, len| Ok(len))
    }

    fn put<'py>(&self, py: Python<'py>, pool: &Pool, key: &str, body: PyBackedBytes) -> PyResult<Bound<'py, PyAny>> {
        let (bucket, key) = self.at(key)?;
        let body = Bytes::copy_from_slice(&body);
        pool.spawn(py, async move { bucket.put(&key, body).await }, |_, ()| Ok(()))
    }

    fn get<'py>(&self, py: Python<'py>, pool: &Pool, key: &str, max_bytes: u64) -> PyResult<Bound<'py, PyAny>> {
        let (bucket, key) = self.at(key)?;
        pool.spawn(py, async move { bucket.get(&key, max_bytes).await }, to_python)
    }

    fn get_range<'py>(
        &self,
        py: Python<'py>,
        pool: &Pool,
        key: &str,
        start: u64,
        end: u64,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (bucket, key) = self.at(key)?;
        pool.spawn(py, async move { bucket.get_range(&key, start..end).await }, to_python)
    }

    fn exists<'py>(&self, py: Python<'py>, pool: &Pool, key: &str) -> PyResult<Bound<'py, PyAny>> {
        let (bucket, key) = self.at(key)?;
        pool.spawn(py, async move { bucket.exists(&key).await }, |_, exists| Ok(exists))
    }

    fn attributes<'py>(&self, py: Python<'py>, pool: &Pool, key: &str) -> PyResult<Bound<'py, PyAny>> {
        let (bucket, key) = self.at(key)?;
        let attributes = |_: Python<'_>, object: Object| Ok((object.size_bytes, object.modified_ms));
        pool.spawn(py, async move { bucket.attributes(&key).await }, attributes)
    }

    fn list_all<'py>(&self, py: Python<'py>, pool: &Pool, folder: &str) -> PyResult<Bound<'py, PyAny>> {
        let (bucket, folder) = self.below(folder)?;
        let listed = |_: Python<'_>, objects: Vec<Object>| Ok(objects.into_iter().map(listed).collect::<Vec<_>>());
        pool.spawn(py, async move { bucket.list(folder.as_ref()).await }, listed)
    }

    fn list_folder<'py>(&self, py: Python<'py>, pool: &Pool, folder: &str) -> PyResult<Bound<'py, PyAny>> {
        let (bucket, folder) = self.below(folder)?;
        pool.spawn(py, async move { bucket.list_folder(folder.as_ref()).await }, |_, found| {
            Ok((found.objects.into_iter().map(listed).collect::<Vec<_>>(), found.folders))
        })
    }

    fn delete<'py>(&self, py: Python<'py>, pool: &Pool, key: &str) -> PyResult<Bound<'py, PyAny>> {
        let (bucket, key) = self.at(key)?;
        pool.spawn(py, async move { bucket.delete(&key).await }, |_, ()| Ok(()))
    }
}

impl PyBucket {
    fn at(&self, key: &str) -> Result<(Bucket, Key), Failure> {
        Ok((self.bucket.clone(), Key::new(key)?))
    }

    /// The folder of a listing; the empty one is the whole bucket.
    fn below(&self, folder: &str) -> Result<(Bucket, Option<Key>), Failure> {
        let folder = if folder.is_empty() { None } else { Some(Key::new(folder)?) };
        Ok((self.bucket.clone(), folder))
    }
}

fn listed(object: Object) -> Listed {
    (object.key, object.size_bytes, object.modified_ms)
}

fn to_python(py: Python<'_>, bytes: Bytes) -> PyResult<Py<PyBytes>> {
    Ok(PyBytes::new(py, &bytes).unbind())
}

/// Adds the class to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyBucket>()
}
