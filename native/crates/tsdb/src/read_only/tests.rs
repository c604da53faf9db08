use std::path::PathBuf;

use parking_lot::Mutex;

use super::*;
use crate::fs::{FaultyFs, File, Mapped};
use crate::head::tests::model::rows;
use crate::head::tests::{Fixture, contents, dir};

const HOUR_MS: i64 = 3_600_000;

/// A whole number of ranges of two hours.
const START_MS: i64 = 236_111 * 2 * HOUR_MS;

type Meanwhile = Box<dyn FnMut() + Send>;

/// A disk that can only be read, and where something happens each time the opening comes to the log.
struct ReadingFs {
    disk: FaultyFs,
    meanwhile: Mutex<Meanwhile>,
}

impl ReadingFs {
    fn beside(disk: &FaultyFs, meanwhile: impl FnMut() + Send + 'static) -> Arc<dyn Fs> {
        Arc::new(Self { disk: disk.clone(), meanwhile: Mutex::new(Box::new(meanwhile)) })
    }
}

fn refused<T>() -> io::Result<T> {
    panic!("an opening for reading wants to change the disk")
}

impl Fs for ReadingFs {
    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.disk.list(dir)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn io::Read + Send>> {
        if path.parent().is_some_and(|dir| dir.ends_with("wal")) {
            self.meanwhile.lock()();
        }
        self.disk.open(path)
    }

    fn len(&self, path: &Path) -> io::Result<u64> {
        self.disk.len(path)
    }

    fn map(&self, path: &Path) -> io::Result<Mapped> {
        self.disk.map(path)
    }

    fn create_dir_all(&self, _dir: &Path) -> io::Result<()> {
        refused()
    }

    fn create(&self, _path: &Path) -> io::Result<Box<dyn File>> {
        refused()
    }

    fn truncate(&self, _path: &Path, _len: u64) -> io::Result<()> {
        refused()
    }

    fn remove_file(&self, _path: &Path) -> io::Result<()> {
        refused()
    }

    fn remove_dir_all(&self, _dir: &Path) -> io::Result<()> {
        refused()
    }

    fn rename(&self, _from: &Path, _to: &Path) -> io::Result<()> {
        refused()
    }

    fn sync(&self, _path: &Path) -> io::Result<()> {
        refused()
    }

    fn sync_dir(&self, _dir: &Path) -> io::Result<()> {
        refused()
    }
}

fn fixture() -> Fixture {
    Fixture::with(Options { segment_size: 32 << 10, samples_per_chunk: 8, retention_ms: 0, ..Options::default() })
}

/// Forty series between two hours (after the start), a sample every minute: several segments an hour.
fn fill(f: &Fixture, from: i64, to: i64) {
    for t in (from * HOUR_MS..to * HOUR_MS).step_by(60_000) {
        let writes: Vec<_> = (0..40).map(|series| (series, t, (t / 60_000 % 100) as u8)).collect();
        assert_eq!(f.append(&rows(&writes, START_MS)).failed_samples, 0);
    }
}

fn open(disk: &FaultyFs) -> Result<ReadOnlyTsdb, TsdbError> {
    ReadOnlyTsdb::open(&ReadingFs::beside(disk, || ()), &dir())
}

fn segments(disk: &FaultyFs) -> Vec<PathBuf> {
    let names = disk.list(&dir().join("wal")).unwrap();
    names.iter().filter(|name| name.parse::<u64>().is_ok()).map(|name| dir().join("wal").join(name)).collect()
}

#[test]
fn blocks_checkpoint_and_log_are_read_beside_their_owner() {
    let f = fixture();
    fill(&f, 0, 9);
    f.tsdb.compact().unwrap();
    assert!(f.fs.list(&dir().join("wal")).unwrap().iter().any(|name| name.starts_with("checkpoint.")));
    let (calls, before) = (f.fs.calls(), f.contents());
    let view = open(&f.fs).unwrap();
    assert_eq!(f.fs.calls(), calls);
    assert_eq!(contents(&view), before);
    assert_eq!(view.time_range(), Some((START_MS, START_MS + 9 * HOUR_MS - 60_000)));
    assert_eq!(view.label_names(&[]).unwrap(), ["__name__", "job"]);
    assert_eq!(view.label_values("job", &[]).unwrap(), ["test"]);
    assert_eq!(view.series(&[]).unwrap().len(), 40);
    fill(&f, 9, 12);
    f.tsdb.flush().unwrap();
    assert_eq!(contents(&view), before, "what came later is not seen, what went away is kept");
    assert_eq!(contents(&open(&f.fs).unwrap()), f.contents());
}

#[test]
fn leftovers_of_the_owner_are_passed_over_and_left_alone() {
    let f = fixture();
    fill(&f, 0, 4);
    f.tsdb.compact().unwrap();
    for name in ["01HM0000000000000000000000.tmp-for-creation", "01HM0000000000000000000000.tmp-for-deletion"] {
        f.fs.create_dir_all(&dir().join(name)).unwrap();
    }
    let names = f.fs.list(&dir()).unwrap();
    assert_eq!(contents(&open(&f.fs).unwrap()), f.contents());
    assert_eq!(f.fs.list(&dir()).unwrap(), names);
}

#[test]
fn a_torn_end_of_the_log_is_passed_over() {
    let f = fixture();
    fill(&f, 0, 1);
    let disk = f.fs.after_process_crash();
    let last = segments(&disk).pop().unwrap();
    let bytes = disk.bytes(&last).unwrap();
    disk.put(&last, bytes[..bytes.len() - 3].to_vec());
    let found = contents(&open(&disk).unwrap());
    assert_eq!(found.len(), 40);
    for ((labels, samples), (expected_labels, expected)) in found.iter().zip(f.contents()) {
        assert_eq!((labels, samples.len()), (&expected_labels, expected.len() - 1), "the last request is lost");
        assert!(expected.starts_with(samples));
    }
    assert_eq!(disk.bytes(&last).unwrap().len(), bytes.len() - 3);
}

#[test]
fn damage_before_the_last_segment_is_told() {
    let f = fixture();
    fill(&f, 0, 5);
    let disk = f.fs.after_process_crash();
    let all = segments(&disk);
    assert!(all.len() > 2, "{all:?}");
    let mut bytes = disk.bytes(&all[1]).unwrap();
    bytes[100] ^= 1;
    disk.put(&all[1], bytes);
    match open(&disk).err() {
        Some(TsdbError::Corrupt { path, .. }) => assert_eq!(path, all[1]),
        other => panic!("not told of the damage: {other:?}"),
    }
}

#[test]
fn what_moves_meanwhile_is_found_where_it_went() {
    let f = Arc::new(fixture());
    fill(&f, 0, 9);
    let before = f.contents();
    let owner = Arc::clone(&f);
    let mut moves = 0;
    let fs = ReadingFs::beside(&f.fs, move || {
        if moves == 3 {
            assert_eq!(owner.tsdb.compact().unwrap().created.len(), 3);
        }
        moves += 1;
    });
    assert_eq!(contents(&ReadOnlyTsdb::open(&fs, &dir()).unwrap()), before);
    assert_eq!(f.tsdb.blocks().len(), 3);
}

#[test]
fn a_directory_that_never_settles_is_told() {
    let f = Arc::new(fixture());
    fill(&f, 0, 1);
    let owner = Arc::clone(&f);
    let mut hours = 1;
    let fs = ReadingFs::beside(&f.fs, move || {
        fill(&owner, hours, hours + 1);
        owner.tsdb.flush().unwrap();
        hours += 1;
    });
    assert!(matches!(ReadOnlyTsdb::open(&fs, &dir()), Err(TsdbError::Unsettled { attempts: ATTEMPTS, .. })));
}

#[test]
fn a_single_block_is_a_database_too() {
    let f = fixture();
    fill(&f, 0, 4);
    let created = f.tsdb.compact().unwrap().created;
    let block = dir().join(created[0].to_string());
    let view = ReadOnlyTsdb::open(&ReadingFs::beside(&f.fs, || ()), &block).unwrap();
    assert_eq!(view.time_range(), Some((START_MS, START_MS + 2 * HOUR_MS - 1)));
    let found = contents(&view);
    for ((_, samples), (_, all)) in found.iter().zip(f.contents()) {
        assert_eq!(samples[..], all[..120]);
    }
    assert_eq!(found.len(), 40);
}

#[test]
fn damaged_blocks_are_told() {
    let f = fixture();
    fill(&f, 0, 4);
    let created = f.tsdb.compact().unwrap().created;
    let index = dir().join(created[0].to_string()).join("index");
    f.fs.put(&index, vec![0; 100]);
    match open(&f.fs).err() {
        Some(TsdbError::Corrupt { path, .. }) => assert_eq!(path, index),
        other => panic!("not told of the damage: {other:?}"),
    }
}

#[test]
fn other_directories_are_refused() {
    let disk = FaultyFs::new();
    match open(&disk).err() {
        Some(TsdbError::Io { source, .. }) => assert_eq!(source.kind(), io::ErrorKind::NotFound),
        other => panic!("not refused: {other:?}"),
    }
    disk.create_dir_all(&dir()).unwrap();
    assert!(matches!(open(&disk), Err(TsdbError::NoDatabase { path }) if path == dir()));
    disk.create_dir_all(&dir().join("wal")).unwrap();
    assert!(matches!(open(&disk), Err(TsdbError::NoDatabase { .. })), "a log has segments");
}
