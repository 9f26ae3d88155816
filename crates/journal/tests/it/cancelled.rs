//! What a cancelled future may leave behind.

use std::time::Duration;
use testkit::database;

/// Transactions are abandoned at every moment of their beginning; what is written meanwhile without
/// a transaction, and was acknowledged, must be there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_abandoned_beginning_takes_nobody_elses_writes_with_it() {
    let database = database().await;
    let db = &database.db;
    let abandon = async {
        for micros in (0..2_000).map(|n| n * 7 % 900) {
            let _ = tokio::time::timeout(Duration::from_micros(micros), db::begin(db)).await;
        }
    };
    let write = async {
        for n in 0..1_500 {
            let fact = crate::fact(vocab::topic::ITEMS, 0, n);
            journal::record(&mut db.acquire().await.unwrap(), &[fact]).await.unwrap();
        }
    };
    tokio::join!(abandon, write);
    assert_eq!(db::outbox::depth(&mut db.acquire().await.unwrap()).await.unwrap(), 1_500);
}
