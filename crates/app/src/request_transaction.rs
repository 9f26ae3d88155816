//! A call of an operator's choosing: from request to queued job.

use crate::{
    ANSWER_TTL, Answer, App, AppError, CallSpec, Caller, Once, Refusal, WriteSettings,
    encode_call::EncodedCall,
    group_commit::Grouped,
    once::{ACCEPTED, lock_number, maker, replay},
    quote_transaction::call_role,
    tell_change::{By, Decision},
};
use abi::{Fault, parse_uint};
use auth::{Action, Maker};
use db::{
    DbError, Numeric, PgConnection, idempotency_keys,
    transactions::{
        accept::{Accepted, NewAccept, record_accepted},
        requests::{self, Transaction},
    },
};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};
use transactor::{
    AdmitError, Compensation, Idempotency, NewTransaction, OnFailure, Ordering, QueueFull,
};
use vocab::{Urgency, keccak};

/// Kinds of the transactions that operators ask for, and of their undoing.
pub const CALL: &str = "call";
pub const TRANSFER: &str = "transfer";
pub const COMPENSATION: &str = "compensation";

const GAS_MIN: u64 = 21_000;
/// EIP-7825.
const GAS_MAX: u64 = 1 << 24;
const PRIORITY_MAX: u16 = 1_000;
const LABEL_MAX: usize = 200;
/// How far ahead times may lie.
const HORIZON: Duration = Duration::days(366);

/// A call to be sent.
#[derive(Clone, Copy, Debug, Default)]
pub struct TransactionSpec<'a> {
    pub chain_id: Option<u64>,
    pub role: Option<&'a str>,
    pub wallet: Option<&'a str>,
    pub call: CallSpec<'a>,
    pub gas_limit: Option<u64>,
    /// None: the chain's.
    pub urgency: Option<Urgency>,
    /// Wei per gas.
    pub fee_cap: Option<&'a Value>,
    /// RFC 3339.
    pub not_before: Option<&'a str>,
    pub deadline: Option<&'a str>,
    pub priority: i16,
    pub ordering_key: Option<&'a str>,
    pub on_failure: Option<OnFailure>,
    /// The undo: a call and its gas limit.
    pub compensation: Option<(CallSpec<'a>, Option<u64>)>,
}

impl Grouped for NewAccept {
    type Recorded = Accepted;
    const NAME: &'static str = "transaction";
    const LOCKED: Accepted = Accepted::Locked;

    fn lock(&self) -> i64 {
        self.lock
    }

    async fn record(db: &mut PgConnection, group: &[&Self]) -> Result<Vec<Accepted>, DbError> {
        record_accepted(db, transactor::QUEUED_FACT, group).await
    }
}

impl App {
    /// Accept a call: 202 with the job. Job and fact are one commit, made by one statement; then
    /// the lanes of the role are woken.
    ///
    /// # Errors
    /// [`Refusal::TransactionInvalid`] and those of encoding, with pointers into the body;
    /// [`Refusal::QueueFull`]; [`Refusal::WalletUnknown`].
    pub async fn request_transaction(
        &self,
        caller: Caller<'_>,
        once: Once<'_>,
        spec: TransactionSpec<'_>,
        render: impl Fn(&Transaction) -> Value + Send,
    ) -> Result<Answer, AppError> {
        let holder = maker(caller.actor, Action::RequestTransaction)?;
        let new = match self.admitted(holder, caller, once, spec).await {
            // What is refused now may have been accepted when it was sent first: a deadline has
            // passed since, or an ABI was deleted.
            Err(AppError::Refused(refusal)) => {
                return match self.answered_before(holder, once, render).await? {
                    Some(answer) => Ok(answer),
                    None => Err(refusal.into()),
                };
            }
            other => other?,
        };
        let (chain, role) = (new.chain_id, new.role.clone());
        let now = stored(self.config().clock.now());
        let (row, mut fact) = transactor::prepare(new);
        requested(By::Request(holder, caller), &row).sign(&mut fact);
        let id = row.id;
        let body = render(&present(&row, now)).to_string().into_bytes();
        let accept = NewAccept {
            row,
            principal_id: holder.principal,
            key: once.key.to_owned(),
            lock: lock_number(holder.principal, once.key),
            fingerprint: once.fingerprint.0,
            now,
            mints_after: now - ANSWER_TTL,
            fact_attributes: fact.attributes,
            fact_data: fact.data,
        };
        match self.transaction_desk().record(accept).await? {
            Accepted::New => {
                self.config().nudge.wake(chain, &role);
                metrics::counter!("transactions_accepted_total", "role" => role).increment(1);
                tracing::info!(transaction.id = %id, "transaction accepted");
                Ok(Answer { status: ACCEPTED, body, replayed: false })
            }
            Accepted::Locked => Err(Refusal::IdempotencyInProgress.into()),
            Accepted::Answered { fingerprint, status, body } => {
                replay(&fingerprint, status, body, once)
            }
            Accepted::Exists => self.present_transaction(holder, once, render).await,
        }
    }

    async fn admitted(
        &self,
        holder: Maker<'_>,
        caller: Caller<'_>,
        once: Once<'_>,
        spec: TransactionSpec<'_>,
    ) -> Result<NewTransaction, AppError> {
        let new = self.new_transaction(holder, caller, once, spec).await?;
        self.admit(&new).await?;
        Ok(new)
    }

    /// What this key was answered, if it was. The answer to a call is made anew from its job, which
    /// its key finds for ever: for a day as it was given, then with the job's present state.
    async fn answered_before(
        &self,
        holder: Maker<'_>,
        once: Once<'_>,
        render: impl Fn(&Transaction) -> Value + Send,
    ) -> Result<Option<Answer>, AppError> {
        let mut db = self.connection().await?;
        let now = self.config().clock.now();
        let times = (now, now - ANSWER_TTL);
        let seen = idempotency_keys::load(&mut db, holder.principal, once.key, times).await?;
        if let Some(seen) = seen.filter(|seen| seen.status != 0) {
            return replay(&seen.fingerprint, seen.status, seen.body, once).map(Some);
        }
        let Some(job) = requests::load_by_key(&mut db, holder.principal, once.key).await? else {
            return Ok(None);
        };
        let fingerprint = job.fingerprint.clone().unwrap_or_default();
        let shown = if now < job.created_at + ANSWER_TTL { as_asked(job) } else { job };
        let body = render(&shown).to_string().into_bytes();
        replay(&fingerprint, ACCEPTED.cast_signed(), body, once).map(Some)
    }

    /// The answer of a job that is there already.
    async fn present_transaction(
        &self,
        holder: Maker<'_>,
        once: Once<'_>,
        render: impl Fn(&Transaction) -> Value + Send,
    ) -> Result<Answer, AppError> {
        let found = self.answered_before(holder, once, render).await?;
        found.ok_or(AppError::Bug("a job that its unique key found is not there"))
    }

    /// Room in the role's queue?
    pub(crate) async fn admit(&self, new: &NewTransaction) -> Result<(), AppError> {
        match self.config().intake.admit(&self.config().db, new.chain_id, &new.role).await {
            Ok(()) => Ok(()),
            Err(AdmitError::Full(QueueFull { retry_after, .. })) => {
                let retry_after = u32::try_from(retry_after.as_secs()).unwrap_or(u32::MAX);
                Err(Refusal::QueueFull { retry_after }.into())
            }
            Err(AdmitError::Db(error)) => Err(error.into()),
        }
    }

    /// From what was asked for to a job; nothing is written.
    pub(crate) async fn new_transaction(
        &self,
        holder: Maker<'_>,
        caller: Caller<'_>,
        once: Once<'_>,
        spec: TransactionSpec<'_>,
    ) -> Result<NewTransaction, AppError> {
        let chain = self.writable(spec.chain_id)?;
        let role = call_role(chain, spec.role)?;
        let terms = self.terms(&spec)?;
        let call = self.encode_call(chain, spec.call, "").await?;
        let compensation = self.undo(chain, &spec).await?;
        let wallet = match spec.wallet {
            None => None,
            Some(named) => Some(self.sender(chain, role, Some(named)).await?),
        };
        let kind = if call.function.is_some() { CALL } else { TRANSFER };
        Ok(NewTransaction {
            wallet,
            label: label(&call),
            priority: spec.priority,
            urgency: spec.urgency.unwrap_or(chain.urgency),
            fee_cap_wei: terms.fee_cap,
            to: Some(call.to),
            value: call.value,
            input: call.input.into(),
            gas_limit: spec.gas_limit,
            not_before: terms.not_before,
            deadline: terms.deadline,
            ordering: spec.ordering_key.map(|key| Ordering {
                key: key.to_owned(),
                on_failure: spec.on_failure.unwrap_or_default(),
            }),
            compensation,
            principal_id: Some(holder.principal),
            idempotency: Some(Idempotency {
                key: once.key.to_owned(),
                fingerprint: once.fingerprint.0,
            }),
            request_id: Some(caller.request_id.to_owned()),
            ..NewTransaction::new(chain.chain_id, role, kind)
        })
    }

    async fn undo(
        &self,
        chain: &WriteSettings,
        spec: &TransactionSpec<'_>,
    ) -> Result<Option<Compensation>, AppError> {
        let Some((call, gas_limit)) = spec.compensation else { return Ok(None) };
        let call = self.encode_call(chain, call, "/compensation").await?;
        Ok(Some(Compensation {
            kind: COMPENSATION.to_owned(),
            role: None,
            to: call.to,
            value: call.value,
            input: call.input.into(),
            gas_limit,
        }))
    }

    /// What does not concern the call itself.
    fn terms(&self, spec: &TransactionSpec<'_>) -> Result<Terms, AppError> {
        let now = self.config().clock.now();
        let mut faults = Vec::new();
        let mut note = |pointer: &str, detail: &str| faults.push(Fault::new(pointer, detail));
        let fee_cap = spec.fee_cap.map(|given| parse_uint(given, 128)).transpose();
        let fee_cap = fee_cap.unwrap_or_else(|detail| {
            note("/fee_cap", &detail);
            None
        });
        let mut moment = |pointer: &str, given: Option<&str>| -> Option<OffsetDateTime> {
            let at = OffsetDateTime::parse(given?, &Rfc3339);
            match at {
                Ok(at) if at <= now + HORIZON => Some(at),
                Ok(_) => {
                    note(pointer, "more than a year ahead");
                    None
                }
                Err(_) => {
                    note(pointer, "a time as in RFC 3339: 2026-11-20T12:00:00Z");
                    None
                }
            }
        };
        let not_before = moment("/not_before", spec.not_before);
        let deadline = moment("/deadline", spec.deadline);
        if deadline.is_some_and(|at| at <= now) {
            note("/deadline", "has passed");
        }
        if deadline.zip(not_before).is_some_and(|(end, start)| end <= start) {
            note("/deadline", "not after `not_before`");
        }
        if spec.priority.unsigned_abs() > PRIORITY_MAX {
            note("/priority", "-1000 to 1000");
        }
        let gas = GAS_MIN..=GAS_MAX;
        if spec.gas_limit.is_some_and(|limit| !gas.contains(&limit)) {
            note("/gas_limit", "21000 to 16777216");
        }
        let undo_gas = spec.compensation.and_then(|(_, limit)| limit);
        if undo_gas.is_some_and(|limit| !gas.contains(&limit)) {
            note("/compensation/gas_limit", "21000 to 16777216");
        }
        match spec.ordering_key {
            Some(key) if !ordering_key_is_sound(key) => {
                note("/ordering_key", "1 to 255 printable ASCII characters");
            }
            None if spec.on_failure.is_some() => {
                note("/on_failure", "means nothing without `ordering_key`");
            }
            _ => {}
        }
        if faults.is_empty() {
            Ok(Terms { fee_cap: fee_cap.map(|cap| cap.to()), not_before, deadline })
        } else {
            Err(Refusal::TransactionInvalid(faults).into())
        }
    }
}

/// For the record: the call without its arguments, which may be long.
fn requested<'a>(by: By<'a>, row: &requests::NewTransaction) -> Decision<'a> {
    Decision {
        by,
        deed: Action::RequestTransaction.into(),
        about: ("transaction", row.id.to_string()),
        act: "requested",
        chain_id: Some(row.chain_id),
        before: Value::Null,
        after: json!({
            "kind": row.kind, "role": row.role, "label": row.label, "to": row.recipient,
            "value": row.value_wei.to_string(), "input_keccak256": keccak(&row.input),
        }),
    }
}

struct Terms {
    fee_cap: Option<u128>,
    not_before: Option<OffsetDateTime>,
    deadline: Option<OffsetDateTime>,
}

pub(crate) fn ordering_key_is_sound(key: &str) -> bool {
    (1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
}

fn label(call: &EncodedCall) -> Option<String> {
    let signature = call.function.as_ref()?.signature();
    Some(signature.chars().take(LABEL_MAX).collect())
}

/// The job as it will stand once it is recorded.
fn present(row: &requests::NewTransaction, now: OffsetDateTime) -> Transaction {
    Transaction {
        id: row.id,
        chain_id: row.chain_id.as_i64(),
        role: row.role.clone(),
        kind: row.kind.clone(),
        label: row.label.clone(),
        status: vocab::JobStatus::Queued.as_str().to_owned(),
        reason: None,
        priority: row.priority,
        urgency: row.urgency.to_owned(),
        fee_cap_wei: row.fee_cap_wei.map(Into::into),
        recipient: row.recipient.map(Into::into),
        value_wei: row.value_wei,
        gas_limit: row.gas_limit,
        wallet: row.wallet.map(Into::into),
        nonce: None,
        tx_hash: None,
        block_number: None,
        block_hash: None,
        reverted: false,
        not_before: row.not_before,
        deadline_at: row.deadline_at,
        ordering_key: row.ordering_key.clone(),
        ordering_on_failure: row.ordering_on_failure.to_owned(),
        cancel_requested_at: None,
        replaces: row.replaces,
        compensation: row.compensation.clone(),
        compensates: row.compensates,
        redrives: 0,
        principal_id: row.principal_id,
        fingerprint: row.fingerprint.map(|digest| digest.to_vec()),
        request_id: row.request_id.clone(),
        created_at: now,
        updated_at: now,
        wallet_given: row.wallet.is_some(),
        asked_terms: None,
    }
}

/// The job as it was when it was accepted.
fn as_asked(job: Transaction) -> Transaction {
    let terms = job.asked_terms.as_ref();
    let text = |name: &str| terms.and_then(|terms| terms[name].as_str());
    let fee_cap = text("fee_cap_wei").and_then(|wei| wei.parse().ok()).map(Numeric);
    let deadline = text("deadline_at").and_then(|time| OffsetDateTime::parse(time, &Rfc3339).ok());
    Transaction {
        status: vocab::JobStatus::Queued.as_str().to_owned(),
        reason: None,
        urgency: text("urgency").map_or_else(|| job.urgency.clone(), str::to_owned),
        deadline_at: if terms.is_some() { deadline } else { job.deadline_at },
        fee_cap_wei: if terms.is_some() { fee_cap } else { job.fee_cap_wei },
        wallet: job.wallet.filter(|_| job.wallet_given),
        nonce: None,
        tx_hash: None,
        block_number: None,
        block_hash: None,
        reverted: false,
        cancel_requested_at: None,
        redrives: 0,
        updated_at: job.created_at,
        asked_terms: None,
        ..job
    }
}

/// The database keeps microseconds, and an answer is to be the same when it is made again.
fn stored(now: OffsetDateTime) -> OffsetDateTime {
    now.truncate_to_microsecond()
}
