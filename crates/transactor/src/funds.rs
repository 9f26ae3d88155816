//! A wallet that can't pay: its lane takes no jobs, says so, and goes on by itself when it can.
//! If configured, a treasury wallet is asked for more in time.

use crate::{
    NewTransaction,
    fees::Fees,
    lane::{Lane, LaneError},
    queue,
    send::OpenNonce,
    take::Priced,
    wording::Cause,
};
use chain::RpcError;
use db::{DbError, transactions, wallets};
use journal::NewFact;
use serde_json::json;
use std::time::Duration;
use tokio::time::Instant;
use vocab::{U256, topic};

/// What a top-up is called.
pub const TOP_UP_KIND: &str = "top_up";
/// Why such a lane is paused.
const REASON: &str = "out_of_funds";
/// A short lane tries one claim after so long even if its balance has not grown: prices may have
/// fallen, or the job that was too dear may be gone.
const PROBE: Duration = Duration::from_secs(15);
/// Pause between looks at the balance for top-ups.
const LOOK: Duration = Duration::from_secs(5);

/// Automatic top-ups: while a wallet has less than `below_wei`, one transfer from a wallet of
/// `role` brings it to `target_wei`. It is an ordinary job of that role, under its policy at the
/// signer (recipients, value per transaction and day, rate), and exactly one per wallet is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopUp {
    /// The treasury's role. Its own wallets are never topped up.
    pub role: String,
    pub below_wei: U256,
    pub target_wei: U256,
    /// Most that one top-up brings.
    pub amount_max_wei: U256,
}

impl TopUp {
    /// What a wallet with this balance is to get; none when it has enough.
    #[must_use]
    pub fn amount(&self, balance: U256) -> Option<U256> {
        let missing = self.target_wei.saturating_sub(balance).min(self.amount_max_wei);
        (balance < self.below_wei && !missing.is_zero()).then_some(missing)
    }
}

/// What a lane knows of its money.
#[derive(Debug, Default)]
pub(crate) struct Funds {
    /// It can't pay for what waits.
    short: Option<Short>,
    looked: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct Short {
    /// The least that would let it go on; not known after a start.
    needed: Option<U256>,
    /// When a claim was last tried in spite of it.
    probed: Instant,
}

/// The most that a transaction can cost its wallet.
pub(crate) fn cost(gas: u64, fees: Fees, value: U256) -> U256 {
    (U256::from(gas) * U256::from(fees.max)).saturating_add(value)
}

/// Set those aside that the balance does not cover, and give the least that one of them costs. What
/// is in flight is not counted: nodes refuse for certain what it leaves no room for, and take it
/// when some of it is mined for less than its most.
pub(crate) fn set_aside(priced: &mut Priced, balance: U256) -> Option<U256> {
    let mut left = balance;
    let mut least: Option<U256> = None;
    priced.good.retain(|(job, gas, fees)| {
        let cost = cost(*gas, *fees, job.value_wei);
        let covered = cost <= left;
        match covered {
            true => left -= cost,
            false => {
                least = Some(least.map_or(cost, |least| least.min(cost)));
                priced.unclear.push(job.id);
            }
        }
        covered
    });
    least
}

impl Lane {
    /// After a start: what was said before holds until a claim shows otherwise.
    pub async fn load_funds(&mut self) -> Result<(), LaneError> {
        let mut connection = self.db().acquire().await.map_err(DbError::from)?;
        let (chain, address) = (self.context.chain_id(), self.address());
        let reason = wallets::load_pause(&mut connection, chain, address).await?;
        let short = Short { needed: None, probed: Instant::now() };
        self.funds.short = (reason.as_deref() == Some(REASON)).then_some(short);
        Ok(())
    }

    /// May the lane claim jobs, for all that its money says?
    pub async fn has_funds(&mut self) -> Result<bool, LaneError> {
        let Some(short) = self.funds.short else { return Ok(true) };
        let Some(needed) = short.needed else { return Ok(true) };
        let now = Instant::now();
        if now.duration_since(short.probed) >= PROBE {
            self.funds.short = Some(Short { probed: now, ..short });
            return Ok(true);
        }
        let due = self.funds.looked.is_none_or(|at| at.elapsed() >= self.options().retry);
        if !due {
            return Ok(false);
        }
        self.funds.looked = Some(now);
        let balance = self.context.config.chain.endpoint().balance(self.address()).await?;
        match balance >= needed {
            true => self.resume(balance).await.map(|()| true),
            false => self.top_up(balance).await.map(|()| false),
        }
    }

    /// After a claim: set aside what the balance does not cover. The lane pauses when nothing is
    /// left, and goes on when something is.
    pub async fn settle_funds(
        &mut self,
        priced: &mut Priced,
        balance: Result<U256, RpcError>,
    ) -> Result<(), LaneError> {
        let balance = match balance {
            Ok(balance) => balance,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "no balance now");
                return Ok(());
            }
        };
        let short = set_aside(priced, balance).into_iter().chain(priced.poor).min();
        match short {
            _ if !priced.good.is_empty() => self.resume(balance).await,
            Some(needed) => {
                self.pause(needed.max(balance.saturating_add(U256::ONE)), balance).await
            }
            None => Ok(()),
        }
    }

    /// Nothing that waits can be paid for.
    async fn pause(&mut self, needed: U256, balance: U256) -> Result<(), LaneError> {
        let before = self.funds.short;
        let probed = before.map_or_else(Instant::now, |short| short.probed);
        self.funds.short = Some(Short { needed: Some(needed), probed });
        if before.is_none() && self.record_pause(Some(REASON), Some(needed), balance).await? {
            tracing::error!(wallet = %self.address(), %needed, %balance,
                "the wallet can't pay; its jobs wait");
            metrics::counter!("transactor_out_of_funds_total").increment(1);
        }
        self.top_up(balance).await
    }

    /// It pays again.
    async fn resume(&mut self, balance: U256) -> Result<(), LaneError> {
        let Some(short) = self.funds.short.take() else { return Ok(()) };
        if self.record_pause(None, short.needed, balance).await? {
            tracing::info!(wallet = %self.address(), %balance, "the wallet can pay again");
        }
        Ok(())
    }

    async fn record_pause(
        &self,
        reason: Option<&str>,
        needed: Option<U256>,
        balance: U256,
    ) -> Result<bool, LaneError> {
        let (chain, address) = (self.context.chain_id(), self.address());
        let labels = [("chain_id", chain.to_string()), ("wallet", address.to_string())];
        metrics::gauge!("transactor_wallet_short", &labels).set(if reason.is_some() {
            1.0
        } else {
            0.0
        });
        let mut transaction = self.begin().await?;
        let changed = wallets::record_pause(&mut transaction, chain, address, reason).await?;
        if changed {
            let kind = if reason.is_some() { "wallet_paused" } else { "wallet_resumed" };
            let fact = NewFact {
                topic: topic::TRANSACTIONS,
                kind,
                reverting: false,
                attributes: json!({
                    "chain_id": chain.to_string(),
                    "wallet": address.to_string(),
                    "role": self.wallet.role,
                }),
                chain_id: Some(chain),
                block: None,
                data: json!({
                    "reason": REASON,
                    "balance_wei": balance.to_string(),
                    "needed_wei": needed.map(|wei| wei.to_string()),
                }),
            };
            journal::record(&mut transaction, &[fact]).await?;
        }
        transaction.commit().await.map_err(DbError::from)?;
        Ok(changed)
    }

    /// Look after the money of what is in flight, and before it runs out.
    pub async fn tend_funds(&mut self, open: &[OpenNonce]) -> Result<(), LaneError> {
        let refused = open.iter().find(|nonce| nonce.refusal() == Some(Cause::Funds));
        let watched = self.options().top_up.is_some();
        let due = self.funds.looked.is_none_or(|at| at.elapsed() >= LOOK);
        if refused.is_none() && !(watched && due) {
            return Ok(());
        }
        self.funds.looked = Some(Instant::now());
        let balance = self.context.config.chain.endpoint().balance(self.address()).await?;
        let labels = [
            ("chain_id", self.context.chain_id().to_string()),
            ("wallet", self.address().to_string()),
        ];
        metrics::gauge!("transactor_wallet_balance_wei", &labels).set(f64::from(balance));
        match refused.and_then(|nonce| nonce.signed()) {
            None => self.top_up(balance).await,
            Some(signed) => {
                let gas = U256::from(signed.gas_limit.cast_unsigned());
                let needed =
                    gas.saturating_mul(signed.max_fee_wei).max(balance.saturating_add(U256::ONE));
                self.pause(needed, balance).await
            }
        }
    }

    /// Ask the treasury, unless it was asked already. Under the lane's lease, so that two never do.
    async fn top_up(&self, balance: U256) -> Result<(), LaneError> {
        let Some(rule) = self.options().top_up.clone() else { return Ok(()) };
        let Some(amount) = rule.amount(balance).filter(|_| rule.role != self.wallet.role) else {
            return Ok(());
        };
        let (chain, address) = (self.context.chain_id(), self.address());
        let mut transaction = self.begin().await?;
        if transactions::is_open(&mut transaction, chain, TOP_UP_KIND, address).await? {
            return Ok(());
        }
        let job = NewTransaction {
            to: Some(address),
            value: amount,
            ..NewTransaction::new(chain, rule.role.clone(), TOP_UP_KIND)
        };
        let id = queue::record_new(&mut transaction, job).await?;
        transaction.commit().await.map_err(DbError::from)?;
        tracing::info!(wallet = %address, %amount, transaction.id = %id, "a top-up is asked for");
        metrics::counter!("transactor_top_ups_total").increment(1);
        self.context.config.nudge.wake(chain, &rule.role);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn top_ups_bring_a_low_wallet_to_its_target_within_the_limit() {
        let wei = U256::from::<u64>;
        let rule = TopUp {
            role: "treasury".to_owned(),
            below_wei: wei(100),
            target_wei: wei(500),
            amount_max_wei: wei(450),
        };
        let cases = [(0, Some(450)), (60, Some(440)), (99, Some(401)), (100, None), (1_000, None)];
        for (balance, amount) in cases {
            assert_eq!(rule.amount(wei(balance)), amount.map(wei), "with {balance}");
        }
        let nothing = TopUp { target_wei: wei(0), ..rule };
        assert_eq!(nothing.amount(wei(0)), None);
    }
}
