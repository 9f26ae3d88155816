//! The way in.

use crate::{Compensation, config::TX_GAS_MAX, rush::Rush};
use db::{
    Db, DbError, PgConnection,
    transactions::{self, requests},
};
use journal::NewFact;
use serde_json::json;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use time::OffsetDateTime;
use tokio::sync::Notify;
use vocab::{Address, Bytes, ChainId, JobStatus, PrincipalId, TransactionId, U256, Urgency, topic};

/// A call that must reach the chain once. Start from [`NewTransaction::new`].
#[derive(Clone, Debug)]
pub struct NewTransaction {
    pub chain_id: ChainId,
    /// Which wallets may send it.
    pub role: String,
    /// The one wallet that must send it, if that matters.
    pub wallet: Option<Address>,
    /// What it is to the product, for [`crate::Outcomes`].
    pub kind: String,
    /// What people call it, at most 200 characters.
    pub label: Option<String>,
    /// -1000 to 1000; higher goes first. A step is worth 30 s of waiting.
    pub priority: i16,
    pub urgency: Urgency,
    /// It never offers more than this, wei per gas.
    pub fee_cap_wei: Option<u128>,
    /// None creates a contract.
    pub to: Option<Address>,
    pub value: U256,
    pub input: Bytes,
    /// None: estimated, plus a fifth.
    pub gas_limit: Option<u64>,
    pub not_before: Option<OffsetDateTime>,
    /// If it is not mined by then it is stopped, and ends as `expired`.
    pub deadline: Option<OffsetDateTime>,
    pub ordering: Option<Ordering>,
    /// Queued if this one ends as `failed` or `expired`.
    pub compensation: Option<Compensation>,
    /// The job that this one undoes.
    pub compensates: Option<TransactionId>,
    /// Who asked for it; none for the engine's own.
    pub principal_id: Option<PrincipalId>,
    pub idempotency: Option<Idempotency>,
    /// The request that asked for it, for traces.
    pub request_id: Option<String>,
}

/// Jobs of one chain, role and key share a wallet and are mined in order of acceptance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ordering {
    /// 1 to 255 characters.
    pub key: String,
    pub on_failure: OnFailure,
}

/// What a job that ends without effect means for those behind it in its order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFailure {
    /// They wait until it is mined with effect; if it fails, until it is driven again or cancelled.
    #[default]
    Block,
    /// They go out behind it without waiting, whatever becomes of it.
    Free,
}

impl OnFailure {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Block => "block",
            Self::Free => "free",
        }
    }
}

/// Makes a request of one principal unique for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    /// 1 to 255 characters.
    pub key: String,
    /// Of the request, so that another one under the same key is told from a repetition.
    pub fingerprint: [u8; 32],
}

impl NewTransaction {
    /// A call without receiver, value and data, and nothing special about it.
    #[must_use]
    pub fn new(chain_id: ChainId, role: impl Into<String>, kind: impl Into<String>) -> Self {
        Self {
            chain_id,
            role: role.into(),
            wallet: None,
            kind: kind.into(),
            label: None,
            priority: 0,
            urgency: Urgency::Normal,
            fee_cap_wei: None,
            to: None,
            value: U256::ZERO,
            input: Bytes::new(),
            gas_limit: None,
            not_before: None,
            deadline: None,
            ordering: None,
            compensation: None,
            compensates: None,
            principal_id: None,
            idempotency: None,
            request_id: None,
        }
    }

    pub(crate) fn row(self, replaces: Option<TransactionId>) -> requests::NewTransaction {
        let (key, fingerprint) = self.idempotency.map(|i| (i.key, i.fingerprint)).unzip();
        requests::NewTransaction {
            id: TransactionId::new().0,
            chain_id: self.chain_id,
            role: self.role,
            wallet: self.wallet,
            kind: self.kind,
            label: self.label,
            priority: self.priority,
            urgency: self.urgency.as_str(),
            fee_cap_wei: self.fee_cap_wei.map(U256::from),
            recipient: self.to,
            value_wei: self.value,
            input: self.input.into(),
            gas_limit: self.gas_limit.map(|gas| gas.min(TX_GAS_MAX).cast_signed()),
            not_before: self.not_before,
            deadline_at: self.deadline,
            ordering_on_failure: self.ordering.as_ref().map_or("block", |o| o.on_failure.as_str()),
            ordering_key: self.ordering.map(|ordering| ordering.key),
            replaces: replaces.map(|id| id.0),
            compensation: self.compensation.map(|call| call.to_json()),
            compensates: self.compensates.map(|id| id.0),
            principal_id: self.principal_id.map(|id| id.0),
            idempotency_key: key,
            fingerprint,
            request_id: self.request_id,
        }
    }
}

/// Queue a job in the caller's transaction. After its commit call [`Nudge::wake`].
///
/// # Errors
/// [`DbError`] when it can't be written; the constraint `transactions_key_idx` when the principal
/// has used its key before (see `db::transactions::requests::load_by_key`).
pub async fn enqueue(db: &mut PgConnection, new: NewTransaction) -> Result<TransactionId, DbError> {
    record_new(db, new).await
}

pub(crate) async fn record_new(
    db: &mut PgConnection,
    new: NewTransaction,
) -> Result<TransactionId, DbError> {
    record_row(db, new.row(None)).await
}

pub(crate) async fn record_row(
    db: &mut PgConnection,
    row: requests::NewTransaction,
) -> Result<TransactionId, DbError> {
    let fact = queued_fact(&row);
    transactions::record_queued(db, &row).await?;
    journal::record(db, &[fact]).await?;
    Ok(TransactionId(row.id))
}

/// A job's row and the fact that it is queued, for those who record both themselves
/// (`db::transactions::accept`). After their commit they call [`Nudge::wake`].
#[must_use]
pub fn prepare(new: NewTransaction) -> (requests::NewTransaction, NewFact) {
    let row = new.row(None);
    let fact = queued_fact(&row);
    (row, fact)
}

/// Topic and kind of the fact that a job was accepted.
pub const QUEUED_FACT: (&str, &str) = (topic::TRANSACTIONS, "transaction_status_changed");

fn queued_fact(row: &requests::NewTransaction) -> NewFact {
    NewFact {
        topic: QUEUED_FACT.0,
        kind: QUEUED_FACT.1,
        reverting: false,
        attributes: json!({
            "chain_id": row.chain_id.to_string(),
            "transaction_id": row.id,
            "kind": &row.kind,
            "status": JobStatus::Queued,
        }),
        chain_id: Some(row.chain_id),
        block: None,
        data: json!({
            "status": JobStatus::Queued,
            "request_id": &row.request_id,
            "replaces": row.replaces,
            "compensates": row.compensates,
        }),
    }
}

/// A role's queue holds as many jobs as it may. Nothing was accepted; the same request may be
/// repeated after `retry_after`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{depth} jobs of role {role} wait already")]
pub struct QueueFull {
    pub role: String,
    pub depth: u64,
    pub retry_after: Duration,
}

/// Why a job was not admitted.
#[derive(Debug, thiserror::Error)]
pub enum AdmitError {
    #[error(transparent)]
    Full(#[from] QueueFull),
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Guards the way in: refuses new jobs while a role's queue is too long. What was accepted before
/// stays. Clones share. The depth is counted anew every quarter of a second, by one request while
/// the others believe the last count, and what this process admits in between is added; so the
/// limit may be passed by what other processes admit meanwhile.
#[derive(Clone, Debug)]
pub struct Intake {
    depth_max: u64,
    depths: Arc<Mutex<HashMap<(ChainId, String), Depth>>>,
}

#[derive(Clone, Copy, Debug)]
struct Depth {
    /// When somebody last set out to count.
    asked: Instant,
    /// When the count came.
    counted: Instant,
    jobs: u64,
}

/// How long a count is believed.
const DEPTH_AGE: Duration = Duration::from_millis(250);
/// And when there was no room.
const DEPTH_AGE_FULL: Duration = Duration::from_millis(25);
/// And while somebody counts.
const DEPTH_AGE_MAX: Duration = Duration::from_secs(2);
const RETRY_AFTER: Duration = Duration::from_secs(5);

impl Intake {
    /// At most `depth_max` jobs of each chain and role may wait.
    #[must_use]
    pub fn new(depth_max: u64) -> Self {
        Self { depth_max, depths: Arc::default() }
    }

    /// Is there room for another job of this role? Ask before anything is written.
    ///
    /// # Errors
    /// [`AdmitError::Full`]: refuse the request.
    pub async fn admit(&self, db: &Db, chain: ChainId, role: &str) -> Result<(), AdmitError> {
        if self.must_count(chain, role) {
            let limit = i64::try_from(self.depth_max).unwrap_or(i64::MAX);
            let mut connection = db.acquire().await.map_err(DbError::from)?;
            let jobs = requests::load_depth(&mut connection, chain, role, limit).await?;
            drop(connection);
            let now = Instant::now();
            let depth = Depth { asked: now, counted: now, jobs: jobs.unsigned_abs() };
            self.depths().insert((chain, role.to_owned()), depth);
        }
        let mut depths = self.depths();
        let Some(Depth { jobs, .. }) = depths.get_mut(&(chain, role.to_owned())) else {
            return Ok(());
        };
        if *jobs >= self.depth_max {
            metrics::counter!("transactor_queue_full_total", "role" => role.to_owned())
                .increment(1);
            let full = QueueFull { role: role.to_owned(), depth: *jobs, retry_after: RETRY_AFTER };
            return Err(full.into());
        }
        *jobs += 1;
        Ok(())
    }

    /// Must this request count? If so, those that come after it need not, for a while.
    fn must_count(&self, chain: ChainId, role: &str) -> bool {
        let mut depths = self.depths();
        let Some(depth) = depths.get_mut(&(chain, role.to_owned())) else { return true };
        // Nobody is refused for what was there a while ago.
        let age_max = if depth.jobs >= self.depth_max { DEPTH_AGE_FULL } else { DEPTH_AGE };
        let due = depth.asked.elapsed() >= age_max;
        if due {
            depth.asked = Instant::now();
        }
        due || depth.counted.elapsed() >= DEPTH_AGE_MAX
    }

    fn depths(&self) -> MutexGuard<'_, HashMap<(ChainId, String), Depth>> {
        self.depths.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Bells = HashMap<(ChainId, String), Arc<Bell>>;

/// Wakes lanes of this process when there is work; without it they look every tick. Clones share.
#[derive(Clone, Debug, Default)]
pub struct Nudge(Arc<Mutex<Bells>>);

/// Of the lanes of one chain and role.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    work: Notify,
    rush: Mutex<Rush>,
}

impl Nudge {
    /// A job of this role waits: wake one of its lanes, which wakes the next if there is more.
    pub fn wake(&self, chain: ChainId, role: &str) {
        let bell = self.bell(chain, role);
        bell.rush().note(Instant::now());
        bell.ring();
    }

    pub(crate) fn bell(&self, chain: ChainId, role: &str) -> Arc<Bell> {
        let mut bells = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        bells.entry((chain, role.to_owned())).or_default().clone()
    }
}

impl Bell {
    pub fn ring(&self) {
        self.work.notify_one();
    }

    pub async fn rung(&self) {
        self.work.notified().await;
    }

    /// Leave alone what waits while a rush begins, for `patience` at most.
    pub async fn let_rush_pass(&self, patience: Duration) {
        while let Some(pause) = self.pause(patience) {
            tokio::time::sleep(pause).await;
        }
    }

    /// Do jobs come in fast?
    pub fn is_rush(&self) -> bool {
        self.rush().is_on(Instant::now())
    }

    fn pause(&self, patience: Duration) -> Option<Duration> {
        self.rush().pause(Instant::now(), patience)
    }

    fn rush(&self) -> MutexGuard<'_, Rush> {
        self.rush.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
