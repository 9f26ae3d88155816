//! Jobs that the signer signs only with the consent of others.
//!
//! The signer is asked at a nonce, because only then is all known that it judges. When it wants
//! approvals it has never signed anything at that nonce: it says so only then. So the nonce goes
//! back, and the job waits in the queue, where no lane takes it. What is approved is the act (key,
//! chain, receiver, value and data, neither nonce nor fees), so the job stays with its wallet.

use crate::{
    Reason,
    lane::{Lane, LaneError},
    moves::{Move, status},
};
use alloy_primitives::{Address, B256};
use db::{
    PgConnection, approvals,
    attempts::{self, Unsigned},
    transactions,
};
use journal::NewFact;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use signer::{Approval, Refusal, SignOutcome, TxIntent};
use std::collections::{HashMap, HashSet};
use time::OffsetDateTime;
use uuid::Uuid;
use vocab::{JobStatus, topic};

/// What the signer wants before it signs a job. Kept with the job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// What must be approved: [`signer::transaction_act`].
    pub act: B256,
    /// Who may approve it, and how many of them must.
    pub operators: Vec<Address>,
    pub needed: u32,
    /// How long an approval may last, in seconds.
    pub expires_max_s: u64,
    /// The role whose rule wants it, in the policy of this digest.
    pub role: String,
    pub policy: B256,
    /// Why approvals that were shown to the signer did not count.
    pub refused: Vec<String>,
}

impl Wanted {
    /// None: the signer refuses for another reason.
    pub(crate) fn parse(refusal: &Refusal) -> Option<Self> {
        let Refusal::ApprovalRequired { act, needed, expires_max_s, rule, refused, valid: _ } =
            refusal
        else {
            return None;
        };
        Some(Self {
            act: *act,
            operators: rule.operators.clone(),
            needed: *needed,
            expires_max_s: *expires_max_s,
            role: rule.role.clone(),
            policy: rule.policy,
            refused: refused.clone(),
        })
    }

    /// From its stored form.
    #[must_use]
    pub fn stored(request: Value) -> Option<Self> {
        serde_json::from_value(request).ok()
    }
}

impl Lane {
    /// One outcome per attempt, in order. Jobs with approvals are asked for one by one, so that no
    /// other job which does the same uses up what was given for this one.
    pub async fn ask_signer(&self, unsigned: &[Unsigned]) -> Result<Vec<SignOutcome>, LaneError> {
        let signer = &self.context.config.signer;
        let intents: Vec<TxIntent> = unsigned.iter().map(|u| self.intent(u)).collect();
        let asked: Vec<Uuid> =
            unsigned.iter().filter(|u| u.asked_approval).map(|u| u.transaction_id).collect();
        if asked.is_empty() {
            return Ok(signer.sign_transactions(&intents).await?);
        }
        let given = self.load_approvals(&asked).await?;
        let of = |attempt: &Unsigned| given.get(&attempt.transaction_id);
        let plain: Vec<TxIntent> = unsigned
            .iter()
            .zip(&intents)
            .filter(|(attempt, _)| of(attempt).is_none())
            .map(|(_, intent)| intent.clone())
            .collect();
        let mut together = signer.sign_transactions(&plain).await?.into_iter();
        let mut outcomes = Vec::with_capacity(unsigned.len());
        for (attempt, intent) in unsigned.iter().zip(&intents) {
            let outcome = match of(attempt) {
                None => together.next(),
                Some(approvals) => {
                    let alone = std::slice::from_ref(intent);
                    signer.sign_approved(alone, approvals).await?.pop()
                }
            };
            outcomes.push(outcome.expect("invariant: the signer gives an outcome per intent"));
        }
        Ok(outcomes)
    }

    /// The approvals of these jobs that have not run out.
    async fn load_approvals(
        &self,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, Vec<Approval>>, LaneError> {
        let mut connection = self.db().acquire().await.map_err(db::DbError::from)?;
        let now = OffsetDateTime::now_utc().unix_timestamp();
        let mut given: HashMap<Uuid, Vec<Approval>> = HashMap::new();
        for row in approvals::load_of(&mut connection, ids).await? {
            if row.expires > now {
                given.entry(row.transaction_id).or_default().push(Approval {
                    act: row.act.0,
                    expires: row.expires.cast_unsigned(),
                    salt: row.salt.0,
                    signature: row.signature.into(),
                });
            }
        }
        Ok(given)
    }

    /// Jobs that need approvals go back to the queue and wait there, their nonces free for others.
    /// Gives those; of the rest something was signed or sent already.
    pub async fn wait_for_approvals(
        &self,
        db: &mut PgConnection,
        unapproved: &[(&Unsigned, Refusal, Wanted)],
    ) -> Result<HashSet<Uuid>, LaneError> {
        let ids: Vec<Uuid> = unapproved.iter().map(|(u, ..)| u.transaction_id).collect();
        if ids.is_empty() {
            return Ok(HashSet::new());
        }
        let jobs = approvals::lock_reserved(db, &ids).await?;
        let (mut moves, mut requests, mut facts) = (Vec::new(), Vec::new(), Vec::new());
        for job in &jobs {
            let of = unapproved.iter().find(|(u, ..)| u.transaction_id == job.id);
            let Some((_, refusal, wanted)) = of else { continue };
            moves.push(Move {
                reason: Some(Reason::new("approval_required", refusal.to_string())),
                request_id: job.request_id.clone(),
                ..Move::new(job.id, &job.kind, status(&job.status), JobStatus::Queued)
            });
            requests.push(json!(wanted));
            facts.push(self.wanted_fact(job, wanted));
        }
        let waiting = self.context.record_moves(db, &moves).await?;
        let ids: Vec<Uuid> = moves.iter().map(|one| one.id).collect();
        let numbers: Vec<i16> = ids
            .iter()
            .filter_map(|id| unapproved.iter().find(|(u, ..)| u.transaction_id == *id))
            .map(|(attempt, ..)| attempt.attempt)
            .collect();
        let outcomes = vec!["rejected".to_owned(); ids.len()];
        let said: Vec<Option<String>> =
            moves.iter().map(|m| m.reason.as_ref().map(Reason::to_string)).collect();
        attempts::record_sent(db, &ids, &numbers, &outcomes, &said).await?;
        transactions::record_nonce_left(db, &ids, "free").await?;
        approvals::record_wanted(db, self.address(), &ids, &requests).await?;
        journal::record(db, &facts).await?;
        metrics::counter!("transactor_approvals_wanted_total", "role" => self.wallet.role.clone())
            .increment(ids.len() as u64);
        Ok(waiting)
    }

    fn wanted_fact(&self, job: &approvals::Wanting, wanted: &Wanted) -> NewFact {
        tracing::warn!(transaction.id = %job.id, act = %wanted.act, needed = wanted.needed,
            refused = ?wanted.refused, "it waits for approvals");
        fact(job, "transaction_approval_required", json!(wanted))
    }
}

/// A fact of a job which is queued.
pub(crate) fn fact(job: &approvals::Wanting, kind: &'static str, data: Value) -> NewFact {
    let chain = vocab::ChainId::from_i64(job.chain_id);
    NewFact {
        topic: topic::TRANSACTIONS,
        kind,
        reverting: false,
        attributes: json!({
            "chain_id": chain.to_string(),
            "transaction_id": job.id,
            "kind": job.kind,
            "status": JobStatus::Queued,
        }),
        chain_id: Some(chain),
        block: None,
        data,
    }
}
