//! Writes our header chain as the indexer does: one commit holds headers and checkpoint.

use chain::{Endpoint, Header};
use db::Db;
use std::time::Duration;
use vocab::{ChainId, Finality};

/// Follow the node's head until the task is dropped.
pub async fn follow(db: Db, endpoint: Endpoint, (chain, finality): (ChainId, Finality)) {
    let mut last = None;
    let mut look = tokio::time::interval(Duration::from_millis(10));
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        look.tick().await;
        // The node may be busy or restarting; the next look mends it.
        if let Ok(head) = endpoint.head().await
            && last != Some(head.hash)
            && let Some(branch) = branch(&db, &endpoint, chain, head.clone()).await
        {
            record(&db, (chain, finality), &branch).await;
            last = Some(head.hash);
        }
    }
}

/// Headers from `head` down to the first whose parent is ours.
async fn branch(db: &Db, node: &Endpoint, chain: ChainId, head: Header) -> Option<Vec<Header>> {
    let mut branch = vec![head];
    loop {
        let lowest = branch.last().unwrap();
        let number: u64 = lowest.number.to();
        if number == 0 {
            return Some(branch);
        }
        let ours: Option<Vec<u8>> =
            sqlx::query_scalar("select hash from blocks where chain_id = $1 and number = $2")
                .bind(chain.as_i64())
                .bind(number.cast_signed() - 1)
                .fetch_optional(db)
                .await
                .unwrap();
        if ours.as_deref() == Some(lowest.parent_hash.as_slice()) {
            return Some(branch);
        }
        let parent = node.header(number - 1).await.ok()??;
        if parent.hash != lowest.parent_hash {
            return None;
        }
        branch.push(parent);
    }
}

async fn record(db: &Db, (chain, finality): (ChainId, Finality), branch: &[Header]) {
    let levels = finality.heights(branch[0].number.to());
    let mut transaction = db.begin().await.unwrap();
    let lowest: u64 = branch.last().unwrap().number.to();
    sqlx::query("delete from blocks where chain_id = $1 and number >= $2")
        .bind(chain.as_i64())
        .bind(lowest.cast_signed())
        .execute(&mut *transaction)
        .await
        .unwrap();
    for header in branch {
        sqlx::query(
            "insert into blocks (chain_id, number, hash, parent_hash, mined_at)
             values ($1, $2, $3, $4, to_timestamp($5))",
        )
        .bind(chain.as_i64())
        .bind(header.number.to::<u64>().cast_signed())
        .bind(header.hash.as_slice())
        .bind(header.parent_hash.as_slice())
        .bind(header.timestamp.to::<u64>() as f64)
        .execute(&mut *transaction)
        .await
        .unwrap();
    }
    sqlx::query(
        "insert into checkpoints (chain_id, height, hash, epoch, auditable_height, final_height)
         values ($1, $2, $3, 1, $4, $5)
         on conflict (chain_id) do update
            set height = excluded.height, hash = excluded.hash,
                auditable_height = excluded.auditable_height,
                final_height = excluded.final_height",
    )
    .bind(chain.as_i64())
    .bind(branch[0].number.to::<u64>().cast_signed())
    .bind(branch[0].hash.as_slice())
    .bind(levels.auditable.map(u64::cast_signed))
    .bind(levels.final_.map(u64::cast_signed))
    .execute(&mut *transaction)
    .await
    .unwrap();
    transaction.commit().await.unwrap();
}
