//! Handing signed bytes to the endpoints, the first time and again.

use crate::{
    FAILPOINTS,
    fees::Terms,
    lane::{Lane, LaneError},
    moves::{Move, status},
    planted::Fault,
    wording::{Cause, Sent, classify, source},
};
use chain::RpcError;
use db::{
    DbError,
    attempts::{self, Open, Signed},
};
use std::{collections::HashMap, time::Duration};
use uuid::Uuid;
use vocab::{B256, JobStatus};

/// An unmined nonce with all attempts at it, oldest first; at least one.
pub(crate) struct OpenNonce {
    pub nonce: u64,
    pub id: Uuid,
    pub kind: String,
    pub status: JobStatus,
    pub request_id: Option<String>,
    pub attempts: Vec<Open>,
}

impl OpenNonce {
    /// The newest attempt that has bytes.
    pub fn signed(&self) -> Option<&Open> {
        self.attempts.iter().rev().find(|attempt| attempt.tx_hash.is_some())
    }

    pub fn is_signed(&self) -> bool {
        self.signed().is_some()
    }

    pub fn newest(&self) -> &Open {
        self.attempts.last().expect("invariant: an open nonce has an attempt")
    }

    pub fn hashes(&self) -> impl Iterator<Item = B256> {
        self.attempts.iter().filter_map(|attempt| attempt.tx_hash.map(B256::from))
    }

    /// What its job says of its price.
    pub fn terms(&self) -> Terms {
        let job = self.newest();
        Terms::stored(&job.urgency, job.fee_cap_wei.as_ref())
    }

    pub fn moved(&self, to: JobStatus) -> Move {
        Move {
            request_id: self.request_id.clone(),
            ..Move::new(self.id, &self.kind, self.status, to)
        }
    }

    /// Why the newest bytes were last refused; none when they were not.
    pub fn refusal(&self) -> Option<Cause> {
        let attempt = self.signed().filter(|a| a.sent.as_deref() == Some("rejected"))?;
        let message = attempt.sent_error.clone().unwrap_or_default();
        match classify::<()>(&Err(RpcError::Refused { code: 0, message, data: None })) {
            Sent::Rejected(cause) => Some(cause),
            Sent::Accepted | Sent::Unknown => None,
        }
    }

    /// Are the newest bytes to be handed over (again)?
    pub fn is_due(&self, resend: Duration, retry: Duration) -> bool {
        let Some(attempt) = self.signed() else { return false };
        let pause = match attempt.sent.as_deref() {
            Some("accepted") => resend,
            _ => retry,
        };
        attempt.sent_age.is_none_or(|age| age >= pause.as_secs_f64())
    }
}

/// What the endpoints made of one transaction.
pub(crate) struct Handed {
    pub sent: Sent,
    pub error: Option<String>,
}

impl Lane {
    /// Hand over the newest bytes of these nonces.
    pub async fn send_again(&mut self, nonces: &[&OpenNonce]) -> Result<(), LaneError> {
        if nonces.is_empty() {
            return Ok(());
        }
        let ids: Vec<Uuid> = nonces.iter().map(|nonce| nonce.id).collect();
        let mut connection = self.db().acquire().await.map_err(DbError::from)?;
        let signed = attempts::load_signed(&mut connection, &ids).await?;
        drop(connection);
        let known = nonces.iter().map(|nonce| (nonce.id, *nonce)).collect();
        self.hand_over(&signed, &known).await
    }

    /// Hand bytes to all endpoints and record how that ended. Jobs not in `known` are those just
    /// reserved.
    pub async fn hand_over(
        &mut self,
        signed: &[Signed],
        known: &HashMap<Uuid, &OpenNonce>,
    ) -> Result<(), LaneError> {
        if signed.is_empty() {
            return Ok(());
        }
        let handed = self.hand_out(signed, known).await?;
        FAILPOINTS.hit("after_send");
        let mut moves = Vec::new();
        for (one, handed) in signed.iter().zip(&handed) {
            metrics::counter!("transactor_sends_total", "outcome" => handed.sent.as_str())
                .increment(1);
            if let Sent::Rejected(cause) = handed.sent {
                self.blocked |= cause != Cause::Later;
                tracing::warn!(transaction.id = %one.transaction_id, nonce = one.nonce,
                    error = handed.error.as_deref(),
                    known = handed.error.as_deref().and_then(source),
                    "no node takes the transaction");
            }
            let from = known.get(&one.transaction_id).map_or(JobStatus::Reserved, |k| k.status);
            let to = match (from, handed.sent) {
                (JobStatus::Reserved | JobStatus::Unknown, Sent::Accepted) => JobStatus::Submitted,
                (JobStatus::Reserved, Sent::Unknown) if self.planted(Fault::UnknownIsFailure) => {
                    JobStatus::Failed
                }
                (JobStatus::Reserved, Sent::Unknown) => JobStatus::Unknown,
                _ => continue,
            };
            if from != to {
                moves.push((one.transaction_id, from, to, one.tx_hash));
            }
        }
        self.record_handed(signed, &handed, moves, known).await?;
        FAILPOINTS.hit("after_sent");
        Ok(())
    }

    async fn record_handed(
        &self,
        signed: &[Signed],
        handed: &[Handed],
        moves: Vec<(Uuid, JobStatus, JobStatus, B256)>,
        known: &HashMap<Uuid, &OpenNonce>,
    ) -> Result<(), LaneError> {
        let ids: Vec<Uuid> = signed.iter().map(|s| s.transaction_id).collect();
        let numbers: Vec<i16> = signed.iter().map(|s| s.attempt).collect();
        let outcomes: Vec<String> = handed.iter().map(|h| h.sent.as_str().to_owned()).collect();
        let errors: Vec<Option<String>> = handed.iter().map(|h| h.error.clone()).collect();
        let mut transaction = self.begin().await?;
        attempts::record_sent(&mut transaction, &ids, &numbers, &outcomes, &errors).await?;
        let fresh: Vec<Uuid> =
            moves.iter().map(|m| m.0).filter(|id| !known.contains_key(id)).collect();
        let labels = db::transactions::load_labels(&mut transaction, &fresh).await?;
        let moves: Vec<Move> = moves
            .into_iter()
            .filter_map(|(id, from, to, hash)| {
                let (kind, request_id) = match known.get(&id) {
                    Some(nonce) => (nonce.kind.clone(), nonce.request_id.clone()),
                    None => labels
                        .iter()
                        .find(|l| l.id == id)
                        .map(|l| (l.kind.clone(), l.request_id.clone()))?,
                };
                let made = Move::new(id, &kind, from, to);
                Some(Move { request_id, tx_hash: Some(hash), ..made })
            })
            .collect();
        self.context.record_moves(&mut transaction, &moves).await?;
        FAILPOINTS.hit("before_sent");
        transaction.commit().await.map_err(DbError::from)?;
        Ok(())
    }

    /// The unmined nonces, lowest first. Counts them anew.
    pub async fn load_open(&mut self) -> Result<Vec<OpenNonce>, LaneError> {
        let mut connection = self.db().acquire().await.map_err(DbError::from)?;
        let (chain, address) = (self.context.chain_id(), self.address());
        let rows = attempts::load_open(&mut connection, chain, address).await?;
        let mut nonces: Vec<OpenNonce> = Vec::new();
        for row in rows {
            match nonces.last_mut().filter(|last| last.id == row.transaction_id) {
                Some(last) => last.attempts.push(row),
                None => nonces.push(OpenNonce {
                    nonce: row.nonce.cast_unsigned(),
                    id: row.transaction_id,
                    kind: row.kind.clone(),
                    status: status(&row.status),
                    request_id: row.request_id.clone(),
                    attempts: vec![row],
                }),
            }
        }
        self.in_flight = nonces.len();
        Ok(nonces)
    }
}
