//! The meta.json of a block: what is read is written and read again as it was.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use neocortex_tsdb::block::META_FILE;
use neocortex_tsdb::block::meta::BlockMeta;
use neocortex_tsdb::fs::FaultyFs;

fuzz_target!(|bytes: &[u8]| {
    let (fs, dir) = (FaultyFs::new(), Path::new("/block"));
    fs.put(&dir.join(META_FILE), bytes.to_vec());
    let Ok(meta) = BlockMeta::read(&fs, dir) else { return };
    let copy = Path::new("/copy");
    meta.write(&fs, copy).expect("writes");
    assert_eq!(BlockMeta::read(&fs, copy).expect("reads"), meta);
});
