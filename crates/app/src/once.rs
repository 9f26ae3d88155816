//! Idempotency: a request with a key takes effect once, however often it is sent.
//!
//! The finished answer is a row written in the transaction of the effect; a mint's is made from its
//! job, which no second row is needed for. A rival with the same key does not wait: it fails to get
//! the key's advisory lock and is told so. Only answers of success are kept: a refusal changed
//! nothing and may be tried again.

use crate::{ANSWER_TTL, App, AppError, Refusal};
use auth::{Denied, Maker};
use db::{DbError, PgTransaction, idempotency_keys};
use sha2::{Digest, Sha256};
use vocab::PrincipalId;

/// SHA-256 of what a request asks for: method, path and canonical body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint(pub [u8; 32]);

impl Fingerprint {
    /// `body` is canonical: equal for requests that mean the same.
    #[must_use]
    pub fn of(method: &str, path: &str, body: &[u8]) -> Self {
        let mut hash = Sha256::new();
        for part in [method.as_bytes(), path.as_bytes()] {
            hash.update(part);
            hash.update([0]);
        }
        hash.update(body);
        Self(hash.finalize().into())
    }
}

/// The caller's Idempotency-Key and what it was sent with.
#[derive(Clone, Copy, Debug)]
pub struct Once<'a> {
    /// 1 to 255 characters.
    pub key: &'a str,
    pub fingerprint: Fingerprint,
}

/// A finished answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
    /// It was given before, to an earlier request with this key.
    pub replayed: bool,
}

pub(crate) const CREATED: u16 = 201;
pub(crate) const ACCEPTED: u16 = 202;

/// Number of the advisory lock of a key.
pub(crate) fn lock_number(principal: PrincipalId, key: &str) -> i64 {
    let mut hash = Sha256::new();
    hash.update(principal.0.as_bytes());
    hash.update(key.as_bytes());
    let digest: [u8; 32] = hash.finalize().into();
    let [a, b, c, d, e, f, g, h, ..] = digest;
    i64::from_be_bytes([a, b, c, d, e, f, g, h])
}

/// The answer under a key, if it was for the same request.
pub(crate) fn replay(
    fingerprint: &[u8],
    status: i16,
    body: Vec<u8>,
    once: Once<'_>,
) -> Result<Answer, AppError> {
    // The path is part of the fingerprint, so a mint job never matches another kind of request.
    if fingerprint != once.fingerprint.0 {
        return Err(Refusal::IdempotencyKeyReused.into());
    }
    Ok(Answer { status: status.unsigned_abs(), body, replayed: true })
}

/// Where a request with a key stands.
pub(crate) enum Begun {
    /// It was answered before.
    Answered(Answer),
    /// It is ours to do, in this transaction.
    Open(Work),
}

/// How a request ended that was done.
pub(crate) enum Done {
    /// With this status and body.
    New(u16, Vec<u8>),
    /// It was done before, and its effect told the answer.
    Again(Answer),
}

/// A request being done: its transaction holds the lock of its key.
pub(crate) struct Work {
    pub(crate) transaction: PgTransaction<'static>,
    principal: PrincipalId,
    key: String,
    fingerprint: Fingerprint,
}

impl App {
    pub(crate) async fn begin_once(
        &self,
        holder: Maker<'_>,
        once: Once<'_>,
    ) -> Result<Begun, AppError> {
        let mut transaction = db::begin(&self.config().db).await?;
        let lock = lock_number(holder.principal, once.key);
        if !idempotency_keys::lock_key(&mut transaction, lock).await? {
            return Err(Refusal::IdempotencyInProgress.into());
        }
        let now = self.config().clock.now();
        let times = (now, now - ANSWER_TTL);
        let seen =
            idempotency_keys::load(&mut transaction, holder.principal, once.key, times).await?;
        if let Some(answer) = seen {
            release(transaction).await;
            let answer = replay(&answer.fingerprint, answer.status, answer.body, once)?;
            return Ok(Begun::Answered(answer));
        }
        Ok(Begun::Open(Work {
            transaction,
            principal: holder.principal,
            key: once.key.to_owned(),
            fingerprint: once.fingerprint,
        }))
    }

    /// Keep the answer and commit.
    async fn finish_once(
        &self,
        mut work: Work,
        status: u16,
        body: Vec<u8>,
    ) -> Result<Answer, AppError> {
        let now = self.config().clock.now();
        let answer = idempotency_keys::NewAnswer {
            principal_id: work.principal,
            key: &work.key,
            fingerprint: &work.fingerprint.0,
            status: status.cast_signed(),
            body: &body,
            now,
            expires_at: now + ANSWER_TTL,
        };
        idempotency_keys::record(&mut work.transaction, answer).await?;
        work.transaction.commit().await.map_err(DbError::from)?;
        Ok(Answer { status, body, replayed: false })
    }

    /// Keep a new answer and commit, or take back what was done: the key is free again before the
    /// refusal is out. (A transaction that is only dropped is rolled back at some later time, and
    /// until then the caller's next request would be told that this one is under way.)
    pub(crate) async fn settle_once(
        &self,
        work: Work,
        done: Result<Done, AppError>,
    ) -> Result<Answer, AppError> {
        match done {
            Ok(Done::New(status, body)) => self.finish_once(work, status, body).await,
            Ok(Done::Again(answer)) => {
                release(work.transaction).await;
                Ok(answer)
            }
            Err(refusal) => {
                release(work.transaction).await;
                Err(refusal)
            }
        }
    }

    /// Remove answers that have expired, in batches until none is left. A job for now and then.
    ///
    /// # Errors
    /// [`AppError::Db`]
    pub async fn purge_expired_answers(&self) -> Result<u64, AppError> {
        const BATCH: i64 = 1_000;
        let mut gone = 0;
        loop {
            let mut db = self.connection().await?;
            let now = self.config().clock.now();
            let batch = idempotency_keys::delete_expired(&mut db, now, BATCH).await?;
            gone += batch;
            if batch < BATCH.unsigned_abs() {
                return Ok(gone);
            }
        }
    }
}

/// End a transaction that changes nothing, and with it the lock of its key.
async fn release(transaction: PgTransaction<'static>) {
    if let Err(error) = transaction.rollback().await {
        // The connection is broken, and the lock goes with it.
        tracing::debug!(error = &error as &dyn std::error::Error, "a rollback was not heard");
    }
}

/// Who answers for what a caller makes.
pub(crate) fn maker(actor: &auth::Actor, action: auth::Action) -> Result<Maker<'_>, Denied> {
    auth::authorize(actor, action)?;
    actor.maker()
}
