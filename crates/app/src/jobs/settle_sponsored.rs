//! Sponsored transactions that have ended: what was reserved gives way to what they cost.
//!
//! Found by the states of their jobs, so a death at any point leaves at worst reservations that the
//! next round settles. An end is never taken back (the transactor knows none that is, and these
//! jobs are not driven again), so a reorg settles nothing twice; nor do two processes, as the
//! request's row takes one cost only.

use crate::{App, AppError, read_sponsors::load_used};
use chain::Receipt;
use db::{
    DbError,
    forward_requests::{self, Unsettled},
    sponsors::{self, NewUse},
};
use uuid::Uuid;
use vocab::{B256, U256};

const BATCH: i64 = 100;

impl App {
    /// Settle what can be settled; gives how many. A job for every second or so.
    ///
    /// # Errors
    /// [`AppError::Db`], [`AppError::Node`]; what was settled before stays so.
    pub async fn settle_sponsored(&self) -> Result<u64, AppError> {
        let (mut settled, mut after) = (0, Uuid::nil());
        loop {
            let mut db = self.connection().await?;
            let ended = forward_requests::load_unsettled(&mut db, after, BATCH).await?;
            drop(db);
            let Some(last) = ended.last() else { return Ok(settled) };
            after = last.id;
            for (id, cost) in self.costs(&ended).await? {
                settled += u64::from(self.settle(id, cost).await?);
            }
        }
    }

    /// What each took from the wallet; those of which the node does not tell are left out.
    async fn costs(&self, ended: &[Unsettled]) -> Result<Vec<(Uuid, U256)>, AppError> {
        let mut costs = Vec::with_capacity(ended.len());
        for chain in &self.config().chains {
            let of_chain = ended.iter().filter(|one| one.chain_id == chain.chain_id.as_i64());
            let (mined, unmined): (Vec<_>, Vec<_>) =
                of_chain.partition(|one| one.tx_hash.is_some() && one.block_hash.is_some());
            // No signature of it can be mined any more, or its job had not ended.
            costs.extend(unmined.iter().map(|one| (one.id, U256::ZERO)));
            if mined.is_empty() {
                continue;
            }
            let hashes: Vec<B256> =
                mined.iter().filter_map(|one| one.tx_hash).map(Into::into).collect();
            let answers = chain.node.read().receipts(&hashes).await?;
            for (one, answer) in mined.into_iter().zip(answers) {
                let receipt = answer.ok().flatten();
                let here = |receipt: &Receipt| {
                    one.block_hash.is_some_and(|hash| hash.0 == receipt.block_hash)
                };
                match receipt.filter(here).and_then(|receipt| paid(&receipt)) {
                    Some(cost) => costs.push((one.id, cost)),
                    None => {
                        metrics::counter!("sponsored_receipts_missing_total").increment(1);
                        tracing::warn!(sponsored.id = %one.id, "its receipt is not there: the \
                            reservation stands");
                    }
                }
            }
        }
        Ok(costs)
    }

    async fn settle(&self, id: Uuid, cost: U256) -> Result<bool, AppError> {
        let mut transaction = self.config().db.begin().await.map_err(DbError::from)?;
        let db = &mut *transaction;
        let now = self.config().clock.now();
        let Some(settling) = forward_requests::record_cost(db, id, cost, now).await? else {
            return Ok(false);
        };
        let row = sponsors::lock(db, settling.sponsor_id).await?;
        let row = row.ok_or(AppError::Bug("a sponsored request has no sponsor"))?;
        let (day, user) = (settling.day, settling.user_address);
        let used = load_used(db, &row, day, Some(user)).await?;
        let used = used.settle(settling.reserved_wei, cost);
        sponsors::record_use(db, new_use(row.id, day, user, &used)).await?;
        transaction.commit().await.map_err(DbError::from)?;
        metrics::counter!("sponsored_settled_total").increment(1);
        if cost > settling.reserved_wei {
            // The L1 fee of a rollup is the one part that no transaction can limit.
            tracing::warn!(sponsored.id = %id, %cost, reserved = %settling.reserved_wei,
                "it cost more than was reserved");
        }
        tracing::info!(sponsored.id = %id, %cost, "settled");
        Ok(true)
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
