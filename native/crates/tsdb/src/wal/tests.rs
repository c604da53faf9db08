//! Writer, reader and repair together, on a disk that tears and fails.

use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;

use super::read::Reader;
use super::repair::repair;
use super::write::{WalOptions, Writer};
use super::{PAGE_SIZE, segment_name, segments};
use crate::error::TsdbError;
use crate::fs::{Chance, Fault, FaultyFs};
use crate::tsdb::WalCompression;

const DIR: &str = "/wal";

fn dir() -> &'static Path {
    Path::new(DIR)
}

fn open(fs: &FaultyFs, compression: WalCompression) -> Result<Writer, TsdbError> {
    Writer::open(Arc::new(fs.clone()), dir(), WalOptions { segment_size: 2 * PAGE_SIZE, compression })
}

/// The records up to the end or the damage, and whether there was damage.
fn read(fs: &FaultyFs) -> (Vec<Vec<u8>>, Option<TsdbError>) {
    let mut reader = Reader::open(Arc::new(fs.clone()), dir(), 0).unwrap();
    let mut records = Vec::new();
    loop {
        match reader.next() {
            Ok(Some(record)) => records.push(record.to_vec()),
            Ok(None) => return (records, None),
            Err(error) => {
                repair(fs, dir(), reader.position()).unwrap();
                return (records, Some(error));
            }
        }
    }
}

/// Batches of records of all sizes, with and without a pattern; never empty, which the writer leaves out.
fn batches() -> impl Strategy<Value = Vec<Vec<Vec<u8>>>> {
    let size = prop_oneof![1..200usize, 1..200usize, 30_000..70_000usize, 32_740..32_780usize];
    let record = (size, any::<u8>(), any::<bool>()).prop_map(|(size, seed, regular)| {
        let mut state = u32::from(seed) + 1;
        let mut noise = move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        (0..size).map(|_| if regular { seed } else { noise() }).collect()
    });
    prop::collection::vec(prop::collection::vec(record, 1..4), 1..8)
}

fn compression() -> impl Strategy<Value = WalCompression> {
    prop_oneof![Just(WalCompression::None), Just(WalCompression::Snappy), Just(WalCompression::Zstd)]
}

fn log(writer: &mut Writer, batch: &[Vec<u8>]) -> Result<u64, TsdbError> {
    writer.log(&batch.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

/// A disk with the batches on it.
fn written(batches: &[Vec<Vec<u8>>], compression: WalCompression) -> FaultyFs {
    let fs = FaultyFs::new();
    let mut writer = open(&fs, compression).unwrap();
    for batch in batches {
        log(&mut writer, batch).unwrap();
    }
    writer.close().unwrap();
    assert!(matches!(writer.log(&[b"late"]), Err(TsdbError::Closed)));
    fs
}

#[test]
fn a_fragment_is_framed_as_prometheus_does() {
    let fs = FaultyFs::new();
    open(&fs, WalCompression::None).unwrap().log(&[b"123456789"]).unwrap();
    // CRC-32C of 123456789 is the checksum's known answer.
    let expected = [&[1, 0, 9, 0xe3, 0x06, 0x92, 0x83], b"123456789".as_slice()].concat();
    assert_eq!(fs.bytes(&dir().join("00000000")).unwrap(), expected);
}

#[test]
fn the_log_goes_on_in_a_new_segment() {
    let fs = FaultyFs::new();
    for i in 0..3u8 {
        let mut writer = open(&fs, WalCompression::None).unwrap();
        writer.log(&[&[i]]).unwrap();
        assert_eq!(writer.segment_number(), u64::from(i));
    }
    assert_eq!(read(&fs).0, [[0], [1], [2]]);
}

#[test]
fn a_log_that_is_not_appended_to_stays_as_it_is() {
    let fs = FaultyFs::new();
    let mut writer = open(&fs, WalCompression::None).unwrap();
    writer.log(&[&[0]]).unwrap();
    let end = writer.position();
    for _ in 0..2 {
        let mut writer = open(&fs, WalCompression::None).unwrap();
        assert_eq!(writer.position(), end);
        writer.sync().unwrap();
        writer.close().unwrap();
        assert_eq!(segments(&fs, dir()).unwrap(), [0]);
    }
    let mut writer = open(&fs, WalCompression::None).unwrap();
    writer.cut_segment().unwrap();
    assert_eq!((writer.segment_number(), segments(&fs, dir()).unwrap()), (1, vec![0, 1]));
    writer.log(&[&[1]]).unwrap();
    assert_eq!(read(&fs).0, [[0], [1]]);
}

#[test]
fn one_batch_is_one_write() {
    let fs = FaultyFs::new();
    let mut writer = open(&fs, WalCompression::None).unwrap();
    let before = fs.calls();
    writer.log(&[&[1; 100], &[2; 40_000], &[3; 10]]).unwrap();
    assert_eq!(fs.calls(), before + 1);
}

#[test]
fn writes_pages_and_syncs_are_counted() {
    let fs = FaultyFs::new();
    let mut writer = open(&fs, WalCompression::None).unwrap();
    let half_a_page = vec![1; PAGE_SIZE / 2];
    for _ in 0..5 {
        writer.log(&[&half_a_page]).unwrap();
    }
    let stats = writer.stats();
    assert_eq!((stats.segment, stats.writes, stats.pages), (1, 5, 2), "a segment has two pages, and room for no more");
    assert_eq!((stats.syncs.attempts, stats.syncs.failures), (1, 0));
    fs.fail_at(fs.calls(), Fault::Error);
    writer.sync().unwrap_err();
    assert_eq!((writer.stats().syncs.attempts, writer.stats().syncs.failures), (2, 1));
}

#[test]
fn a_missing_segment_is_told() {
    let fs = FaultyFs::new();
    fs.put(&dir().join(segment_name(3)), Vec::new());
    let _ = open(&fs, WalCompression::None).unwrap();
    fs.put(&dir().join(segment_name(6)), Vec::new());
    assert!(matches!(segments(&fs, dir()), Err(TsdbError::Corrupt { .. })));
}

#[test]
fn a_record_that_cannot_be_unpacked_is_cut_off() {
    for flag in [super::SNAPPY, super::ZSTD] {
        let fs = written(&[vec![b"one".to_vec(), b"two".to_vec()]], WalCompression::None);
        let path = dir().join(segment_name(0));
        let mut bytes = fs.bytes(&path).unwrap();
        let second = bytes.len() / 2;
        bytes[second] |= flag;
        fs.put(&path, bytes);
        assert!(matches!(read(&fs).1, Some(TsdbError::Corrupt { .. })));
        let (records, damage) = read(&fs);
        assert!(records == [b"one"] && damage.is_none(), "{records:?}, {damage:?}");
    }
}

#[test]
fn a_snappy_length_that_lies_is_told_before_memory_is_taken() {
    let fs = FaultyFs::new();
    drop(open(&fs, WalCompression::None).unwrap());
    let data = [0xff, 0xff, 0xff, 0xff, 0x0f, 0];
    let mut bytes = vec![1 | super::SNAPPY, 0, data.len() as u8];
    bytes.extend(crc32c::crc32c(&data).to_be_bytes());
    bytes.extend(data);
    fs.put(&dir().join(segment_name(0)), bytes);
    assert!(matches!(read(&fs).1, Some(TsdbError::Corrupt { .. })));
}

/// One segment of a little more than two pages, some records across the page's end, and where each record ends.
fn two_pages(compression: WalCompression) -> (FaultyFs, Vec<Vec<u8>>, Vec<u64>) {
    let fs = FaultyFs::new();
    let options = WalOptions { segment_size: 4 * PAGE_SIZE, compression };
    let mut writer = Writer::open(Arc::new(fs.clone()), dir(), options).unwrap();
    let (mut records, mut ends, mut end) = (Vec::new(), Vec::new(), 0);
    for i in 0.. {
        // Of all lengths, and nothing that could be compressed much.
        let mut chance = Chance::new(i);
        let record: Vec<u8> = (0..1 + i * 97 % 5000).map(|_| chance.bits() as u8).collect();
        end += writer.log(&[&record]).unwrap();
        records.push(record);
        ends.push(end);
        if end > 2 * PAGE_SIZE as u64 {
            break;
        }
    }
    writer.close().unwrap();
    (fs, records, ends)
}

#[test]
fn a_log_cut_at_any_byte_of_its_last_two_pages_loses_only_the_torn_record() {
    let (fs, records, ends) = two_pages(WalCompression::None);
    let path = dir().join(segment_name(0));
    let whole = fs.bytes(&path).unwrap();
    for cut in whole.len() - 2 * PAGE_SIZE..whole.len() {
        fs.put(&path, whole[..cut].to_vec());
        let (kept, _) = read(&fs);
        let complete = ends.iter().filter(|end| **end <= cut as u64).count();
        assert!(kept == records[..complete], "cut at {cut}: {} records of {complete}", kept.len());
        // Reading has repaired it.
        assert!(cut % 509 != 0 || read(&fs).1.is_none(), "cut at {cut}: damaged after the repair");
    }
}

#[test]
fn a_flipped_bit_anywhere_in_a_small_log_is_found() {
    let records: Vec<Vec<u8>> = vec![b"series and more series".repeat(3), b"samples".to_vec(), vec![7; 90]];
    for compression in [WalCompression::None, WalCompression::Snappy, WalCompression::Zstd] {
        let fs = written(&records.iter().map(|record| vec![record.clone()]).collect::<Vec<_>>(), compression);
        let path = dir().join(segment_name(0));
        let whole = fs.bytes(&path).unwrap();
        let mut starts = vec![0];
        while let Some(start) = starts.last().copied().filter(|start| *start < whole.len()) {
            let length = u16::from_be_bytes([whole[start + 1], whole[start + 2]]);
            starts.push(start + super::HEADER_SIZE + usize::from(length));
        }
        for at in 0..whole.len() {
            for bit in 0..8 {
                // The compression flags are not under the checksum: flipped, they make another record of sound bytes.
                if starts.contains(&at) && (super::SNAPPY | super::ZSTD) & (1 << bit) != 0 {
                    continue;
                }
                let mut bytes = whole.clone();
                bytes[at] ^= 1 << bit;
                fs.put(&path, bytes);
                let (kept, _) = read(&fs);
                let hit = starts.iter().filter(|start| **start <= at).count() - 1;
                // The three unused bits of the type mean nothing, as they do to Prometheus.
                let is_unused = starts.contains(&at) && bit >= 5;
                let expected = if is_unused { records.len() } else { hit };
                assert_eq!(kept, records[..expected], "{compression:?} byte {at} bit {bit}");
            }
        }
    }
}

#[test]
fn a_start_makes_durable_what_a_dead_process_left() {
    let fs = FaultyFs::new();
    open(&fs, WalCompression::None).unwrap().log(&[b"acknowledged"]).unwrap();
    let fs = fs.after_process_crash();
    open(&fs, WalCompression::None).unwrap().log(&[b"later"]).unwrap();
    let (records, error) = read(&fs.after_power_failure());
    assert!(error.is_none(), "{error:?}");
    assert_eq!(records, [b"acknowledged"]);
}

#[test]
fn a_segment_whose_name_was_not_made_durable_is_by_the_next_sync() {
    let fs = FaultyFs::new();
    let mut writer = open(&fs, WalCompression::None).unwrap();
    writer.log(&[b"first"]).unwrap();
    // The segment is synced, the next one made, and then its name is not.
    fs.fail_at(fs.calls() + 2, Fault::Error);
    assert!(writer.cut_segment().is_err());
    writer.log(&[b"second"]).unwrap();
    writer.close().unwrap();
    assert_eq!(read(&fs.after_power_failure()).0, [&b"first"[..], b"second"]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn what_is_logged_is_read(batches in batches(), compression in compression()) {
        let fs = written(&batches, compression);
        let (records, error) = read(&fs);
        prop_assert!(error.is_none(), "{error:?}");
        prop_assert_eq!(records, batches.concat());
        let (records, error) = read(&fs.after_power_failure());
        prop_assert!(error.is_none(), "{error:?}");
        prop_assert_eq!(records, batches.concat(), "close makes everything durable");
    }

    #[test]
    fn a_torn_tail_loses_only_itself(
        batches in batches(), compression in compression(), cut in any::<prop::sample::Index>(),
    ) {
        let fs = written(&batches, compression);
        let last = dir().join(segment_name(*segments(&fs, dir()).unwrap().last().unwrap()));
        let mut bytes = fs.bytes(&last).unwrap();
        bytes.truncate(cut.index(bytes.len() + 1));
        fs.put(&last, bytes);

        let (kept, _) = read(&fs);
        let all = batches.concat();
        prop_assert!(all.starts_with(&kept));
        // After the repair the log is whole and goes on.
        log(&mut open(&fs, compression).unwrap(), &batches[0]).unwrap();
        let (records, error) = read(&fs);
        prop_assert!(error.is_none(), "{error:?}");
        prop_assert_eq!(records, [kept, batches[0].clone()].concat());
    }

    #[test]
    fn a_flipped_byte_is_found(
        batches in batches(), compression in compression(), segment in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(), flip in 1..=255u8,
    ) {
        let fs = written(&batches, compression);
        let numbers = segments(&fs, dir()).unwrap();
        let path = dir().join(segment_name(*segment.get(&numbers)));
        let mut bytes = fs.bytes(&path).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        fs.put(&path, bytes);

        // The compression flags are not under the checksum: flipped, they make another record of sound bytes.
        if flip & !0b1_1000 != 0 {
            let (kept, error) = read(&fs);
            prop_assert!(batches.concat().starts_with(&kept), "{error:?}");
            let (again, error) = read(&fs);
            prop_assert!(error.is_none(), "{error:?}");
            prop_assert_eq!(again, kept);
        }
    }

    #[test]
    fn what_was_acknowledged_survives_any_fault(
        batches in batches(), compression in compression(),
        faults in prop::collection::vec((any::<prop::sample::Index>(), 0..Fault::ALL.len()), 1..4),
    ) {
        let fs = FaultyFs::new();
        let mut writer = open(&fs, compression).unwrap();
        for (call, kind) in &faults {
            fs.fail_at(fs.calls() + call.index(3 * batches.len()) as u64, Fault::ALL[*kind]);
        }
        let mut acknowledged = Vec::new();
        let mut failed_since = Vec::new();
        for batch in &batches {
            match log(&mut writer, batch) {
                Ok(_) => {
                    acknowledged.extend_from_slice(batch);
                    failed_since.clear();
                }
                Err(_) => failed_since.push(batch),
            }
            if fs.has_crashed() {
                break;
            }
        }
        let (records, _) = read(&fs.after_process_crash());
        prop_assert!(records.starts_with(&acknowledged), "{} of {}", records.len(), acknowledged.len());
        // A batch that failed since may be there in part: nothing was said about it, and cutting it off may have failed too.
        let more = &records[acknowledged.len()..];
        prop_assert!(more.is_empty() || failed_since.iter().any(|batch| batch.starts_with(more)));
    }
}
