use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;

use super::load::load;
use super::write::{Batch, Writer};
use super::{ChunkRef, FileChunk, HEADER};
use crate::chunk::Encoding;
use crate::error::TsdbError;
use crate::fs::{Fault, FaultyFs, Fs};

/// A chunk with its place and its bytes.
type Found = (ChunkRef, u64, i64, i64, u8, bool, Vec<u8>);

fn dir() -> &'static Path {
    Path::new("/data/chunks_head")
}

fn file(number: u32) -> std::path::PathBuf {
    dir().join(format!("{number:06}"))
}

fn number(n: u32) -> NonZeroU32 {
    NonZeroU32::new(n).unwrap()
}

fn writer(fs: &FaultyFs) -> Writer {
    let range = load(fs, dir(), |_, _| {}, || Ok(())).unwrap().range;
    Writer::new(Arc::new(fs.clone()), dir(), range)
}

fn chunk(series: u64, data: &[u8]) -> FileChunk<'_> {
    FileChunk {
        series,
        min_t: series as i64 * 1000,
        max_t: 5,
        encoding: 1,
        out_of_order: series.is_multiple_of(2),
        data,
    }
}

fn batch(chunks: &[FileChunk<'_>]) -> Batch {
    let mut batch = Batch::default();
    chunks.iter().for_each(|chunk| batch.add(chunk));
    batch
}

/// All chunks there are, and whether something was cut off.
fn found(fs: &FaultyFs) -> (Vec<Found>, bool) {
    let mut found = Vec::new();
    let loaded = load(
        fs,
        dir(),
        |at, c| {
            found.push((at, c.series, c.min_t, c.max_t, c.encoding, c.out_of_order, c.data.to_vec()));
        },
        || Ok(()),
    )
    .unwrap();
    for (at, _, _, _, encoding, _, data) in &found {
        let known = loaded.files.chunk(*at);
        match Encoding::from_number(*encoding) {
            Some(encoding) => assert_eq!(known.unwrap(), (encoding, data.as_slice())),
            None => assert!(matches!(known, Err(TsdbError::Corrupt { .. }))),
        }
    }
    (found, loaded.repaired)
}

/// Three files: of two batches, of one, and of one.
fn filled() -> (FaultyFs, Vec<Found>) {
    let fs = FaultyFs::new();
    let mut first = writer(&fs);
    let mut places = first.write(&batch(&[chunk(1, b"one"), chunk(2, b"")])).unwrap().places;
    places.extend(first.write(&batch(&[chunk(300, &[7; 200])])).unwrap().places);
    first.end_file().unwrap();
    places.extend(first.write(&batch(&[chunk(4, b"four")])).unwrap().places);
    let mut second = writer(&fs);
    places.extend(second.write(&batch(&[FileChunk { encoding: 6, ..chunk(5, b"five") }])).unwrap().places);
    let (found, repaired) = found(&fs);
    assert_eq!(found.iter().map(|found| found.0).collect::<Vec<_>>(), places);
    assert!(!repaired);
    (fs, found)
}

#[test]
fn a_chunk_is_written_as_prometheus_does() {
    let (fs, found) = filled();
    let bytes = fs.bytes(&file(2)).unwrap();
    let series = [0, 0, 0, 0, 0, 0, 0, 4];
    let times = [0, 0, 0, 0, 0, 0, 0x0f, 0xa0, 0, 0, 0, 0, 0, 0, 0, 5];
    let framed = [&series[..], &times, &[0x81, 4], b"four"].concat();
    assert_eq!(bytes, [&HEADER[..], &framed, &crc32c::crc32c(&framed).to_be_bytes()].concat());
    assert_eq!(found[3].0, ChunkRef { file: number(2), offset: 8 });
}

#[test]
fn zeros_end_a_file() {
    for zeros in [1, 5, 23, 24, 40, 5000] {
        let (fs, expected) = filled();
        let bytes = [fs.bytes(&file(1)).unwrap(), vec![0; zeros]].concat();
        fs.put(&file(1), bytes);
        assert_eq!(found(&fs), (expected, false), "{zeros}");
    }
}

#[test]
fn a_flipped_bit_anywhere_costs_what_follows_and_nothing_else() {
    let (_, expected) = filled();
    for damaged in 1..=3 {
        let len = filled().0.bytes(&file(damaged)).unwrap().len();
        for bit in 0..len * 8 {
            let (fs, _) = filled();
            let mut bytes = fs.bytes(&file(damaged)).unwrap();
            bytes[bit / 8] ^= 1 << (bit % 8);
            fs.put(&file(damaged), bytes);
            let is_padding = (5..8).contains(&(bit / 8));
            let (kept, repaired) = found(&fs);
            assert_eq!(repaired, !is_padding, "file {damaged}, bit {bit}");
            assert!(expected.starts_with(&kept), "file {damaged}, bit {bit}");
            let before = expected.iter().filter(|found| found.0.file < number(damaged)).count();
            assert!(kept.len() >= before);
            assert_eq!(found(&fs), (kept, false), "a second start finds nothing to repair");
        }
    }
}

#[test]
fn a_file_that_ends_early_costs_what_is_cut_off() {
    let (_, expected) = filled();
    for damaged in 1..=3 {
        let whole = filled().0.bytes(&file(damaged)).unwrap();
        for len in 0..whole.len() {
            let (fs, _) = filled();
            fs.put(&file(damaged), whole[..len].to_vec());
            let (kept, repaired) = found(&fs);
            let ends =
                |found: &Found| found.0.offset as usize + 25 + 1 + found.6.len() + 4 + usize::from(found.6.len() > 127);
            let sound = |found: &&Found| {
                found.0.file < number(damaged) || (found.0.file == number(damaged) && ends(found) <= len)
            };
            if repaired {
                assert_eq!(
                    kept,
                    expected.iter().filter(sound).cloned().collect::<Vec<_>>(),
                    "file {damaged}, {len} bytes"
                );
            } else {
                // Between two chunks: nobody can tell, and what is gone is not there.
                assert!(kept.iter().all(|found| expected.contains(found)));
            }
            assert_eq!(found(&fs), (kept, false));
        }
    }
}

#[test]
fn after_a_gap_nothing_is_taken() {
    let (fs, expected) = filled();
    fs.remove_file(&file(2)).unwrap();
    let (kept, repaired) = found(&fs);
    assert_eq!((kept.as_slice(), repaired), (&expected[..3], true));
    assert_eq!(fs.list(dir()).unwrap(), ["000001"]);
}

#[test]
fn other_names_are_passed_over() {
    let (fs, expected) = filled();
    for name in ["000000", "1", "0000002", "000001.tmp", "x"] {
        fs.put(&dir().join(name), b"no chunks".to_vec());
    }
    assert_eq!(found(&fs), (expected, false));
}

#[test]
fn files_are_removed_from_the_oldest_on() {
    let (fs, expected) = filled();
    let mut writer = writer(&fs);
    writer.remove_before(number(2)).unwrap();
    assert_eq!(found(&fs), (expected[3..].to_vec(), false));
    let places = writer.write(&batch(&[chunk(6, b"six")])).unwrap().places;
    assert_eq!(places[0].file, number(4));
    writer.remove_before(NonZeroU32::MAX).unwrap();
    assert_eq!(fs.list(dir()).unwrap(), Vec::<String>::new());
    assert_eq!(writer.write(&batch(&[chunk(7, b"seven")])).unwrap().places[0].file, number(5));
    let failing = fs.calls();
    fs.fail_at(failing, Fault::Error);
    writer.remove_before(NonZeroU32::MAX).unwrap_err();
    writer.remove_before(NonZeroU32::MAX).unwrap();
    assert_eq!(fs.list(dir()).unwrap(), Vec::<String>::new());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn what_was_written_is_found_whatever_fails(
        batches in proptest::collection::vec(proptest::collection::vec((1..9u64, 0..300usize), 1..5), 1..8),
        faults in proptest::collection::vec((0..30u64, 0..3u8), 0..4),
        power in any::<bool>(),
    ) {
        let fs = FaultyFs::new();
        for (call, kind) in &faults {
            fs.fail_at(*call, [Fault::Error, Fault::Full, Fault::Crash][usize::from(*kind)]);
        }
        let mut writer = Writer::new(Arc::new(fs.clone()), dir(), None);
        let (mut written, mut ended) = (Vec::new(), 0);
        for (i, sizes) in batches.iter().enumerate() {
            let data: Vec<Vec<u8>> = sizes.iter().map(|(_, size)| vec![i as u8; *size]).collect();
            let chunks: Vec<FileChunk<'_>> =
                sizes.iter().zip(&data).map(|((series, _), data)| chunk(*series, data)).collect();
            if let Ok(done) = writer.write(&batch(&chunks)) {
                written.extend(done.places.into_iter().zip(data));
            }
            if i % 2 == 0 && writer.end_file().is_ok() {
                ended = written.len();
            }
        }
        let survivor = if power { fs.after_power_failure() } else { fs.after_process_crash() };
        let (found, _) = found(&survivor);
        let found: Vec<(ChunkRef, Vec<u8>)> = found.into_iter().map(|found| (found.0, found.6)).collect();
        let least = match power {
            true if fs.has_given_up() => 0,
            true => ended,
            false => written.len(),
        };
        prop_assert!(written[..least].iter().all(|chunk| found.contains(chunk)), "{} of {}", found.len(), least);
    }
}

#[test]
fn what_was_removed_before_a_start_does_not_come_back() {
    let fs = FaultyFs::new();
    let mut w = writer(&fs);
    w.write(&batch(&[chunk(1, b"a")])).unwrap();
    w.end_file().unwrap();
    w.remove_before(number(2)).unwrap();
    assert_eq!(found(&fs.after_power_failure()).0.len(), 1);
    let fs = fs.after_process_crash();
    writer(&fs);
    assert_eq!(found(&fs.after_power_failure()).0, []);
}
