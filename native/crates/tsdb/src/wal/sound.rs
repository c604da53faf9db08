//! Whether a log has what was written to it, as far as its frames tell: no record is unpacked.
//!
//! A start from a snapshot passes over the log before it. Damage there must not stay: the next start without a snapshot would
//! cut the log off at it, and with it what was acknowledged since. A sync that failed leaves such damage when the power
//! fails: often no torn record but zeros, which a reader takes for the rest of a page. What no checksum covers, the flags of
//! compression, is not looked at.

use std::path::Path;
use std::sync::Arc;

use super::checkpoint;
use super::read::{Position, Reader};
use crate::error::TsdbError;
use crate::fs::Fs;

/// True when checksums and order of all fragments are right from the newest checkpoint on up to `end`, at which a record ends
/// or a segment begins, and when nothing but what writers leave lies between records. Zeros in the place of the last records
/// of a segment cannot be told from what Prometheus leaves there if they end with the page.
///
/// # Errors
/// [`TsdbError`] when something cannot be read. Damage is no error.
pub fn is_sound_until(fs: &Arc<dyn Fs>, wal_dir: &Path, end: Position) -> Result<bool, TsdbError> {
    match read_until(fs, wal_dir, end) {
        Err(TsdbError::Corrupt { .. }) => Ok(false),
        other => other,
    }
}

fn read_until(fs: &Arc<dyn Fs>, wal_dir: &Path, end: Position) -> Result<bool, TsdbError> {
    let mut begin = 0;
    if let Some((checkpoint, last)) = checkpoint::newest(&**fs, wal_dir)? {
        if last >= end.segment {
            return Ok(true);
        }
        let mut reader = Reader::open(Arc::clone(fs), &checkpoint, 0)?;
        while reader.skip()? {}
        if reader.has_gap() {
            return Ok(false);
        }
        begin = last + 1;
    }
    let last = if end.offset > 0 { Some(end.segment) } else { end.segment.checked_sub(1) };
    let Some(last) = last else { return Ok(true) };
    let mut reader = Reader::open(Arc::clone(fs), wal_dir, begin)?.up_to(last);
    while reader.position() < end && reader.skip()? {}
    let has_end = if end.offset > 0 { reader.position() == end } else { reader.position().segment >= last };
    Ok(has_end && !reader.has_gap())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::FaultyFs;
    use crate::wal::write::{WalOptions, Writer};
    use crate::wal::{HEADER_SIZE, PAGE_SIZE, segment_name};

    fn dir() -> &'static Path {
        Path::new("/wal")
    }

    fn is_sound(fs: &FaultyFs, end: Position) -> bool {
        let fs: Arc<dyn Fs> = Arc::new(fs.clone());
        is_sound_until(&fs, dir(), end).unwrap()
    }

    /// Segments of several pages; gives the ends of all records.
    fn written(segments: u64) -> (FaultyFs, Vec<Position>) {
        let fs = FaultyFs::new();
        let disk: Arc<dyn Fs> = Arc::new(fs.clone());
        let mut writer = Writer::open(disk, dir(), WalOptions::default()).unwrap();
        let mut ends = Vec::new();
        for _ in 0..segments {
            for length in [10, PAGE_SIZE, 300, 20_000, 9] {
                writer.log(&[&vec![7; length]]).unwrap();
                ends.push(writer.position());
            }
            writer.cut_segment().unwrap();
        }
        (fs, ends)
    }

    fn with(fs: &FaultyFs, number: u64, change: impl FnOnce(&mut Vec<u8>)) -> FaultyFs {
        let (fs, path) = (fs.after_process_crash(), dir().join(segment_name(number)));
        let mut bytes = fs.bytes(&path).unwrap();
        change(&mut bytes);
        fs.put(&path, bytes);
        fs
    }

    #[test]
    fn a_log_is_sound_up_to_every_end_of_a_record_and_nowhere_else() {
        let (fs, ends) = written(2);
        for end in &ends {
            assert!(is_sound(&fs, *end), "{end:?}");
            assert!(!is_sound(&fs, Position { offset: end.offset + 1, ..*end }), "after {end:?}");
            assert!(!is_sound(&fs, Position { offset: end.offset - 1, ..*end }), "before {end:?}");
        }
        for segment in 0..=2 {
            assert!(is_sound(&fs, Position { segment, offset: 0 }), "{segment}");
        }
        assert!(is_sound(&FaultyFs::new(), Position::default()));
        assert!(!is_sound(&fs, Position { segment: 4, offset: 0 }), "segments are missing");
    }

    #[test]
    fn damage_counts_up_to_the_end_and_not_after_it() {
        let (fs, ends) = written(2);
        let (middle, last) = (ends[2], *ends.last().unwrap());
        for at in (0..ends[4].offset as usize).step_by(97) {
            let fs = with(&fs, 0, |bytes| bytes[at] ^= 1);
            assert!(!is_sound(&fs, last), "byte {at}");
            assert_eq!(is_sound(&fs, middle), at as u64 >= middle.offset, "byte {at}");
        }
    }

    #[test]
    fn what_is_missing_is_told_be_it_cut_off_or_zeros() {
        let (fs, ends) = written(2);
        let end = Position { segment: 1, offset: 0 };
        let whole = ends[4].offset as usize;
        let records: Vec<usize> = ends[..4].iter().map(|end| end.offset as usize).chain([0]).collect();
        for kept in records.into_iter().chain((0..whole).step_by(977)) {
            let zeros = with(&fs, 0, |bytes| bytes[kept..].fill(0));
            assert!(!is_sound(&zeros, end), "zeros after {kept}");
            let rest = with(&fs, 0, |bytes| bytes[..kept.max(1)].fill(0));
            assert!(!is_sound(&rest, end), "zeros before {kept}");
        }
        assert!(!is_sound(&with(&fs, 1, Vec::clear), *ends.last().unwrap()));
    }

    #[test]
    fn the_last_page_may_be_filled_up_as_prometheus_does() {
        let (fs, ends) = written(2);
        let last = *ends.last().unwrap();
        let fill = |bytes: &mut Vec<u8>| bytes.resize(bytes.len().next_multiple_of(PAGE_SIZE), 0);
        assert!(is_sound(&with(&fs, 0, fill), last));
        assert!(
            !is_sound(&with(&fs, 0, |bytes| bytes.resize(bytes.len() + HEADER_SIZE, 0)), last),
            "not the whole page"
        );
        let one_more = |bytes: &mut Vec<u8>| bytes.resize(bytes.len().next_multiple_of(PAGE_SIZE) + PAGE_SIZE, 0);
        assert!(!is_sound(&with(&fs, 0, one_more), last));
    }

    #[test]
    fn what_a_checkpoint_stands_for_does_not_count() {
        let (fs, ends) = written(2);
        let checkpoint = dir().join("checkpoint.00000000");
        let disk: Arc<dyn Fs> = Arc::new(fs.clone());
        let mut writer = Writer::open(disk, &checkpoint, WalOptions::default()).unwrap();
        writer.log(&[b"record"]).unwrap();
        let fs = with(&fs, 0, |bytes| bytes[3] ^= 1);
        let last = *ends.last().unwrap();
        assert!(is_sound(&fs, last));
        let path = checkpoint.join(segment_name(0));
        let mut bytes = fs.bytes(&path).unwrap();
        bytes[HEADER_SIZE] ^= 1;
        fs.put(&path, bytes);
        assert!(!is_sound(&fs, last));
        assert!(is_sound(&fs, ends[2]), "the checkpoint is after it");
    }
}
