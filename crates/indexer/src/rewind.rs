//! Going back inside the window because an operator wants it, and not because the chain did.

use crate::{
    Block, IndexError, Orphaned, Projector, Sources,
    additions::load_sources,
    commit::{chain_fact, told_apart},
};
use db::{
    Db, DbError, PgConnection,
    blocks::{self, BlockRow},
    checkpoints, index_removals, raw_logs,
    raw_logs::RawLog,
    undo_records,
};
use journal::NewFact;
use serde_json::json;
use vocab::{BlockRef, ChainId};

/// What was taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rewound {
    pub from: BlockRef,
    pub to: BlockRef,
    pub logs: u64,
}

/// Why nothing was.
#[derive(Debug, thiserror::Error)]
pub enum RewindError {
    #[error("nothing of this chain is indexed")]
    Unknown,
    #[error("the chain is stopped ({0}): what is indexed of it is of another branch")]
    Stopped(String),
    #[error("the chain is not stopped: it is indexed to block {0}")]
    NotStopped(u64),
    #[error("it is indexed to block {0} only")]
    NotBelow(u64),
    /// There are no undo records of what lies below this block.
    #[error("what is below block {0} can't be taken back")]
    BelowWindow(u64),
    #[error("it is not known whose logs are indexed")]
    Sources(#[from] IndexError),
    #[error("the database failed")]
    Db(#[from] DbError),
}

/// Take the index of a chain back to block `to` of its window, in one commit: rows become what they
/// were, and what was told of the blocks above is taken back by reverting facts. Whoever indexes
/// the chain is taken over from, and goes on from there unless the chain is paused. The facts
/// `beside` are told in the same commit.
///
/// # Errors
/// [`RewindError`]; nothing was changed.
pub async fn rewind(
    db: &Db,
    chain: ChainId,
    (projector, beside): (&dyn Projector, &[NewFact]),
    to: u64,
) -> Result<Rewound, RewindError> {
    let mut tx = db::begin(db).await?;
    // From here on nobody else commits, and nobody who began before can any more.
    let found = checkpoints::raise_epoch(&mut tx, chain).await?.ok_or(RewindError::Unknown)?;
    if let Some(why) = found.stopped {
        return Err(RewindError::Stopped(why));
    }
    if to >= found.block.number {
        return Err(RewindError::NotBelow(found.block.number));
    }
    let window = blocks::load_window(&mut tx, chain).await?;
    let oldest = window.first().map_or(found.block.number, |block| block.number);
    let target = window.into_iter().find(|block| block.number == to);
    let target = target.ok_or(RewindError::BelowWindow(oldest))?;
    checkpoints::record_rewound(&mut tx, chain, target).await?;
    let (sources, _) = load_sources(&mut tx, (chain, oldest), projector).await?;
    let logs = raw_logs::record_rewound(&mut tx, chain, to).await?;
    let rewound = Rewound { from: found.block, to: target, logs: logs.len() as u64 };
    let mut facts = vec![fact(chain, rewound)];
    facts.extend(unwind(&mut tx, chain, projector, &sources, (target, logs)).await?);
    journal::record(&mut tx, &facts).await?;
    journal::record(&mut tx, beside).await?;
    tx.commit().await.map_err(DbError::from)?;
    Ok(rewound)
}

/// Take back in the caller's transaction what the blocks above `ancestor` did, whose logs are given
/// in order. Gives the reverting facts.
pub(crate) async fn unwind(
    db: &mut PgConnection,
    chain: ChainId,
    projector: &dyn Projector,
    sources: &Sources,
    (ancestor, logs): (BlockRef, Vec<RawLog>),
) -> Result<Vec<NewFact>, DbError> {
    let rows = blocks::record_orphaned(db, chain, ancestor.number).await?;
    let mut logs = logs.into_iter().peekable();
    let mut gone = Vec::with_capacity(rows.len());
    for BlockRow { number, hash, parent_hash, mined_at } in rows {
        let mut block = Block { number, hash, parent_hash, mined_at, logs: Vec::new() };
        while let Some(log) = logs.next_if(|log| log.block_number == number) {
            block.logs.push(log);
        }
        gone.push(block);
    }
    let (known, followed) = told_apart(&gone, sources);
    let orphaned =
        Orphaned { chain_id: chain, ancestor, blocks: &known, followed: &followed, sources };
    let facts = projector.unwind(db, &orphaned).await?;
    undo_records::record_unwound(db, chain, ancestor.number).await?;
    index_removals::record_unwound(db, chain, ancestor.number).await?;
    Ok(facts)
}

fn fact(chain: ChainId, rewound: Rewound) -> NewFact {
    let block = |block: BlockRef| json!({ "number": block.number, "hash": block.hash });
    let data = json!({
        "chain_id": chain.to_string(), "block": block(rewound.to),
        "old_head": block(rewound.from), "logs": rewound.logs.to_string(),
    });
    chain_fact(chain, "index_rewound", rewound.to, data)
}
