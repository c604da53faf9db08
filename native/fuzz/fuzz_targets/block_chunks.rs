//! A chunk segment of a block, read at the place that the first bytes name.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use neocortex_tsdb::block::chunks::ChunkReader;
use neocortex_tsdb::fs::FaultyFs;

fuzz_target!(|input: (u64, &[u8])| {
    let (reference, bytes) = input;
    let fs = FaultyFs::new();
    fs.put(Path::new("/chunks/000001"), bytes.to_vec());
    if let Ok(chunks) = ChunkReader::open(&fs, Path::new("/chunks")) {
        let _ = chunks.get(reference);
        let _ = chunks.get(8);
    }
});
