//! One wallet's lane: the actor that alone gives out its nonces, under a fenced lease.

use crate::{
    config::Options, context::Context, funds::Poor, moves::MoveError, pause::Pause, planted::Fault,
    pulse::Pulse, queue::Bell,
};
use alloy_primitives::Address;
use chain::RpcError;
use db::{Db, DbError, PgTransaction, leases, leases::Lease, wallets::Wallet};
use signer::ClientError;
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use vocab::ChainId;

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
    /// A node said that the wallet can't pay, since the last look.
    pub said_poor: bool,
    /// It takes no jobs until it can pay for them.
    pub poor: Option<Poor>,
    /// When its balance was last compared with what it should have.
    pub balance_seen: Option<Instant>,
    /// What was told of it.
    pub paused: Option<Pause>,
    /// When it last looked for jobs.
    pub looked: std::time::Instant,
}

impl Lane {
    pub fn options(&self) -> &Options {
        &self.context.config.options
    }

    pub fn db(&self) -> &Db {
        &self.context.lanes
    }

    pub fn address(&self) -> Address {
        self.wallet.address
    }

    /// How many more jobs it may have in flight now.
    pub fn room(&self) -> usize {
        let poor = self.poor.is_some_and(|poor| !poor.may_probe());
        match self.blocked || self.said_poor || poor {
            true => 0,
            false => {
                let window = usize::try_from(self.wallet.in_flight_max).unwrap_or(1);
                window.saturating_sub(self.in_flight)
            }
        }
    }

    /// A transaction that commits only while the lease is ours.
    pub async fn begin(&self) -> Result<PgTransaction<'static>, LaneError> {
        let mut transaction = db::begin(self.db()).await?;
        let held = leases::lock_held(&mut transaction, &self.lease).await?;
        if held || self.planted(Fault::EpochUnchecked) {
            Ok(transaction)
        } else {
            Err(LaneError::LeaseLost)
        }
    }

    /// Work until the lane is to be given back.
    async fn work(&mut self, yielding: &CancellationToken) -> Result<(), LaneError> {
        let context = self.context.clone();
        let config = &context.config;
        let bell = config.nudge.bell(config.chain.id, &self.wallet.role);
        let (tick, retry) = (config.options.tick, config.options.retry);
        let mut pulse = self.context.pulse.clone();
        self.recover().await?;
        pulse.mark_changed();
        let mut watched = Instant::now();
        let mut rang = true;
        while !yielding.is_cancelled() {
            let due = pulse.has_changed().unwrap_or(false) || watched.elapsed() >= retry;
            let now = if due { *pulse.borrow_and_update() } else { *pulse.borrow() };
            let full = match now {
                Some(now) => self.step(now, due, &bell, rang).await?,
                None => false,
            };
            if due {
                watched = Instant::now();
            }
            if full {
                rang = true;
                continue;
            }
            rang = tokio::select! {
                () = bell.rung(), if self.room() > 0 => true,
                _ = pulse.changed() => {
                    pulse.mark_changed();
                    false
                }
                () = sleep(tick) => false,
                () = yielding.cancelled() => false,
            }
        }
        Ok(())
    }

    /// Take what there is room for; when `due`, then look at the chain: what it has mined makes
    /// room for more. Levels come last. The next block waits for none of it. True when there may be
    /// more to take.
    async fn step(
        &mut self,
        now: Pulse,
        due: bool,
        bell: &Bell,
        rang: bool,
    ) -> Result<bool, LaneError> {
        let full = self.take(now, bell, rang).await?;
        if !due {
            return Ok(full);
        }
        self.confirm(now.head).await?;
        let full = self.take(now, bell, full).await?;
        self.raise(now.head).await?;
        self.tend(now).await?;
        Ok(full)
    }
}

/// When a lane is to end.
pub(crate) struct Signals {
    /// At once: the process ends.
    pub stop: CancellationToken,
    /// After its present step: another worker is to serve the wallet.
    pub yielding: CancellationToken,
}

/// Serve a wallet under its lease, until the lease is lost or a signal comes. Gives the wallet.
pub(crate) async fn serve(
    context: Arc<Context>,
    wallet: Wallet,
    lease: Lease,
    signals: Signals,
) -> Address {
    let address = wallet.address;
    tokio::select! {
        () = signals.stop.cancelled() => {}
        () = renew(&context.config.db, &lease, context.config.options.lease) => {
            tracing::warn!(wallet = %address, "the lane's lease was lost");
        }
        () = keep_working(&context, wallet, &lease, &signals.yielding) => {}
    }
    let released =
        async { leases::release(&mut *context.config.db.acquire().await?, &lease).await };
    if let Err(error) = released.await {
        tracing::debug!(error = &error as &dyn std::error::Error, "a lease was not released");
    }
    address
}

/// Begin anew after trouble; end when the lease is lost or to be given back.
async fn keep_working(
    context: &Arc<Context>,
    wallet: Wallet,
    lease: &Lease,
    yielding: &CancellationToken,
) {
    let ttl = context.config.options.lease;
    let mut pause = Duration::from_millis(100);
    loop {
        let started = Instant::now();
        let paused = Pause::parse(wallet.paused_reason.as_deref());
        let mut lane = Lane {
            context: context.clone(),
            wallet: wallet.clone(),
            lease: lease.clone(),
            in_flight: 0,
            on_chain: 0,
            blocked: false,
            holes_seen: 0,
            // What was told before holds until a claim shows otherwise.
            said_poor: paused == Some(Pause::OutOfFunds),
            poor: None,
            balance_seen: None,
            paused,
            looked: started.into_std(),
        };
        let error = match lane.work(yielding).await {
            Ok(()) => return,
            Err(error) => error,
        };
        tracing::warn!(error = &error as &dyn std::error::Error, wallet = %wallet.address,
            "the lane starts again");
        metrics::counter!("transactor_lane_restarts_total").increment(1);
        context.loads.remove(wallet.address);
        if matches!(error, LaneError::LeaseLost) {
            return;
        }
        pause = if started.elapsed() > ttl { Duration::from_millis(100) } else { pause * 2 };
        pause = pause.min(Duration::from_secs(5));
        tokio::select! {
            () = sleep(pause) => {}
            () = yielding.cancelled() => return,
        }
    }
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

/// Name of a wallet's lease.
pub(crate) fn lease_name(chain: ChainId, wallet: Address) -> String {
    format!("wallet:{chain}:{wallet}")
}

pub(crate) fn seconds(duration: Duration) -> time::Duration {
    time::Duration::try_from(duration).unwrap_or(time::Duration::seconds(10))
}
