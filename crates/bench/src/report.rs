//! What is printed: a table for people, and one JSON object as the last line.

use crate::{ceiling::Ceiling, cpu::Cpu, node::BlockUse, quantile::Quantiles, say, stages::Means};
use anyhow::Result;
use serde::Serialize;

#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub bench: &'static str,
    pub clients: usize,
    pub wallets: u32,
    pub block_time_s: f64,
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
    pub bar: f64,
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
}

impl Chain {
    pub fn of(blocks: &[BlockUse]) -> Self {
        let share = |block: &BlockUse| block.gas_used as f64 / block.gas_limit.max(1) as f64;
        Self {
            blocks: blocks.len(),
            transactions: blocks.iter().map(|block| block.transactions).sum(),
            gas_used: blocks.iter().map(|block| block.gas_used).sum(),
            fullest: (blocks.iter().map(share).fold(0.0, f64::max) * 100.0).round() / 100.0,
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
    pub fn print(&self, json_only: bool) -> Result<()> {
        if !json_only {
            self.table();
        }
        say(&serde_json::to_string(self)?);
        Ok(())
    }

    fn table(&self) {
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
            "\naccepted mints are {:.2} of the confirmed raw pushes (bar {:.2}), {:.2} of the \
             accepted ones;\nconfirmed mints are {:.2} of the confirmed raw pushes",
            ratios.accepted_ratio,
            ratios.bar,
            ratios.accepted_to_accepted,
            ratios.confirmed_to_confirmed,
        ));
        let chain = mints.chain;
        say(&format!(
            "{} mints in {} transactions, {} blocks, fullest block {:.0} %; each on chain once",
            mints.mints,
            chain.transactions,
            chain.blocks,
            chain.fullest * 100.0,
        ));
        say(&format!("means: {:?}", mints.stage_means.0));
        say(&format!("processor seconds in {:.1} s: {:?}", mints.seconds, mints.cpu_seconds.0));
        say(&format!(
            "{}; {}; {} cores, load average {} before, {} after\n",
            machine.revision, machine.node, machine.cores, machine.load_before, machine.load_after,
        ));
    }
}
