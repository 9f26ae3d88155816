//! The commits. Nothing else writes.

use crate::{
    Answer, Batch, Block, FAILPOINTS, IndexError,
    backfill::{Progress, Ranged},
    follow::Session,
    planted::Fault,
    rewind::unwind,
    sources::Sources,
};
use chain::State;
use db::{
    PgTransaction,
    blocks::{self, BlockRow},
    checkpoints::{self, Advance},
    index_children, index_progress,
    index_sources::SourceRow,
    raw_logs,
    raw_logs::RawLog,
    raw_logs_copy::{self, CopyRows},
    reconciliations::{self, Reconciliation},
    undo_records,
};
use journal::NewFact;
use serde_json::{Value, json};
use std::borrow::Cow;
use vocab::{BlockRef, ChainId, LevelHeights, topic};

impl Session {
    /// Commit consecutive blocks that follow the checkpoint and may still be given up. `head` is
    /// what levels count from.
    pub(crate) async fn commit_blocks(
        &mut self,
        (new, answers): (&[Block], &[Answer]),
        sources: &Sources,
        head: u64,
    ) -> Result<(), IndexError> {
        let Some(last) = new.last() else { return Ok(()) };
        let (to, chain) = (last.block(), self.chain.id);
        let rows: Vec<BlockRow> = new.iter().map(row).collect();
        let logs: Vec<_> = new.iter().flat_map(|block| block.logs.iter()).collect();
        let packed = CopyRows::of(chain, &logs);
        let levels = self.levels(to.number, head);
        let mut tx = self.begin(to, levels).await?;
        FAILPOINTS.hit("blocks_begun");
        blocks::record(&mut tx, chain, &rows).await?;
        raw_logs_copy::record(&mut tx, &packed).await?;
        let children = sources.children(logs.iter().copied());
        index_children::record(&mut tx, chain, &children).await?;
        let (known, followed) = told_apart(new, sources);
        let batch = Batch {
            chain_id: chain,
            levels,
            blocks: &known,
            followed: &followed,
            sources,
            answers,
            settled: false,
        };
        let mut facts = vec![self.head_fact(to, logs.len(), levels)];
        facts.extend(self.projector.apply(&mut tx, &batch).await?);
        journal::record(&mut tx, &facts).await?;
        FAILPOINTS.hit("blocks_projected");
        let anchor = self.floor(to.number);
        blocks::record_anchor(&mut tx, chain, anchor).await?;
        undo_records::record_anchor(&mut tx, chain, anchor).await?;
        FAILPOINTS.hit("before_blocks_commit");
        tx.commit().await.map_err(db::DbError::from)?;
        journal::ring();
        FAILPOINTS.hit("after_blocks_commit");
        self.stand_at(to, levels);
        self.window.extend(rows.iter().map(BlockRow::block));
        while self.window.front().is_some_and(|block| block.number < anchor) {
            self.window.pop_front();
        }
        Ok(())
    }

    /// Commit a range that follows the checkpoint and lies below the window: it can't be unwound,
    /// and is told by one fact.
    pub(crate) async fn commit_range(
        &mut self,
        range: &Ranged,
        head: u64,
        progress: &Progress,
    ) -> Result<(), IndexError> {
        let to = range.last.block();
        let levels = self.levels(to.number, head);
        let mut tx = self.begin(to, levels).await?;
        FAILPOINTS.hit("range_begun");
        let chain = self.chain.id;
        blocks::record(&mut tx, chain, std::slice::from_ref(&range.last)).await?;
        raw_logs_copy::record(&mut tx, &range.packed.rows).await?;
        index_children::record(&mut tx, chain, &range.packed.children).await?;
        FAILPOINTS.hit("range_copied");
        let batch = Batch {
            chain_id: chain,
            levels,
            blocks: &range.packed.projected,
            followed: &range.packed.followed,
            sources: &range.sources,
            answers: &[],
            settled: true,
        };
        let logs = range.packed.rows.count();
        let mut facts = vec![self.range_fact(range.first, to, logs)];
        facts.extend(self.projector.apply(&mut tx, &batch).await?);
        journal::record(&mut tx, &facts).await?;
        FAILPOINTS.hit("range_projected");
        blocks::record_anchor(&mut tx, chain, to.number).await?;
        undo_records::record_anchor(&mut tx, chain, to.number).await?;
        index_progress::record(&mut tx, chain, &progress.row(logs)).await?;
        FAILPOINTS.hit("before_range_commit");
        tx.commit().await.map_err(db::DbError::from)?;
        FAILPOINTS.hit("after_range_commit");
        self.stand_at(to, levels);
        self.window.clear();
        self.window.push_back(to);
        self.look_for_unread();
        Ok(())
    }

    /// Commit what contracts said as of the checkpoint's block, beside it.
    pub(crate) async fn commit_answers(&mut self, answers: &[Answer]) -> Result<(), IndexError> {
        let mut tx = self.begin_beside().await?;
        FAILPOINTS.hit("answers_begun");
        let sources = &self.sources;
        let batch = Batch { answers, settled: false, ..self.settled(&[], sources) };
        let facts = self.projector.apply(&mut tx, &batch).await?;
        journal::record(&mut tx, &facts).await?;
        FAILPOINTS.hit("before_answers_commit");
        tx.commit().await.map_err(db::DbError::from)?;
        FAILPOINTS.hit("after_answers_commit");
        Ok(())
    }

    /// Commit the way back to `ancestor`.
    pub(crate) async fn commit_unwind(&mut self, ancestor: BlockRef) -> Result<u64, IndexError> {
        let levels = self.checkpoint.levels.up_to(ancestor.number);
        let mut tx = self.begin(ancestor, levels).await?;
        FAILPOINTS.hit("unwind_begun");
        let chain = self.chain.id;
        let logs = raw_logs::record_orphaned(&mut tx, chain, ancestor.number).await?;
        let reorg = Reconciliation {
            ancestor,
            old_head: self.checkpoint.block,
            orphaned_logs: logs.len() as u64,
        };
        let mut facts = vec![self.reorg_fact(&reorg)];
        let projector = self.projector.as_ref();
        facts.extend(unwind(&mut tx, chain, projector, &self.sources, (ancestor, logs)).await?);
        journal::record(&mut tx, &facts).await?;
        reconciliations::record(&mut tx, chain, &reorg).await?;
        FAILPOINTS.hit("before_unwind_commit");
        tx.commit().await.map_err(db::DbError::from)?;
        FAILPOINTS.hit("after_unwind_commit");
        self.stand_at(ancestor, levels);
        while self.window.back().is_some_and(|block| block.number > ancestor.number) {
            self.window.pop_back();
        }
        self.look_for_unread();
        Ok(reorg.depth())
    }

    /// Commit that the chain is stopped.
    pub(crate) async fn commit_stop(&mut self, detail: &str) -> Result<(), IndexError> {
        let mut tx = db::begin(&self.db).await?;
        if !checkpoints::record_too_deep(&mut tx, self.chain.id, &self.checkpoint, detail).await? {
            return Err(IndexError::Superseded);
        }
        let data = json!({ "chain_id": self.chain.id.to_string(), "detail": detail });
        let fact = self.fact("chain_stopped", self.checkpoint.block, data);
        journal::record(&mut tx, &[fact]).await?;
        tx.commit().await.map_err(db::DbError::from)?;
        Ok(())
    }

    /// A transaction in which the checkpoint has moved to `to`; it locks out every rival.
    async fn begin(
        &self,
        to: BlockRef,
        levels: LevelHeights,
    ) -> Result<PgTransaction<'static>, IndexError> {
        let mut tx = db::begin(&self.commits).await?;
        let expected = &self.checkpoint;
        let to = Advance { block: to, levels, finalized: expected.finalized };
        if !checkpoints::record_advance(&mut tx, self.chain.id, expected, to).await? {
            return Err(IndexError::Superseded);
        }
        if self.planted(Fault::CheckpointEarly) {
            tx.commit().await.map_err(db::DbError::from)?;
            tx = db::begin(&self.commits).await?;
        }
        Ok(tx)
    }

    /// The same where the checkpoint stays.
    pub(crate) async fn begin_beside(&self) -> Result<PgTransaction<'static>, IndexError> {
        self.begin(self.checkpoint.block, self.checkpoint.levels).await
    }

    /// It was committed.
    fn stand_at(&mut self, block: BlockRef, levels: LevelHeights) {
        self.checkpoint.block = block;
        self.checkpoint.levels = levels;
    }

    /// A contract was read up to the checkpoint, and goes with it.
    pub(crate) fn joined_fact(&self, source: &SourceRow) -> NewFact {
        let data = json!({
            "chain_id": self.chain.id.to_string(), "contract": source.address.to_string(),
            "start_block": source.start_block.to_string(),
            "block": block_data(self.checkpoint.block),
        });
        self.fact("source_joined", self.checkpoint.block, data)
    }

    fn range_fact(&self, first: u64, to: BlockRef, logs: u64) -> NewFact {
        let data = json!({
            "chain_id": self.chain.id.to_string(), "first": first.to_string(),
            "last": to.number.to_string(), "logs": logs.to_string(),
        });
        self.fact("range_indexed", to, data)
    }

    /// With the heights up to which blocks are auditable and final from now on.
    fn head_fact(&self, to: BlockRef, logs: usize, levels: LevelHeights) -> NewFact {
        let data = json!({
            "chain_id": self.chain.id.to_string(), "block": block_data(to),
            "logs": logs.to_string(), "auditable": levels.auditable, "final": levels.final_,
        });
        self.fact("head", to, data)
    }

    fn reorg_fact(&self, reorg: &Reconciliation) -> NewFact {
        let data = json!({
            "chain_id": self.chain.id.to_string(),
            "ancestor": block_data(reorg.ancestor),
            "old_head": block_data(reorg.old_head),
            "depth": reorg.depth().to_string(),
            "orphaned_logs": reorg.orphaned_logs.to_string(),
        });
        self.fact("reorg", reorg.ancestor, data)
    }

    /// How an endpoint stands, named by its place from 1; its address stays in the logs.
    pub(crate) fn endpoint_fact(&self, place: usize, state: Option<State>) -> NewFact {
        let data = json!({
            "chain_id": self.chain.id.to_string(), "endpoint": (place + 1).to_string(),
            "state": state.map_or("trusted", State::as_str),
        });
        self.fact("endpoint_state", self.checkpoint.block, data)
    }

    fn fact(&self, kind: &'static str, block: BlockRef, data: Value) -> NewFact {
        chain_fact(self.chain.id, kind, block, data)
    }
}

/// A fact about a chain's index.
pub(crate) fn chain_fact(
    chain: ChainId,
    kind: &'static str,
    block: BlockRef,
    data: Value,
) -> NewFact {
    NewFact {
        topic: topic::CHAIN,
        kind,
        reverting: false,
        attributes: json!({ "chain_id": chain.to_string() }),
        chain_id: Some(chain),
        block: Some(block),
        data,
    }
}

/// The blocks with those of their logs that the projector knows, and what is recorded beside.
pub(crate) fn told_apart<'a>(
    blocks: &'a [Block],
    sources: &Sources,
) -> (Cow<'a, [Block]>, Vec<RawLog>) {
    if blocks.iter().flat_map(|block| &block.logs).all(|log| sources.is_ours(log)) {
        return (Cow::Borrowed(blocks), Vec::new());
    }
    let mut blocks = blocks.to_vec();
    let mut followed = Vec::new();
    for block in &mut blocks {
        let logs = std::mem::take(&mut block.logs).into_iter();
        let (ours, mut others): (Vec<_>, Vec<_>) = logs.partition(|log| sources.is_ours(log));
        block.logs = ours;
        others.retain(|log| sources.is_followed(log));
        followed.append(&mut others);
    }
    (Cow::Owned(blocks), followed)
}

fn row(block: &Block) -> BlockRow {
    let Block { number, hash, parent_hash, mined_at, .. } = *block;
    BlockRow { number, hash, parent_hash, mined_at }
}

pub(crate) fn block_data(block: BlockRef) -> Value {
    json!({ "number": block.number, "hash": block.hash })
}
