//! `reconciliations`: every reorg that was followed.

use crate::{DbError, Hash};
use sqlx::PgConnection;
use vocab::{BlockRef, ChainId};

/// One reorg: which blocks were given up for another branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reconciliation {
    /// The last block that both branches share.
    pub ancestor: BlockRef,
    pub old_head: BlockRef,
    pub orphaned_logs: u64,
}

impl Reconciliation {
    /// Blocks given up.
    #[must_use]
    pub fn depth(&self) -> u64 {
        self.old_head.number - self.ancestor.number
    }
}

/// Note a reorg in the caller's transaction.
pub async fn record(
    db: &mut PgConnection,
    chain: ChainId,
    reorg: &Reconciliation,
) -> Result<(), DbError> {
    sqlx::query!(
        "insert into reconciliations (chain_id, ancestor_number, ancestor_hash, old_head_number,
                                      old_head_hash, depth, orphaned_logs)
         values ($1, $2, $3, $4, $5, $6, $7)",
        chain.as_i64(),
        reorg.ancestor.number.cast_signed(),
        reorg.ancestor.hash.as_slice(),
        reorg.old_head.number.cast_signed(),
        reorg.old_head.hash.as_slice(),
        reorg.depth().cast_signed(),
        reorg.orphaned_logs.cast_signed(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// All reorgs of a chain, oldest first, at most `limit`.
pub async fn load(
    db: &mut PgConnection,
    chain: ChainId,
    limit: i64,
) -> Result<Vec<Reconciliation>, DbError> {
    let rows = sqlx::query!(
        r#"select ancestor_number, ancestor_hash as "ancestor_hash: Hash", old_head_number,
                  old_head_hash as "old_head_hash: Hash", orphaned_logs
             from reconciliations where chain_id = $1 order by id limit $2"#,
        chain.as_i64(),
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|r| Reconciliation {
            ancestor: BlockRef {
                number: r.ancestor_number.cast_unsigned(),
                hash: r.ancestor_hash.0,
            },
            old_head: BlockRef {
                number: r.old_head_number.cast_unsigned(),
                hash: r.old_head_hash.0,
            },
            orphaned_logs: r.orphaned_logs.cast_unsigned(),
        })
        .collect())
}
