//! Makes an index.

use std::collections::BTreeMap;
use std::path::Path;

use hashbrown::HashMap;
use neocortex_model::labels::Labels;

use super::{ChunkMeta, MAGIC, SERIES_ALIGN, SeriesRef, Toc, VERSION};
use crate::block::output::Output;
use crate::error::TsdbError;
use crate::fs::Fs;
use crate::varint::{put_str, put_uvarint, put_varint};

/// The longest content that the four bytes of a section's length can tell.
const MAX_SECTION: usize = u32::MAX as usize;

/// An index being written.
pub struct IndexWriter {
    out: Output,
    /// What is wrong with the input is told with the file's name.
    path: std::path::PathBuf,
    toc: Toc,
    symbols: HashMap<Box<str>, u32>,
    texts: Vec<Box<str>>,
    /// The lists of series by symbols of name and value, whose order is that of their texts.
    postings: BTreeMap<(u32, u32), Vec<SeriesRef>>,
    all: Vec<SeriesRef>,
    last: Labels,
    entry: Vec<u8>,
    section: Vec<u8>,
}

impl IndexWriter {
    /// Makes the file and writes the symbols, which must ascend and hold every name and value of the labels to come.
    ///
    /// # Errors
    /// [`TsdbError::Io`]; [`TsdbError::Corrupt`] when the symbols do not ascend or are too many.
    pub fn create<'a>(fs: &dyn Fs, path: &Path, symbols: impl IntoIterator<Item = &'a str>) -> Result<Self, TsdbError> {
        let mut out = Output::create(fs, path)?;
        out.write(&MAGIC)?;
        out.write(&[VERSION])?;
        let mut writer = Self {
            out,
            path: path.to_owned(),
            toc: Toc::default(),
            symbols: HashMap::new(),
            texts: Vec::new(),
            postings: BTreeMap::new(),
            all: Vec::new(),
            last: Labels::empty(),
            entry: Vec::new(),
            section: Vec::new(),
        };
        writer.toc.symbols = writer.out.position();
        writer.section.extend_from_slice(&[0; 4]);
        for text in symbols {
            if writer.texts.last().is_some_and(|last| **last >= *text) {
                return Err(writer.refuse(format!("symbol {text:?} does not ascend")));
            }
            put_str(&mut writer.section, text);
            writer.symbols.insert(text.into(), writer.texts.len() as u32);
            writer.texts.push(text.into());
        }
        let count = writer.texts.len() as u32;
        writer.section[..4].copy_from_slice(&count.to_be_bytes());
        writer.write_section()?;
        writer.toc.series = writer.out.position();
        Ok(writer)
    }

    /// Adds a series, whose labels come after those of all before, with its chunks in the order of time.
    ///
    /// # Errors
    /// [`TsdbError::Io`]; [`TsdbError::Corrupt`] when the order does not hold, a label is no symbol, or the index is full.
    pub fn add_series(&mut self, labels: &Labels, chunks: &[ChunkMeta]) -> Result<SeriesRef, TsdbError> {
        if !self.all.is_empty() && *labels <= self.last {
            return Err(self.refuse(format!("series {labels} does not come after {}", self.last)));
        }
        if let Some(pair) = chunks.windows(2).find(|pair| pair[1].min_t <= pair[0].max_t) {
            return Err(self.refuse(format!("chunks of {labels} overlap at {}", pair[1].min_t)));
        }
        self.out.pad(SERIES_ALIGN)?;
        let series = SeriesRef::try_from(self.out.position() / SERIES_ALIGN)
            .map_err(|_| self.refuse("more than 64 GiB of series".to_owned()))?;
        let mut pairs = Vec::with_capacity(labels.len());
        for (name, value) in labels {
            pairs.push((self.symbol(name)?, self.symbol(value)?));
        }
        self.entry.clear();
        put_uvarint(&mut self.entry, pairs.len() as u64);
        for (name, value) in &pairs {
            put_uvarint(&mut self.entry, u64::from(*name));
            put_uvarint(&mut self.entry, u64::from(*value));
        }
        encode_chunks(&mut self.entry, chunks);
        self.section.clear();
        put_uvarint(&mut self.section, self.entry.len() as u64);
        self.out.write(&self.section)?;
        self.out.write(&self.entry)?;
        self.out.write(&crc32c::crc32c(&self.entry).to_be_bytes())?;
        self.section.clear();
        for pair in pairs {
            self.postings.entry(pair).or_default().push(series);
        }
        self.all.push(series);
        self.last = labels.clone();
        Ok(series)
    }

    /// Writes postings and tables and makes the file durable.
    ///
    /// # Errors
    /// [`TsdbError::Io`]; [`TsdbError::Corrupt`] when a part is longer than the format can tell.
    pub fn finish(mut self) -> Result<(), TsdbError> {
        // The list of all series is aligned for the lists after it.
        self.out.pad(4)?;
        self.toc.label_indices = self.out.position();
        self.toc.postings = self.out.position();
        let mut offsets = Vec::with_capacity(self.postings.len() + 1);
        let all = std::mem::take(&mut self.all);
        offsets.push((None, self.write_postings(&all)?));
        for (pair, list) in std::mem::take(&mut self.postings) {
            offsets.push((Some(pair), self.write_postings(&list)?));
        }
        self.toc.label_indices_table = self.out.position();
        self.toc.postings_table = self.out.position();
        let count = u32::try_from(offsets.len()).map_err(|_| self.refuse("too many label values".to_owned()))?;
        self.section.extend_from_slice(&count.to_be_bytes());
        for (pair, offset) in offsets {
            let (name, value) = pair.map_or(("", ""), |(n, v)| (&*self.texts[n as usize], &*self.texts[v as usize]));
            put_uvarint(&mut self.section, 2);
            put_str(&mut self.section, name);
            put_str(&mut self.section, value);
            put_uvarint(&mut self.section, offset);
        }
        self.write_section()?;
        self.out.write(&self.toc.encode())?;
        self.out.finish()
    }

    fn symbol(&self, text: &str) -> Result<u32, TsdbError> {
        self.symbols.get(text).copied().ok_or_else(|| self.refuse(format!("{text:?} is not among the symbols")))
    }

    /// Writes a list at a multiple of four bytes; gives its offset.
    fn write_postings(&mut self, list: &[SeriesRef]) -> Result<u64, TsdbError> {
        self.out.pad(4)?;
        let offset = self.out.position();
        self.section.extend_from_slice(&(list.len() as u32).to_be_bytes());
        for series in list {
            self.section.extend_from_slice(&series.to_be_bytes());
        }
        self.write_section()?;
        Ok(offset)
    }

    /// Writes what was gathered in `section`, with its length before it and its checksum after it.
    fn write_section(&mut self) -> Result<(), TsdbError> {
        if self.section.len() > MAX_SECTION {
            return Err(self.refuse(format!("a section of {} bytes is too long", self.section.len())));
        }
        self.out.write(&(self.section.len() as u32).to_be_bytes())?;
        self.out.write(&self.section)?;
        self.out.write(&crc32c::crc32c(&self.section).to_be_bytes())?;
        self.section.clear();
        Ok(())
    }

    fn refuse(&self, what: String) -> TsdbError {
        TsdbError::Corrupt { path: self.path.clone(), offset: self.out.position(), what }
    }
}

impl Toc {
    fn encode(self) -> Vec<u8> {
        let offsets = [
            self.symbols,
            self.series,
            self.label_indices,
            self.label_indices_table,
            self.postings,
            self.postings_table,
        ];
        let mut out: Vec<u8> = offsets.iter().flat_map(|offset| offset.to_be_bytes()).collect();
        out.extend_from_slice(&crc32c::crc32c(&out).to_be_bytes());
        out
    }
}

fn encode_chunks(out: &mut Vec<u8>, chunks: &[ChunkMeta]) {
    put_uvarint(out, chunks.len() as u64);
    let mut before: Option<&ChunkMeta> = None;
    for chunk in chunks {
        let length = chunk.max_t.wrapping_sub(chunk.min_t) as u64;
        match before {
            None => {
                put_varint(out, chunk.min_t);
                put_uvarint(out, length);
                put_uvarint(out, chunk.reference);
            }
            Some(before) => {
                put_uvarint(out, chunk.min_t.wrapping_sub(before.max_t) as u64);
                put_uvarint(out, length);
                put_varint(out, chunk.reference.wrapping_sub(before.reference) as i64);
            }
        }
        before = Some(chunk);
    }
}
