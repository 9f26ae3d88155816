//! Which tokens there are to read, and which to read again: what the index tells is followed, and
//! swept for what was told late.

use db::{Db, DbError, metadata_cursors as cursors};
use vocab::{Address, ChainId, U256};

/// Rows that one transaction looks at.
const PIECE: i64 = 2_000;

/// Follow transfers, notices and reorgs by one piece each. Gives how many rows it saw: with none,
/// all was seen, or another process is at it.
pub(crate) async fn follow(db: &Db, chain: ChainId) -> Result<u64, DbError> {
    let mut tx = db::begin(db).await?;
    let Some(mut cursor) = cursors::lock(&mut tx, chain).await? else { return Ok(0) };
    let before = cursor.clone();
    let mut seen = 0;
    // What is known of blocks that are gone is forgotten before anything else is believed.
    match cursors::follow_reorgs(&mut tx, chain, &mut cursor, PIECE).await? {
        Some(forgotten) => {
            let tokens = forgotten.queued;
            tracing::info!(chain.id = %chain, tokens, "a reorg took metadata back");
            seen += 1 + forgotten.seen;
        }
        None => {
            let transfers = cursors::follow_transfers(&mut tx, chain, &mut cursor, PIECE).await?;
            let updates = cursors::follow_update(&mut tx, chain, &mut cursor, PIECE).await?;
            seen += transfers.seen + updates.seen;
        }
    }
    if cursor != before {
        cursors::record(&mut tx, chain, &cursor).await?;
    }
    tx.commit().await.map_err(DbError::from)?;
    Ok(seen)
}

/// Where a sweep through all tokens of the index is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sweep {
    Items(Option<(Address, U256)>),
    Balances(Option<(Address, U256)>),
}

impl Sweep {
    pub(crate) const START: Self = Self::Items(None);

    /// Sweep one piece; gives where to go on, or none at the end.
    pub(crate) async fn step(self, db: &Db, chain: ChainId) -> Result<Option<Self>, DbError> {
        let mut tx = db::begin(db).await?;
        let (queued, next) = match self {
            Self::Items(after) => {
                let (queued, last) = cursors::sweep_items(&mut tx, chain, after, PIECE).await?;
                (queued, Some(last.map_or(Self::Balances(None), |last| Self::Items(Some(last)))))
            }
            Self::Balances(after) => {
                let (queued, last) = cursors::sweep_balances(&mut tx, chain, after, PIECE).await?;
                (queued, last.map(|last| Self::Balances(Some(last))))
            }
        };
        tx.commit().await.map_err(DbError::from)?;
        if queued > 0 {
            tracing::info!(chain.id = %chain, tokens = queued, "tokens were told of late");
        }
        Ok(next)
    }
}
