//! The tombstones of a block.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use neocortex_tsdb::block::{TOMBSTONES_FILE, tombstones};
use neocortex_tsdb::fs::FaultyFs;

fuzz_target!(|bytes: &[u8]| {
    let (fs, dir) = (FaultyFs::new(), Path::new("/block"));
    fs.put(&dir.join(TOMBSTONES_FILE), bytes.to_vec());
    let _ = tombstones::read(&fs, dir);
});
