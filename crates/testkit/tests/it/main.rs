//! The parts themselves work.
#![allow(clippy::unwrap_used)]

mod fault;
mod picture;
mod tcp;

#[tokio::test]
async fn a_database_is_migrated_and_empty() {
    let test = testkit::database().await;
    let heads = db::facts::load_heads(&mut test.db.acquire().await.unwrap()).await.unwrap();
    assert_eq!(heads.len(), vocab::topic::ALL.len());
    assert!(heads.iter().all(|head| head.seq == 0), "{heads:?}");
}

#[tokio::test]
async fn a_node_mines_and_reorganises() {
    let node = testkit::anvil(testkit::NodeOptions::default()).await;
    node.mine(5).await;
    let before = node.endpoint.head().await.unwrap();
    node.reorg(3).await;
    let after = node.endpoint.head().await.unwrap();
    assert_eq!(before.number, after.number);
    assert_ne!(before.hash, after.hash);
}
