use std::path::{Path, PathBuf};
use std::sync::Arc;

use neocortex_model::labels::Labels;
use neocortex_model::sample::Samples;
use neocortex_model::series::{Queryable, SelectHints, Series};

use super::meta::{BlockFile, BlockMeta, Thanos};
use super::write::BlockWriter;
use super::*;
use crate::chunk::xor::XorChunk;
use crate::chunk::{EncodedChunk, Encoding};
use crate::error::TsdbError;
use crate::fs::{Fault, FaultyFs, Fs};

const DIR: &str = "/blocks";

fn labels(i: i64) -> Labels {
    Labels::from_pairs([("__name__", "up".to_owned()), ("i", i.to_string())])
}

fn chunk(from: i64) -> EncodedChunk {
    let mut chunk = XorChunk::new();
    (0..3).for_each(|i| chunk.append(from + i, (from + i) as f64));
    EncodedChunk { min_t: from, max_t: from + 2, encoding: Encoding::Xor, bytes: chunk.bytes().into() }
}

/// A block of three series with two chunks each; of the second the samples from 1 to 100 are deleted.
fn write(fs: &Arc<dyn Fs>, ulid: Ulid) -> Result<Option<BlockMeta>, TsdbError> {
    let symbols = ["0", "1", "2", "__name__", "i", "up"];
    // Segments so small that there are several.
    let mut writer = BlockWriter::create(fs, Path::new(DIR), BlockMeta::of_head(ulid, 0, 1000), symbols, 60)?;
    for i in 0..3 {
        let deleted: &[(i64, i64)] = if i == 1 { &[(1, 100)] } else { &[] };
        writer.add_series(&labels(i), &[chunk(0), chunk(100)], deleted)?;
    }
    writer.finish()
}

type Contents = Vec<(String, Vec<(i64, f64)>)>;

fn read(fs: &Arc<dyn Fs>, dir: &Path) -> Result<(BlockMeta, Contents), String> {
    let block = Block::open(fs, dir).map_err(|e| e.to_string())?;
    let hints = SelectHints { start_ms: i64::MIN, end_ms: i64::MAX, ..SelectHints::default() };
    let one = |series: Arc<dyn Series>| -> Result<(String, Vec<(i64, f64)>), String> {
        let mut out = Samples::default();
        series.read(i64::MIN, i64::MAX, &mut out).map_err(|e| e.to_string())?;
        Ok((series.labels().to_string(), out.t.into_iter().zip(out.v).collect()))
    };
    let contents =
        block.select(&[], &hints).map_err(|e| e.to_string())?.into_iter().map(one).collect::<Result<_, _>>()?;
    Ok((block.meta().clone(), contents))
}

fn files(disk: &FaultyFs, dir: &Path) -> Vec<PathBuf> {
    let chunks = disk.list(&dir.join(CHUNKS_DIR)).unwrap();
    let segments = chunks.into_iter().map(|name| dir.join(CHUNKS_DIR).join(name));
    segments.chain([META_FILE, INDEX_FILE, TOMBSTONES_FILE].map(|name| dir.join(name))).collect()
}

#[test]
fn reads_what_was_written() {
    let disk = FaultyFs::new();
    let fs: Arc<dyn Fs> = Arc::new(disk.clone());
    let ulid = Ulid::new(5);
    let meta = write(&fs, ulid).unwrap().unwrap();
    assert_eq!((meta.stats.num_samples, meta.stats.num_chunks, meta.stats.num_tombstones), (18, 6, 1));
    let dir = dir::path(Path::new(DIR), ulid);
    let (read_meta, contents) = read(&fs, &dir).unwrap();
    assert_eq!(read_meta, meta);
    let all: Vec<(i64, f64)> = [0, 1, 2, 100, 101, 102].map(|t| (t, t as f64)).to_vec();
    let kept = vec![(0, 0.0), (101, 101.0), (102, 102.0)];
    let expected: Contents =
        [(0, all.clone()), (1, kept), (2, all)].into_iter().map(|(i, s)| (labels(i).to_string(), s)).collect();
    assert_eq!(contents, expected);
    assert!(files(&disk, &dir).len() > 4, "several segments");
    assert_eq!(disk.list(Path::new(DIR)).unwrap(), [ulid.to_string()]);
    assert_eq!(dir::open_all(&fs, Path::new(DIR)).unwrap().len(), 1);
}

#[test]
fn a_flipped_bit_is_told_or_changes_no_sample() {
    let disk = FaultyFs::new();
    let fs: Arc<dyn Fs> = Arc::new(disk.clone());
    let dir = dir::path(Path::new(DIR), Ulid::new(5));
    let meta = BlockMeta::of_head(dir.file_name().unwrap().to_str().unwrap().parse().unwrap(), 0, 1000);
    write(&fs, meta.ulid).unwrap().unwrap();
    let (_, before) = read(&fs, &dir).unwrap();
    for path in files(&disk, &dir) {
        let whole = disk.bytes(&path).unwrap();
        for at in 0..whole.len() {
            for bit in 0..8 {
                let mut bytes = whole.clone();
                bytes[at] ^= 1 << bit;
                disk.put(&path, bytes);
                // meta.json has no checksum: another time range is believed, but no sample is another one.
                if let Ok((meta, read)) = read(&fs, &dir) {
                    let same = |(read, before): (&(String, Vec<_>), &(String, Vec<_>))| {
                        read.0 == before.0 && read.1.iter().all(|sample| before.1.contains(sample))
                    };
                    let whole_range = (meta.min_time, meta.max_time) == (0, 1000);
                    let harmless = if whole_range { read == before } else { read.iter().zip(&before).all(same) };
                    assert!(harmless, "{} byte {at} bit {bit}", path.display());
                }
            }
        }
        for len in 0..whole.len() {
            disk.put(&path, whole[..len].to_vec());
            assert!(read(&fs, &dir).is_err(), "{} cut to {len}", path.display());
        }
        disk.put(&path, whole);
    }
}

#[test]
fn a_block_is_there_wholly_or_not_at_all() {
    let calls = {
        let disk = FaultyFs::new();
        write(&(Arc::new(disk.clone()) as Arc<dyn Fs>), Ulid::new(5)).unwrap();
        disk.calls()
    };
    for fault in [Fault::Error, Fault::Short, Fault::Full, Fault::Crash] {
        for call in 0..calls {
            let disk = FaultyFs::new();
            disk.fail_at(call, fault);
            let ulid = Ulid::new(5);
            let written = write(&(Arc::new(disk.clone()) as Arc<dyn Fs>), ulid);
            assert!(written.is_err(), "{fault:?} at {call}");
            let powerless = (0..16).map(|seed| disk.after_power_failure_by_chance(seed));
            for survivor in [disk.after_process_crash(), disk.after_power_failure()].into_iter().chain(powerless) {
                let fs: Arc<dyn Fs> = Arc::new(survivor);
                let blocks = dir::open_all(&fs, Path::new(DIR)).unwrap();
                // Who dies after the block got its name has made it; who gets an error has not.
                let may_be_there = fault == Fault::Crash && call == calls - 1;
                assert!(blocks.is_empty() || may_be_there, "{fault:?} at {call}");
                for block in blocks {
                    assert_eq!(read(&fs, &dir::path(Path::new(DIR), ulid)).unwrap().0.stats.num_samples, 18);
                    dir::remove(&*fs, Path::new(DIR), block.meta().ulid).unwrap();
                }
                assert!(fs.list(Path::new(DIR)).unwrap_or_default().is_empty(), "{fault:?} at {call}: left behind");
            }
        }
    }
}

#[test]
fn a_finished_block_survives_a_power_failure() {
    let disk = FaultyFs::new();
    let ulid = Ulid::new(5);
    write(&(Arc::new(disk.clone()) as Arc<dyn Fs>), ulid).unwrap();
    let fs: Arc<dyn Fs> = Arc::new(disk.after_power_failure());
    assert_eq!(read(&fs, &dir::path(Path::new(DIR), ulid)).unwrap().0.stats.num_samples, 18);
}

#[test]
fn a_replaced_block_stays_unseen_and_a_removed_one_is_gone() {
    let disk = FaultyFs::new();
    let fs: Arc<dyn Fs> = Arc::new(disk.clone());
    let (parent, child) = (Ulid::new(5), Ulid::new(6));
    write(&fs, parent).unwrap();
    let mut meta = write(&fs, child).unwrap().unwrap();
    meta.compaction.parents.push(meta::Parent { ulid: parent, min_time: 0, max_time: 1000 });
    let child_dir = dir::path(Path::new(DIR), child);
    meta.write(&*fs, &child_dir).unwrap();
    let left: Vec<Ulid> = dir::open_all(&fs, Path::new(DIR)).unwrap().iter().map(|block| block.meta().ulid).collect();
    assert_eq!(left, [child]);
    assert_eq!(dir::list(&*fs, Path::new(DIR)).unwrap(), [parent, child]);
    dir::remove(&*fs, Path::new(DIR), child).unwrap();
    assert_eq!(dir::open_all(&fs, Path::new(DIR)).unwrap().len(), 1, "the parent is seen again");
    dir::remove(&*fs, Path::new(DIR), parent).unwrap();
    assert!(fs.list(Path::new(DIR)).unwrap().is_empty());
}

#[test]
fn meta_as_thanos_and_prometheus_write_it() {
    let disk = FaultyFs::new();
    disk.create_dir_all(Path::new(DIR)).unwrap();
    let mut meta = BlockMeta::of_head("01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(), 10, 20);
    meta.stats.num_samples = 4;
    meta.thanos = Some(Thanos {
        version: 1,
        labels: [("__org_id__".to_owned(), "team".to_owned())].into(),
        source: "ingester".to_owned(),
        segment_files: vec!["000001".to_owned()],
        files: vec![
            BlockFile { rel_path: "index".to_owned(), size_bytes: 7 },
            BlockFile { rel_path: META_FILE.to_owned(), size_bytes: 0 },
        ],
        ..Thanos::default()
    });
    meta.write(&disk, Path::new(DIR)).unwrap();
    let expected = r#"{
	"ulid": "01ARZ3NDEKTSV4RRFFQ69G5FAV",
	"minTime": 10,
	"maxTime": 20,
	"stats": {
		"numSamples": 4
	},
	"compaction": {
		"level": 1,
		"sources": [
			"01ARZ3NDEKTSV4RRFFQ69G5FAV"
		]
	},
	"version": 1,
	"thanos": {
		"version": 1,
		"labels": {
			"__org_id__": "team"
		},
		"downsample": {
			"resolution": 0
		},
		"source": "ingester",
		"segment_files": [
			"000001"
		],
		"files": [
			{
				"rel_path": "index",
				"size_bytes": 7
			},
			{
				"rel_path": "meta.json"
			}
		]
	}
}"#;
    assert_eq!(String::from_utf8(disk.bytes(&Path::new(DIR).join(META_FILE)).unwrap()).unwrap(), expected);
    assert_eq!(BlockMeta::read(&disk, Path::new(DIR)).unwrap(), meta);
}
