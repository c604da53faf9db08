//! Checkpoints: a directory `checkpoint.N` beside the segments, itself a log, that replaces all segments up to N.
//!
//! Source: Prometheus `tsdb/wlog/checkpoint.go`. A checkpoint is written as `checkpoint.N.tmp`, made durable and given its
//! name; only then are the segments and the older checkpoint that it stands for removed, oldest first. So at every moment
//! the newest checkpoint and the segments after it are the whole log.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hashbrown::HashMap;

use super::named::NamedLog;
use super::read::Reader;
use super::record::{self, Record, RefMetadata};
use super::write::WalOptions;
use super::{segment_name, segments};
use crate::error::TsdbError;
use crate::failpoint;
use crate::fs::Fs;
use crate::upkeep::Upkeep;

const PREFIX: &str = "checkpoint.";

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
    let filter = Filter { keep, mint, metadata: HashMap::new() };
    replace(fs, wal_dir, to, options, upkeep, |log| filter.copy_all(fs, wal_dir, to, log))
}

/// Replaces the log up to segment `to` by a checkpoint with the records that `write` gives it. Nobody may write to
/// segments up to `to` any more, and there must be a later one.
///
/// # Errors
/// [`TsdbError`]: old or new are whole.
pub(crate) fn replace(
    fs: &Arc<dyn Fs>,
    wal_dir: &Path,
    to: u64,
    options: WalOptions,
    upkeep: &Upkeep,
    write: impl FnOnce(&mut NamedLog) -> Result<(), TsdbError>,
) -> Result<(), TsdbError> {
    let checkpoint = || {
        let mut log = NamedLog::create(fs, &wal_dir.join(format!("{PREFIX}{to:08}")), options)?;
        write(&mut log)?;
        let complete = log.complete()?;
        failpoint::reach("checkpoint.written");
        complete.name()?;
        failpoint::reach("checkpoint.named");
        Ok(())
    };
    upkeep.count(|stats| &mut stats.checkpoints, checkpoint)?;
    upkeep.count(|stats| &mut stats.checkpoint_removals, || remove_before(&**fs, wal_dir, to))
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

/// What a checkpoint keeps.
struct Filter<K> {
    keep: K,
    mint: i64,
    /// The newest metadata of every series.
    metadata: HashMap<u64, RefMetadata>,
}

impl<K: Fn(u64) -> bool> Filter<K> {
    /// Copies what is kept of the newest checkpoint and of the segments up to `to`.
    fn copy_all(mut self, fs: &Arc<dyn Fs>, wal_dir: &Path, to: u64, log: &mut NamedLog) -> Result<(), TsdbError> {
        let mut from = 0;
        if let Some((dir, last)) = newest(&**fs, wal_dir)? {
            self.copy(&mut Reader::open(Arc::clone(fs), &dir, 0)?, &dir, u64::MAX, log)?;
            from = last + 1;
        }
        self.copy(&mut Reader::open(Arc::clone(fs), wal_dir, from)?, wal_dir, to, log)?;
        self.finish(log)
    }

    /// Copies what is kept of a log's records up to segment `to`.
    fn copy(&mut self, reader: &mut Reader, dir: &Path, to: u64, log: &mut NamedLog) -> Result<(), TsdbError> {
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

    fn record(&mut self, record: Record, log: &mut NamedLog) -> Result<(), TsdbError> {
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

    fn finish(&mut self, log: &mut NamedLog) -> Result<(), TsdbError> {
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
