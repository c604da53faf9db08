//! A record of the write-ahead log.
#![no_main]

use libfuzzer_sys::fuzz_target;
use neocortex_tsdb::wal::record;

fuzz_target!(|bytes: &[u8]| {
    let _ = record::decode(bytes);
});
