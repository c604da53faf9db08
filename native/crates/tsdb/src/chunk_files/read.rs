//! Gives chunks by their places.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{ChunkRef, FileChunk, HEADER, decode, file_name};
use crate::chunk::Encoding;
use crate::error::TsdbError;
use crate::fs::{Fs, Mapped};

/// A file of chunks, as far as it was written when it was opened.
pub struct ChunkFile {
    number: NonZeroU32,
    path: PathBuf,
    bytes: Mapped,
}

impl ChunkFile {
    /// Opens a file.
    ///
    /// # Errors
    /// [`TsdbError::Io`]; [`TsdbError::Corrupt`] when it does not begin as files of chunks do.
    pub fn open(fs: &dyn Fs, dir: &Path, number: NonZeroU32) -> Result<Self, TsdbError> {
        let path = dir.join(file_name(number));
        let bytes = fs.map(&path).map_err(|e| TsdbError::io(&path, "map", e))?;
        let file = Self { number, path, bytes };
        // The padding is not looked at, as in Prometheus.
        if file.bytes.get(..5) == Some(&HEADER[..5]) && file.bytes.len() >= HEADER.len() {
            Ok(file)
        } else {
            Err(file.corrupt(0, "not a file of head chunks, version 1"))
        }
    }

    /// Its number.
    #[must_use]
    pub fn number(&self) -> NonZeroU32 {
        self.number
    }

    /// The chunks from the first one on, with the offsets at which they begin. Ends at the first one that is damaged,
    /// with an error that names its offset.
    pub fn chunks(&self) -> impl Iterator<Item = Result<(u32, FileChunk<'_>), TsdbError>> {
        let mut next = Some(HEADER.len());
        std::iter::from_fn(move || {
            let offset = next.take()?;
            match decode(&self.bytes[offset..]) {
                Ok(Some((chunk, length))) => {
                    next = Some(offset + length);
                    u32::try_from(offset).ok().map(|offset| Ok((offset, chunk)))
                }
                Ok(None) => None,
                Err(what) => Some(Err(self.corrupt(offset as u64, what))),
            }
        })
    }

    /// Encoding and bytes of the chunk that begins at an offset.
    ///
    /// # Errors
    /// [`TsdbError::Corrupt`] when it is damaged, not there, or of an encoding that is not known.
    pub fn chunk(&self, offset: u32) -> Result<(Encoding, &[u8]), TsdbError> {
        let corrupt = |what| self.corrupt(u64::from(offset), what);
        let bytes = self.bytes.get(offset as usize..).unwrap_or_default();
        let Some((chunk, _)) = decode(bytes).map_err(corrupt)? else { return Err(corrupt("there is no chunk")) };
        let encoding = Encoding::from_number(chunk.encoding).ok_or_else(|| corrupt("chunk of unknown encoding"))?;
        Ok((encoding, chunk.data))
    }

    fn corrupt(&self, offset: u64, what: &str) -> TsdbError {
        TsdbError::Corrupt { path: self.path.clone(), offset, what: what.to_owned() }
    }
}

/// The files of a head, ascending.
#[derive(Clone, Default)]
pub struct ChunkFiles {
    files: Vec<Arc<ChunkFile>>,
}

impl ChunkFiles {
    /// Files in ascending order.
    #[must_use]
    pub fn new(files: Vec<Arc<ChunkFile>>) -> Self {
        Self { files }
    }

    /// These files and a newer one, or with the last one as it is by now.
    #[must_use]
    pub fn with(&self, newest: Arc<ChunkFile>) -> Self {
        let others = self.files.iter().filter(|file| file.number < newest.number);
        Self { files: others.chain([&newest]).map(Arc::clone).collect() }
    }

    /// These files from a number on.
    #[must_use]
    pub fn from(&self, first: NonZeroU32) -> Self {
        Self { files: self.files.iter().filter(|file| file.number >= first).map(Arc::clone).collect() }
    }

    /// Encoding and bytes of a chunk.
    ///
    /// # Errors
    /// [`TsdbError::Corrupt`] when it is damaged or not there.
    pub fn chunk(&self, at: ChunkRef) -> Result<(Encoding, &[u8]), TsdbError> {
        match self.files.binary_search_by_key(&at.file, |file| file.number) {
            Ok(index) => self.files[index].chunk(at.offset),
            Err(_) => Err(TsdbError::corrupt_bytes(0, format_args!("there is no file {} of head chunks", at.file))),
        }
    }
}
