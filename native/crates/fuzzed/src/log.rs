//! Logs.

use std::path::Path;
use std::sync::Arc;

use neocortex_tsdb::fs::{FaultyFs, Fs};
use neocortex_tsdb::wal;
use neocortex_tsdb::wal::read::Reader;
use neocortex_tsdb::wal::repair::repair;

/// A segment of any bytes: read, repaired, read again.
pub fn segment(segment: &[u8]) {
    let (fs, dir) = (FaultyFs::new(), Path::new("/wal"));
    fs.create_dir_all(dir).unwrap();
    fs.put(&dir.join("00000000"), segment.to_vec());
    let mut records = 0;
    let mut reader = Reader::open(Arc::new(fs.clone()), dir, 0).unwrap();
    loop {
        match reader.next() {
            Ok(Some(_)) => records += 1,
            Ok(None) => break,
            Err(_) => {
                repair(&fs, dir, reader.position()).unwrap();
                break;
            }
        }
    }
    let mut reader = Reader::open(Arc::new(fs), dir, 0).unwrap();
    while reader.next().expect("a repaired log is whole").is_some() {
        records -= 1;
    }
    assert_eq!(records, 0);
}

/// A record.
pub fn record(bytes: &[u8]) {
    let _ = wal::record::decode(bytes);
}
