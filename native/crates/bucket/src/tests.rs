use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use object_store::memory::InMemory;
use proptest::prelude::*;
use tempfile::TempDir;

use crate::upload::PART_BYTES;
use crate::{Bucket, BucketError, Fault, FaultyStore, Folder, Key, Retry};

const AT_ONCE: Retry = Retry { attempts: 3, first_pause: Duration::ZERO, longest_pause: Duration::ZERO };
const NEVER: Retry = Retry { attempts: 1, ..AT_ONCE };

fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

fn directory() -> (TempDir, Bucket) {
    let dir = tempfile::tempdir().unwrap();
    let bucket = Bucket::filesystem(&dir.path().join("made/with parents")).unwrap();
    (dir, bucket)
}

fn root(dir: &TempDir) -> std::path::PathBuf {
    dir.path().join("made/with parents")
}

/// Files below a directory by path, with their contents.
fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir().unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(dir).unwrap().to_str().unwrap().to_owned();
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i / 251 + i) as u8).collect()
}

#[tokio::test]
async fn objects_are_plain_files_at_their_keys() {
    let (dir, bucket) = directory();
    let names = ["t/01ARZ3NDEKTSV4RRFFQ69G5FAV/meta.json", "a*b'(c)!._-/x", "t/%2F/ü ?#/y", "top"];
    for name in names {
        bucket.put(&key(name), Bytes::from(name.to_owned())).await.unwrap();
        assert_eq!(bucket.get(&key(name), 100).await.unwrap(), name);
    }
    let expected = names.iter().map(|name| ((*name).to_owned(), name.as_bytes().to_vec())).collect();
    assert_eq!(files(&root(&dir)), expected);
    let mut listed: Vec<String> = bucket.list(None).await.unwrap().into_iter().map(|object| object.key).collect();
    listed.sort_by_key(|name| names.iter().position(|n| n == name));
    assert_eq!(listed, names);
}

#[tokio::test]
async fn files_are_uploaded_part_by_part() {
    let (dir, bucket) = directory();
    let file = dir.path().join("file");
    for len in [0, 1, PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, 2 * PART_BYTES + 5] {
        std::fs::write(&file, pattern(len)).unwrap();
        assert_eq!(bucket.upload(&key("t/chunks/000001"), &file).await.unwrap(), len as u64);
        let stored = files(&root(&dir));
        assert_eq!(stored.keys().collect::<Vec<_>>(), ["t/chunks/000001"]);
        assert!(stored["t/chunks/000001"] == pattern(len), "{len} bytes");
    }
    let missing = bucket.upload(&key("t/x"), &dir.path().join("no file")).await.unwrap_err();
    assert!(matches!(missing, BucketError::Local { .. }), "{missing}");
    let failed = bucket.upload(&key("t/x"), dir.path()).await.unwrap_err();
    assert!(matches!(failed, BucketError::Local { doing: "read", .. }), "{failed}");
}

#[tokio::test]
async fn reading_whole_and_in_ranges() {
    let (_dir, bucket) = directory();
    let name = key("t/object");
    bucket.put(&name, Bytes::from_static(b"0123456789")).await.unwrap();
    assert_eq!(bucket.get(&name, 10).await.unwrap(), "0123456789");
    let too_large = bucket.get(&name, 9).await.unwrap_err();
    assert!(matches!(too_large, BucketError::TooLarge { found: 10, max: 9, .. }), "{too_large}");
    assert_eq!(bucket.get_range(&name, 2..5).await.unwrap(), "234");
    assert_eq!(bucket.get_range(&name, 8..50).await.unwrap(), "89");
    for range in [10..11, 50..60, 5..5] {
        let refused = bucket.get_range(&name, range).await.unwrap_err();
        assert!(matches!(refused, BucketError::Refused { .. } | BucketError::Transient { .. }), "{refused}");
    }
    for missing in ["t", "t/other", "t/object/below"] {
        let error = bucket.get(&key(missing), 10).await.unwrap_err();
        assert!(matches!(error, BucketError::NotFound { .. }), "{missing}: {error}");
        assert!(error.to_string().starts_with(missing), "{error}");
    }
}

#[tokio::test]
async fn what_is_known_of_an_object() {
    let (_dir, bucket) = directory();
    bucket.put(&key("t/object"), Bytes::from_static(b"12345")).await.unwrap();
    let object = bucket.attributes(&key("t/object")).await.unwrap();
    assert_eq!((object.key.as_str(), object.size_bytes), ("t/object", 5));
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis() as i64;
    assert!((now - 60_000..=now + 1000).contains(&object.modified_ms), "{object:?}");
    assert!(bucket.exists(&key("t/object")).await.unwrap());
    assert!(!bucket.exists(&key("t")).await.unwrap(), "a folder is no object");
    assert!(!bucket.exists(&key("t/other")).await.unwrap());
    assert!(!bucket.exists(&key("t/object/below")).await.unwrap());
    assert!(matches!(bucket.attributes(&key("t")).await, Err(BucketError::NotFound { .. })));
}

#[tokio::test]
async fn folders_are_listed_with_and_without_what_is_below() {
    let (dir, bucket) = directory();
    for name in ["t/b/index", "t/b/chunks/000001", "t/a/meta.json", "t/z", "t2/x"] {
        bucket.put(&key(name), Bytes::new()).await.unwrap();
    }
    std::fs::write(root(&dir).join("t/b/index#1"), "being written").unwrap();
    let keys = |objects: Vec<crate::Object>| objects.into_iter().map(|object| object.key).collect::<Vec<_>>();
    let all = keys(bucket.list(Some(&key("t"))).await.unwrap());
    assert_eq!(all, ["t/a/meta.json", "t/b/chunks/000001", "t/b/index", "t/z"]);
    let top = bucket.list_folder(None).await.unwrap();
    assert_eq!((keys(top.objects), top.folders), (vec![], vec!["t".to_owned(), "t2".to_owned()]));
    let below = bucket.list_folder(Some(&key("t/b"))).await.unwrap();
    assert_eq!((keys(below.objects), below.folders), (vec!["t/b/index".to_owned()], vec!["t/b/chunks".to_owned()]));
    assert_eq!(bucket.list(Some(&key("none"))).await.unwrap(), []);
    assert_eq!(bucket.list_folder(Some(&key("none"))).await.unwrap(), Folder::default());
}

#[tokio::test]
async fn a_deletion_takes_empty_folders_along() {
    let (dir, bucket) = directory();
    for name in ["t/b/index", "t/b/chunks/000001", "t/z"] {
        bucket.put(&key(name), Bytes::new()).await.unwrap();
    }
    bucket.delete(&key("t/b/chunks/000001")).await.unwrap();
    assert!(!root(&dir).join("t/b/chunks").exists());
    bucket.delete(&key("t/b/index")).await.unwrap();
    bucket.delete(&key("t/b/index")).await.unwrap();
    assert!(!root(&dir).join("t/b").exists());
    bucket.delete(&key("t/z")).await.unwrap();
    assert!(root(&dir).is_dir());
    assert_eq!(bucket.list(None).await.unwrap(), []);
}

#[tokio::test]
async fn what_cannot_succeed_is_not_tried_again() {
    let (_dir, bucket) = directory();
    bucket.put(&key("t/file"), Bytes::new()).await.unwrap();
    let refused = bucket.put(&key("t/file/below"), Bytes::new()).await.unwrap_err();
    assert!(matches!(refused, BucketError::Refused { .. }), "{refused}");
    let file = root(&_dir).join("t/file");
    let refused = Bucket::filesystem(&file).unwrap_err();
    assert!(matches!(refused, BucketError::Local { doing: "create", .. }), "{refused}");
}

/// A bucket in memory behind a store with faults, and the same bucket without them.
fn faulty(fault: Fault, retry: Retry) -> (Bucket, FaultyStore, Bucket) {
    let memory = Arc::new(InMemory::new());
    let store = FaultyStore::new(Arc::clone(&memory) as _, fault);
    (Bucket::new(Arc::new(store.clone()), retry), store, Bucket::new(memory, NEVER))
}

/// Every operation once.
async fn use_all(bucket: &Bucket, file: &Path) -> Result<(), BucketError> {
    bucket.upload(&key("t/large"), file).await?;
    bucket.put(&key("t/small"), Bytes::from_static(b"small")).await?;
    assert_eq!(bucket.get(&key("t/small"), 5).await?, "small");
    assert_eq!(bucket.get_range(&key("t/large"), 1..3).await?, pattern(3)[1..]);
    assert!(bucket.exists(&key("t/small")).await?);
    assert!(!bucket.exists(&key("t/none")).await?);
    assert_eq!(bucket.attributes(&key("t/large")).await?.size_bytes, 2 * PART_BYTES as u64 + 1);
    assert_eq!(bucket.list(Some(&key("t"))).await?.len(), 2);
    assert_eq!(bucket.list_folder(None).await?.folders, ["t"]);
    bucket.delete(&key("t/small")).await
}

#[tokio::test]
async fn a_fault_anywhere_is_survived_by_trying_again_and_leaves_nothing_half() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, pattern(2 * PART_BYTES + 1)).unwrap();
    let (bucket, store, _) = faulty(Fault::None, NEVER);
    use_all(&bucket, &file).await.unwrap();
    let calls = store.calls();
    assert!(calls > 13, "{calls}");
    for call in 0..calls {
        for fault in [Fault::Before(call), Fault::After(call)] {
            let (bucket, _, behind) = faulty(fault, AT_ONCE);
            use_all(&bucket, &file).await.unwrap_or_else(|error| panic!("{fault:?}: {error}"));
            assert!(behind.get(&key("t/large"), u64::MAX).await.unwrap() == pattern(2 * PART_BYTES + 1), "{fault:?}");
        }
        for fault in [Fault::Before(call), Fault::After(call), Fault::From(call)] {
            let (bucket, _, behind) = faulty(fault, NEVER);
            let error = use_all(&bucket, &file).await.unwrap_err();
            assert!(error.is_transient() && error.to_string().contains("injected"), "{fault:?}: {error}");
            match behind.get(&key("t/large"), u64::MAX).await {
                Ok(bytes) => assert!(bytes == pattern(2 * PART_BYTES + 1), "{fault:?}"),
                Err(missing) => assert!(matches!(missing, BucketError::NotFound { .. }), "{fault:?}: {missing}"),
            }
        }
    }
    let (bucket, store, _) = faulty(Fault::From(0), AT_ONCE);
    assert!(bucket.exists(&key("t")).await.unwrap_err().is_transient());
    assert_eq!(store.calls(), 3, "attempts");
}

#[derive(Clone, Debug)]
enum Step {
    Put(String, Vec<u8>),
    Delete(String),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    // Depths apart, so that no object is in the way of a folder.
    let name = prop_oneof!["[ab]", "f/[ab]", "f/g/[ab]", "h/[ab]"];
    let bytes = proptest::collection::vec(any::<u8>(), 0..4);
    let step = prop_oneof![
        (name.clone(), bytes).prop_map(|(name, bytes)| Step::Put(name, bytes)),
        name.prop_map(Step::Delete)
    ];
    proptest::collection::vec(step, 0..20)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_directory_is_a_map_from_keys_to_bytes(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (dir, bucket) = directory();
        let mut model = BTreeMap::new();
        runtime.block_on(async {
            for step in steps {
                match step {
                    Step::Put(name, bytes) => {
                        bucket.put(&key(&name), bytes.clone().into()).await.unwrap();
                        model.insert(name, bytes);
                    }
                    Step::Delete(name) => {
                        bucket.delete(&key(&name)).await.unwrap();
                        model.remove(&name);
                    }
                }
            }
            prop_assert_eq!(&files(&root(&dir)), &model);
            let listed = bucket.list(None).await.unwrap();
            let sizes: Vec<(&str, usize)> = model.iter().map(|(name, bytes)| (name.as_str(), bytes.len())).collect();
            let found: Vec<_> = listed.iter().map(|object| (object.key.as_str(), object.size_bytes as usize)).collect();
            prop_assert_eq!(found, sizes);
            Ok(())
        })?;
    }
}
