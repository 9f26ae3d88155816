//! Taking queued jobs: claim, simulate, price, reserve; then sign and send.

use crate::{
    FAILPOINTS, Reason,
    breaker::Circuit,
    config::TX_GAS_MAX,
    fees::{self, Fees, Market, Terms},
    lane::{Lane, LaneError},
    ledger,
    moves::{self, Move},
    order::{arrange, drop_behind},
    pulse::Pulse,
    queue::Bell,
};
use alloy_primitives::Address;
use chain::{CallRequest, RpcError};
use db::{
    DbError, PgConnection,
    attempts::{self, NewAttempt, Unsigned},
    nonces,
    transactions::{self, Ready},
};
use std::collections::HashMap;
use tokio::time::Instant;
use uuid::Uuid;
use vocab::{JobStatus, U256, Urgency};

/// Calls in one request to a node.
pub(crate) const CALLS_MAX: usize = 100;

/// What the simulation of claimed jobs found.
#[derive(Default)]
struct Simulated {
    /// With their gas limits.
    good: Vec<(Ready, u64)>,
    bad: Vec<(Ready, Reason)>,
    /// Neither: the node did not tell, the wallet lacks money, or a job of their key goes first.
    /// They stay queued.
    unclear: Vec<Ready>,
}

/// [`Simulated`] with offers.
pub(crate) struct Priced {
    pub good: Vec<(Ready, Asked)>,
    bad: Vec<(Ready, Reason)>,
    /// And those whose own cap is below the market, or which the balance does not cover.
    pub unclear: Vec<Ready>,
}

/// What a job is to be sent with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub gas: u64,
    pub fees: Fees,
}

impl Priced {
    /// Nobody overtakes a job of its key that waits.
    fn keep_order(&mut self) {
        let stuck: Vec<(String, i64)> = self
            .unclear
            .iter()
            .filter_map(|job| Some((job.ordering_key.clone()?, job.seq)))
            .collect();
        drop_behind(&mut self.good, &stuck);
    }
}

impl Lane {
    /// Take a fair share of the jobs that there is room for, which somebody `rang` for. True when
    /// there may be more for us.
    pub async fn take(&mut self, pulse: Pulse, bell: &Bell, rang: bool) -> Result<bool, LaneError> {
        let room = self.room();
        if room == 0 {
            self.context.loads.remove(self.address());
            return Ok(false);
        }
        self.context.loads.set(self.address(), &self.wallet.role, self.in_flight);
        // While not even the cheapest could be mined, nobody's turn is wasted.
        if fees::offer(&pulse.market, Urgency::Low, self.options().fee_cap_wei).is_none() {
            metrics::counter!("transactor_price_above_cap_total").increment(1);
            return Ok(false);
        }
        if !self.is_turn(bell, rang).await {
            return Ok(false);
        }
        let context = self.context.clone();
        let turn = context.gate.enter(bell.is_rush()).await;
        let claimed = self.claim(room).await?;
        if claimed.jobs.is_empty() {
            return Ok(false);
        }
        if claimed.more {
            bell.ring();
        }
        let (chain, address) = (&context.config.chain, self.address());
        let (simulated, balance) =
            futures_util::future::join(self.simulate(claimed.jobs), chain.read().balance(address))
                .await;
        FAILPOINTS.hit("after_simulate");
        let started = Instant::now();
        let mut priced = self.price(simulated, &pulse.market);
        self.settle_funds(&mut priced, balance);
        priced.keep_order();
        let unsigned = self.reserve(priced).await?;
        drop(turn);
        FAILPOINTS.hit("after_reserve");
        let signed = self.sign(unsigned).await?;
        self.hand_over(&signed, &HashMap::new()).await?;
        metrics::histogram!("transactor_stage_seconds", "stage" => "reserved_to_sent")
            .record(started.elapsed().as_secs_f64());
        Ok(claimed.full)
    }

    /// Run each job at the head. An estimate runs it too, so that only jobs which bring their gas
    /// limit are called.
    async fn simulate(&mut self, ready: Vec<Ready>) -> Simulated {
        let context = self.context.clone();
        let endpoint = context.config.chain.read();
        let (given, open): (Vec<Ready>, Vec<Ready>) =
            ready.into_iter().partition(|job| job.gas_limit.is_some());
        let given_calls: Vec<CallRequest> = given.iter().map(|job| self.call(job)).collect();
        let open_calls: Vec<CallRequest> = open.iter().map(|job| self.call(job)).collect();
        let (called, estimated) = futures_util::future::join(
            endpoint.simulate(&given_calls),
            endpoint.estimate_gas(&open_calls),
        )
        .await;
        let mut found = Simulated::default();
        for (job, answer) in given.into_iter().zip(spread(called, given_calls.len())) {
            let gas = job.gas_limit.map_or(TX_GAS_MAX, i64::cast_unsigned);
            self.judge(&mut found, job, answer.map(|_| Some(gas)));
        }
        for (job, answer) in open.into_iter().zip(spread(estimated, open_calls.len())) {
            self.judge(&mut found, job, answer.map(|gas| fees::gas_limit(gas.to())));
        }
        // Calls and estimates were judged apart.
        arrange(&mut found.good, |(job, _)| job);
        found
    }

    fn call(&self, job: &Ready) -> CallRequest {
        CallRequest {
            from: self.address(),
            to: job.recipient.map(Address::from),
            value: job.value_wei,
            data: job.input.clone().into(),
        }
    }

    fn judge(&mut self, found: &mut Simulated, job: Ready, answer: Result<Option<u64>, RpcError>) {
        match answer {
            Ok(Some(gas)) => found.good.push((job, gas)),
            Ok(None) => {
                let reason = Reason::new("gas_above_limit", format!("more than {TX_GAS_MAX} gas"));
                found.bad.push((job, reason));
            }
            Err(error) => match self.context.config.error_names.of_call(&error) {
                // It may need what a job before it does.
                Some(_) if job.is_behind() => found.unclear.push(job),
                Some(reason) => found.bad.push((job, reason)),
                None => {
                    self.note_trouble(&error);
                    tracing::warn!(transaction.id = %job.id,
                        error = &error as &dyn std::error::Error, "not simulated");
                    found.unclear.push(job);
                }
            },
        }
    }

    /// An offer for each job by its urgency and its caps.
    fn price(&self, simulated: Simulated, market: &Market) -> Priced {
        let Simulated { good, bad, unclear } = simulated;
        let mut priced = Priced { good: Vec::with_capacity(good.len()), bad, unclear };
        for (job, gas) in good {
            let terms = terms(&job);
            let cap = self.options().caps(terms).per_gas(gas);
            match fees::offer(market, terms.urgency, cap) {
                Some(fees) => priced.good.push((job, Asked { gas, fees })),
                None => {
                    metrics::counter!("transactor_price_above_cap_total").increment(1);
                    priced.unclear.push(job);
                }
            }
        }
        priced
    }

    /// One commit: nonces, attempts, states, facts and what the product makes of them.
    async fn reserve(&mut self, priced: Priced) -> Result<Vec<Unsigned>, LaneError> {
        let Priced { good, bad, unclear } = priced;
        if !unclear.is_empty() {
            let mut connection = self.db().acquire().await.map_err(DbError::from)?;
            let pause = self.options().retry.as_secs_f64();
            let ids: Vec<Uuid> = unclear.iter().map(|job| job.id).collect();
            transactions::postpone(&mut connection, &ids, pause).await?;
        }
        if good.is_empty() && bad.is_empty() {
            return Ok(Vec::new());
        }
        let (chain, address) = (self.context.chain_id(), self.address());
        let mut transaction = self.begin().await?;
        let failed: Vec<Move> = bad
            .iter()
            .map(|(job, reason)| Move {
                reason: Some(reason.clone()),
                request_id: job.request_id.clone(),
                ..Move::new(job.id, &job.kind, JobStatus::Queued, JobStatus::Failed)
            })
            .collect();
        self.context.record_moves(&mut transaction, &failed).await?;
        let (good, asked) = self.lock_good(&mut transaction, good).await?;
        let ids: Vec<Uuid> = good.iter().map(|job| job.id).collect();
        let numbers = self.give_nonces(&mut transaction, &good).await?;
        let tried: HashMap<Uuid, i16> =
            attempts::load_numbers(&mut transaction, &ids).await?.into_iter().collect();
        let unsigned: Vec<Unsigned> = good
            .iter()
            .zip(&numbers)
            .map(|(job, nonce)| {
                let attempt = tried.get(&job.id).copied().unwrap_or(0).saturating_add(1);
                first_attempt(job, attempt, *nonce, asked[&job.id])
            })
            .collect();
        let moves: Vec<Move> = good.iter().map(reserved).collect();
        let told = self.context.told();
        moves::record_reserved(told, &mut transaction, address, &moves, &numbers).await?;
        let new: Vec<NewAttempt> = unsigned.iter().map(new_attempt).collect();
        attempts::record_new(&mut transaction, chain, address, &new).await?;
        FAILPOINTS.hit("before_reserve");
        transaction.commit().await.map_err(DbError::from)?;
        self.in_flight += unsigned.len();
        // They no longer wait, so they count as this lane's from here on, and not only when they
        // have been sent.
        self.context.loads.set(address, &self.wallet.role, self.in_flight);
        bad.iter().for_each(|(job, _)| self.note_end(&Circuit::new(&job.kind, &job.source), true));
        for job in &good {
            metrics::histogram!("transactor_stage_seconds", "stage" => "queued_to_reserved")
                .record(job.age);
        }
        Ok(unsigned)
    }

    /// Of these jobs, those that may still go, locked, with what all are to be sent with.
    async fn lock_good(
        &self,
        db: &mut PgConnection,
        good: Vec<(Ready, Asked)>,
    ) -> Result<(Vec<Ready>, HashMap<Uuid, Asked>), LaneError> {
        let asked = good.iter().map(|(job, asked)| (job.id, *asked)).collect();
        let mut good: Vec<Ready> = good.into_iter().map(|(job, _)| job).collect();
        let ids: Vec<Uuid> = good.iter().map(|job| job.id).collect();
        let queued = transactions::lock_queued(db, &ids).await?;
        good.retain(|job| queued.contains(&job.id));
        self.keep_in_order(db, &mut good).await?;
        Ok((good, asked))
    }

    async fn give_nonces(
        &self,
        db: &mut PgConnection,
        jobs: &[Ready],
    ) -> Result<Vec<i64>, LaneError> {
        let (chain, address) = (self.context.chain_id(), self.address());
        let count = i64::try_from(jobs.len()).unwrap_or(i64::MAX);
        let from = self.on_chain.cast_signed();
        let free = nonces::load_free(db, chain, address, from, count).await?;
        let free: Vec<u64> = free.into_iter().map(i64::cast_unsigned).collect();
        let last = nonces::load_last(db, chain, address).await?.map(i64::cast_unsigned);
        let late: Vec<bool> = jobs.iter().map(|job| job.behind_sent).collect();
        let given = ledger::give(&late, &free, last, self.on_chain);
        Ok(given.into_iter().map(u64::cast_signed).collect())
    }
}

fn terms(job: &Ready) -> Terms {
    Terms::stored(&job.urgency, job.fee_cap_wei.as_ref())
}

fn reserved(job: &Ready) -> Move {
    Move {
        request_id: job.request_id.clone(),
        ..Move::new(job.id, &job.kind, JobStatus::Queued, JobStatus::Reserved)
    }
}

fn first_attempt(job: &Ready, attempt: i16, nonce: i64, asked: Asked) -> Unsigned {
    let Asked { gas, fees } = asked;
    Unsigned {
        transaction_id: job.id,
        attempt,
        nonce,
        gas_limit: gas.cast_signed(),
        max_fee_wei: U256::from(fees.max),
        max_priority_fee_wei: U256::from(fees.tip),
        legacy: fees.legacy,
        void: false,
        recipient: job.recipient,
        value_wei: job.value_wei,
        input: job.input.clone(),
        asked_approval: job.asked_approval,
        ordering_key: job.ordering_key.clone(),
    }
}

pub(crate) fn new_attempt(unsigned: &Unsigned) -> NewAttempt {
    NewAttempt {
        transaction_id: unsigned.transaction_id,
        attempt: unsigned.attempt,
        nonce: unsigned.nonce,
        gas_limit: unsigned.gas_limit,
        max_fee_wei: unsigned.max_fee_wei,
        max_priority_fee_wei: unsigned.max_priority_fee_wei,
        legacy: unsigned.legacy,
        void: unsigned.void,
    }
}

/// One answer per call: the failure of a whole batch is that of each.
pub(crate) fn spread<T>(
    answers: Result<Vec<Result<T, RpcError>>, RpcError>,
    count: usize,
) -> Vec<Result<T, RpcError>> {
    match answers {
        Ok(answers) => answers,
        Err(error) => (0..count).map(|_| Err(error.clone())).collect(),
    }
}
