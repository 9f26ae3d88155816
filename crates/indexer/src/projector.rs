//! The seam between following a chain and understanding it.

use crate::Sources;
use alloy_primitives::Bytes;
use db::{
    DbError, PgConnection, decoded_logs::DecodedRow, index_sources::SourceRow, raw_logs::RawLog,
};
use futures_util::future::BoxFuture;
use journal::NewFact;
use std::sync::Arc;
use time::OffsetDateTime;
use vocab::{Address, B256, BlockRef, ChainId, LevelHeights};

/// A block with those of its logs that are ours, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    pub number: u64,
    pub hash: B256,
    /// Zero in a settled batch, where it is not read.
    pub parent_hash: B256,
    pub mined_at: OffsetDateTime,
    pub logs: Vec<RawLog>,
}

impl Block {
    #[must_use]
    pub fn block(&self) -> BlockRef {
        BlockRef { number: self.number, hash: self.hash }
    }
}

/// Consecutive blocks that are committed together.
#[derive(Debug)]
pub struct Batch<'a> {
    pub chain_id: ChainId,
    /// Up to which blocks what is told is auditable and final with this commit.
    pub levels: LevelHeights,
    /// In rising order, with the logs that the projector knows. Of a settled batch only those
    /// that have such logs.
    pub blocks: &'a [Block],
    /// Logs of the same blocks that are recorded beside ([`Projector::recorded`]) and projected,
    /// in order.
    pub followed: &'a [RawLog],
    /// Says of which standard the contracts of those are.
    pub sources: &'a Sources,
    /// What contracts said that were asked ([`Projector::questions`]), by block.
    pub answers: &'a [Answer],
    /// The blocks lie below the window: they need no undo records and tell no facts one by one.
    pub settled: bool,
}

/// Something to be asked of a contract about an account, as of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    pub block: BlockRef,
    pub contract: Address,
    pub account: Address,
    /// The call's data.
    pub input: Bytes,
}

/// What the contract said; none when it refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub question: Question,
    pub said: Option<Bytes>,
}

/// Blocks about to be committed, as to what contracts are to be asked about them.
#[derive(Debug)]
pub struct Asking<'a> {
    pub chain_id: ChainId,
    /// Consecutive, in rising order; no question is about those up to block `after`.
    pub blocks: &'a [BlockRef],
    pub after: u64,
    /// As in [`Batch::followed`].
    pub followed: &'a [RawLog],
    pub sources: &'a Sources,
    /// [`crate::IndexerOptions::reread_blocks`]
    pub reread_blocks: u64,
}

/// A contract of others whose logs are recorded.
#[derive(Clone, Debug)]
pub struct Recorded {
    pub address: Address,
    /// Its standard, or how it is read; of a factory, that of the contracts that it makes.
    pub kind: &'static str,
    /// First topics of its logs that are kept.
    pub topics: Vec<B256>,
    /// The first block whose logs are kept.
    pub first_block: u64,
    /// The last one, of a contract that is followed no more.
    pub last_block: Option<u64>,
    /// The projector sees its logs; else they are only recorded.
    pub projected: bool,
    /// Of a factory: what it makes is recorded, too.
    pub makes: Option<Arc<dyn Makes>>,
    /// Of one that is read by an ABI.
    pub reads: Option<Arc<dyn Reads>>,
    /// Every contract that tells of these topics is meant; no other source may have them.
    pub anywhere: bool,
}

/// Says what logs mean whose events are known by an ABI alone.
pub trait Reads: Send + Sync + std::fmt::Debug {
    /// # Errors
    /// Why it can't be read: `data` or `too_long`.
    fn read(&self, log: &RawLog) -> Result<DecodedRow, &'static str>;
}

/// How a factory of others tells of the contracts that it makes.
pub trait Makes: Send + Sync + std::fmt::Debug {
    /// The contract that this log of the factory names.
    fn named(&self, log: &RawLog) -> Option<Address>;

    /// That contract, whose logs are kept from this block on.
    fn made(&self, address: Address, first_block: u64) -> Recorded;
}

/// Blocks that are no longer on the chain.
#[derive(Debug)]
pub struct Orphaned<'a> {
    pub chain_id: ChainId,
    /// The last block that stays.
    pub ancestor: BlockRef,
    /// What lay above it, in rising order, with the logs that the projector knows.
    pub blocks: &'a [Block],
    /// Logs of the same blocks that were recorded beside, in order.
    pub followed: &'a [RawLog],
    pub sources: &'a Sources,
}

/// What logs mean. All calls for one chain come from one task at a time; `apply` and `unwind` run
/// inside the commit, and have no effect outside it.
pub trait Projector: Send + Sync + std::fmt::Debug {
    /// First topics of the logs that are read.
    fn topics(&self) -> Vec<B256>;

    /// Contracts whose logs are read, as of the checkpoint.
    fn load_sources<'a>(
        &'a self,
        db: &'a mut PgConnection,
        chain: ChainId,
    ) -> BoxFuture<'a, Result<Vec<Address>, DbError>>;

    /// Contracts whose logs are to be recorded beside. One that the index does not have yet is
    /// read beside the head and joined to it.
    fn recorded(&self) -> Vec<SourceRow> {
        Vec::new()
    }

    /// A contract that the index has, wherever it was named, as one that is followed; none when
    /// its standard is unknown.
    fn recorded_as(&self, _: &SourceRow) -> Option<Recorded> {
        None
    }

    /// A contract that this log (of a source) makes a source too, from its block on.
    fn discover(&self, log: &RawLog) -> Option<Address>;

    /// May there be questions about what these sources tell?
    fn asks(&self, _: &Sources) -> bool {
        false
    }

    /// What is to be asked as of these blocks, by block. The database is as it was before them.
    fn questions<'a>(
        &'a self,
        _: &'a mut PgConnection,
        _: &'a Asking<'a>,
    ) -> BoxFuture<'a, Result<Vec<Question>, DbError>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    /// What is not known of these sources as of block `at`, which is the checkpoint: a page of
    /// questions about it, in the order of contract and account, after `after`.
    fn unread<'a>(
        &'a self,
        _: &'a mut PgConnection,
        _: ChainId,
        _: &'a Sources,
        (_at, _after): (BlockRef, Option<(Address, Address)>),
    ) -> BoxFuture<'a, Result<Vec<Question>, DbError>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    /// Change the projections, record the undo of it unless the batch is settled, and raise
    /// levels. Called for every commit, with or without logs. The facts are recorded in order.
    fn apply<'a>(
        &'a self,
        db: &'a mut PgConnection,
        batch: &'a Batch<'a>,
    ) -> BoxFuture<'a, Result<Vec<NewFact>, DbError>>;

    /// All rows of a chain's index are about to be removed: take back what else was made of its
    /// logs. What has to be told of it is recorded here, in pieces.
    fn forget<'a>(
        &'a self,
        db: &'a mut PgConnection,
        chain: ChainId,
    ) -> BoxFuture<'a, Result<(), DbError>>;

    /// Take back what `apply` did for these blocks.
    fn unwind<'a>(
        &'a self,
        db: &'a mut PgConnection,
        orphaned: &'a Orphaned<'a>,
    ) -> BoxFuture<'a, Result<Vec<NewFact>, DbError>>;
}
