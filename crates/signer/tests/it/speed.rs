//! Prints how fast it signs; the floor is only there to notice a collapse.

use std::time::Instant;

use crate::rig::{Rig, send};

const BATCH: u64 = 64;
const BATCHES: u64 = 20;
const CLIENTS: u64 = 4;

#[tokio::test(flavor = "multi_thread")]
async fn signs_in_batches_with_a_sync_each() {
    let rig = Rig::new();
    let server = rig.start();
    let key = rig.client().ensure_key("minter", 0).await.unwrap();
    for clients in [1, CLIENTS] {
        let start = Instant::now();
        let tasks: Vec<_> = (0..clients)
            .map(|part| {
                let client = rig.client();
                tokio::spawn(async move {
                    for batch in 0..BATCHES / clients {
                        let first = ((clients * CLIENTS + part) * BATCHES + batch) * BATCH;
                        let intents: Vec<_> =
                            (first..first + BATCH).map(|nonce| send(key, nonce, 1, 1)).collect();
                        let outcomes = client.sign_transactions(&intents).await.unwrap();
                        assert!(outcomes.iter().all(Result::is_ok));
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        let taken = start.elapsed();
        let rate = (BATCH * BATCHES) as f64 / taken.as_secs_f64();
        let each = taken.as_secs_f64() * 1000.0 / BATCHES as f64;
        println!("{clients} clients: {rate:.0} signatures/s, {each:.1} ms per batch of {BATCH}");
        assert!(rate > 20.0, "{rate:.0} signatures/s");
    }
    server.stop().await;
}
