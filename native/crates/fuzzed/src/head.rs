//! What a start of a database finds beside blocks.

use std::path::Path;
use std::sync::Arc;

use neocortex_tsdb::chunk_files::load::load;
use neocortex_tsdb::fs::{FaultyFs, Fs};
use neocortex_tsdb::snapshot::record::{Record, decode, encode_exemplars, encode_tombstones};
use neocortex_tsdb::{Options, ReadOnlyTsdb};

use crate::database::{DATA, open, read_all, records, write_log};

/// A file of head chunks of any bytes: loaded, cut off where it is damaged, loaded again.
pub fn chunk_files(bytes: &[u8]) {
    let (fs, dir) = (FaultyFs::new(), Path::new("/chunks_head"));
    fs.put(&dir.join("000001"), bytes.to_vec());
    let mut places = Vec::new();
    let loaded = load(&fs, dir, |at, _| places.push(at), || Ok(())).unwrap();
    for at in &places {
        let _ = loaded.files.chunk(*at);
    }
    let again = load(&fs, dir, |at, _| assert_eq!(places.remove(0), at), || Ok(())).unwrap();
    assert!(places.is_empty() && !again.repaired);
}

/// A record of a snapshot: what it says of deletions and exemplars is written and read again as it was.
pub fn snapshot_record(bytes: &[u8]) {
    let copy = match decode(bytes) {
        Ok(Record::Tombstones(stones)) => encode_tombstones(&stones),
        Ok(Record::Exemplars(exemplars)) => encode_exemplars(&exemplars),
        Ok(Record::Series(..)) | Err(_) => return,
    };
    // Floats may be NaNs, which no comparison takes for equal.
    let text = |record: &[u8]| format!("{:?}", decode(record));
    assert_eq!(text(&copy), text(bytes));
}

/// The logs of a database, of records of any bytes that are framed as they should be: a start takes them or says what is
/// wrong with them, and what it took can be read, written to blocks, and read from there.
pub fn logs(input: &[u8]) {
    const LOGS: [&str; 3] = ["wal", "wbl", "wal/checkpoint.00000000"];

    let fs = FaultyFs::new();
    let records = records(input);
    for (number, log) in LOGS.into_iter().enumerate() {
        write_log(&fs, &Path::new(DATA).join(log), &of_number(&records, number, LOGS.len()));
    }
    let disk: Arc<dyn Fs> = Arc::new(fs.clone());
    let beside = ReadOnlyTsdb::open(&disk, Path::new(DATA)).ok();
    let Ok(tsdb) = open(&fs, Options::default()) else { return };
    let found = read_all(&tsdb);
    assert!(found.iter().all(|(_, samples)| samples.is_some()), "what came in records can be read");
    if let Some(beside) = beside {
        assert_eq!(read_all(&beside), found, "who only reads sees the same");
    }
    if tsdb.flush().is_ok() {
        assert_eq!(read_all(&tsdb), found, "blocks have what the head had");
    }
}

/// A snapshot and the log after it, of records of any bytes, and files of head chunks: a start takes them or says what is
/// wrong with them, and so does one from the snapshot that is left of it.
///
/// The first byte tells whether the snapshot is one of ours; then come records, of the snapshot, of the log, and the files. What
/// is in them is not told: of what a snapshot says that the log does not, a start may lose everything.
pub fn snapshot(input: &[u8]) {
    const SNAPSHOT: usize = 0;
    const LOG: usize = 1;
    const FILE: usize = 2;

    let Some((origin, input)) = input.split_first() else { return };
    let (fs, data) = (FaultyFs::new(), Path::new(DATA));
    let records = records(input);
    let dir = data.join("chunk_snapshot.000000.0000000000");
    // A snapshot of a log that is not there is removed.
    write_log(&fs, &data.join("wal"), &[&[]]);
    write_log(&fs, &data.join("wal"), &of_number(&records, LOG, 3));
    write_log(&fs, &dir, &of_number(&records, SNAPSHOT, 3));
    for (number, file) in of_number(&records, FILE, 3).iter().enumerate() {
        fs.put(&data.join(format!("chunks_head/{:06}", number + 1)), file.to_vec());
    }
    if origin % 2 == 1 {
        fs.put(&dir.join("next_series"), origin.to_string().into_bytes());
    }
    let options = || Options { snapshot_on_close: true, ..Options::default() };
    let Ok(tsdb) = open(&fs, options()) else { return };
    let _ = read_all(&tsdb);
    if tsdb.close().is_ok() {
        let again = open(&fs, options()).expect("what was closed can be opened");
        let _ = read_all(&again);
        let _ = again.flush();
        let _ = read_all(&again);
    }
}

fn of_number<'a>(records: &[(usize, &'a [u8])], number: usize, of: usize) -> Vec<&'a [u8]> {
    records.iter().filter(|(record, _)| record % of == number).map(|(_, record)| *record).collect()
}
