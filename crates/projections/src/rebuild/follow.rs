//! Blocks of the window: one by one, each with its undo, over reorgs.

use super::{
    FAILPOINTS, RebuildError, Subject,
    build::{Build, Indexed},
    meter::Phase,
    settle::{known_block, load_at, look_at_new, record_ours, told_apart},
};
use crate::followed::{self, Folded};
use db::{
    DbError, PgConnection,
    balance_readings::{self, Reading},
    blocks::{self, BlockRow},
    checkpoints, index_rebuilds, raw_logs,
    shadow::{self, Side},
    undo_records,
};
use vocab::BlockRef;

/// Blocks of one commit.
const STEP: u64 = 16;
/// Commits until the index is caught up with; it makes more only if it is always faster.
const STEPS: usize = 100_000;

/// Where a step has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Followed {
    /// At the checkpoint.
    There(BlockRef),
    /// There are more blocks.
    Short,
    /// The window has gone on: what lies below it is settled now.
    Behind,
}

impl Build<'_> {
    /// Come up to the checkpoints, which may have moved when this ends.
    pub(super) async fn approach(&mut self) -> Result<(), RebuildError> {
        self.meter.enter(Phase::Following);
        for place in 0..self.chains.len() {
            let mut there = false;
            for _ in 0..STEPS {
                let mut tx = shadow::begin_beside_live(&mut self.session).await?;
                let chain = &mut self.chains[place];
                let step = follow(&mut tx, chain, &self.subject, STEP).await?;
                tx.commit().await.map_err(DbError::from)?;
                match step {
                    Followed::There(_) => {
                        there = true;
                        break;
                    }
                    Followed::Short => {}
                    Followed::Behind => self.settle(place).await?,
                }
            }
            if !there {
                return Err(RebuildError::Blocked);
            }
        }
        FAILPOINTS.hit("rebuild_followed");
        Ok(())
    }
}

/// Apply up to `most` blocks that follow, in a transaction in which the live index does not move.
pub(super) async fn follow(
    db: &mut PgConnection,
    chain: &mut Indexed,
    subject: &Subject,
    most: u64,
) -> Result<Followed, RebuildError> {
    const LOST: RebuildError = RebuildError::Changed("a chain has lost its index");
    shadow::look(db, Side::Live).await?;
    let checkpoint = checkpoints::load(db, chain.id).await?.ok_or(LOST)?.block;
    let live = blocks::load_window(db, chain.id).await?;
    chain.learn(db).await?;
    let oldest = live.first().ok_or(LOST)?.number;
    let mut at = load_at(db, chain.id).await?;
    look_at_new(db).await?;
    let ours = blocks::load_window(db, chain.id).await?;
    let base = *ours.first().ok_or(LOST)?;
    let is_live = |block: &&BlockRef| live.contains(*block);
    let ancestor = ours.iter().rev().find(is_live).map_or(base.number, |block| block.number);
    if ancestor < oldest {
        return Ok(Followed::Behind);
    }
    let base_is_live = is_live(&&base) || base.number < oldest;
    if !base_is_live || checkpoint.number < ancestor {
        return Err(RebuildError::Changed("blocks below the window were given up"));
    }
    if ancestor < at.height.unsigned_abs() {
        undo_records::restore_those(db, chain.id, ancestor, |t| subject.has(t)).await?;
        undo_records::record_unwound(db, chain.id, ancestor).await?;
        blocks::record_orphaned(db, chain.id, ancestor).await?;
    }
    if ancestor > at.settled_height.unsigned_abs() {
        // More may have been read as of it since.
        record_read(db, chain, subject, ancestor).await?;
    }
    let to = checkpoint.number.min(ancestor.saturating_add(most));
    if to > ancestor {
        let new = live.into_iter().filter(|block| (ancestor + 1..=to).contains(&block.number));
        let new: Vec<BlockRow> = new.map(known_block).collect();
        record_blocks(db, chain, subject, (ancestor, to)).await?;
        blocks::record(db, chain.id, &new).await?;
    }
    at.height = to.cast_signed();
    index_rebuilds::record_chain(db, at).await?;
    Ok(if to == checkpoint.number { Followed::There(checkpoint) } else { Followed::Short })
}

async fn record_blocks(
    db: &mut PgConnection,
    chain: &mut Indexed,
    subject: &Subject,
    (after, to): (u64, u64),
) -> Result<(), RebuildError> {
    shadow::look(db, Side::Live).await?;
    let place = (after.cast_signed(), i32::MAX);
    let logs = raw_logs::load_after(db, chain.id, place, to.cast_signed(), i64::MAX).await?;
    look_at_new(db).await?;
    let (ours, others) = told_apart(chain, logs);
    record_ours(db, chain, subject, &ours, true).await?;
    let readings = load_readings(db, chain, subject, (after + 1, to)).await?;
    for (number, block, read) in followed::by_block(&others, &readings) {
        let mut folded = followed::fold(&chain.standards, block);
        subject.retain_followed(&mut folded);
        followed::write(db, chain.id, &folded, Some((number, read))).await?;
    }
    Ok(())
}

/// What contracts said as of one block, as far as the new tables lack it.
async fn record_read(
    db: &mut PgConnection,
    chain: &Indexed,
    subject: &Subject,
    number: u64,
) -> Result<(), RebuildError> {
    let readings = load_readings(db, chain, subject, (number, number)).await?;
    if !readings.is_empty() {
        let block = Some((number, readings.as_slice()));
        followed::write(db, chain.id, &Folded::default(), block).await?;
    }
    Ok(())
}

async fn load_readings(
    db: &mut PgConnection,
    chain: &Indexed,
    subject: &Subject,
    span: (u64, u64),
) -> Result<Vec<Reading>, DbError> {
    if !subject.has("balances") {
        return Ok(Vec::new());
    }
    shadow::look(db, Side::Live).await?;
    let readings = balance_readings::load(db, chain.id, span).await?;
    look_at_new(db).await?;
    Ok(readings)
}
