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
    /// One outcome per attempt, in order; none for those that were not asked for, because a job
    /// before them in their order is not signed yet. A signature can't be taken back: jobs of one
    /// key are asked for one after the other, so that none passes another that is to wait.
    pub async fn ask_in_rounds(
        &self,
        unsigned: &[Unsigned],
    ) -> Result<Vec<Option<SignOutcome>>, LaneError> {
        let mut outcomes: Vec<Option<SignOutcome>> = unsigned.iter().map(|_| None).collect();
        let mut stuck: HashSet<&str> = HashSet::new();
        for mut round in rounds(unsigned) {
            let key = |place: usize| unsigned[place].ordering_key.as_deref();
            round.retain(|place| key(*place).is_none_or(|key| !stuck.contains(key)));
            let asked: Vec<&Unsigned> = round.iter().map(|place| &unsigned[*place]).collect();
            for (place, outcome) in round.into_iter().zip(self.ask_signer(&asked).await?) {
                let waits =
                    |refusal: &Refusal| refusal.is_temporary() || Wanted::parse(refusal).is_some();
                if outcome.as_ref().is_err_and(waits) {
                    stuck.extend(key(place));
                }
                outcomes[place] = Some(outcome);
            }
        }
        Ok(outcomes)
    }

    /// One outcome per attempt, in order. Jobs with approvals are asked for one by one, so that no
    /// other job which does the same uses up what was given for this one.
    async fn ask_signer(&self, unsigned: &[&Unsigned]) -> Result<Vec<SignOutcome>, LaneError> {
        let signer = &self.context.config.signer;
        let intents: Vec<TxIntent> = unsigned.iter().map(|u| self.intent(u)).collect();
        if intents.is_empty() {
            return Ok(Vec::new());
        }
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
        let mut numbers = Vec::new();
        for job in &jobs {
            let of = unapproved.iter().find(|(u, ..)| u.transaction_id == job.id);
            let Some((attempt, refusal, wanted)) = of else { continue };
            moves.push(back(job, Reason::new("approval_required", refusal.to_string())));
            numbers.push(attempt.attempt);
            requests.push(json!(wanted));
            facts.push(self.wanted_fact(job, wanted));
        }
        let waiting = self.unreserve(db, &moves, &numbers).await?;
        let ids: Vec<Uuid> = moves.iter().map(|one| one.id).collect();
        approvals::record_wanted(db, self.address(), &ids, &requests).await?;
        journal::record(db, &facts).await?;
        metrics::counter!("transactor_approvals_wanted_total", "role" => self.wallet.role.clone())
            .increment(ids.len() as u64);
        Ok(waiting)
    }

    /// Those of `held` whose predecessor now waits for approvals go back to the queue as well, and
    /// wait behind it there.
    pub async fn wait_behind(
        &self,
        db: &mut PgConnection,
        held: &[&Unsigned],
        waiting: &HashSet<Uuid>,
        unapproved: &[(&Unsigned, Refusal, Wanted)],
    ) -> Result<(), LaneError> {
        let keys: HashSet<&str> = unapproved
            .iter()
            .filter(|(first, ..)| waiting.contains(&first.transaction_id))
            .filter_map(|(first, ..)| first.ordering_key.as_deref())
            .collect();
        let held =
            held.iter().filter(|u| u.ordering_key.as_deref().is_some_and(|k| keys.contains(k)));
        let numbers: HashMap<Uuid, i16> =
            held.map(|attempt| (attempt.transaction_id, attempt.attempt)).collect();
        if numbers.is_empty() {
            return Ok(());
        }
        let ids: Vec<Uuid> = numbers.keys().copied().collect();
        let jobs = approvals::lock_reserved(db, &ids).await?;
        let said = "a job before it in its order waits for approvals";
        let moves: Vec<Move> =
            jobs.iter().map(|job| back(job, Reason::new("predecessor_unapproved", said))).collect();
        let numbers: Vec<i16> = jobs.iter().map(|job| numbers[&job.id]).collect();
        self.unreserve(db, &moves, &numbers).await?;
        Ok(())
    }

    /// Jobs of which nothing is signed go back to the queue; these attempts of them are over, and
    /// their nonces are free.
    async fn unreserve(
        &self,
        db: &mut PgConnection,
        moves: &[Move],
        attempts: &[i16],
    ) -> Result<HashSet<Uuid>, LaneError> {
        let moved = self.context.record_moves(db, moves).await?;
        let ids: Vec<Uuid> = moves.iter().map(|one| one.id).collect();
        let outcomes = vec!["rejected".to_owned(); ids.len()];
        let said: Vec<Option<String>> =
            moves.iter().map(|m| m.reason.as_ref().map(Reason::to_string)).collect();
        attempts::record_sent(db, &ids, attempts, &outcomes, &said).await?;
        transactions::record_nonce_left(db, &ids, "free").await?;
        Ok(moved)
    }

    fn wanted_fact(&self, job: &approvals::Wanting, wanted: &Wanted) -> NewFact {
        tracing::warn!(transaction.id = %job.id, act = %wanted.act, needed = wanted.needed,
            refused = ?wanted.refused, "it waits for approvals");
        fact(job, "transaction_approval_required", json!(wanted))
    }
}

/// Jobs without a key, and of each key the first, then of each key the second, and so on: places in
/// `unsigned`, which is in the order of the keys.
fn rounds(unsigned: &[Unsigned]) -> Vec<Vec<usize>> {
    let mut rounds: Vec<Vec<usize>> = Vec::new();
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for (place, attempt) in unsigned.iter().enumerate() {
        let turn = match attempt.ordering_key.as_deref() {
            None => 0,
            Some(key) => {
                let turns = seen.entry(key).or_default();
                *turns += 1;
                *turns - 1
            }
        };
        if rounds.len() <= turn {
            rounds.resize(turn + 1, Vec::new());
        }
        rounds[turn].push(place);
    }
    rounds
}

fn back(job: &approvals::Wanting, reason: Reason) -> Move {
    Move {
        reason: Some(reason),
        request_id: job.request_id.clone(),
        ..Move::new(job.id, &job.kind, status(&job.status), JobStatus::Queued)
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
