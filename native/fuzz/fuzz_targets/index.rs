//! The index of a block: everything in it that can be reached.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use neocortex_tsdb::fs::FaultyFs;
use neocortex_tsdb::index::read::IndexReader;

fuzz_target!(|bytes: &[u8]| {
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
});
