//! A file of head chunks of any bytes: loaded, cut off where it is damaged, loaded again.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use neocortex_tsdb::chunk_files::load::load;
use neocortex_tsdb::fs::FaultyFs;

fuzz_target!(|bytes: &[u8]| {
    let (fs, dir) = (FaultyFs::new(), Path::new("/chunks_head"));
    fs.put(&dir.join("000001"), bytes.to_vec());
    let mut places = Vec::new();
    let loaded = load(&fs, dir, |at, _| places.push(at), || Ok(())).unwrap();
    for at in &places {
        let _ = loaded.files.chunk(*at);
    }
    let again = load(&fs, dir, |at, _| assert_eq!(places.remove(0), at), || Ok(())).unwrap();
    assert!(places.is_empty() && !again.repaired);
});
