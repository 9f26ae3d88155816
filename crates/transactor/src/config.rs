//! What a transactor is made of.

use crate::{
    ErrorNames, Nudge, Outcomes,
    fees::{Caps, GAS_MIN, Terms},
};
use chain::Chain;
use db::Db;
use std::{fmt, num::NonZero, sync::Arc, thread::available_parallelism, time::Duration};
use vocab::U256;

/// Gas that one transaction may ask for (EIP-7825).
pub(crate) const TX_GAS_MAX: u64 = 1 << 24;

/// Everything that [`crate::run`] needs. One per chain.
pub struct Config {
    /// The primary. Each lane takes one connection at a time.
    pub db: Db,
    pub chain: Chain,
    pub signer: signer::Client,
    /// Told of each change of state, inside its transaction.
    pub outcomes: Arc<dyn Outcomes>,
    pub nudge: Nudge,
    pub roles: Vec<Role>,
    pub error_names: ErrorNames,
    pub options: Options,
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("chain", &self.chain)
            .field("roles", &self.roles)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// A pool of wallets. Their keys are made by the signer when missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// Name in the signer's policy and in `transactions.role`.
    pub name: String,
    pub wallets: u32,
    /// Most transactions of one wallet that wait to be mined: 1 to 256.
    pub in_flight_max: u16,
    /// Where its wallets get money from when they run low; none: from nowhere.
    pub top_up: Option<TopUp>,
}

/// Refills wallets by transfers from another role's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopUp {
    /// The role that pays.
    pub treasury: String,
    /// A wallet with less than this gets `amount_wei`, at most once a minute.
    pub below_wei: U256,
    pub amount_wei: U256,
}

impl Role {
    /// With the default window of 16.
    #[must_use]
    pub fn new(name: impl Into<String>, wallets: u32) -> Self {
        Self { name: name.into(), wallets, in_flight_max: 16, top_up: None }
    }
}

/// Limits and times.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long a dead worker's lanes stay without one.
    pub lease: Duration,
    /// How long a lost nudge can delay a job.
    pub tick: Duration,
    /// Database connections that all lanes of a chain share; 0: one for two processors, 2 to 8.
    /// Few, because what lanes do there is bounded by processors: many at once wait for each
    /// other's locks and end together and late, and requests that wait for an answer find all
    /// processors taken. No lane holds two.
    pub lane_connections: u32,
    /// No transaction ever offers more than this, wei per gas. While the market is above, jobs
    /// wait.
    pub fee_cap_wei: u128,
    /// Most that the gas of one transaction may cost, in wei altogether.
    pub gas_cost_max_wei: u128,
    /// Up to this a replacement may cost what it must; above, at most five times the market. Wei
    /// per gas.
    pub bump_free_wei: u128,
    /// Least priority fee, wei per gas; on a chain without base fee the least price.
    pub tip_min_wei: u128,
    /// Most gas of a void: the signer's `void_gas_limit_max`.
    pub void_gas_max: u64,
    /// Unmined bytes are handed over again after so many block times.
    pub resend_blocks: u32,
    /// The lowest unmined nonce is priced anew after so many block times, when its offer falls
    /// short of the market.
    pub bump_blocks: u32,
    /// Pause before a refused or lost hand-over is repeated, and before a job whose simulation met
    /// trouble is looked at again.
    pub retry: Duration,
    /// So many failures of one kind in a row pause that kind; then one job at a time probes. 0:
    /// never.
    pub kind_failures_max: u32,
    /// How long a kind is paused at first; doubled each time the probe fails too, up to a minute.
    pub kind_pause: Duration,
    /// What is done wrongly on purpose; none: nothing.
    #[cfg(feature = "planted-faults")]
    pub planted: Option<crate::Fault>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(10),
            tick: Duration::from_millis(100),
            lane_connections: 0,
            fee_cap_wei: 500_000_000_000,
            gas_cost_max_wei: 10_000_000_000_000_000_000,
            bump_free_wei: 100_000_000_000,
            tip_min_wei: 1,
            void_gas_max: GAS_MIN,
            resend_blocks: 3,
            bump_blocks: 3,
            retry: Duration::from_secs(1),
            kind_failures_max: 50,
            kind_pause: Duration::from_secs(2),
            #[cfg(feature = "planted-faults")]
            planted: None,
        }
    }
}

impl Options {
    pub(crate) fn lane_connections(&self) -> u32 {
        let processors = || available_parallelism().map_or(1, NonZero::get);
        match self.lane_connections {
            0 => u32::try_from(processors() / 2).unwrap_or(u32::MAX).clamp(2, 8),
            fixed => fixed,
        }
    }

    /// The limits of a job's offers.
    pub(crate) fn caps(&self, terms: Terms) -> Caps {
        Caps { job: terms.cap, chain: self.fee_cap_wei, total_wei: self.gas_cost_max_wei }
    }
}
