//! What a wallet can pay for. See `pause` for what becomes of a lane whose wallet can't.

use crate::{
    fees::{self, Fees, Market},
    lane::Lane,
    take::Priced,
};
use chain::RpcError;
use std::time::Duration;
use tokio::time::Instant;
use vocab::{U256, Urgency};

/// A paused lane tries one claim after so long even if nothing has changed: the job that was too
/// dear may be gone, or a cheaper one have come, or the node that said so may have lied. Twice as
/// long after each try in vain, up to the longest.
const PROBE_FIRST: Duration = Duration::from_secs(1);
const PROBE_MAX: Duration = Duration::from_secs(15);

/// A wallet that could not pay.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Poor {
    /// What it had then.
    pub balance: U256,
    /// What the cheapest needs of those that it could not pay for; not known when a node said it.
    pub needs: Option<Needs>,
    /// When a claim was last tried in spite of it.
    pub probed: Option<Instant>,
    /// How many were, in vain.
    pub probes: u32,
}

/// What a transaction needs of its wallet, by the price of the moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Needs {
    pub gas: u64,
    pub value: U256,
    pub urgency: Urgency,
}

impl Poor {
    /// Does a wallet with this balance stay poor? Until it can pay what was needed, at today's
    /// price; if that is not known, until it has more than it had.
    pub fn stays(&self, balance: U256, market: &Market) -> bool {
        match self.needs {
            None => balance <= self.balance,
            Some(needs) => fees::offer(market, needs.urgency, u128::MAX)
                .is_none_or(|fees| cost(needs.gas, fees, needs.value) > balance),
        }
    }

    /// May a claim be tried all the same?
    pub fn may_probe(&self) -> bool {
        self.probed.is_none_or(|at| at.elapsed() >= probe_after(self.probes))
    }
}

fn probe_after(probes: u32) -> Duration {
    let doublings = probes.saturating_sub(1).min(16);
    (PROBE_FIRST * (1 << doublings)).min(PROBE_MAX)
}

/// The most that a transaction can cost its wallet, in wei.
pub(crate) fn cost(gas: u64, fees: Fees, value: U256) -> U256 {
    (U256::from(gas) * U256::from(fees.max)).saturating_add(value)
}

/// Set those aside that the balance does not cover, and give what the cheapest of them needs. What
/// is in flight is not counted: nodes refuse for certain what it leaves no room for, and take it
/// when some of it is mined for less than its most.
fn set_aside(priced: &mut Priced, balance: U256) -> Option<Needs> {
    let mut left = balance;
    let mut least: Option<(U256, Needs)> = None;
    let mut good = Vec::with_capacity(priced.good.len());
    for (job, asked) in priced.good.drain(..) {
        let cost = cost(asked.gas, asked.fees, job.value_wei);
        if cost <= left {
            left -= cost;
            good.push((job, asked));
            continue;
        }
        if least.is_none_or(|(least, _)| cost < least) {
            let urgency = fees::Terms::stored(&job.urgency, None).urgency;
            least = Some((cost, Needs { gas: asked.gas, value: job.value_wei, urgency }));
        }
        priced.unclear.push(job);
    }
    priced.good = good;
    least.map(|(_, needs)| needs)
}

impl Lane {
    /// After a claim: what the balance does not cover stays queued, without a nonce. If nothing is
    /// left the lane pauses; if something is, it goes on.
    pub fn settle_funds(&mut self, priced: &mut Priced, balance: Result<U256, RpcError>) {
        let balance = match balance {
            Ok(balance) => balance,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "no balance now");
                return;
            }
        };
        let needs = set_aside(priced, balance);
        let probed = Some(Instant::now());
        let probes = self.poor.map_or(0, |poor| poor.probes).saturating_add(1);
        if !priced.good.is_empty() {
            self.poor = None;
        } else if needs.is_some() {
            self.poor = Some(Poor { balance, needs, probed, probes });
        } else if let Some(poor) = &mut self.poor {
            (poor.probed, poor.probes) = (probed, probes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wallet_stays_poor_until_balance_or_price_let_it_pay() {
        let wei = U256::from::<u64>;
        let market = |base| Market { base: Some(base), tips: [1; 4] };
        let needs = Needs { gas: 100, value: wei(5), urgency: Urgency::Normal };
        let known = Poor { balance: wei(1_000), needs: Some(needs), probed: None, probes: 0 };
        // 100 gas at twice the base fee and the tip, and the value.
        assert!(known.stays(wei(2_104), &market(10)));
        assert!(!known.stays(wei(2_105), &market(10)));
        assert!(known.stays(wei(1_000), &market(5)));
        assert!(!known.stays(wei(1_000), &market(4)));
        let said = Poor { needs: None, ..known };
        assert!(said.stays(wei(1_000), &market(0)) && !said.stays(wei(1_001), &market(99)));
    }

    #[test]
    fn claims_are_tried_soon_and_then_seldom() {
        let seconds: Vec<u64> = (0..7).map(|probes| probe_after(probes).as_secs()).collect();
        assert_eq!(seconds, [1, 1, 2, 4, 8, 15, 15]);
        assert_eq!(probe_after(u32::MAX), PROBE_MAX);
    }
}
