#![allow(clippy::unwrap_used)]

use super::*;
use std::collections::BTreeSet;

const LIMIT: u64 = 8 * 1024 * 1024;

async fn store() -> (tempfile::TempDir, BlockStore) {
    let dir = tempfile::tempdir().unwrap();
    let store = BlockStore::open_at(dir.path()).await.unwrap();
    (dir, store)
}

fn files_below(dir: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_below(&path));
        } else {
            found.insert(path);
        }
    }
    found
}

#[tokio::test]
async fn content_comes_back_under_its_cid_once() {
    let (dir, store) = store().await;
    let bytes: Vec<u8> = (0..3_000_000u32).map(|i| (i % 251) as u8).collect();
    let mut names = BTreeSet::new();
    for piece in [1_000_000, 7_777, 128 * 1024] {
        let mut upload = store.begin(LIMIT).await.unwrap();
        for piece in bytes.chunks(piece) {
            upload.write(piece).await.unwrap();
        }
        let stored = upload.finish().await.unwrap();
        assert_eq!(stored.size, bytes.len() as u64);
        names.insert(stored.cid);
    }
    assert_eq!(names.len(), 1);
    let cid = names.pop_first().unwrap();
    assert_eq!(cid, crate::unixfs::cid_of(&bytes));
    assert_eq!(store.read(&cid, LIMIT).await.unwrap().unwrap(), bytes);
    assert_eq!(files_below(dir.path()), BTreeSet::from([store.path_of(&cid)]));
    assert_eq!(store.open(&cid).await.unwrap().unwrap().len, stored_len(&store, &cid));
}

fn stored_len(store: &BlockStore, cid: &Cid) -> u64 {
    fs::metadata(store.path_of(cid)).unwrap().len()
}

#[tokio::test]
async fn raw_blocks_are_limited_to_one_chunk() {
    let (_dir, store) = store().await;
    let cid = store.put_raw(b"{}").await.unwrap();
    assert_eq!(cid.codec(), crate::Codec::Raw);
    store.put_raw(&vec![7; CHUNK_LEN]).await.unwrap();
    let refused = store.put_raw(&vec![7; CHUNK_LEN + 1]).await;
    assert!(matches!(refused, Err(StoreError::TooLarge { .. })));
    assert!(matches!(store.read(&cid, 1).await, Err(StoreError::TooLarge { limit: 1 })));
}

#[tokio::test]
async fn too_many_bytes_and_dropped_uploads_leave_nothing() {
    let (dir, store) = store().await;
    let mut upload = store.begin(10).await.unwrap();
    upload.write(b"0123456789").await.unwrap();
    assert!(matches!(upload.write(b"x").await, Err(StoreError::TooLarge { limit: 10 })));
    assert!(files_below(dir.path()).is_empty());
    assert!(matches!(upload.finish().await, Err(StoreError::Interrupted)));

    let mut upload = store.begin(LIMIT).await.unwrap();
    upload.write(&vec![1; 300_000]).await.unwrap();
    assert_eq!(files_below(dir.path()).len(), 1);
    let sealed = upload.seal().await.unwrap();
    assert_eq!(fs::metadata(sealed.path()).unwrap().len(), 300_000);
    assert!(store.open(&sealed.stored().cid).await.unwrap().is_none());
    drop(sealed);
    assert!(files_below(dir.path()).is_empty());
}

#[tokio::test]
async fn start_sweeps_what_the_dead_left_and_spares_the_living() {
    let (dir, store) = store().await;
    let mut upload = store.begin(LIMIT).await.unwrap();
    upload.write(b"alive").await.unwrap();
    let stale = dir.path().join("tmp/upload-stale");
    fs::write(&stale, b"left by a crash").unwrap();
    let again = BlockStore::open_at(dir.path()).await.unwrap();
    assert!(!stale.exists());
    let stored = upload.finish().await.unwrap();
    assert_eq!(again.read(&stored.cid, LIMIT).await.unwrap().unwrap(), b"alive");
}

#[tokio::test]
async fn verify_detects_damage_and_storing_again_heals_it() {
    let (_dir, store) = store().await;
    let bytes = vec![9; 2_500_000];
    let cid = store.put(&bytes).await.unwrap().cid;
    assert_eq!(store.verify(&cid).await.unwrap(), Verdict::Intact);
    let mut damaged = bytes.clone();
    damaged[1_234_567] ^= 1;
    fs::write(store.path_of(&cid), &damaged).unwrap();
    assert_eq!(store.verify(&cid).await.unwrap(), Verdict::Corrupt);
    store.put(&bytes).await.unwrap();
    assert_eq!(store.verify(&cid).await.unwrap(), Verdict::Intact);
    let other = crate::unixfs::cid_of(b"never stored");
    assert_eq!(store.verify(&other).await.unwrap(), Verdict::Missing);
    assert!(store.open(&other).await.unwrap().is_none());
}

#[tokio::test]
async fn the_same_content_at_once_is_stored_once() {
    let (dir, store) = store().await;
    let bytes = Arc::new(vec![5; 1_500_000]);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let (store, bytes) = (store.clone(), bytes.clone());
        tasks.spawn(async move { store.put(&bytes).await.unwrap() });
    }
    let stored: BTreeSet<Cid> = tasks.join_all().await.iter().map(|s| s.cid).collect();
    assert_eq!(stored.len(), 1);
    assert_eq!(files_below(dir.path()).len(), 1);
}
