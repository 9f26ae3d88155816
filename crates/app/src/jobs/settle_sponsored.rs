//! Sponsored transactions that have ended: what was reserved gives way to what they cost.
//!
//! Found by the states of their jobs, so a death at any point leaves at worst reservations that the
//! next round settles. A settlement counts only while its transaction is where the cost was read,
//! which the commit checks; if a reorg deeper than finality takes that back, so does [`reopen`], in
//! the commit that says so. Two processes settle nothing twice, as the request's row takes one cost
//! only.

use crate::{App, AppError, FAILPOINTS, WriteSettings, read_sponsors::load_used};
use chain::Receipt;
use db::{
    DbError, PgConnection,
    forward_requests::{self, Settling, Unsettled},
    sponsors::{self, NewUse, SponsorRow},
};
use journal::NewFact;
use serde_json::json;
use sponsor::Used;
use std::time::Duration;
use transactor::Moved;
use uuid::Uuid;
use vocab::{B256, U256, topic};

const BATCH: i64 = 100;
/// How long a receipt is asked for after the end. Nodes drop receipts, and one that still syncs
/// has none yet: then the reservation, which is the most that it can have cost, counts for good.
const RECEIPT_PATIENCE: Duration = Duration::from_secs(24 * 60 * 60);

/// What a request cost.
#[derive(Clone, Copy, Debug)]
struct Cost {
    wei: U256,
    /// By a receipt; otherwise it is what was reserved.
    is_known: bool,
}

impl App {
    /// Settle what can be settled; gives how many. A job for every second or so.
    ///
    /// # Errors
    /// [`AppError::Db`]; [`AppError::Node`] after the requests of all other chains are settled.
    pub async fn settle_sponsored(&self) -> Result<u64, AppError> {
        let (mut settled, mut missing, mut after) = (0, 0, Uuid::nil());
        let mut trouble = None;
        loop {
            let mut db = self.connection().await?;
            let old = RECEIPT_PATIENCE.as_secs_f64();
            let ended = forward_requests::load_unsettled(&mut db, after, old, BATCH).await?;
            drop(db);
            let Some(last) = ended.last() else { break };
            after = last.id;
            for chain in self.written() {
                let here = |one: &&Unsettled| one.chain_id == chain.chain_id.as_i64();
                let of_chain: Vec<&Unsettled> = ended.iter().filter(here).collect();
                match costs(chain, &of_chain).await {
                    Ok(costs) => {
                        missing += of_chain.len() - costs.len();
                        for (one, cost) in costs {
                            settled += u64::from(self.settle(one, cost).await?);
                        }
                    }
                    Err(error) => trouble = Some(error),
                }
            }
        }
        metrics::gauge!("sponsored_receipts_missing").set(missing as f64);
        trouble.map_or(Ok(settled), Err)
    }

    async fn settle(&self, one: &Unsettled, cost: Cost) -> Result<bool, AppError> {
        let (id, wei) = (one.id, cost.wei);
        let mut transaction = db::begin(&self.config().db).await?;
        let db = &mut *transaction;
        let now = self.config().clock.now();
        let place = (id, one.block_hash.map(Into::into));
        let Some(settling) = forward_requests::record_cost(db, place, wei, now).await? else {
            return Ok(false);
        };
        count(db, &settling, |used| used.settle(settling.reserved_wei, wei)).await?;
        if !cost.is_known {
            journal::record(db, &[cost_unknown(one)]).await?;
        }
        FAILPOINTS.hit("before_settled");
        transaction.commit().await.map_err(DbError::from)?;
        FAILPOINTS.hit("after_settled");
        metrics::counter!("sponsored_settled_total").increment(1);
        if wei > settling.reserved_wei {
            // The L1 fee of a rollup is the one part that no transaction can limit.
            tracing::warn!(sponsored.id = %id, cost = %wei, reserved = %settling.reserved_wei,
                "it cost more than was reserved");
        }
        if cost.is_known {
            tracing::info!(sponsored.id = %id, cost = %wei, "sponsored call settled");
        } else {
            metrics::counter!("sponsored_costs_unknown_total").increment(1);
            tracing::error!(sponsored.id = %id, counted = %wei,
                "no node has its receipt: what was reserved counts as its cost");
        }
        Ok(true)
    }
}

/// What each took from the wallet; those of which the node does not tell are left out.
async fn costs<'a>(
    chain: &WriteSettings,
    ended: &[&'a Unsettled],
) -> Result<Vec<(&'a Unsettled, Cost)>, AppError> {
    let (mined, unmined): (Vec<&Unsettled>, Vec<&Unsettled>) =
        ended.iter().partition(|one| one.tx_hash.is_some() && one.block_hash.is_some());
    // No signature of it can be mined any more, or its job had not ended.
    let nothing = Cost { wei: U256::ZERO, is_known: true };
    let mut costs: Vec<_> = unmined.into_iter().map(|one| (one, nothing)).collect();
    if mined.is_empty() {
        return Ok(costs);
    }
    let hashes: Vec<B256> = mined.iter().filter_map(|one| one.tx_hash).map(Into::into).collect();
    let answers = chain.node.read().receipts(&hashes).await?;
    for (one, answer) in mined.into_iter().zip(answers) {
        let receipt = answer.ok().flatten();
        let here =
            |receipt: &Receipt| one.block_hash.is_some_and(|hash| hash.0 == receipt.block_hash);
        match receipt.filter(here).and_then(|receipt| paid(&receipt)) {
            Some(wei) => costs.push((one, Cost { wei, is_known: true })),
            None if one.is_old => {
                costs.push((one, Cost { wei: one.reserved_wei, is_known: false }));
            }
            None => tracing::debug!(sponsored.id = %one.id, "no receipt: the reservation stands"),
        }
    }
    Ok(costs)
}

/// The ends of these transactions are taken back: what was settled is reserved again, and is
/// settled anew when they end anew. In the commit that says so.
pub(crate) async fn reopen(db: &mut PgConnection, run: &[Moved]) -> Result<(), DbError> {
    let back = run.iter().filter(|moved| moved.from.is_end() && !moved.to.is_end());
    let ids: Vec<Uuid> = back.map(|moved| moved.id.0).collect();
    if ids.is_empty() {
        return Ok(());
    }
    for one in forward_requests::record_reopened(db, &ids).await? {
        let settling = &one.settling;
        count(db, settling, |used| used.settle(one.cost_wei, settling.reserved_wei)).await?;
        metrics::counter!("sponsored_reopened_total").increment(1);
        tracing::warn!(sponsored.id = %one.id, "a reorg took its end back: it is reserved again");
    }
    Ok(())
}

/// Change what is used of a sponsor, under its lock.
async fn count(
    db: &mut PgConnection,
    settling: &Settling,
    change: impl FnOnce(Used) -> Used,
) -> Result<(), DbError> {
    let row: Option<SponsorRow> = sponsors::lock(db, settling.sponsor_id).await?;
    let row = row.expect("invariant: requests name sponsors, which are never removed");
    let (day, user) = (settling.day, settling.user_address);
    let used = change(load_used(db, &row, day, Some(user)).await?);
    sponsors::record_use(db, new_use(row.id, day, user, &used)).await
}

fn cost_unknown(one: &Unsettled) -> NewFact {
    let chain = vocab::ChainId::from_i64(one.chain_id);
    NewFact {
        topic: topic::TRANSACTIONS,
        kind: "sponsored_cost_unknown",
        reverting: false,
        attributes: json!({ "chain_id": chain.to_string(), "transaction_id": one.transaction_id,
            "sponsor_id": one.sponsor_id }),
        chain_id: Some(chain),
        block: None,
        data: json!({ "sponsored_id": one.id, "counted": one.reserved_wei.to_string() }),
    }
}

/// Gas at its price, and the L1 fee where the rollup takes one apart. None when the node does not
/// tell the price.
fn paid(receipt: &Receipt) -> Option<U256> {
    let gas = U256::from(receipt.gas_used.to::<u64>());
    let apart = receipt.l1_fee.unwrap_or_default();
    Some(gas.saturating_mul(receipt.effective_gas_price?).saturating_add(apart))
}

pub(crate) fn new_use(
    sponsor: Uuid,
    day: time::Date,
    user: vocab::Address,
    used: &sponsor::Used,
) -> NewUse {
    let count = |requests: u32| i32::try_from(requests).unwrap_or(i32::MAX);
    NewUse {
        sponsor_id: sponsor,
        day,
        user,
        total_wei: used.total_wei,
        day_wei: used.day_wei,
        day_requests: count(used.day_requests),
        user_day_wei: used.user_day_wei,
        user_day_requests: count(used.user_day_requests),
    }
}
