//! Reads an index in place.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use neocortex_model::labels::Labels;

use super::symbols::Symbols;
use super::{ChunkMeta, HEADER_BYTES, MAGIC, SAMPLED, SERIES_ALIGN, SeriesRef, TOC_BYTES, Toc, VERSION};
use crate::error::TsdbError;
use crate::fs::{Fs, Mapped};
use crate::varint::{Cursor, Malformed};

/// The values of one label in the postings offset table.
struct LabelTable {
    /// Where its entries are in the table's content.
    entries: Range<usize>,
    /// Offsets of every so-manyth entry; the first is the first.
    sampled: Vec<usize>,
}

/// An entry of the postings offset table.
struct TableEntry<'a> {
    name: &'a str,
    value: &'a str,
    /// Where the list is in the file.
    list: u64,
}

/// An index that was opened for reading.
pub struct IndexReader {
    path: PathBuf,
    file: Mapped,
    symbols: Symbols,
    symbols_content: Range<usize>,
    table_content: Range<usize>,
    labels: BTreeMap<Box<str>, LabelTable>,
    /// Where the list of all series is.
    all: Option<u64>,
}

impl IndexReader {
    /// Opens an index: verifies header, table of contents, symbols and the table of postings. The other parts are
    /// verified when they are read.
    ///
    /// # Errors
    /// [`TsdbError::Io`]; [`TsdbError::Corrupt`] when one of these parts is damaged or the version is not 2.
    pub fn open(fs: &dyn Fs, path: &Path) -> Result<Self, TsdbError> {
        let file = fs.map(path).map_err(|e| TsdbError::io(path, "open index", e))?;
        let corrupt = |offset: usize, what: &str| TsdbError::Corrupt {
            path: path.to_owned(),
            offset: offset as u64,
            what: what.to_owned(),
        };
        let toc = read_header_and_toc(&file).map_err(|(offset, what)| corrupt(offset, what))?;
        let at = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
        let (symbols_at, table_at) = (at(toc.symbols), at(toc.postings_table));
        let symbols_content = section(&file, symbols_at).ok_or_else(|| corrupt(symbols_at, "symbols are damaged"))?;
        let symbols = Symbols::read(&file[symbols_content.clone()])
            .map_err(|Malformed| corrupt(symbols_at, "symbols are malformed"))?;
        let table_content =
            section(&file, table_at).ok_or_else(|| corrupt(table_at, "table of postings is damaged"))?;
        let (labels, all) = read_table(&file[table_content.clone()])
            .map_err(|Malformed| corrupt(table_at, "table of postings is malformed"))?;
        Ok(Self { path: path.to_owned(), file, symbols, symbols_content, table_content, labels, all })
    }

    /// Bytes of the file.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.file.len() as u64
    }

    /// True for no index that could be opened.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.file.is_empty()
    }

    /// Bytes of memory beside the mapped file.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let labels = self
            .labels
            .iter()
            .map(|(name, table)| name.len() + size_of::<LabelTable>() + table.sampled.capacity() * size_of::<usize>());
        self.symbols.bytes() + labels.sum::<usize>()
    }

    /// Bytes of memory of the table of symbols.
    #[must_use]
    pub fn symbol_table_bytes(&self) -> usize {
        self.symbols.bytes()
    }

    /// Names of all labels, ascending.
    pub fn label_names(&self) -> impl Iterator<Item = &str> {
        self.labels.keys().map(|name| &**name)
    }

    /// Calls `each` with every symbol, ascending.
    ///
    /// # Errors
    /// [`TsdbError::Corrupt`]
    pub fn for_each_symbol<'a>(&'a self, each: impl FnMut(&'a str)) -> Result<(), TsdbError> {
        let content = &self.file[self.symbols_content.clone()];
        let malformed = |Malformed| self.corrupt(self.symbols_content.start as u64, "symbols are malformed");
        self.symbols.for_each(content, each).map_err(malformed)
    }

    /// Calls `each` with every value of a label, ascending, and where its list is, see [`Self::list_at`].
    ///
    /// # Errors
    /// [`TsdbError::Corrupt`]
    pub fn for_each_value<'a>(&'a self, name: &str, mut each: impl FnMut(&'a str, u64)) -> Result<(), TsdbError> {
        let Some(label) = self.labels.get(name) else { return Ok(()) };
        let mut cursor = Cursor::new(&self.table()[label.entries.clone()]);
        while !cursor.is_empty() {
            let entry = table_entry(&mut cursor).map_err(|Malformed| self.table_is_malformed())?;
            each(entry.value, entry.list);
        }
        Ok(())
    }

    /// The series with a label value, ascending; none when there is no such value.
    ///
    /// # Errors
    /// [`TsdbError::Corrupt`]
    pub fn postings(&self, name: &str, value: &str) -> Result<Vec<SeriesRef>, TsdbError> {
        let list = self.labels.get(name).map_or(Ok(None), |label| self.find(label, value));
        list.map_err(|Malformed| self.table_is_malformed())?.map_or_else(|| Ok(Vec::new()), |at| self.list_at(at))
    }

    /// All series, ascending.
    ///
    /// # Errors
    /// [`TsdbError::Corrupt`]
    pub fn all_postings(&self) -> Result<Vec<SeriesRef>, TsdbError> {
        self.all.map_or_else(|| Ok(Vec::new()), |at| self.list_at(at))
    }

    /// The list of series at an offset that the table named.
    ///
    /// # Errors
    /// [`TsdbError::Corrupt`]
    pub fn list_at(&self, offset: u64) -> Result<Vec<SeriesRef>, TsdbError> {
        let damaged = || self.corrupt(offset, "postings are damaged");
        let content = section(&self.file, usize::try_from(offset).map_err(|_| damaged())?).ok_or_else(damaged)?;
        let (count, list) = self.file[content].split_first_chunk::<4>().ok_or_else(damaged)?;
        if u32::from_be_bytes(*count) as usize * 4 != list.len() {
            return Err(damaged());
        }
        Ok(list.chunks_exact(4).map(|n| SeriesRef::from_be_bytes([n[0], n[1], n[2], n[3]])).collect())
    }

    /// Labels and chunks of a series.
    ///
    /// # Errors
    /// [`TsdbError::Corrupt`]
    pub fn series(&self, series: SeriesRef) -> Result<(Labels, Vec<ChunkMeta>), TsdbError> {
        let mut entry = self.entry(series)?;
        self.decode_series(&mut entry).map_err(|Malformed| self.malformed_series(series))
    }

    /// Labels of a series.
    ///
    /// # Errors
    /// [`TsdbError::Corrupt`]
    pub fn labels(&self, series: SeriesRef) -> Result<Labels, TsdbError> {
        let mut entry = self.entry(series)?;
        self.decode_labels(&mut entry).map_err(|Malformed| self.malformed_series(series))
    }

    /// The entry of a series, checksum verified.
    fn entry(&self, series: SeriesRef) -> Result<Cursor<'_>, TsdbError> {
        let offset = u64::from(series) * SERIES_ALIGN;
        let damaged = || self.corrupt(offset, "series is damaged");
        let from = usize::try_from(offset).map_err(|_| damaged())?;
        let mut cursor = Cursor::new(self.file.get(from..).ok_or_else(damaged)?);
        let entry = cursor.bytes().map_err(|Malformed| damaged())?;
        let end = self.file.len() - cursor.len();
        match self.file[end..].first_chunk::<4>() {
            Some(crc) if u32::from_be_bytes(*crc) == crc32c::crc32c(entry) => Ok(Cursor::new(entry)),
            _ => Err(damaged()),
        }
    }

    fn decode_series(&self, entry: &mut Cursor<'_>) -> Result<(Labels, Vec<ChunkMeta>), Malformed> {
        let labels = self.decode_labels(entry)?;
        let mut chunks: Vec<ChunkMeta> = Vec::with_capacity(entry.clone().count(3)?);
        for _ in 0..entry.count(3)? {
            let chunk = match chunks.last() {
                None => {
                    let min_t = entry.varint()?;
                    let max_t = min_t.wrapping_add(entry.uvarint()? as i64);
                    ChunkMeta { min_t, max_t, reference: entry.uvarint()? }
                }
                Some(before) => {
                    let min_t = before.max_t.wrapping_add(entry.uvarint()? as i64);
                    let max_t = min_t.wrapping_add(entry.uvarint()? as i64);
                    ChunkMeta { min_t, max_t, reference: before.reference.wrapping_add_signed(entry.varint()?) }
                }
            };
            chunks.push(chunk);
        }
        Ok((labels, chunks))
    }

    fn decode_labels(&self, entry: &mut Cursor<'_>) -> Result<Labels, Malformed> {
        let symbols = &self.file[self.symbols_content.clone()];
        let count = entry.count(2)?;
        let mut pairs = Vec::with_capacity(count);
        for _ in 0..count {
            let name = self.symbols.text(symbols, entry.uvarint()?)?;
            pairs.push((name, self.symbols.text(symbols, entry.uvarint()?)?));
        }
        let ascending = pairs.windows(2).all(|pair| pair[0].0 < pair[1].0);
        if ascending { Ok(Labels::from_sorted(&pairs)) } else { Err(Malformed) }
    }

    /// Where the list of a value is.
    fn find(&self, label: &LabelTable, value: &str) -> Result<Option<u64>, Malformed> {
        let table = self.table();
        let (mut low, mut high) = (0, label.sampled.len());
        while low < high {
            let middle = (low + high) / 2;
            let sample = table_entry(&mut Cursor::new(&table[label.sampled[middle]..]))?;
            if sample.value <= value { low = middle + 1 } else { high = middle }
        }
        let Some(sample) = low.checked_sub(1) else { return Ok(None) };
        let mut cursor = Cursor::new(&table[label.sampled[sample]..label.entries.end]);
        while !cursor.is_empty() {
            let entry = table_entry(&mut cursor)?;
            match entry.value.cmp(value) {
                std::cmp::Ordering::Less => {}
                std::cmp::Ordering::Equal => return Ok(Some(entry.list)),
                std::cmp::Ordering::Greater => break,
            }
        }
        Ok(None)
    }

    fn table(&self) -> &[u8] {
        &self.file[self.table_content.clone()]
    }

    fn table_is_malformed(&self) -> TsdbError {
        self.corrupt(self.table_content.start as u64, "table of postings is malformed")
    }

    fn malformed_series(&self, series: SeriesRef) -> TsdbError {
        self.corrupt(u64::from(series) * SERIES_ALIGN, "series is malformed")
    }

    fn corrupt(&self, offset: u64, what: &str) -> TsdbError {
        TsdbError::Corrupt { path: self.path.clone(), offset, what: what.to_owned() }
    }
}

fn read_header_and_toc(file: &[u8]) -> Result<Toc, (usize, &'static str)> {
    if file.len() < HEADER_BYTES + TOC_BYTES || file[..4] != MAGIC {
        return Err((0, "not an index"));
    }
    if file[4] != VERSION {
        return Err((4, "not version 2 of an index"));
    }
    let start = file.len() - TOC_BYTES;
    let (offsets, crc) = file[start..].split_at(TOC_BYTES - 4);
    if crc32c::crc32c(offsets).to_be_bytes() != *crc {
        return Err((start, "table of contents is damaged"));
    }
    let mut cursor = Cursor::new(offsets);
    let mut next = || cursor.be64().map_err(|Malformed| (start, "table of contents is malformed"));
    Ok(Toc {
        symbols: next()?,
        series: next()?,
        label_indices: next()?,
        label_indices_table: next()?,
        postings: next()?,
        postings_table: next()?,
    })
}

/// The content of the section at an offset, if it is there and its checksum is right.
fn section(file: &[u8], offset: usize) -> Option<Range<usize>> {
    let (length, rest) = file.get(offset..)?.split_first_chunk::<4>()?;
    let length = u32::from_be_bytes(*length) as usize;
    let (content, rest) = rest.split_at_checked(length)?;
    let crc = u32::from_be_bytes(*rest.first_chunk::<4>()?);
    (crc == crc32c::crc32c(content)).then(|| offset + 4..offset + 4 + length)
}

fn table_entry<'a>(cursor: &mut Cursor<'a>) -> Result<TableEntry<'a>, Malformed> {
    if cursor.uvarint()? != 2 {
        return Err(Malformed);
    }
    Ok(TableEntry { name: cursor.text()?, value: cursor.text()?, list: cursor.uvarint()? })
}

type Tables = (BTreeMap<Box<str>, LabelTable>, Option<u64>);

/// Walks over the postings offset table: the labels, and the list of all series.
fn read_table(content: &[u8]) -> Result<Tables, Malformed> {
    let (count, rest) = content.split_first_chunk::<4>().ok_or(Malformed)?;
    let mut cursor = Cursor::new(rest);
    let (mut labels, mut all) = (BTreeMap::new(), None);
    let mut current: Option<(&str, LabelTable)> = None;
    let mut entries = 0;
    for _ in 0..u32::from_be_bytes(*count) {
        let start = content.len() - cursor.len();
        let entry = table_entry(&mut cursor)?;
        let end = content.len() - cursor.len();
        if entry.name.is_empty() {
            all = Some(entry.list);
            continue;
        }
        match &mut current {
            Some((name, table)) if *name == entry.name => {
                entries += 1;
                table.entries.end = end;
                if entries % SAMPLED == 0 {
                    table.sampled.push(start);
                }
            }
            _ => {
                let next = (entry.name, LabelTable { entries: start..end, sampled: vec![start] });
                if let Some((name, table)) = current.replace(next) {
                    labels.insert(name.into(), table);
                }
                entries = 0;
            }
        }
    }
    if let Some((name, table)) = current {
        labels.insert(name.into(), table);
    }
    if cursor.is_empty() { Ok((labels, all)) } else { Err(Malformed) }
}
