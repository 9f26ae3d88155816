//! What became of a transaction, told to the product rows that stand on it. Runs inside the
//! transactor's commit. Rows that the index owns (from `tentative` on) are never touched.

use super::{
    mint_call::{Item, KIND, content_of, mint_batch},
    settle_sponsored::reopen,
};
use crate::request_sponsored::SPONSORED;
use db::{
    DbError, PgConnection, collection_requests,
    collections_reads::{self, CollectionFilter},
    mint_jobs::batching::{self, Followed, Following},
};
use journal::NewFact;
use mint::job::{Decision, Fate, decide, may_follow};
use projections::told::{CollectionTold, MintTold};
use std::collections::HashMap;
use transactor::{Moved, OutcomeFuture, Outcomes};
use uuid::Uuid;
use vocab::{JobStatus, U256};

/// Transactions that deploy a collection.
const CREATE_COLLECTION: &str = "create_collection";
const WITHOUT_EFFECT: &str = "no_effect: the call was mined, and there is no such collection";

/// The product's [`Outcomes`]: mint jobs, collection requests, costs of sponsored transactions.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProductOutcomes;

impl Outcomes for ProductOutcomes {
    fn record<'a>(&'a self, db: &'a mut PgConnection, moved: &'a [Moved]) -> OutcomeFuture<'a> {
        Box::pin(async move {
            // Several changes of one job come in their order: a run holds each job once.
            for run in moved.chunk_by(|a, b| a.kind == b.kind && a.to == b.to) {
                match run[0].kind.as_str() {
                    KIND => record_mints(db, run).await?,
                    CREATE_COLLECTION => record_collections(db, run).await?,
                    SPONSORED => reopen(db, run).await?,
                    _ => {}
                }
            }
            Ok(())
        })
    }

    /// Mints and collections that failed have ended: their callers may have acted on it. What was
    /// reserved for a sponsored transaction is settled, and nothing would pay for another try.
    fn may_redrive(&self, kind: &str) -> bool {
        !matches!(kind, KIND | CREATE_COLLECTION | SPONSORED)
    }
}

fn fate(moved: &Moved) -> Fate<'_> {
    let reason = moved.reason.as_ref().map(|reason| reason.code.as_str());
    Fate { status: moved.to, reverted: moved.reverted, reason }
}

async fn record_mints(db: &mut PgConnection, run: &[Moved]) -> Result<(), DbError> {
    let ids: Vec<Uuid> = run.iter().map(|moved| moved.id.0).collect();
    let mut by_transaction: HashMap<Uuid, Vec<Following>> = HashMap::new();
    for job in batching::lock_following(db, &ids).await? {
        if let Some(id) = job.transaction_id {
            by_transaction.entry(id).or_default().push(job);
        }
    }
    let (mut changes, mut facts) = (Vec::new(), Vec::new());
    for moved in run {
        let Some(jobs) = by_transaction.remove(&moved.id.0) else { continue };
        let reason = moved.reason.as_ref().map(ToString::to_string);
        match decide(jobs.len(), fate(moved)) {
            Decision::Leave => {}
            Decision::Split => {
                metrics::counter!("mint_batches_split_total").increment(1);
                let halves = [&jobs[..jobs.len() / 2], &jobs[jobs.len() / 2..]];
                send_again(db, moved, &halves, &mut facts).await?;
            }
            Decision::Follow(status) => {
                log_sent(moved, &jobs, status);
                follow(moved, &jobs, (status, reason), &mut changes, &mut facts);
            }
            Decision::Fail => {
                follow(moved, &jobs, (JobStatus::Failed, reason), &mut changes, &mut facts);
            }
            Decision::Repeat => {
                // The transactor takes our headers for truth, and the index committed its items
                // with those headers: the call met no code. A reorg can bring a mint back before
                // the creation of its collection, which another wallet sent.
                metrics::counter!("mint_without_effect_total").increment(jobs.len() as u64);
                tracing::error!(transaction.id = %moved.id, jobs = jobs.len(),
                    "a final mint transaction minted nothing");
                if is_deployed(db, moved, &jobs).await? {
                    send_again(db, moved, &[&jobs], &mut facts).await?;
                } else {
                    let state = (JobStatus::Failed, Some(WITHOUT_EFFECT.to_owned()));
                    follow(moved, &jobs, state, &mut changes, &mut facts);
                }
            }
            Decision::AwaitIndex => {
                metrics::counter!("mint_intent_used_total").increment(1);
                tracing::error!(transaction.id = %moved.id, mint.id = %jobs[0].id,
                    "an intent was minted before; its job waits for the index");
                follow(moved, &jobs, (JobStatus::Submitted, None), &mut changes, &mut facts);
            }
        }
    }
    batching::record_followed(db, &changes).await?;
    journal::record(db, &facts).await
}

/// Move jobs to `status`, and tell it where something changes.
fn follow(
    moved: &Moved,
    jobs: &[Following],
    (status, reason): (JobStatus, Option<String>),
    changes: &mut Vec<Followed>,
    facts: &mut Vec<NewFact>,
) {
    for job in jobs {
        let old = job.tx_hash.map(|hash| hash.0);
        // Back in the queue there is no hash; otherwise the last one stands until there is another.
        let tx_hash = if status == JobStatus::Queued { None } else { moved.tx_hash.or(old) };
        let same = job.status == status.as_str() && job.reason == reason && old == tx_hash;
        let legal = job.status.parse().is_ok_and(|from| may_follow(from, status));
        if same || !legal {
            continue;
        }
        changes.push(Followed { id: job.id, status, reason: reason.clone(), tx_hash });
        facts.push(
            MintTold {
                id: job.id.into(),
                principal_id: job.principal_id.into(),
                chain: moved.chain_id,
                contract: job.contract,
                recipient: job.recipient,
                intent: job.intent.map(Into::into),
                transaction_id: job.transaction_id.map(Into::into),
                tx_hash,
                status,
                reason: reason.clone(),
                token_id: None,
                block: None,
                taken_back: None,
                request_id: job.http_request_id.clone(),
            }
            .fact(),
        );
    }
}

/// One line that each request of a batch finds, beside the transactor's own, which names the first.
fn log_sent(moved: &Moved, jobs: &[Following], status: JobStatus) {
    if !matches!(status, JobStatus::Submitted | JobStatus::Unknown) {
        return;
    }
    let requests: Vec<&str> = jobs.iter().filter_map(|j| j.http_request_id.as_deref()).collect();
    tracing::info!(transaction.id = %moved.id, %status, requests = requests.join(" "),
        tx_hash = moved.tx_hash.map(tracing::field::display), "mints sent");
}

/// Is the collection of these jobs on our chain?
async fn is_deployed(
    db: &mut PgConnection,
    moved: &Moved,
    jobs: &[Following],
) -> Result<bool, DbError> {
    let Some(job) = jobs.first() else { return Ok(false) };
    let only = CollectionFilter::only(moved.chain_id, job.contract);
    let rows = collections_reads::list(db, only, None, 1).await?;
    Ok(rows.first().is_some_and(|row| row.created_block.is_some()))
}

/// Send jobs again in these parts, with the intents that they have. Should the old transaction
/// succeed after all (a reorg may mine it again elsewhere), then its intents are used and the new
/// ones revert without minting anything.
async fn send_again(
    db: &mut PgConnection,
    moved: &Moved,
    parts: &[&[Following]],
    facts: &mut Vec<NewFact>,
) -> Result<(), DbError> {
    let mut changes = Vec::new();
    let (mut first, mut sent) = (Vec::new(), Vec::new());
    for part in parts {
        let Some(id) = enqueue_again(db, moved, part).await? else { continue };
        sent.push((id, part));
        let moved_to: Vec<Following> =
            part.iter().cloned().map(|job| Following { transaction_id: Some(id), ..job }).collect();
        follow(moved, &moved_to, (JobStatus::Queued, None), &mut changes, &mut first);
    }
    batching::record_followed(db, &changes).await?;
    for (id, part) in sent {
        let ids: Vec<Uuid> = part.iter().map(|job| job.id).collect();
        let intents: Vec<U256> = part.iter().filter_map(|job| job.intent).map(Into::into).collect();
        let taken = batching::record_batch(db, id.into(), &ids, &intents).await?;
        assert_eq!(taken, ids.len() as u64, "invariant: locked jobs take their new transaction");
    }
    facts.append(&mut first);
    Ok(())
}

async fn enqueue_again(
    db: &mut PgConnection,
    moved: &Moved,
    jobs: &[Following],
) -> Result<Option<Uuid>, DbError> {
    let Some(contract) = jobs.first().map(|job| job.contract) else { return Ok(None) };
    let target = collection_requests::load_mint_target(db, moved.chain_id, contract).await?;
    let (mode, base) = target.map(|t| (t.content_mode, t.base_uri)).unwrap_or_default();
    let items: Option<Vec<Item>> = jobs
        .iter()
        .map(|job| {
            let content = content_of(&mode, &base, job.uri.as_deref()).ok()?;
            Some(Item { recipient: job.recipient, content, intent: job.intent?.into() })
        })
        .collect();
    let items = items.expect("invariant: what was in a batch once can be in one again");
    let requests: Vec<&str> = jobs.iter().filter_map(|j| j.http_request_id.as_deref()).collect();
    let id =
        transactor::enqueue(db, mint_batch(moved.chain_id, contract, &items, &requests)).await?;
    tracing::info!(transaction.id = %id, requests = requests.join(" "), "mints batched again");
    Ok(Some(id.0))
}

async fn record_collections(db: &mut PgConnection, run: &[Moved]) -> Result<(), DbError> {
    let ids: Vec<Uuid> = run.iter().map(|moved| moved.id.0).collect();
    let requests = collection_requests::outcomes::lock_following(db, &ids).await?;
    let mut facts = Vec::new();
    for request in requests {
        let Some(moved) = run.iter().find(|moved| Some(moved.id.0) == request.transaction_id)
        else {
            continue;
        };
        // One request per transaction: what a batch of one does, but that there are no intents.
        let status = match decide(1, Fate { reason: None, ..fate(moved) }) {
            Decision::Follow(status) => status,
            Decision::Fail | Decision::Repeat => JobStatus::Failed,
            Decision::Leave | Decision::Split | Decision::AwaitIndex => continue,
        };
        if request.status == status.as_str() {
            continue;
        }
        let reason = moved.reason.as_ref().map(ToString::to_string);
        collection_requests::outcomes::record_followed(db, request.id, status, reason.as_deref())
            .await?;
        facts.push(
            CollectionTold {
                id: request.id.into(),
                principal_id: request.principal_id.into(),
                chain: moved.chain_id,
                contract: request.contract,
                transaction_id: request.transaction_id.map(Into::into),
                tx_hash: moved.tx_hash,
                status,
                reason,
                taken_back: None,
            }
            .fact(),
        );
    }
    journal::record(db, &facts).await
}
