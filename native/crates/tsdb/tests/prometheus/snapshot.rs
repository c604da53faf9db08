//! Snapshots of the head: ours before Prometheus, theirs before us. Of the log only its length is left, so that what is
//! answered is in the snapshot and in chunk files.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use neocortex_tsdb::fs::RealFs;
use neocortex_tsdb::{Options, SystemClock, Tsdb};

use crate::chunk_files::{dumped, floats};
use crate::out_of_order::{CONFIG, answer, append, contents, requests, stored};
use crate::process::{Prometheus, find};

const OPTIONS: [&str; 2] = ["--enable-feature=memory-snapshot-on-shutdown", "--storage.tsdb.retention.time=100y"];

fn open(data: &Path) -> Tsdb {
    let options = Options { retention_ms: 0, snapshot_on_close: true, ..Options::default() };
    Tsdb::open(Arc::new(RealFs), Arc::new(SystemClock), data, options).unwrap()
}

/// Makes zeros of the log.
fn forget_log(data: &Path) {
    for entry in fs::read_dir(data.join("wal")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let len = fs::metadata(&path).unwrap().len();
            fs::write(&path, vec![0; usize::try_from(len).unwrap()]).unwrap();
        }
    }
}

fn snapshots(data: &Path) -> usize {
    let names = fs::read_dir(data).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with("chunk_snapshot.")).count()
}

#[test]
fn prometheus_starts_from_ours() {
    let Some(prometheus) = find("prometheus") else { return };
    let data = tempfile::tempdir().unwrap();
    let requests = requests();
    // The second one goes on with chunks of the first.
    for part in requests.chunks(requests.len().div_ceil(3)) {
        let tsdb = open(data.path());
        part.iter().for_each(|writes| append(&tsdb, writes));
        tsdb.close().unwrap();
    }
    assert_eq!(snapshots(data.path()), 1);
    forget_log(data.path());
    let server = Prometheus::start_with(&prometheus, data.path(), CONFIG, &OPTIONS);
    assert_eq!(answer(&server), stored(&requests));
    assert!(server.get("/metrics").contains("\nprometheus_tsdb_snapshot_replay_error_total 0\n"));
    server.stop();
    // And what it made of it is ours again.
    assert_eq!(snapshots(data.path()), 1);
    forget_log(data.path());
    let tsdb = open(data.path());
    assert_eq!((contents(&tsdb), tsdb.stats().snapshot_failures), (stored(&requests), 0));
}

#[test]
fn prometheus_reads_the_log_that_replaced_a_damaged_one() {
    let Some(prometheus) = find("prometheus") else { return };
    let data = tempfile::tempdir().unwrap();
    let requests = requests();
    let (before, after) = requests.split_at(requests.len() / 2);
    let tsdb = open(data.path());
    before.iter().for_each(|writes| append(&tsdb, writes));
    tsdb.close().unwrap();
    forget_log(data.path());
    let tsdb = open(data.path());
    assert_eq!((tsdb.replay_stats().repaired, snapshots(data.path())), (true, 0));
    after.iter().for_each(|writes| append(&tsdb, writes));
    // It dies, so that there is no snapshot; and of the chunk files nothing is left either.
    drop(tsdb);
    fs::remove_dir_all(data.path().join("chunks_head")).unwrap();
    let server = Prometheus::start_with(&prometheus, data.path(), CONFIG, &OPTIONS[1..]);
    assert_eq!(answer(&server), stored(&requests));
    assert!(server.get("/metrics").contains("\nprometheus_tsdb_wal_corruptions_total 0\n"));
    server.stop();
}

#[test]
fn we_start_from_that_of_prometheus() {
    let (Some(prometheus), Some(promtool)) = (find("prometheus"), find("promtool")) else { return };
    let data = tempfile::tempdir().unwrap();
    let run = || {
        let server = Prometheus::start_scraping(&prometheus, data.path(), &OPTIONS, "20ms");
        server.wait_for("/api/v1/query?query=count_over_time(up[1m])%3E200", "self");
        server.stop();
    };
    run();
    for _ in 0..2 {
        let expected = dumped(&promtool, data.path());
        let kept = tempfile::tempdir().unwrap();
        copy(data.path(), kept.path());
        forget_log(kept.path());
        let tsdb = open(kept.path());
        assert_eq!(floats(&tsdb), expected);
        assert_eq!((tsdb.replay_stats().samples, tsdb.stats().snapshot_failures), (0, 0));
        drop(tsdb);
        // Then it goes on from a snapshot of ours.
        let tsdb = open(data.path());
        assert_eq!(floats(&tsdb), expected);
        tsdb.close().unwrap();
        run();
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}
