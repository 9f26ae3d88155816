//! Several processes, one chain.

use crate::{
    kill::start,
    rig::{FINAL, PATIENCE, Rig, file_of, lines},
};
use testkit::eventually_within;

#[tokio::test(flavor = "multi_thread")]
async fn processes_with_one_directory_write_one_chain() {
    let rig = Rig::new().await;
    let mut processes = vec![start(&rig, &rig.directory()), start(&rig, &rig.directory())];
    for round in 0..4 {
        for _ in 0..25 {
            rig.end(FINAL).await;
        }
        rig.written(25 * (round + 1)).await;
        // Whichever it is that writes.
        processes.remove(0);
        processes.push(start(&rig, &rig.directory()));
    }
    assert_eq!(lines(&rig.directory()).len(), 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_takes_over_elsewhere_writes_the_same_bytes_from_the_beginning() {
    let rig = Rig::new().await;
    let (one, other) = (rig.home.path().join("one"), rig.home.path().join("other"));
    let first = start(&rig, &one);
    for _ in 0..10 {
        rig.end(FINAL).await;
    }
    rig.written(10).await;
    let _second = start(&rig, &other);
    drop(first);
    rig.end(FINAL).await;
    rig.written(11).await;
    let (kept, whole) = (read(&one), read(&other));
    assert!(whole.starts_with(&kept) && whole.len() > kept.len());
    assert_eq!((lines(&one).len(), lines(&other).len()), (10, 11));
    eventually_within(PATIENCE, "it is told that the other's lines were not here", || async {
        (rig.facts("audit_log_end_missing").await == 1).then_some(())
    })
    .await;
}

fn read(directory: &std::path::Path) -> String {
    std::fs::read_to_string(file_of(directory)).unwrap()
}
