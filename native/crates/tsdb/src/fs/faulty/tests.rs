use std::path::Path;

use super::*;

fn file(fs: &FaultyFs, path: &str, bytes: &[u8]) {
    let mut file = fs.create(Path::new(path)).unwrap();
    file.append(bytes).unwrap();
    file.sync().unwrap();
}

#[test]
fn a_file_needs_its_name_to_survive() {
    let fs = FaultyFs::new();
    let dir = Path::new("/dir");
    fs.create_dir_all(dir).unwrap();
    file(&fs, "/dir/a", b"a");
    assert_eq!(fs.after_power_failure().list(dir).unwrap(), [""; 0]);
    fs.sync_dir(dir).unwrap();
    file(&fs, "/dir/b", b"b");
    fs.rename(Path::new("/dir/b"), Path::new("/dir/c")).unwrap();
    fs.remove_file(Path::new("/dir/a")).unwrap();
    assert_eq!(fs.after_process_crash().list(dir).unwrap(), ["c"]);
    let survivor = fs.after_power_failure();
    assert_eq!(survivor.list(dir).unwrap(), ["a", "c"]);
    assert_eq!(survivor.bytes(Path::new("/dir/c")).unwrap(), b"b");
}

#[test]
fn directories_made_after_an_interruption_are_durable_all_the_same() {
    let dir = Path::new("/data/tenant/wal");
    for call in 0..6 {
        for fault in Fault::ALL {
            let fs = FaultyFs::new();
            fs.fail_at(call, fault);
            assert!(fs.create_dir_all(dir).is_err(), "{call}");
            let fs = fs.after_process_crash();
            fs.create_dir_all(dir).unwrap();
            assert!(fs.after_power_failure().list(dir).is_ok(), "{fault:?} at {call}");
        }
    }
}

#[test]
fn a_full_disk_takes_what_fits_until_there_is_room() {
    let fs = FaultyFs::new();
    let mut file = fs.create(Path::new("/a")).unwrap();
    fs.set_capacity(Some(3));
    assert_eq!(file.append(b"abcd").unwrap_err().kind(), ErrorKind::StorageFull);
    assert_eq!(fs.bytes(Path::new("/a")).unwrap(), b"abc");
    assert!(fs.create(Path::new("/b")).is_err());
    file.truncate(1).unwrap();
    file.append(b"x").unwrap();
    fs.set_capacity(None);
    file.append(b"yz").unwrap();
    assert_eq!(fs.bytes(Path::new("/a")).unwrap(), b"axyz");
}

#[test]
fn a_flip_is_of_one_read() {
    let fs = FaultyFs::new();
    fs.put(Path::new("/a"), vec![0; 4]);
    fs.flip_at(0, 9);
    assert_eq!(&*fs.map(Path::new("/a")).unwrap(), [0, 2, 0, 0]);
    assert_eq!(&*fs.map(Path::new("/a")).unwrap(), [0; 4]);
}
