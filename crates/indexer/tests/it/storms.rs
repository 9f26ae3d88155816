//! A short version of `cargo xtask prove reorg --storms`.

use prove::storms::Run;

#[tokio::test(flavor = "multi_thread")]
async fn the_index_equals_a_fresh_one_after_each_of_fifty_storms() {
    let found = Run::new(50, 64, 21).run().await.unwrap();
    assert!(found.holds() && found.compared == 50, "{found:?}");
}
