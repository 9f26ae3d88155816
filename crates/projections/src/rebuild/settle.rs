//! Settled blocks: read ahead in large chunks, and written in pieces.

use super::{
    FAILPOINTS, RebuildError, Subject,
    build::{Build, Indexed},
    meter::{Meter, Phase},
};
use crate::followed::{self, Gathered};
use db::{
    Db, DbError, PgConnection, balances,
    blocks::{self, BlockRow},
    collections,
    index_rebuilds::{self, RebuildChain},
    items, metadata_updates,
    raw_logs::{self, RawLog},
    shadow::{self, Side},
    transfers, undo_records,
};
use indexer::Block;
use time::OffsetDateTime;
use tokio::{sync::mpsc, task::JoinSet};
use vocab::{B256, BlockRef, ChainId};

/// Chunks that are read ahead.
const AHEAD: usize = 2;

/// How much is done at once.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Logs of one query.
    pub chunk: u32,
    /// Logs, and rows that they change, after which a piece is committed. It is held in memory as
    /// far as its rows change, and lost when the process dies.
    pub logs: usize,
    pub rows: usize,
}

impl Default for Pace {
    fn default() -> Self {
        Self { chunk: 20_000, logs: 500_000, rows: 300_000 }
    }
}

impl Build<'_> {
    /// Bring every chain up to its window.
    pub(super) async fn settle_all(&mut self) -> Result<(), RebuildError> {
        self.meter.enter(Phase::Reading);
        let mut open = Vec::new();
        for place in 0..self.chains.len() {
            let id = self.chains[place].id;
            let at = load_at(&mut self.session, id).await?;
            if self.base(id).await?.is_none() {
                let first = raw_logs::load_after(&mut self.session, id, (-1, 0), i64::MAX, 1);
                let first = first.await?.first().map_or(0, |log| log.block_number);
                let last = blocks::load_oldest(&mut self.session, id).await?.unwrap_or(0);
                let done = (at.height + 1).unsigned_abs().saturating_sub(first);
                self.meter.aim((last + 1).saturating_sub(first), done);
                open.push(place);
            }
        }
        for place in open {
            self.settle(place).await?;
        }
        FAILPOINTS.hit("rebuild_settled");
        Ok(())
    }

    /// The last settled block that the new tables hold; none before all of them are there.
    async fn base(&mut self, id: ChainId) -> Result<Option<BlockRef>, RebuildError> {
        let mut tx = shadow::begin_piece(&mut self.session).await?;
        let ours = blocks::load_window(&mut tx, id).await?;
        tx.rollback().await.map_err(DbError::from)?;
        Ok(ours.first().copied())
    }

    /// Bring one chain up to the first block of its window as it is now. What the new tables have
    /// of a window that has gone on is taken back.
    pub(super) async fn settle(&mut self, place: usize) -> Result<(), RebuildError> {
        let Self { db, session, subject, pace, chains, meter, .. } = self;
        let chain = &mut chains[place];
        let window = blocks::load_window(session, chain.id).await?;
        let Some(anchor) = window.first().copied() else {
            return Err(RebuildError::Changed("a chain has lost its index"));
        };
        let mut at = load_at(session, chain.id).await?;
        if at.height > at.settled_height {
            let mut tx = shadow::begin_piece(session).await?;
            let settled = at.settled_height.unsigned_abs();
            undo_records::restore_those(&mut tx, chain.id, settled, |t| subject.has(t)).await?;
            undo_records::record_unwound(&mut tx, chain.id, settled).await?;
            at.height = at.settled_height;
            index_rebuilds::record_chain(&mut tx, at).await?;
            tx.commit().await.map_err(DbError::from)?;
        }
        chain.learn(session).await?;
        let span = (at.height, anchor.number.cast_signed());
        let mut reading = Reading::start(db, chain.id, span, pace.chunk);
        let (first, fold) = (at.height < 0, Gathered::default());
        let mut piece = Piece { chain, subject, pace: *pace, at, first, fold };
        loop {
            let mut tx = shadow::begin_piece(session).await?;
            let more = piece.fill(&mut tx, &mut reading, meter).await?;
            if !more {
                piece.at.height = anchor.number.cast_signed();
                piece.at.settled_height = piece.at.height;
            }
            piece.end(&mut tx).await?;
            if !more {
                piece.read(&mut tx, anchor.number).await?;
                record_base(&mut tx, piece.at.chain, anchor).await?;
            }
            FAILPOINTS.hit("rebuild_piece_written");
            tx.commit().await.map_err(DbError::from)?;
            FAILPOINTS.hit("rebuild_piece_committed");
            if !more {
                return Ok(());
            }
        }
    }
}

pub(super) async fn load_at(
    db: &mut PgConnection,
    id: ChainId,
) -> Result<RebuildChain, RebuildError> {
    let at = index_rebuilds::load_chain(db, id).await?;
    at.ok_or(RebuildError::Changed("the chains that are indexed have changed"))
}

/// Note in the shadow which block its window stands on.
async fn record_base(
    db: &mut PgConnection,
    chain: ChainId,
    anchor: BlockRef,
) -> Result<(), DbError> {
    blocks::record_anchor(db, chain, u64::MAX >> 1).await?;
    undo_records::record_anchor(db, chain, anchor.number).await?;
    blocks::record(db, chain, &[known_block(anchor)]).await
}

/// Of a block of the shadow only number and hash are known.
pub(super) fn known_block(BlockRef { number, hash }: BlockRef) -> BlockRow {
    BlockRow { number, hash, parent_hash: B256::ZERO, mined_at: OffsetDateTime::UNIX_EPOCH }
}

/// Blocks that are read together, whole.
struct Chunk {
    logs: Vec<RawLog>,
    /// All logs of blocks up to here, from the last chunk's on.
    through: i64,
}

/// A task that reads ahead. Dropped, it ends.
struct Reading {
    chunks: mpsc::Receiver<Result<Chunk, DbError>>,
    _task: JoinSet<()>,
}

impl Reading {
    fn start(db: &Db, chain: ChainId, span: (i64, i64), chunk: u32) -> Self {
        let (send, chunks) = mpsc::channel(AHEAD);
        let (db, mut task) = (db.clone(), JoinSet::new());
        task.spawn(async move {
            if let Err(error) = read(&db, chain, span, chunk, &send).await {
                let _ = send.send(Err(error)).await;
            }
        });
        Self { chunks, _task: task }
    }

    /// None at the end.
    async fn next(&mut self) -> Result<Option<Chunk>, DbError> {
        self.chunks.recv().await.transpose()
    }
}

async fn read(
    db: &Db,
    chain: ChainId,
    (after, last): (i64, i64),
    chunk: u32,
    send: &mpsc::Sender<Result<Chunk, DbError>>,
) -> Result<(), DbError> {
    let mut session = db.acquire().await?;
    let mut place = (after, i32::MAX);
    let mut logs: Vec<RawLog> = Vec::new();
    loop {
        let found =
            raw_logs::load_after(&mut session, chain, place, last, i64::from(chunk)).await?;
        let ended = (found.len() as u64) < u64::from(chunk);
        if let Some(log) = found.last() {
            place = (log.block_number.cast_signed(), log.log_index.cast_signed());
        }
        logs.extend(found);
        // The last block may go on in the next chunk.
        let open = place.0.cast_unsigned();
        let whole =
            if ended { logs.len() } else { logs.partition_point(|log| log.block_number < open) };
        let rest = logs.split_off(whole);
        let mut ready = std::mem::replace(&mut logs, rest);
        while !ready.is_empty() {
            let after = ready.split_off(followed::piece_of(&ready));
            let through = match (ended && after.is_empty(), ready.last()) {
                (false, Some(log)) => log.block_number.cast_signed(),
                _ => last,
            };
            if send.send(Ok(Chunk { logs: ready, through })).await.is_err() {
                return Ok(());
            }
            ready = after;
        }
        if ended {
            return Ok(());
        }
    }
}

/// What one commit writes.
struct Piece<'a> {
    chain: &'a mut Indexed,
    subject: &'a Subject,
    pace: Pace,
    at: RebuildChain,
    /// Nothing of this chain is in the new tables yet.
    first: bool,
    /// Rows that change, gathered until the end of the piece.
    fold: Gathered,
}

impl Piece<'_> {
    /// Read and write until there is enough for a commit; false when all is read.
    async fn fill(
        &mut self,
        db: &mut PgConnection,
        reading: &mut Reading,
        meter: &mut Meter<'_>,
    ) -> Result<bool, RebuildError> {
        let mut logs = 0;
        while let Some(chunk) = reading.next().await? {
            let count = chunk.logs.len();
            let blocks = chunk.through - self.at.height;
            self.add(db, chunk.logs).await?;
            self.at.height = chunk.through;
            self.at.settled_height = chunk.through;
            self.at.logs += i64::try_from(count).unwrap_or(i64::MAX);
            meter.note(blocks.unsigned_abs(), count);
            logs += count;
            if logs >= self.pace.logs || self.fold.changed() >= self.pace.rows {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn add(&mut self, db: &mut PgConnection, logs: Vec<RawLog>) -> Result<(), RebuildError> {
        let (ours, followed) = told_apart(self.chain, logs);
        record_ours(db, self.chain, self.subject, &ours, false).await?;
        self.fold.add(&self.chain.standards, &followed);
        let mut added = self.fold.take_added();
        self.subject.retain_followed(&mut added);
        followed::write(db, self.chain.id, &added, None).await?;
        Ok(())
    }

    /// Write the rows that have changed, and how far the piece came.
    async fn end(&mut self, db: &mut PgConnection) -> Result<(), RebuildError> {
        let mut folded = std::mem::take(&mut self.fold).finish(&self.chain.standards);
        self.subject.retain_followed(&mut folded);
        if self.first {
            followed::write_first(db, self.chain.id, &folded).await?;
        } else {
            followed::write(db, self.chain.id, &folded, None).await?;
        }
        self.first = false;
        index_rebuilds::record_chain(db, self.at).await?;
        Ok(())
    }
}

impl Piece<'_> {
    /// What contracts said up to the last settled block, which logs do not tell.
    async fn read(&mut self, db: &mut PgConnection, last: u64) -> Result<(), RebuildError> {
        if !self.subject.has("balances") {
            return Ok(());
        }
        let (chain, mut after) = (self.at.chain, None);
        loop {
            shadow::look(db, Side::Live).await?;
            let page = followed::page_of_settled(db, chain, last, after).await?;
            look_at_new(db).await?;
            let Some((readings, end)) = page else { return Ok(()) };
            balances::record_read(db, chain, &readings).await?;
            after = Some(end);
        }
    }
}

/// Blocks with the logs of our contracts, and the logs of others.
pub(super) fn told_apart(chain: &mut Indexed, logs: Vec<RawLog>) -> (Vec<Block>, Vec<RawLog>) {
    let (mut blocks, mut others): (Vec<Block>, _) = (Vec::new(), Vec::with_capacity(logs.len()));
    for log in logs {
        if !chain.is_ours(&log) {
            others.push(log);
            continue;
        }
        match blocks.last_mut() {
            Some(block) if block.number == log.block_number => block.logs.push(log),
            _ => blocks.push(Block {
                number: log.block_number,
                hash: log.block_hash,
                parent_hash: B256::ZERO,
                // Null only for logs of the first versions.
                mined_at: log.mined_at.unwrap_or(OffsetDateTime::UNIX_EPOCH),
                logs: vec![log],
            }),
        }
    }
    (blocks, others)
}

/// Write what our contracts tell in these blocks.
pub(super) async fn record_ours(
    db: &mut PgConnection,
    chain: &Indexed,
    subject: &Subject,
    blocks: &[Block],
    with_undo: bool,
) -> Result<(), DbError> {
    let decoded = chain.projections.decode(chain.id, blocks);
    if decoded.is_empty() {
        return Ok(());
    }
    let (item_ids, contracts) = crate::fold::needed(&decoded);
    let mut rows = crate::fold::Rows::default();
    if subject.has(items::PROJECTION) {
        let found = items::load_many(db, chain.id, &item_ids).await?;
        rows.items = found.into_iter().map(|row| ((row.contract, row.token_id), row)).collect();
    }
    if subject.has(collections::PROJECTION) {
        let found = collections::load_many(db, chain.id, &contracts).await?;
        rows.collections = found.into_iter().map(|row| (row.contract, row)).collect();
    }
    let mut changes = crate::fold::fold(rows, &decoded, with_undo);
    subject.retain_ours(&mut changes);
    let changed: Vec<_> = changes.rows.items.into_values().collect();
    items::record(db, chain.id, &changed).await?;
    let changed: Vec<_> = changes.rows.collections.into_values().collect();
    collections::record(db, chain.id, &changed).await?;
    transfers::record(db, chain.id, &changes.transfers).await?;
    metadata_updates::record(db, chain.id, &changes.metadata_updates).await?;
    undo_records::record(db, chain.id, &changes.undo).await
}

/// Names mean the tables that are being made.
pub(super) async fn look_at_new(db: &mut PgConnection) -> Result<(), DbError> {
    shadow::look(db, Side::Shadow).await
}
