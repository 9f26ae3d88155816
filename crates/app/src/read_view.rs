//! Reads of a chain's index: from one view of the database, which says of which block it is, and if
//! wished not before the index has come to a block, or of an earlier block.

use crate::{App, AppError, Refusal};
use db::{PgConnection, PgTransaction, blocks, checkpoints, index_removals, index_sources};
use std::time::Duration;
use tokio::time::{Instant, sleep};
use vocab::{Address, BlockRef, ChainId};

/// How long a read waits for a block.
const WAIT_MAX: Duration = Duration::from_secs(3);
/// No block that is so far ahead comes while one waits.
const AHEAD_MAX: u64 = 10_000;
/// Between two looks at the index, while one waits.
const LOOK: Duration = Duration::from_millis(25);

/// Which block a read is to reflect. None: whatever is newest.
#[derive(Clone, Copy, Debug, Default)]
pub struct Look {
    /// This one or a later one.
    pub wait_for_block: Option<u64>,
    /// This one, which is waited for, too.
    pub as_of_block: Option<u64>,
}

/// What is read through it is as of one block.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) chain: ChainId,
    pub(crate) db: PgTransaction<'static>,
    as_of: Option<BlockRef>,
    /// The block to go back to; none when it is the newest.
    pub(crate) back_to: Option<u64>,
}

/// What was found on which chain, and as of which block: none while nothing is indexed.
#[derive(Clone, Debug)]
pub struct Seen<T> {
    pub chain: ChainId,
    pub as_of: Option<BlockRef>,
    pub found: T,
}

impl View {
    pub(crate) fn seen<T>(&self, found: T) -> Seen<T> {
        Seen { chain: self.chain, as_of: self.as_of, found }
    }

    /// `last` is the last block that is asked about; none is whatever is newest.
    ///
    /// # Errors
    /// [`Refusal::SourceBackfilling`] while only a part of this contract's logs is indexed;
    /// [`Refusal::ContractRemoved`] as [`check_followed`].
    pub(crate) async fn check_whole(
        &mut self,
        contract: Option<Address>,
        last: Option<u64>,
    ) -> Result<(), AppError> {
        let Some(contract) = contract else { return Ok(()) };
        match index_sources::load_height(&mut self.db, self.chain, contract).await? {
            Some(height) => Err(Refusal::SourceBackfilling { height }.into()),
            None => check_followed(&mut self.db, self.chain, contract, last).await,
        }
    }

    /// The same of an event, whichever contract told of it.
    pub(crate) async fn check_event(
        &mut self,
        event: &str,
        last: Option<u64>,
    ) -> Result<(), AppError> {
        let end = index_removals::load_last_block_of_event(&mut self.db, self.chain, event).await?;
        refuse_above(end, last)
    }
}

/// # Errors
/// [`Refusal::ContractRemoved`] when blocks above the last that is indexed of this contract are
/// asked about: it was followed, and is no more.
pub(crate) async fn check_followed(
    db: &mut PgConnection,
    chain: ChainId,
    contract: Address,
    last: Option<u64>,
) -> Result<(), AppError> {
    refuse_above(index_removals::load_last_block(db, chain, contract).await?, last)
}

fn refuse_above(end: Option<u64>, last: Option<u64>) -> Result<(), AppError> {
    match end.filter(|end| last.is_none_or(|last| last > *end)) {
        Some(last_block) => Err(Refusal::ContractRemoved { last_block }.into()),
        None => Ok(()),
    }
}

impl Seen<()> {
    pub(crate) fn with<T>(self, found: T) -> Seen<T> {
        Seen { chain: self.chain, as_of: self.as_of, found }
    }
}

impl App {
    /// A view of the index of a chain; with a block's number, of it or a later one.
    ///
    /// # Errors
    /// [`Refusal::BlockNotIndexed`] when the index has not come there within three seconds;
    /// [`Refusal::BlockFarAhead`] at once when it can't.
    pub(crate) async fn view(
        &self,
        chain: ChainId,
        wait_for: Option<u64>,
    ) -> Result<View, AppError> {
        let deadline = Instant::now() + WAIT_MAX;
        if let Some(replica) = self.config().replica.as_ref().filter(|_| wait_for.is_none())
            && let Some((db, found)) = replica.view(chain).await
        {
            return Ok(View { chain, db, as_of: found.map(|found| found.block), back_to: None });
        }
        loop {
            let replica = self.config().replica.as_ref();
            let changes = self.changes().count();
            let mut db = db::begin_view(&self.config().db).await?;
            let found = checkpoints::load(&mut db, chain).await?;
            if let Some(replica) = replica {
                replica.saw(chain, changes, found.clone());
            }
            let as_of = found.map(|found| found.block);
            let height = as_of.map(|block| block.number);
            let Some(wanted) = wait_for.filter(|wanted| height.is_none_or(|at| at < *wanted))
            else {
                return Ok(View { chain, db, as_of, back_to: None });
            };
            // Nobody waits with a connection in hand.
            drop(db);
            if let Some(height) = height.filter(|height| wanted - height > AHEAD_MAX) {
                return Err(Refusal::BlockFarAhead { wanted, height }.into());
            }
            if Instant::now() >= deadline {
                return Err(Refusal::BlockNotIndexed { wanted, height }.into());
            }
            sleep(LOOK).await;
        }
    }

    /// A view of the index of a chain as of the block that is wished.
    ///
    /// # Errors
    /// As [`Self::view`]; [`Refusal::BlockOutsideWindow`] when it can't be gone back so far.
    pub(crate) async fn view_as_of(&self, chain: ChainId, look: Look) -> Result<View, AppError> {
        let mut view = self.view(chain, look.wait_for_block.max(look.as_of_block)).await?;
        let head = view.as_of.map(|block| block.number);
        let Some(wanted) = look.as_of_block.filter(|wanted| Some(*wanted) != head) else {
            return Ok(view);
        };
        let Some(block) = blocks::load_at(&mut view.db, chain, wanted).await? else {
            let oldest = blocks::load_oldest(&mut view.db, chain).await?;
            return Err(Refusal::BlockOutsideWindow { wanted, oldest }.into());
        };
        (view.as_of, view.back_to) = (Some(block), Some(wanted));
        Ok(view)
    }
}
