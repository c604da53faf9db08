//! Checkpoints: a directory `checkpoint.N` beside the segments, itself a log, that replaces all segments up to N.
//!
//! Source: Prometheus `tsdb/wlog/checkpoint.go`. A checkpoint is written as `checkpoint.N.tmp`, made durable and given its
//! name; only then are the segments and the older checkpoint that it stands for removed, oldest first. So at every moment
//! the newest checkpoint and the segments after it are the whole log.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hashbrown::HashMap;

use super::read::Reader;
use super::record::{self, Record, RefMetadata};
use super::write::{WalOptions, Writer};
use super::{segment_name, segments};
use crate::error::TsdbError;
use crate::failpoint;
use crate::fs::Fs;
use crate::upkeep::Upkeep;

const PREFIX: &str = "checkpoint.";

const TEMPORARY_SUFFIX: &str = ".tmp";

/// Bytes of records that are gathered before they are written.
const BATCH_BYTES: usize = 1 << 20;

/// The newest checkpoint: its directory and the number of the last segment that it replaces.
///
/// # Errors
/// [`TsdbError::Io`]
pub fn newest(fs: &dyn Fs, wal_dir: &Path) -> Result<Option<(PathBuf, u64)>, TsdbError> {
    let newest = checkpoints(fs, wal_dir)?.into_iter().max();
    Ok(newest.map(|(n, name)| (wal_dir.join(name), n)))
}

/// Replaces the older two thirds of the segments up to `last` by a checkpoint with the series that are to be kept and what
/// their samples, histograms, exemplars and deletions are from `mint` on (milliseconds), and with the newest metadata. Does
/// nothing while there are too few segments to be worth it. Nobody may write to segments up to `last` any more.
///
/// # Errors
/// [`TsdbError`]: old or new are whole.
pub(crate) fn advance(
    fs: &Arc<dyn Fs>,
    wal_dir: &Path,
    last: u64,
    mint: i64,
    keep: impl Fn(u64) -> bool,
    options: WalOptions,
    upkeep: &Upkeep,
) -> Result<(), TsdbError> {
    let Some(first) = segments(&**fs, wal_dir)?.first().copied() else { return Ok(()) };
    // Segments that the newest checkpoint stands for are left over from when their removal failed.
    let first = newest(&**fs, wal_dir)?.map_or(first, |(_, last)| first.max(last + 1));
    // The last segment is never part of it, and one alone is not worth the work.
    let Some(to) = last.checked_sub(1).filter(|last| *last > first).map(|last| first + (last - first) * 2 / 3) else {
        return Ok(());
    };
    if to <= first {
        return Ok(());
    }
    if newest(&**fs, wal_dir)?.is_some_and(|(_, last)| last >= to) {
        // An earlier call made it and then failed, maybe before its name was durable.
        fs.sync_dir(wal_dir).map_err(|e| TsdbError::io(wal_dir, "sync directory", e))?;
    } else {
        upkeep.count(|stats| &mut stats.checkpoints, || write(fs, wal_dir, to, mint, keep, options))?;
    }
    upkeep.count(|stats| &mut stats.checkpoint_removals, || remove_before(&**fs, wal_dir, to))
}

/// Writes the checkpoint of everything up to segment `to`.
fn write(
    fs: &Arc<dyn Fs>,
    wal_dir: &Path,
    to: u64,
    mint: i64,
    keep: impl Fn(u64) -> bool,
    options: WalOptions,
) -> Result<(), TsdbError> {
    let path = wal_dir.join(format!("{PREFIX}{to:08}"));
    let temporary = wal_dir.join(format!("{PREFIX}{to:08}{TEMPORARY_SUFFIX}"));
    match fs.remove_dir_all(&temporary) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(TsdbError::io(&temporary, "remove", e)),
        _ => {}
    }
    let before = newest(&**fs, wal_dir)?;
    let mut log = Batched { writer: Writer::open(Arc::clone(fs), &temporary, options)?, batch: Vec::new(), bytes: 0 };
    let mut filter = Filter { keep, mint, metadata: HashMap::new() };
    let mut from = 0;
    if let Some((dir, last)) = before {
        filter.copy(&mut Reader::open(Arc::clone(fs), &dir, 0)?, &dir, u64::MAX, &mut log)?;
        from = last + 1;
    }
    filter.copy(&mut Reader::open(Arc::clone(fs), wal_dir, from)?, wal_dir, to, &mut log)?;
    filter.finish(&mut log)?;
    log.flush()?;
    log.writer.close()?;
    fs.sync_dir(&temporary).map_err(|e| TsdbError::io(&temporary, "sync directory", e))?;
    failpoint::reach("checkpoint.written");
    fs.rename(&temporary, &path).map_err(|e| TsdbError::io(&path, "rename", e))?;
    failpoint::reach("checkpoint.named");
    Ok(())
}

/// Removes segments up to `to` and the checkpoints before that of `to`.
fn remove_before(fs: &dyn Fs, wal_dir: &Path, to: u64) -> Result<(), TsdbError> {
    for number in segments(fs, wal_dir)?.into_iter().take_while(|number| *number <= to) {
        let path = wal_dir.join(segment_name(number));
        fs.remove_file(&path).map_err(|e| TsdbError::io(&path, "remove segment", e))?;
        failpoint::reach("checkpoint.segment-removed");
    }
    for (_, name) in checkpoints(fs, wal_dir)?.into_iter().filter(|(number, _)| *number < to) {
        let path = wal_dir.join(name);
        fs.remove_dir_all(&path).map_err(|e| TsdbError::io(&path, "remove checkpoint", e))?;
    }
    Ok(())
}

fn checkpoints(fs: &dyn Fs, wal_dir: &Path) -> Result<Vec<(u64, String)>, TsdbError> {
    let names = match fs.list(wal_dir) {
        Ok(names) => names,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(TsdbError::io(wal_dir, "list checkpoints", e)),
    };
    let number = |name: &str| name.strip_prefix(PREFIX).and_then(|digits| digits.parse::<u64>().ok());
    Ok(names.into_iter().filter_map(|name| Some((number(&name)?, name))).collect())
}

/// Records on their way into a log, many at a time.
struct Batched {
    writer: Writer,
    batch: Vec<Vec<u8>>,
    bytes: usize,
}

impl Batched {
    fn push(&mut self, record: Vec<u8>) -> Result<(), TsdbError> {
        self.bytes += record.len();
        self.batch.push(record);
        if self.bytes >= BATCH_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), TsdbError> {
        let slices: Vec<&[u8]> = self.batch.iter().map(Vec::as_slice).collect();
        self.writer.log(&slices)?;
        self.batch.clear();
        self.bytes = 0;
        Ok(())
    }
}

/// What a checkpoint keeps.
struct Filter<K> {
    keep: K,
    mint: i64,
    /// The newest metadata of every series.
    metadata: HashMap<u64, RefMetadata>,
}

impl<K: Fn(u64) -> bool> Filter<K> {
    /// Copies what is kept of a log's records up to segment `to`.
    fn copy(&mut self, reader: &mut Reader, dir: &Path, to: u64, log: &mut Batched) -> Result<(), TsdbError> {
        loop {
            let Some(bytes) = reader.next()? else { return Ok(()) };
            let decoded = record::decode(bytes);
            let position = reader.position();
            if position.segment > to {
                return Ok(());
            }
            let record = decoded.map_err(|error| TsdbError::Corrupt {
                path: dir.join(segment_name(position.segment)),
                offset: position.offset,
                what: error.to_string(),
            })?;
            self.record(record, log)?;
        }
    }

    fn record(&mut self, record: Record, log: &mut Batched) -> Result<(), TsdbError> {
        let (keep, mint) = (&self.keep, self.mint);
        let mut out = Vec::new();
        match record {
            Record::Series(mut all) => {
                all.retain(|series| keep(series.series));
                if !all.is_empty() {
                    record::encode_series(&mut out, all.iter().map(|series| (series.series, &series.labels)));
                }
            }
            Record::Samples(mut all) => {
                all.retain(|sample| sample.t >= mint);
                record::encode_samples(&mut out, &all);
            }
            Record::Histograms(mut all) => {
                all.retain(|sample| sample.t >= mint);
                for record in record::encode_histograms(&all) {
                    log.push(record)?;
                }
            }
            Record::Exemplars(mut all) => {
                all.retain(|exemplar| exemplar.t >= mint);
                if !all.is_empty() {
                    record::encode_exemplars(&mut out, &all);
                }
            }
            Record::Tombstones(mut all) => {
                all.retain(|stone| stone.maxt >= mint);
                if !all.is_empty() {
                    record::encode_tombstones(&mut out, &all);
                }
            }
            Record::Metadata(all) => {
                self.metadata.extend(all.into_iter().filter(|entry| keep(entry.series)).map(|m| (m.series, m)));
            }
            // Markers belong to another log, and what is not known cannot be judged.
            Record::MmapMarkers(_) | Record::Unknown(_) => {}
        }
        if out.is_empty() { Ok(()) } else { log.push(out) }
    }

    fn finish(&mut self, log: &mut Batched) -> Result<(), TsdbError> {
        let mut entries: Vec<RefMetadata> = std::mem::take(&mut self.metadata).into_values().collect();
        if entries.is_empty() {
            return Ok(());
        }
        entries.sort_unstable_by_key(|entry| entry.series);
        let mut out = Vec::new();
        record::encode_metadata(&mut out, &entries);
        log.push(out)
    }
}
