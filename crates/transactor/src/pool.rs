//! Which lanes this worker serves. Live workers divide the wallets of each role evenly: each renews
//! its row, counts the others, takes wallets that nobody serves up to its quota, and gives back
//! what is above it.

use crate::{
    Reason,
    context::Context,
    lane::{self, Signals},
    moves::{Move, MoveError},
    share::quota,
};
use alloy_primitives::Address;
use db::{
    DbError, approvals, leases,
    transactions::stops,
    wallets::{self, Wallet},
    workers,
};
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::{
    task::{JoinError, JoinSet},
    time::{Instant, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use vocab::JobStatus;

/// Most time between two looks at workers and leases.
const ROUND: Duration = Duration::from_secs(1);
/// For lanes to give their leases back.
const DRAIN: Duration = Duration::from_secs(5);
/// Overdue jobs that are expired in one commit.
const OVERDUE_MAX: i64 = 500;
/// Jobs of retired wallets that are ended in one commit.
const STRANDED_MAX: i64 = 500;

/// A worker's lanes.
pub(crate) struct Pool {
    context: Arc<Context>,
    id: Uuid,
    lanes: JoinSet<Address>,
    held: HashMap<Address, Held>,
    stop: CancellationToken,
}

/// A lane that this worker serves.
struct Held {
    role: String,
    yielding: CancellationToken,
}

impl Pool {
    pub fn new(context: Arc<Context>) -> Self {
        Self {
            context,
            id: Uuid::now_v7(),
            lanes: JoinSet::new(),
            held: HashMap::new(),
            stop: CancellationToken::new(),
        }
    }

    /// Serve until the future is dropped, or a lane breaks: only a bug does that, and then the
    /// process must not go on as if all wallets were served.
    pub async fn serve(&mut self) {
        let ttl = self.context.config.options.lease;
        let round = (ttl / 4).min(ROUND);
        let mut next = Instant::now();
        loop {
            tokio::select! {
                ended = self.lanes.join_next(), if !self.lanes.is_empty() => {
                    if !self.forget(ended) {
                        return;
                    }
                }
                () = sleep_until(next) => {
                    if let Err(error) = self.look_round().await {
                        tracing::warn!(error = &error as &dyn std::error::Error,
                            "the wallets can't be divided now");
                    }
                    next = Instant::now() + round;
                }
            }
        }
    }

    fn forget(&mut self, ended: Option<Result<Address, JoinError>>) -> bool {
        match ended {
            Some(Ok(wallet)) => {
                self.held.remove(&wallet);
                self.context.loads.remove(wallet);
                true
            }
            Some(Err(error)) => {
                tracing::error!(error = &error as &dyn std::error::Error, "a wallet's lane broke");
                false
            }
            None => true,
        }
    }

    async fn look_round(&mut self) -> Result<(), MoveError> {
        let chain = self.context.chain_id();
        let ttl = self.context.config.options.lease;
        let mut connection = self.context.config.db.acquire().await.map_err(DbError::from)?;
        let wallets = wallets::load(&mut connection, chain).await?;
        let roles: Vec<String> =
            self.context.config.roles.iter().map(|role| role.name.clone()).collect();
        for role in roles {
            let live =
                workers::renew(&mut connection, chain, &role, self.id, lane::seconds(ttl)).await?;
            let Some(place) = live.iter().position(|id| *id == self.id) else { continue };
            let pool: Vec<&Wallet> = wallets.iter().filter(|w| w.role == role).collect();
            let quota = quota(pool.len(), live.len(), place);
            let held = self.held.values().filter(|held| held.role == role).count();
            if held > quota {
                self.give_back(&role, held - quota);
            } else if held < quota {
                self.take_free(&mut connection, &pool, quota - held).await?;
            }
        }
        drop(connection);
        self.expire_overdue().await?;
        self.free_stranded().await
    }

    /// Ask lanes to end at their next step.
    fn give_back(&self, role: &str, count: usize) {
        let mut of_role: Vec<&Held> = self.held.values().filter(|held| held.role == role).collect();
        // Those that were asked before come first: they are counted until they have ended.
        of_role.sort_by_key(|held| !held.yielding.is_cancelled());
        for held in of_role.into_iter().take(count) {
            held.yielding.cancel();
        }
    }

    async fn take_free(
        &mut self,
        db: &mut db::PgConnection,
        pool: &[&Wallet],
        count: usize,
    ) -> Result<(), DbError> {
        let ttl = lane::seconds(self.context.config.options.lease);
        let name = |wallet: &Wallet| lane::lease_name(self.context.chain_id(), wallet.address);
        let names: Vec<String> = pool.iter().map(|wallet| name(wallet)).collect();
        let held = leases::load_held(db, &names, ttl).await?;
        let free: Vec<(&&Wallet, &String)> = pool
            .iter()
            .zip(&names)
            .filter(|(w, name)| !self.held.contains_key(&w.address) && !held.contains(name))
            .collect();
        if free.is_empty() {
            return Ok(());
        }
        // A wallet may be listed whose key is gone: nobody could sign for it.
        let keys = match self.context.config.signer.list_keys().await {
            Ok(keys) => keys,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "waiting for the signer");
                return Ok(());
            }
        };
        let mut taken = 0;
        for (wallet, name) in free {
            if taken == count {
                break;
            }
            if !keys.iter().any(|key| key.address == wallet.address) {
                continue;
            }
            let Some(lease) = leases::acquire(db, name, self.id, ttl).await? else { continue };
            taken += 1;
            let yielding = CancellationToken::new();
            let signals = Signals { stop: self.stop.clone(), yielding: yielding.clone() };
            let (context, wallet) = (self.context.clone(), (**wallet).clone());
            self.held.insert(wallet.address, Held { role: wallet.role.clone(), yielding });
            self.lanes.spawn(lane::serve(context, wallet, lease, signals));
        }
        Ok(())
    }

    /// Jobs that are still queued at their deadline end at once. Any worker may do it: the row says
    /// who was first.
    async fn expire_overdue(&self) -> Result<(), MoveError> {
        let mut transaction = db::begin(&self.context.config.db).await?;
        let overdue =
            stops::load_overdue(&mut transaction, self.context.chain_id(), OVERDUE_MAX).await?;
        let reason = || Reason::new("expired", "its deadline passed before it was sent");
        let moves: Vec<Move> =
            overdue.iter().map(|job| Move::of_waiting(job, JobStatus::Expired, reason())).collect();
        if !moves.is_empty() {
            self.context.record_moves(&mut transaction, &moves).await?;
            transaction.commit().await.map_err(DbError::from)?;
        }
        Ok(())
    }

    /// Jobs that name a wallet which was retired end: nobody will ever send them. Those that stay
    /// with a stopped wallet only for their approvals' sake may go to another.
    async fn free_stranded(&self) -> Result<(), MoveError> {
        let chain = self.context.chain_id();
        let mut transaction = db::begin(&self.context.config.db).await?;
        let stranded = stops::load_stranded(&mut transaction, chain, STRANDED_MAX).await?;
        let reason = || Reason::new("wallet_retired", "the wallet that it names was retired");
        let moves: Vec<Move> =
            stranded.iter().map(|job| Move::of_waiting(job, JobStatus::Failed, reason())).collect();
        let released = approvals::release_stranded(&mut transaction, chain).await?;
        if !moves.is_empty() || released > 0 {
            self.context.record_moves(&mut transaction, &moves).await?;
            transaction.commit().await.map_err(DbError::from)?;
            tracing::warn!(failed = moves.len(), released, "jobs of stopped wallets");
        }
        Ok(())
    }

    /// End all lanes and leave the field to others.
    pub async fn close(mut self) {
        self.stop.cancel();
        let drained =
            timeout(DRAIN, async { while self.lanes.join_next().await.is_some() {} }).await;
        if drained.is_err() {
            tracing::warn!("lanes did not end in time; their leases expire by themselves");
        }
        let left = async {
            let mut connection = self.context.config.db.acquire().await?;
            workers::remove(&mut connection, self.context.chain_id(), self.id).await
        };
        if let Err(error) = left.await {
            tracing::debug!(error = &error as &dyn std::error::Error, "the worker stays listed");
        }
    }
}
