//! One wallet's lane: the actor that alone gives out its nonces, under a fenced lease.

use crate::{config::Options, context::Context, moves::MoveError};
use alloy_primitives::Address;
use chain::RpcError;
use db::{Db, DbError, PgTransaction, leases, leases::Lease, wallets::Wallet};
use signer::ClientError;
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Most time between looks at a lease that another worker holds.
const STAND_BY: Duration = Duration::from_secs(1);

/// Why a lane's step did not end well. Nothing is lost by it: the lane reads anew from the
/// database where everything stands, and goes on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LaneError {
    #[error(transparent)]
    Db(#[from] DbError),
    #[error("a change of state")]
    Move(#[from] MoveError),
    #[error("the node")]
    Rpc(#[from] RpcError),
    #[error("the signer")]
    Signer(#[from] ClientError),
    #[error("another worker holds the lane")]
    LeaseLost,
}

/// A wallet while we hold its lease.
pub(crate) struct Lane {
    pub context: Arc<Context>,
    pub wallet: Wallet,
    pub lease: Lease,
    /// Unmined nonces.
    pub in_flight: usize,
    /// The wallet's nonce on chain when last asked.
    pub on_chain: u64,
    /// An attempt waits for signature, money or room: no more are taken until that is over.
    pub blocked: bool,
    /// For how many heads in a row the chain waited for a nonce that our ledger does not have.
    pub holes_seen: u32,
}

impl Lane {
    pub fn options(&self) -> &Options {
        &self.context.config.options
    }

    pub fn db(&self) -> &Db {
        &self.context.config.db
    }

    pub fn address(&self) -> Address {
        self.wallet.address
    }

    /// A transaction that commits only while the lease is ours.
    pub async fn begin(&self) -> Result<PgTransaction<'static>, LaneError> {
        let mut transaction = self.db().begin().await.map_err(DbError::from)?;
        if leases::lock_held(&mut transaction, &self.lease).await? {
            Ok(transaction)
        } else {
            Err(LaneError::LeaseLost)
        }
    }

    /// Work until something goes wrong.
    async fn work(&mut self) -> LaneError {
        match self.work_on().await {
            Ok(never) => match never {},
            Err(error) => error,
        }
    }

    async fn work_on(&mut self) -> Result<std::convert::Infallible, LaneError> {
        let config = &self.context.config;
        let bell = config.nudge.bell(config.chain.id, &self.wallet.role);
        let (tick, retry) = (config.options.tick, config.options.retry);
        let mut pulse = self.context.pulse.clone();
        self.recover().await?;
        pulse.mark_changed();
        let mut watched = Instant::now();
        loop {
            if pulse.has_changed().unwrap_or(false) || watched.elapsed() >= retry {
                let now = *pulse.borrow_and_update();
                if let Some(now) = now {
                    self.confirm(now.head).await?;
                    self.tend(now).await?;
                }
                watched = Instant::now();
            }
            let now = *pulse.borrow();
            let full = match now {
                Some(now) => self.take(now).await?,
                None => false,
            };
            if full {
                continue;
            }
            tokio::select! {
                () = bell.notified() => {}
                _ = pulse.changed() => pulse.mark_changed(),
                () = sleep(tick) => {}
            }
        }
    }
}

/// Serve a wallet until `stop`: whenever its lease is to be had, hold it and work.
pub(crate) async fn serve(context: Arc<Context>, wallet: Wallet, stop: CancellationToken) {
    let holder = Uuid::now_v7();
    let mut held = None;
    tokio::select! {
        () = stop.cancelled() => {}
        () = keep_serving(&context, &wallet, holder, &mut held) => {}
    }
    if let Some(lease) = held {
        let released =
            async { leases::release(&mut *context.config.db.acquire().await?, &lease).await };
        if let Err(error) = released.await {
            tracing::debug!(error = &error as &dyn std::error::Error, "a lease was not released");
        }
    }
}

async fn keep_serving(
    context: &Arc<Context>,
    wallet: &Wallet,
    holder: Uuid,
    held: &mut Option<Lease>,
) {
    let ttl = context.config.options.lease;
    let name = format!("wallet:{}:{}", context.chain_id(), wallet.address);
    let mut pause = Duration::from_millis(100);
    loop {
        match acquire(&context.config.db, &name, holder, ttl).await {
            Ok(Some(lease)) => *held = Some(lease),
            Ok(None) => {
                *held = None;
                sleep((ttl / 4).min(STAND_BY)).await;
                continue;
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, wallet = %wallet.address,
                    "the lane's lease is not known");
                sleep(pause).await;
                continue;
            }
        }
        let Some(lease) = held.clone() else { continue };
        let started = Instant::now();
        let mut lane = Lane {
            context: context.clone(),
            wallet: wallet.clone(),
            lease: lease.clone(),
            in_flight: 0,
            on_chain: 0,
            blocked: false,
            holes_seen: 0,
        };
        let error = tokio::select! {
            error = lane.work() => error,
            () = renew(&context.config.db, &lease, ttl) => LaneError::LeaseLost,
        };
        tracing::warn!(error = &error as &dyn std::error::Error, wallet = %wallet.address,
            "the lane starts again");
        metrics::counter!("transactor_lane_restarts_total").increment(1);
        pause = if started.elapsed() > ttl { Duration::from_millis(100) } else { pause * 2 };
        pause = pause.min(Duration::from_secs(5));
        sleep(pause).await;
    }
}

async fn acquire(
    db: &Db,
    name: &str,
    holder: Uuid,
    ttl: Duration,
) -> Result<Option<Lease>, DbError> {
    leases::acquire(&mut *db.acquire().await?, name, holder, seconds(ttl)).await
}

/// Ends when the lease is lost. A database that can't be asked is no loss yet: commits check.
async fn renew(db: &Db, lease: &Lease, ttl: Duration) {
    loop {
        sleep(ttl / 3).await;
        let renewed = async { leases::renew(&mut *db.acquire().await?, lease, seconds(ttl)).await };
        match renewed.await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "a lease is not renewed")
            }
        }
    }
}

fn seconds(duration: Duration) -> time::Duration {
    time::Duration::try_from(duration).unwrap_or(time::Duration::seconds(10))
}
