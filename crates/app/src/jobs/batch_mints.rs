//! Waiting mint jobs become transactions.
//!
//! A reconciler under one lease per chain: it looks, writes at most one commit per collection, and
//! looks again. Batches grow by themselves: only a few that could be larger may be under way per
//! wallet, so under load jobs gather while they wait, and without load a job leaves at once. One
//! that is full (word, gas, bytes) or whose oldest job has waited long goes in any case, as long as
//! the wallets' windows have room.

use super::mint_call::{Item, KIND, ROLE, content_of, content_size, mint_batch};
use chain::Chain;
use db::{
    Db, DbError, PgConnection, leases,
    mint_jobs::batching::{self, BatchTarget, Waiting},
};
use journal::Leader;
use mint::{
    content::ItemContent,
    job::{Batch, BatchLimits, WORD_BITS, plan_batches},
};
use projections::told::MintTold;
use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};
use tokio::{
    sync::Notify,
    time::{sleep, timeout},
};
use transactor::{NewTransaction, Nudge};
use uuid::Uuid;
use vocab::{Address, ChainId, JobStatus, U256, Urgency};

/// Collections looked at in one round.
const COLLECTIONS_MAX: i64 = 64;
/// Jobs taken in one commit.
const JOBS_MAX: i64 = 2_048;

#[derive(Clone, Copy, Debug)]
pub struct BatchOptions {
    pub chain: ChainId,
    pub limits: BatchLimits,
    /// Batches queued or in flight, per wallet of the role `minter`, above which only full or
    /// late ones join them.
    pub open_per_wallet: i64,
    /// The same for those: below the wallets' window, so that other work finds room.
    pub full_per_wallet: i64,
    /// Of the batches.
    pub urgency: Urgency,
    /// A job that has waited so long is late.
    pub age_max: Duration,
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
            full_per_wallet: 12,
            urgency: Urgency::Normal,
            age_max: Duration::from_secs(1),
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
    /// Who is asked how much gas a block has; nobody: a batch may be as large as a transaction.
    blocks: Option<Chain>,
    block_gas: Arc<AtomicU64>,
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
        let block_gas = Arc::new(AtomicU64::new(u64::MAX));
        Self { db, options, nudge, bell: Arc::default(), blocks: None, block_gas }
    }

    /// Make batches that fit the blocks of this chain.
    #[must_use]
    pub fn fitting(self, chain: Chain) -> Self {
        Self { blocks: Some(chain), ..self }
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
            () = self.watch_blocks() => {}
        }
        leader.resign(&self.db).await;
    }

    /// A candidate for this batcher's lease.
    #[must_use]
    pub fn leader(&self) -> Leader {
        Leader::new(format!("mint_batcher:{}", self.options.chain), self.options.lease)
    }

    /// Gas of the head's block, every now and then: it changes by a thousandth per block at most.
    async fn watch_blocks(&self) {
        let Some(chain) = &self.blocks else { return std::future::pending().await };
        loop {
            let known = match chain.endpoint().head().await {
                Ok(head) => {
                    self.block_gas.store(head.gas_limit.to(), Ordering::Relaxed);
                    true
                }
                Err(error) => {
                    tracing::debug!(error = &error as &dyn std::error::Error, "no block's gas");
                    false
                }
            };
            sleep(Duration::from_secs(if known { 60 } else { 1 })).await;
        }
    }

    fn limits(&self) -> BatchLimits {
        self.options.limits.within_block(self.block_gas.load(Ordering::Relaxed))
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
            let mut transaction = db::begin(&self.db).await?;
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
        let (chain, options, limits) = (self.options.chain, &self.options, self.limits());
        let (wallets, open) = batching::load_load(db, chain, ROLE, KIND).await?;
        let room = |per_wallet: i64| (wallets.max(1) * per_wallet).saturating_sub(open);
        let growing = usize::try_from(room(options.open_per_wallet)).unwrap_or(0);
        let full = usize::try_from(room(options.full_per_wallet)).unwrap_or(0).max(growing);
        if full == 0 {
            return Ok(None);
        }
        let Some(target) = batching::lock_target(db, chain, contract).await? else {
            return Ok(Some(0));
        };
        if growing == 0 && !self.is_due(db, contract, &target).await? {
            return Ok(Some(0));
        }
        let limit = full.saturating_mul(limits.items_max);
        let limit = i64::try_from(limit).unwrap_or(JOBS_MAX).min(JOBS_MAX);
        let waiting = batching::claim_waiting(db, chain, contract, limit).await?;
        let jobs = self.represent(db, contract, &target, waiting).await?;
        let sizes: Vec<usize> = jobs.iter().map(|job| content_size(&job.content)).collect();
        let mut batches = plan_batches(target.next_intent, &sizes, &limits);
        let due = |place: usize, batch: &Batch| {
            let late = || jobs.get(batch.items.start).is_some_and(|job| self.is_late(job.id));
            place < growing || (place < full && (batch.full || late()))
        };
        let count = batches.iter().enumerate().take_while(|(i, batch)| due(*i, batch)).count();
        batches.truncate(count);
        for batch in &batches {
            self.queue(db, contract, batch, &jobs[batch.items.clone()]).await?;
        }
        if let Some(last) = batches.last() {
            let next = last.first_intent + U256::from(last.items.len());
            batching::record_next_intent(db, chain, contract, next).await?;
        }
        Ok(Some(batches.len()))
    }

    /// Is there a full batch, or a late job? Looks without locking: jobs that wait for company are
    /// looked at often. Contents of more than a digest may fill a batch earlier: then it is late.
    async fn is_due(
        &self,
        db: &mut PgConnection,
        contract: Address,
        target: &BatchTarget,
    ) -> Result<bool, DbError> {
        let sizes = [32; WORD_BITS];
        let batches = plan_batches(target.next_intent, &sizes, &self.limits());
        let full = batches.first().map_or(WORD_BITS, |batch| batch.items.len());
        let full = i64::try_from(full).unwrap_or(i64::MAX);
        let (count, oldest) =
            batching::peek_waiting(db, self.options.chain, contract, full).await?;
        Ok(count >= full || oldest.is_some_and(|job| self.is_late(job)))
    }

    /// Jobs carry the time of their making in their ids.
    fn is_late(&self, job: Uuid) -> bool {
        let made = job.get_timestamp().map_or(Duration::ZERO, |at| {
            let (seconds, nanos) = at.to_unix();
            Duration::new(seconds, nanos)
        });
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        // Made in the future: the clock went back.
        now.abs_diff(made) >= self.options.age_max
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
        let call = NewTransaction {
            urgency: self.options.urgency,
            ..mint_batch(self.options.chain, contract, &items, &requests)
        };
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
