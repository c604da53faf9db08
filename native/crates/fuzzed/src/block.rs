//! The files of a block.

use std::path::Path;

use neocortex_tsdb::block::chunks::ChunkReader;
use neocortex_tsdb::block::meta::BlockMeta;
use neocortex_tsdb::block::{META_FILE, TOMBSTONES_FILE};
use neocortex_tsdb::fs::{FaultyFs, Fs};
use neocortex_tsdb::index::read::IndexReader;

/// A chunk segment, read at the place that the first eight bytes name.
pub fn chunks(input: &[u8]) {
    let Some((reference, segment)) = input.split_first_chunk() else { return };
    let fs = FaultyFs::new();
    fs.put(Path::new("/chunks/000001"), segment.to_vec());
    if let Ok(chunks) = ChunkReader::open(&fs, Path::new("/chunks")) {
        let _ = chunks.get(u64::from_le_bytes(*reference));
        let _ = chunks.get(8);
    }
}

/// The meta.json: what is read is written and read again as it was.
pub fn meta(bytes: &[u8]) {
    let (fs, dir) = (FaultyFs::new(), Path::new("/block"));
    fs.put(&dir.join(META_FILE), bytes.to_vec());
    let Ok(meta) = BlockMeta::read(&fs, dir) else { return };
    let copy = Path::new("/copy");
    fs.create_dir_all(copy).unwrap();
    meta.write(&fs, copy).expect("writes");
    assert_eq!(BlockMeta::read(&fs, copy).expect("reads"), meta);
}

/// The index: everything in it that can be reached.
pub fn index(bytes: &[u8]) {
    let (fs, path) = (FaultyFs::new(), Path::new("/index"));
    fs.put(path, bytes.to_vec());
    let Ok(index) = IndexReader::open(&fs, path) else { return };
    for series in index.all_postings().unwrap_or_default() {
        let _ = index.series(series);
    }
    for name in index.label_names() {
        let _ = index.for_each_value(name, |value, list| {
            let _ = index.list_at(list);
            let _ = index.postings(name, value);
        });
    }
}

/// The tombstones.
pub fn tombstones(bytes: &[u8]) {
    let (fs, dir) = (FaultyFs::new(), Path::new("/block"));
    fs.put(&dir.join(TOMBSTONES_FILE), bytes.to_vec());
    let _ = neocortex_tsdb::block::tombstones::read(&fs, dir);
}
