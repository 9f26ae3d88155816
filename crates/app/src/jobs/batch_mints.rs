//! Waiting mint jobs become transactions.
//!
//! A reconciler under one lease per chain: it looks, writes at most one commit per collection, and
//! looks again. Batches are not timed but grow by themselves: only a few may be under way per
//! wallet, so under load jobs gather while they wait, and without load a job leaves at once.

use super::mint_call::{Item, KIND, ROLE, content_of, content_size, mint_batch};
use db::{
    Db, DbError, PgConnection, leases,
    mint_jobs::batching::{self, BatchTarget, Waiting},
};
use journal::Leader;
use mint::{
    content::ItemContent,
    job::{Batch, BatchLimits, plan_batches},
};
use projections::told::MintTold;
use std::{future::Future, sync::Arc, time::Duration};
use tokio::{
    sync::Notify,
    time::{sleep, timeout},
};
use transactor::Nudge;
use uuid::Uuid;
use vocab::{Address, ChainId, JobStatus, U256};

/// Collections looked at in one round.
const COLLECTIONS_MAX: i64 = 64;
/// Jobs taken in one commit.
const JOBS_MAX: i64 = 2_048;

#[derive(Clone, Copy, Debug)]
pub struct BatchOptions {
    pub chain: ChainId,
    pub limits: BatchLimits,
    /// Batches queued or in flight, per wallet of the role `minter`.
    pub open_per_wallet: i64,
    /// Pause between two looks, unless the bell rings.
    pub tick: Duration,
    /// How long a dead batcher blocks its successor.
    pub lease: Duration,
}

impl BatchOptions {
    #[must_use]
    pub fn new(chain: ChainId) -> Self {
        Self {
            chain,
            limits: BatchLimits::default(),
            open_per_wallet: 4,
            tick: Duration::from_millis(30),
            lease: Duration::from_secs(5),
        }
    }
}

/// The batcher of one chain.
#[derive(Clone, Debug)]
pub struct BatchMints {
    db: Db,
    options: BatchOptions,
    nudge: Nudge,
    bell: Arc<Notify>,
}

/// What one look did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Round {
    /// Another process holds the lease.
    StandBy,
    /// So many transactions were queued.
    Queued(usize),
}

impl BatchMints {
    /// `nudge` wakes the transactor's lanes of this process.
    #[must_use]
    pub fn new(db: Db, options: BatchOptions, nudge: Nudge) -> Self {
        Self { db, options, nudge, bell: Arc::default() }
    }

    /// Ring it after a mint job was committed, to save the pause.
    #[must_use]
    pub fn bell(&self) -> Arc<Notify> {
        self.bell.clone()
    }

    /// Work until `shutdown` ends. Database trouble is retried for ever with a pause, and said in
    /// the log.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let mut leader = self.leader();
        tokio::select! {
            () = shutdown => {}
            () = self.work(&mut leader) => {}
        }
        leader.resign(&self.db).await;
    }

    /// A candidate for this batcher's lease.
    #[must_use]
    pub fn leader(&self) -> Leader {
        Leader::new(format!("mint_batcher:{}", self.options.chain), self.options.lease)
    }

    async fn work(&self, leader: &mut Leader) {
        loop {
            match self.round(leader).await {
                Ok(Round::Queued(1..)) => {}
                Ok(Round::Queued(0)) => {
                    let _ = timeout(self.options.tick, self.bell.notified()).await;
                }
                Ok(Round::StandBy) => sleep(self.options.lease / 4).await,
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "mints wait");
                    leader.lost();
                    sleep(Duration::from_millis(500)).await;
                }
            }
        }
    }

    /// Look once at all collections with waiting jobs.
    ///
    /// # Errors
    /// When the database fails; then nothing of the failing commit happened, or all of it.
    pub async fn round(&self, leader: &mut Leader) -> Result<Round, DbError> {
        let Some(lease) = leader.lease(&self.db).await? else { return Ok(Round::StandBy) };
        let chain = self.options.chain;
        let collections = {
            let mut connection = self.db.acquire().await?;
            batching::load_waiting_collections(&mut connection, chain, COLLECTIONS_MAX).await?
        };
        let mut queued = 0;
        for contract in collections {
            let mut transaction = self.db.begin().await?;
            if !leases::lock_held(&mut transaction, &lease).await? {
                leader.lost();
                return Ok(Round::StandBy);
            }
            let Some(made) = self.batch(&mut transaction, contract).await? else { break };
            transaction.commit().await?;
            queued += made;
            if made > 0 {
                self.nudge.wake(chain, ROLE);
            }
        }
        Ok(Round::Queued(queued))
    }

    /// Queue batches of one collection in the caller's transaction; none when too much is under
    /// way.
    async fn batch(
        &self,
        db: &mut PgConnection,
        contract: Address,
    ) -> Result<Option<usize>, DbError> {
        let chain = self.options.chain;
        let (wallets, open) = batching::load_load(db, chain, ROLE, KIND).await?;
        let room = wallets.max(1) * self.options.open_per_wallet - open;
        let Some(room) = usize::try_from(room).ok().filter(|room| *room > 0) else {
            return Ok(None);
        };
        let Some(target) = batching::lock_target(db, chain, contract).await? else {
            return Ok(Some(0));
        };
        let limit = room.saturating_mul(self.options.limits.items_max);
        let limit = i64::try_from(limit).unwrap_or(JOBS_MAX).min(JOBS_MAX);
        let waiting = batching::claim_waiting(db, chain, contract, limit).await?;
        let jobs = self.represent(db, contract, &target, waiting).await?;
        let sizes: Vec<usize> = jobs.iter().map(|job| content_size(&job.content)).collect();
        let mut batches = plan_batches(target.next_intent, &sizes, &self.options.limits);
        batches.truncate(room);
        for batch in &batches {
            self.queue(db, contract, batch, &jobs[batch.items.clone()]).await?;
        }
        if let Some(last) = batches.last() {
            let next = last.first_intent + U256::from(last.items.len());
            batching::record_next_intent(db, chain, contract, next).await?;
        }
        Ok(Some(batches.len()))
    }

    async fn queue(
        &self,
        db: &mut PgConnection,
        contract: Address,
        batch: &Batch,
        jobs: &[Job],
    ) -> Result<(), DbError> {
        let items: Vec<Item> = jobs
            .iter()
            .zip(0u64..)
            .map(|(job, i)| Item {
                recipient: job.recipient,
                content: job.content.clone(),
                intent: batch.first_intent + U256::from(i),
            })
            .collect();
        let requests: Vec<&str> = jobs.iter().filter_map(|job| job.request.as_deref()).collect();
        let call = mint_batch(self.options.chain, contract, &items, &requests);
        let id = transactor::enqueue(db, call).await?;
        // Ties each request to the transaction that carries it, and so to the transactor's lines.
        tracing::info!(transaction.id = %id, requests = requests.join(" "), "mints batched");
        let ids: Vec<Uuid> = jobs.iter().map(|job| job.id).collect();
        let intents: Vec<U256> = items.iter().map(|item| item.intent).collect();
        let taken = batching::record_batch(db, id, &ids, &intents).await?;
        assert_eq!(taken, ids.len() as u64, "invariant: locked waiting jobs take their batch");
        metrics::histogram!("mint_batch_items").record(items.len() as f64);
        Ok(())
    }

    /// What each job writes on chain. A job whose URI its collection can't express should have been
    /// refused when it was asked for; it ends here, and takes no intent.
    async fn represent(
        &self,
        db: &mut PgConnection,
        contract: Address,
        target: &BatchTarget,
        waiting: Vec<Waiting>,
    ) -> Result<Vec<Job>, DbError> {
        let mut jobs = Vec::with_capacity(waiting.len());
        for Waiting { id, principal_id, recipient, uri, http_request_id: request } in waiting {
            match content_of(&target.content_mode, &target.base_uri, uri.as_deref()) {
                Ok(content) => jobs.push(Job { id, recipient, content, request }),
                Err(refusal) => {
                    let reason = format!("uri_not_representable: {refusal}");
                    batching::record_refused(db, id, &reason).await?;
                    let told = MintTold {
                        id: id.into(),
                        principal_id: principal_id.into(),
                        chain: self.options.chain,
                        contract,
                        recipient,
                        intent: None,
                        transaction_id: None,
                        tx_hash: None,
                        status: JobStatus::Failed,
                        reason: Some(reason),
                        token_id: None,
                        block: None,
                        taken_back: None,
                        request_id: request,
                    };
                    journal::record(db, &[told.fact()]).await?;
                }
            }
        }
        Ok(jobs)
    }
}

/// A job ready for its batch.
#[derive(Clone, Debug)]
struct Job {
    id: Uuid,
    recipient: Address,
    content: ItemContent,
    /// Id of the HTTP request that asked for it.
    request: Option<String>,
}
