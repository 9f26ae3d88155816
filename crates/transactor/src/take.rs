//! Taking queued jobs: claim, simulate, price, reserve; then sign and send.

use crate::{
    Reason,
    config::TX_GAS_MAX,
    failpoint::hit,
    lane::{Lane, LaneError},
    ledger,
    moves::{self, Move},
    price,
    price::Fees,
    pulse::Pulse,
};
use alloy_primitives::Address;
use chain::{CallRequest, RpcError};
use db::{
    DbError,
    attempts::{self, NewAttempt, Unsigned},
    nonces,
    transactions::{self, ClaimFilter, Ready},
};
use std::collections::HashMap;
use tokio::time::Instant;
use uuid::Uuid;
use vocab::{JobStatus, U256};

/// How long other lanes leave claimed jobs alone: so long do jobs wait whose lane died meanwhile.
/// When a simulation takes longer, another lane may work in vain.
const CLAIM_SECONDS: f64 = 3.0;
/// Calls in one request to a node.
pub(crate) const CALLS_MAX: usize = 100;

/// What the simulation of claimed jobs found.
#[derive(Default)]
struct Simulated {
    /// With their gas limits.
    good: Vec<(Ready, u64)>,
    bad: Vec<(Ready, Reason)>,
    /// Neither: the node did not tell, or the wallet lacks money. They stay queued.
    unclear: Vec<Uuid>,
}

impl Lane {
    /// Take as many jobs as there is room for. True when the queue may hold more for us.
    pub async fn take(&mut self, pulse: Pulse) -> Result<bool, LaneError> {
        let window = usize::try_from(self.wallet.in_flight_max).unwrap_or(1);
        let room = window.saturating_sub(self.in_flight);
        if room == 0 || self.blocked {
            return Ok(false);
        }
        let Some(fees) = price::price(pulse.base_fee, pulse.tip, self.options().fee_cap_wei) else {
            metrics::counter!("transactor_price_above_cap_total").increment(1);
            return Ok(false);
        };
        let ready = self.claim(room).await?;
        if ready.is_empty() {
            return Ok(false);
        }
        let claimed = ready.len();
        hit("after_claim");
        let simulated = self.simulate(ready).await;
        hit("after_simulate");
        let started = Instant::now();
        let unsigned = self.reserve(simulated, fees).await?;
        hit("after_reserve");
        let signed = self.sign(unsigned).await?;
        self.hand_over(&signed, &HashMap::new()).await?;
        metrics::histogram!("transactor_stage_seconds", "stage" => "reserved_to_sent")
            .record(started.elapsed().as_secs_f64());
        Ok(claimed == room)
    }

    async fn claim(&self, room: usize) -> Result<Vec<Ready>, LaneError> {
        let filter = ClaimFilter {
            chain_id: self.context.chain_id(),
            role: &self.wallet.role,
            wallet: self.address(),
            limit: i64::try_from(room.min(CALLS_MAX)).unwrap_or(1),
            seconds: CLAIM_SECONDS,
        };
        // Under the lease too: a lane that lost it must not keep jobs from its successor.
        let mut transaction = self.begin().await?;
        let ready = transactions::claim_ready(&mut transaction, filter).await?;
        transaction.commit().await.map_err(DbError::from)?;
        Ok(ready)
    }

    /// Run each job at the head. An estimate runs it too, so that only jobs which bring their gas
    /// limit are called.
    async fn simulate(&self, ready: Vec<Ready>) -> Simulated {
        let endpoint = self.context.config.chain.endpoint();
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
            self.judge(&mut found, job, answer.map(|gas| price::gas_limit(gas.to())));
        }
        found.good.sort_by_key(|(job, _)| (std::cmp::Reverse(job.priority), job.id));
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

    fn judge(&self, found: &mut Simulated, job: Ready, answer: Result<Option<u64>, RpcError>) {
        match answer {
            Ok(Some(gas)) => found.good.push((job, gas)),
            Ok(None) => {
                let reason = Reason::new("gas_above_limit", format!("more than {TX_GAS_MAX} gas"));
                found.bad.push((job, reason));
            }
            Err(error) => match self.context.config.error_names.of_call(&error) {
                Some(reason) => found.bad.push((job, reason)),
                None => {
                    tracing::warn!(transaction.id = %job.id,
                        error = &error as &dyn std::error::Error, "not simulated");
                    found.unclear.push(job.id);
                }
            },
        }
    }

    /// One commit: nonces, attempts, states, facts and what the product makes of them.
    async fn reserve(
        &mut self,
        simulated: Simulated,
        fees: Fees,
    ) -> Result<Vec<Unsigned>, LaneError> {
        let Simulated { mut good, bad, unclear } = simulated;
        if !unclear.is_empty() {
            let mut connection = self.db().acquire().await.map_err(DbError::from)?;
            let pause = self.options().retry.as_secs_f64();
            transactions::postpone(&mut connection, &unclear, pause).await?;
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
        let ids: Vec<Uuid> = good.iter().map(|(job, _)| job.id).collect();
        let queued = transactions::lock_queued(&mut transaction, &ids).await?;
        good.retain(|(job, _)| queued.contains(&job.id));
        let ids: Vec<Uuid> = good.iter().map(|(job, _)| job.id).collect();
        let last = nonces::load_last(&mut transaction, chain, address).await?;
        let range = ledger::next(last.map(i64::cast_unsigned), self.on_chain, ids.len() as u64);
        let numbers: Vec<i64> = range.map(u64::cast_signed).collect();
        let tried: HashMap<Uuid, i16> =
            attempts::load_numbers(&mut transaction, &ids).await?.into_iter().collect();
        let unsigned: Vec<Unsigned> = good
            .iter()
            .zip(&numbers)
            .map(|((job, gas), nonce)| {
                let attempt = tried.get(&job.id).copied().unwrap_or(0).saturating_add(1);
                first_attempt(job, attempt, *nonce, *gas, fees)
            })
            .collect();
        let moves: Vec<Move> = good.iter().map(|(job, _)| reserved(job)).collect();
        let told = self.context.told();
        moves::record_reserved(told, &mut transaction, address, &moves, &numbers).await?;
        let new: Vec<NewAttempt> = unsigned.iter().map(new_attempt).collect();
        attempts::record_new(&mut transaction, chain, address, &new).await?;
        hit("before_reserve");
        transaction.commit().await.map_err(DbError::from)?;
        self.in_flight += unsigned.len();
        for (job, _) in &good {
            metrics::histogram!("transactor_stage_seconds", "stage" => "queued_to_reserved")
                .record(job.age);
        }
        Ok(unsigned)
    }
}

fn reserved(job: &Ready) -> Move {
    Move {
        request_id: job.request_id.clone(),
        ..Move::new(job.id, &job.kind, JobStatus::Queued, JobStatus::Reserved)
    }
}

fn first_attempt(job: &Ready, attempt: i16, nonce: i64, gas: u64, fees: Fees) -> Unsigned {
    Unsigned {
        transaction_id: job.id,
        attempt,
        nonce,
        gas_limit: gas.cast_signed(),
        max_fee_wei: U256::from(fees.max),
        max_priority_fee_wei: U256::from(fees.tip),
        void: false,
        recipient: job.recipient,
        value_wei: job.value_wei,
        input: job.input.clone(),
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
