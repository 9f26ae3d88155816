//! What is printed: a table for people, and one JSON object as the last line.

use crate::{
    ceiling::Ceiling,
    cpu::Cpu,
    mint::Protocol,
    node::BlockUse,
    quantile::{Quantiles, rounded},
    say,
    stages::Means,
};
use serde::Serialize;

/// The last line: the figures that have bars, and all runs.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    bench: &'static str,
    /// How mints were asked for.
    posted: &'static str,
    /// Of the run with two wallets, or the one that was chosen.
    accepted_ratio: Option<f64>,
    accepted_ratio_bar: f64,
    /// Of the run with one wallet, or the one that was chosen.
    confirmed_per_second: Option<f64>,
    confirmed_per_second_bar: f64,
    gas_per_mint: Option<u64>,
    /// Mints per second that a chain with 60 million gas every 12 s has room for.
    allowed_by_60m_gas_12s: Option<f64>,
    runs: Vec<Report>,
}

impl Summary {
    pub fn of(runs: Vec<Report>) -> Self {
        let confirmed = runs.last().map(|run| &run.mints);
        Self {
            bench: "mint",
            posted: "one POST per mint, each with an Idempotency-Key of its own",
            accepted_ratio: runs.first().map(|run| run.ratios.accepted_ratio),
            accepted_ratio_bar: 0.30,
            confirmed_per_second: confirmed.map(|mints| mints.confirmed_per_second),
            confirmed_per_second_bar: 1_000.0,
            gas_per_mint: confirmed.map(|mints| mints.chain.gas_per_mint),
            allowed_by_60m_gas_12s: confirmed.map(|mints| mints.chain.allowed_by_60m_gas_12s),
            runs,
        }
    }
}

#[derive(Clone, Debug, Serialize)]
pub struct Report {
    #[serde(flatten)]
    pub protocol: Protocol,
    #[serde(flatten)]
    pub ratios: Ratios,
    pub mints: Mints,
    /// Before and after the mints.
    pub ceiling: [Ceiling; 2],
    pub machine: Machine,
}

/// Parts of the higher one of the two ceilings.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Ratios {
    /// Accepted mints ÷ confirmed transfers, per second: the figure that has a bar.
    pub accepted_ratio: f64,
    pub accepted_to_accepted: f64,
    pub confirmed_to_confirmed: f64,
}

#[derive(Clone, Debug, Serialize)]
pub struct Mints {
    pub mints: usize,
    pub accepted_per_second: f64,
    /// From the first request to the last message on the stream.
    pub confirmed_per_second: f64,
    pub api: Quantiles,
    /// From the answer to the message that its transaction was handed to the node.
    pub to_submitted: Quantiles,
    /// From the answer to the message that it is on chain.
    pub to_stream: Quantiles,
    pub messages: usize,
    pub chain: Chain,
    pub cpu_seconds: Cpu,
    /// Of all parts together, the load generator too: on a busy machine this is what compares.
    pub cpu_ms_per_mint: f64,
    /// The server's own means.
    pub stage_means: Means,
    pub seconds: f64,
}

/// What the node mined meanwhile.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Chain {
    pub blocks: usize,
    pub transactions: usize,
    pub gas_used: u64,
    /// Of the gas limit, in the fullest block.
    pub fullest: f64,
    /// Mean of the blocks that had any.
    pub filled: f64,
    pub gas_per_mint: u64,
    pub allowed_by_60m_gas_12s: f64,
}

impl Chain {
    pub fn of(blocks: &[BlockUse], mints: usize) -> Self {
        let share = |block: &BlockUse| block.gas_used as f64 / block.gas_limit.max(1) as f64;
        let cents = |share: f64| (share * 100.0).round() / 100.0;
        let used: Vec<f64> = blocks.iter().map(share).filter(|share| *share > 0.0).collect();
        let gas_used: u64 = blocks.iter().map(|block| block.gas_used).sum();
        let gas_per_mint = gas_used as f64 / mints.max(1) as f64;
        Self {
            blocks: blocks.len(),
            transactions: blocks.iter().map(|block| block.transactions).sum(),
            gas_used,
            fullest: cents(used.iter().copied().fold(0.0, f64::max)),
            filled: cents(used.iter().sum::<f64>() / used.len().max(1) as f64),
            gas_per_mint: gas_per_mint.round() as u64,
            allowed_by_60m_gas_12s: rounded(60e6 / gas_per_mint.max(1.0) / 12.0),
        }
    }
}

#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    pub cores: usize,
    pub load_before: String,
    pub load_after: String,
    pub node: String,
    pub revision: String,
    pub started_in_s: f64,
}

/// Of 1, 5 and 15 minutes.
pub fn load_average() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

impl Report {
    pub fn print(&self) {
        let (mints, ratios, machine) = (&self.mints, &self.ratios, &self.machine);
        say(&format!("{:<32} {:>10} {:>10}", "per second", "accepted", "confirmed"));
        let rates = |name: &str, accepted: f64, confirmed: f64| {
            say(&format!("{name:<32} {accepted:>10.1} {confirmed:>10.1}"));
        };
        for (name, ceiling) in ["raw pushes before", "raw pushes after"].iter().zip(&self.ceiling) {
            rates(name, ceiling.accepted_per_second, ceiling.confirmed_per_second);
        }
        rates("mints", mints.accepted_per_second, mints.confirmed_per_second);
        say(&format!("\n{:<32} {:>10} {:>10} {:>10}", "milliseconds", "p50", "p99", "max"));
        for (name, times) in [
            ("request to answer", mints.api),
            ("answer to submitted", mints.to_submitted),
            ("answer to stream (on chain)", mints.to_stream),
        ] {
            let Quantiles { p50_ms, p99_ms, max_ms, .. } = times;
            say(&format!("{name:<32} {p50_ms:>10.1} {p99_ms:>10.1} {max_ms:>10.1}"));
        }
        say(&format!(
            "\naccepted mints are {:.2} of the confirmed raw pushes (bar 0.30), {:.2} of the \
             accepted ones;\nconfirmed mints are {:.2} of the confirmed raw pushes",
            ratios.accepted_ratio, ratios.accepted_to_accepted, ratios.confirmed_to_confirmed,
        ));
        let chain = mints.chain;
        say(&format!(
            "{} mints in {} transactions, {} blocks of {} gas, {:.0} % full in the mean, {:.0} % \
             at most; each on chain once",
            mints.mints,
            chain.transactions,
            chain.blocks,
            self.protocol.block_gas_limit,
            chain.filled * 100.0,
            chain.fullest * 100.0,
        ));
        say(&format!(
            "{} gas per mint: 60 million gas every 12 s have room for {:.1} mints per second",
            chain.gas_per_mint, chain.allowed_by_60m_gas_12s,
        ));
        say(&format!("means: {:?}", mints.stage_means.0));
        say(&format!(
            "processor seconds in {:.1} s: {:?}; {:.2} ms per mint in all",
            mints.seconds, mints.cpu_seconds.0, mints.cpu_ms_per_mint,
        ));
        say(&format!(
            "{}; {}; {} cores, load average {} before, {} after\n",
            machine.revision, machine.node, machine.cores, machine.load_before, machine.load_after,
        ));
    }
}
