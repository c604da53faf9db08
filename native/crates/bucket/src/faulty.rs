//! A store that fails on purpose.

use std::fmt;
use std::future::Future;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt, StreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart,
};

/// How calls fail; they are counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// None fails.
    None,
    /// That call does nothing and fails; later ones succeed.
    Before(usize),
    /// That call does its work and fails all the same: its answer got lost. Later ones succeed.
    After(usize),
    /// That call and all later ones do nothing and fail.
    From(usize),
}

/// A store in front of another that fails as a [`Fault`] says. Each part of an upload is a call of its own.
#[derive(Clone)]
pub struct FaultyStore {
    inner: Arc<dyn ObjectStore>,
    gate: Gate,
}

/// Counts calls, and lets through those that succeed.
#[derive(Clone)]
struct Gate {
    fault: Fault,
    calls: Arc<AtomicUsize>,
}

impl Gate {
    async fn pass<T>(&self, call: impl Future<Output = Result<T>>) -> Result<T> {
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        match self.fault {
            Fault::Before(n) if n == number => Err(injected(number)),
            Fault::From(n) if n <= number => Err(injected(number)),
            Fault::After(n) if n == number => {
                // Whatever came of it, its answer does not arrive.
                let _ = call.await;
                Err(injected(number))
            }
            _ => call.await,
        }
    }
}

fn injected(number: usize) -> Error {
    Error::Generic { store: "Faulty", source: format!("injected failure of call {number}").into() }
}

impl FaultyStore {
    /// Puts faults in front of a store.
    #[must_use]
    pub fn new(inner: Arc<dyn ObjectStore>, fault: Fault) -> Self {
        Self { inner, gate: Gate { fault, calls: Arc::default() } }
    }

    /// How many calls were made.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.gate.calls.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Faulty({})", self.inner)
    }
}

#[async_trait::async_trait]
impl ObjectStore for FaultyStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.gate.pass(self.inner.put_opts(location, payload, options)).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let inner = self.gate.pass(self.inner.put_multipart_opts(location, options)).await?;
        Ok(Box::new(FaultyUpload { inner, gate: self.gate.clone() }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.gate.pass(self.inner.get_opts(location, options)).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.gate.pass(self.inner.get_ranges(location, ranges)).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let store = self.clone();
        let delete = move |location: Result<Path>| {
            let store = store.clone();
            async move {
                let one = stream::once(std::future::ready(location)).boxed();
                let mut deleted = store.inner.delete_stream(one);
                let outcome = async { deleted.next().await.unwrap_or_else(|| Err(injected(0))) };
                store.gate.pass(outcome).await
            }
        };
        locations.then(delete).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        // A listing that fails afterwards has given all of its objects but not its end.
        let (gate, listed) = (self.gate.clone(), self.inner.list(prefix));
        let number = gate.calls.fetch_add(1, Ordering::Relaxed);
        match gate.fault {
            Fault::Before(n) if n == number => stream::once(async move { Err(injected(number)) }).boxed(),
            Fault::From(n) if n <= number => stream::once(async move { Err(injected(number)) }).boxed(),
            Fault::After(n) if n == number => listed.chain(stream::once(async move { Err(injected(number)) })).boxed(),
            _ => listed,
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.gate.pass(self.inner.list_with_delimiter(prefix)).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.gate.pass(self.inner.copy_opts(from, to, options)).await
    }
}

/// An upload whose steps fail.
struct FaultyUpload {
    inner: Box<dyn MultipartUpload>,
    gate: Gate,
}

impl fmt::Debug for FaultyUpload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FaultyUpload")
    }
}

#[async_trait::async_trait]
impl MultipartUpload for FaultyUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let (gate, part) = (self.gate.clone(), self.inner.put_part(data));
        async move { gate.pass(part).await }.boxed()
    }

    async fn complete(&mut self) -> Result<PutResult> {
        self.gate.pass(self.inner.complete()).await
    }

    async fn abort(&mut self) -> Result<()> {
        self.gate.pass(self.inner.abort()).await
    }
}
