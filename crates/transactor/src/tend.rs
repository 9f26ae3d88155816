//! Keeping the lane moving: resend, re-price, void, fill.

use crate::{
    NewTransaction, Reason,
    confirm::FILL_KIND,
    fees::{self, Fees, GAS_MIN, Held, Market},
    lane::{Lane, LaneError},
    moves::{self, Move},
    pulse::Pulse,
    queue,
    send::OpenNonce,
    take::{new_attempt, spread},
    wording::Cause,
};
use chain::CallRequest;
use db::{
    DbError,
    attempts::{self, Open, Unsigned},
    nonces, transactions,
};
use std::time::Duration;
use uuid::Uuid;
use vocab::{JobStatus, U256, Urgency};

/// For how many heads the chain must wait for a nonce unknown to our ledger before it is filled:
/// a node that lags could name one that is long used.
const HOLES_SEEN: u32 = 3;
/// The same for one that was given back: a job may want it meanwhile.
const HOLES_SEEN_FREE: u32 = 2;

impl Lane {
    /// Look after the unmined nonces.
    pub async fn tend(&mut self, pulse: Pulse) -> Result<(), LaneError> {
        self.sign_waiting().await?;
        let mut open = self.load_open().await?;
        if self.stop_unwanted(&open, pulse).await? {
            open = self.load_open().await?;
        }
        self.blocked |= open.iter().any(|n| n.refusal().is_some_and(|c| c != Cause::Later));
        self.tell_alerts().await?;
        self.tell_pause(&open, &pulse.market).await?;
        self.top_up().await?;
        self.watch_pool(&open).await?;
        self.mend_first(&open, pulse).await?;
        let (resend, retry) = (self.blocks(self.options().resend_blocks), self.options().retry);
        let due: Vec<&OpenNonce> =
            open.iter().filter(|nonce| nonce.is_due(resend, retry)).collect();
        self.send_again(&due).await
    }

    /// The time that so many blocks take, at least a second.
    pub fn blocks(&self, count: u32) -> Duration {
        (self.context.config.chain.block_time * count).max(Duration::from_secs(1))
    }

    /// What a nonce's transaction would offer today; none when that is above its caps.
    pub fn offer(&self, nonce: &OpenNonce, market: &Market, gas: u64) -> Option<Fees> {
        let terms = nonce.terms();
        fees::offer(market, terms.urgency, self.options().caps(terms).per_gas(gas))
    }

    /// Gas of a zero transfer to ourselves: more than a transfer's where the chain charges data as
    /// gas or the account runs code. What the node doesn't tell is a transfer's.
    pub async fn void_gas(&self) -> u64 {
        let calls = [CallRequest {
            from: self.address(),
            to: Some(self.address()),
            value: U256::ZERO,
            data: Default::default(),
        }];
        let answers = self.context.config.chain.read().estimate_gas(&calls).await;
        let estimate = spread(answers, 1).into_iter().next().and_then(|answer| {
            answer
                .inspect_err(|error| {
                    tracing::warn!(
                        error = error as &dyn std::error::Error,
                        "a void's gas is not known"
                    );
                })
                .ok()
        });
        fees::void_gas(estimate.map(|gas| gas.to()), self.options().void_gas_max)
    }

    /// Only the lowest nonce can be mined next, so only it is worth a new price.
    async fn mend_first(&mut self, open: &[OpenNonce], pulse: Pulse) -> Result<(), LaneError> {
        let Some(first) = open.first() else {
            self.holes_seen = 0;
            return Ok(());
        };
        if first.nonce > self.on_chain {
            return self.fill_holes(first.nonce, pulse).await;
        }
        self.holes_seen = 0;
        if first.nonce < self.on_chain {
            return Ok(());
        }
        let Some(signed) = first.signed().filter(|s| s.attempt == first.newest().attempt) else {
            return Ok(());
        };
        let late = signed.age >= self.blocks(self.options().bump_blocks).as_secs_f64();
        match first.refusal() {
            Some(Cause::Invalid) if !signed.void => self.void_invalid(first, pulse).await,
            Some(Cause::Underpriced) => self.bump(first, signed, pulse).await,
            Some(Cause::OverNodeCap) if late => self.lower(first, signed, pulse).await,
            // Another price changes nothing: the same bytes go out again.
            Some(_) => Ok(()),
            None => {
                let urgency = first.terms().urgency;
                let short = fees::falls_short(fees_of(signed), &pulse.market, urgency);
                match signed.bump_wanted || late && short {
                    true => self.bump(first, signed, pulse).await,
                    false => Ok(()),
                }
            }
        }
    }

    /// No node will ever take the call as it is.
    async fn void_invalid(&mut self, first: &OpenNonce, pulse: Pulse) -> Result<(), LaneError> {
        let gas = self.void_gas().await;
        let market = self.offer(first, &pulse.market, gas);
        let signed = first.signed().map(fees_of);
        let bumped = signed.and_then(|old| self.bumped(first, old, market, gas).ok());
        match bumped.or(market) {
            Some(fees) => self.try_again(vec![void(first, gas, fees)], &[]).await,
            None => Ok(()),
        }
    }

    pub fn bumped(
        &self,
        nonce: &OpenNonce,
        old: Fees,
        market: Option<Fees>,
        gas: u64,
    ) -> Result<Fees, Held> {
        let options = self.options();
        fees::bump(old, market, options.caps(nonce.terms()).per_gas(gas), options.bump_free_wei)
    }

    async fn bump(
        &mut self,
        first: &OpenNonce,
        signed: &Open,
        pulse: Pulse,
    ) -> Result<(), LaneError> {
        let gas = signed.gas_limit.cast_unsigned();
        let market = self.offer(first, &pulse.market, gas);
        match self.bumped(first, fees_of(signed), market, gas) {
            Ok(fees) => {
                metrics::counter!("transactor_bumps_total").increment(1);
                let again = self.again(first, signed, fees).await?;
                self.try_again(again.into_iter().collect(), &[]).await
            }
            Err(held) => {
                tracing::warn!(transaction.id = %first.id, by = held.as_str(),
                    "no higher offer is allowed; the same bytes go out again");
                metrics::counter!("transactor_bumps_capped_total", "by" => held.as_str())
                    .increment(1);
                Ok(())
            }
        }
    }

    /// No node has the bytes, because they might cost more than the nodes let their users pay. When
    /// the market has fallen well below them, another attempt may pass.
    async fn lower(
        &mut self,
        first: &OpenNonce,
        signed: &Open,
        pulse: Pulse,
    ) -> Result<(), LaneError> {
        let market = self.offer(first, &pulse.market, signed.gas_limit.cast_unsigned());
        let Some(fees) = fees::lowered(fees_of(signed), market) else {
            tracing::warn!(transaction.id = %first.id, error = signed.sent_error.as_deref(),
                "no node takes so dear a transaction: raise its cap on fees, or lower ours");
            return Ok(());
        };
        let again = self.again(first, signed, fees).await?;
        self.try_again(again.into_iter().collect(), &[]).await
    }

    /// The same call at the same nonce, priced anew.
    async fn again(
        &self,
        nonce: &OpenNonce,
        signed: &Open,
        fees: Fees,
    ) -> Result<Option<Unsigned>, LaneError> {
        let mut connection = self.db().acquire().await.map_err(DbError::from)?;
        let call = transactions::load_call(&mut connection, nonce.id).await?;
        Ok(call.map(|call| Unsigned {
            void: signed.void,
            gas_limit: signed.gas_limit,
            recipient: call.recipient,
            value_wei: call.value_wei,
            input: call.input,
            ..void(nonce, GAS_MIN, fees)
        }))
    }

    /// Another attempt at nonces that have one: durable, then signed, kept and sent. `ends`: how
    /// jobs end should their void be mined, if not as failed.
    pub async fn try_again(
        &mut self,
        unsigned: Vec<Unsigned>,
        ends: &[(Uuid, JobStatus)],
    ) -> Result<(), LaneError> {
        if unsigned.is_empty() {
            return Ok(());
        }
        let new: Vec<_> = unsigned.iter().map(new_attempt).collect();
        let (chain, address) = (self.context.chain_id(), self.address());
        let mut transaction = self.begin().await?;
        attempts::record_new(&mut transaction, chain, address, &new).await?;
        if !ends.is_empty() {
            let (ids, ends): (Vec<Uuid>, Vec<String>) =
                ends.iter().map(|(id, end)| (*id, end.to_string())).unzip();
            transactions::stops::record_stop_as(&mut transaction, &ids, &ends).await?;
        }
        transaction.commit().await.map_err(DbError::from)?;
        let ids: Vec<Uuid> = unsigned.iter().map(|u| u.transaction_id).collect();
        self.sign(unsigned).await?;
        let open = self.load_open().await?;
        let again: Vec<&OpenNonce> =
            open.iter().filter(|n| ids.contains(&n.id) && n.is_signed()).collect();
        self.send_again(&again).await
    }

    /// The chain waits for nonces that no job has. Our ledger gave one out and got it back
    /// unsigned, and no other job wanted it; or it never gave it out: a stranger's transactions
    /// were counted, and then taken back by a reorg. Fill them.
    async fn fill_holes(&mut self, first: u64, pulse: Pulse) -> Result<(), LaneError> {
        let (chain, address) = (self.context.chain_id(), self.address());
        let mut connection = self.db().acquire().await.map_err(DbError::from)?;
        let (from, end) = (self.on_chain.cast_signed(), first.cast_signed());
        let mut holes = nonces::load_holes(&mut connection, chain, address, from, end).await?;
        let free = nonces::load_free(&mut connection, chain, address, from, end - from).await?;
        drop(connection);
        self.holes_seen = if holes.is_empty() { 0 } else { self.holes_seen + 1 };
        if self.holes_seen < HOLES_SEEN {
            holes.retain(|nonce| self.holes_seen >= HOLES_SEEN_FREE && free.contains(nonce));
        }
        let fees = fees::offer(&pulse.market, Urgency::Normal, self.options().fee_cap_wei);
        let Some(fees) = fees.filter(|_| !holes.is_empty()) else { return Ok(()) };
        let gas = self.void_gas().await;
        tracing::error!(wallet = %address, count = holes.len(), "filling nonces");
        let mut transaction = self.begin().await?;
        let mut unsigned = Vec::new();
        for nonce in holes {
            let job = NewTransaction {
                wallet: Some(address),
                to: Some(address),
                gas_limit: Some(gas),
                ..NewTransaction::new(chain, self.wallet.role.clone(), FILL_KIND)
            };
            let id = queue::record_new(&mut transaction, job).await?.0;
            let reason = Reason::new("nonce_filled", format!("nonce {nonce} was free"));
            let filled = Move {
                reason: Some(reason),
                ..Move::new(id, FILL_KIND, JobStatus::Queued, JobStatus::Reserved)
            };
            let told = self.context.told();
            moves::record_reserved(told, &mut transaction, address, &[filled], &[nonce]).await?;
            unsigned.push(empty(id, 1, nonce, gas, fees));
        }
        let new: Vec<_> = unsigned.iter().map(new_attempt).collect();
        attempts::record_new(&mut transaction, chain, address, &new).await?;
        transaction.commit().await.map_err(DbError::from)?;
        self.holes_seen = 0;
        self.sign(unsigned).await?;
        Ok(())
    }
}

pub(crate) fn void(nonce: &OpenNonce, gas: u64, fees: Fees) -> Unsigned {
    let attempt = nonce.newest().attempt.saturating_add(1);
    empty(nonce.id, attempt, nonce.nonce.cast_signed(), gas, fees)
}

fn empty(id: Uuid, attempt: i16, nonce: i64, gas: u64, fees: Fees) -> Unsigned {
    Unsigned {
        transaction_id: id,
        attempt,
        nonce,
        gas_limit: gas.cast_signed(),
        max_fee_wei: U256::from(fees.max),
        max_priority_fee_wei: U256::from(fees.tip),
        legacy: fees.legacy,
        void: true,
        recipient: None,
        value_wei: U256::ZERO,
        input: Vec::new(),
        asked_approval: false,
        ordering_key: None,
    }
}

pub(crate) fn fees_of(attempt: &Open) -> Fees {
    Fees {
        max: attempt.max_fee_wei.saturating_to(),
        tip: attempt.max_priority_fee_wei.saturating_to(),
        legacy: attempt.legacy,
    }
}
