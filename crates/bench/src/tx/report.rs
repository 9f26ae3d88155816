//! What `bench tx` prints: a table for people, and one JSON object as the last line.

use super::{Ceiling, Options};
use crate::{cpu::Cpu, quantile::Quantiles, report::load_average, say};
use anyhow::Result;
use serde::Serialize;

#[derive(Clone, Debug, Serialize)]
pub struct Report {
    bench: &'static str,
    clients: u32,
    transfers: u32,
    /// Transactions of one wallet that wait to be mined, at most.
    in_flight: u16,
    pub bare: Bare,
    pub runs: Vec<Run>,
    bars: Option<Bars>,
    cores: usize,
    load_before: String,
    load_after: String,
    revision: String,
}

/// The handler that commits one row.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Bare {
    pub accepted_per_second: f64,
    pub api: Quantiles,
}

#[derive(Clone, Debug, Serialize)]
pub struct Run {
    pub wallets: u32,
    /// None: each transaction is mined at once.
    pub block_time_s: Option<f64>,
    pub accepted_per_second: f64,
    /// From the first request until the last transfer is in a block.
    pub confirmed_per_second: f64,
    pub api: Quantiles,
    pub half_rate: HalfRate,
    /// Raw pushes to the same node, before and after.
    pub ceiling: [Ceiling; 2],
    pub cpu_seconds: Cpu,
}

/// Asked for at half the rate at which it accepts, whether answered or not.
#[derive(Clone, Debug, Serialize)]
pub struct HalfRate {
    pub rate: f64,
    pub api: Quantiles,
}

/// At ten wallets on blocks of a second.
#[derive(Clone, Debug, Serialize)]
struct Bars {
    /// Confirmed, of the raw pushes (of the higher one of the two); bar 0.60.
    confirmed_to_ceiling: f64,
    /// Accepted, of the bare handler; bar 0.50.
    accepted_to_bare: f64,
    /// Of acceptance at half that rate, in milliseconds; bar 50.
    half_rate_p99_ms: f64,
    /// Confirmed with fifty wallets, of confirmed with ten; bar 1.
    fifty_to_ten: Option<f64>,
}

impl Run {
    fn ceiling(&self) -> f64 {
        self.ceiling.iter().map(|ceiling| ceiling.confirmed_per_second).fold(1.0, f64::max)
    }
}

impl Report {
    pub fn new(options: &Options) -> Self {
        Self {
            bench: "tx",
            clients: options.clients,
            transfers: options.transfers,
            in_flight: options.in_flight,
            bare: Bare::default(),
            runs: Vec::new(),
            bars: None,
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            load_before: load_average(),
            load_after: String::new(),
            revision: options.subject.revision.clone(),
        }
    }

    pub fn print(mut self, json_only: bool) -> Result<()> {
        self.load_after = load_average();
        self.bars = self.bars();
        if !json_only {
            self.table();
        }
        say(&serde_json::to_string(&self)?);
        Ok(())
    }

    fn bars(&self) -> Option<Bars> {
        let at = |wallets| {
            self.runs.iter().find(|run| run.wallets == wallets && run.block_time_s == Some(1.0))
        };
        let ten = at(10)?;
        let ratio = |part: f64, whole: f64| (part / whole.max(0.1) * 1e3).round() / 1e3;
        Some(Bars {
            confirmed_to_ceiling: ratio(ten.confirmed_per_second, ten.ceiling()),
            accepted_to_bare: ratio(ten.accepted_per_second, self.bare.accepted_per_second),
            half_rate_p99_ms: ten.half_rate.api.p99_ms,
            fifty_to_ten: at(50)
                .map(|fifty| ratio(fifty.confirmed_per_second, ten.confirmed_per_second)),
        })
    }

    fn table(&self) {
        say(&format!(
            "{:<8} {:>7} {:>10} {:>8} {:>8} {:>8} {:>10} {:>10} {:>8} {:>14}",
            "blocks",
            "wallets",
            "accepted/s",
            "p50 ms",
            "p95 ms",
            "p99 ms",
            "confirmed",
            "ceiling",
            "ratio",
            "p99 half rate"
        ));
        for run in &self.runs {
            let blocks = run.block_time_s.map_or("at once".to_owned(), |time| format!("{time} s"));
            let Quantiles { p50_ms, p95_ms, p99_ms, .. } = run.api;
            say(&format!(
                "{blocks:<8} {:>7} {:>10.1} {p50_ms:>8.1} {p95_ms:>8.1} {p99_ms:>8.1} {:>10.1} \
                 {:>10.1} {:>8.2} {:>14.1}",
                run.wallets,
                run.accepted_per_second,
                run.confirmed_per_second,
                run.ceiling(),
                run.confirmed_per_second / run.ceiling(),
                run.half_rate.api.p99_ms,
            ));
        }
        let bare = &self.bare;
        say(&format!(
            "a handler that commits one row: {:.1}/s, p50 {:.1} ms, p99 {:.1} ms",
            bare.accepted_per_second, bare.api.p50_ms, bare.api.p99_ms
        ));
        if let Some(bars) = &self.bars {
            say(&format!(
                "at ten wallets and 1 s: confirmed {:.2} of the ceiling (bar 0.60), accepted \
                 {:.2} of the bare handler (bar 0.50), p99 at half rate {:.1} ms (bar 50), fifty \
                 wallets {:.2} of ten (bar 1)",
                bars.confirmed_to_ceiling,
                bars.accepted_to_bare,
                bars.half_rate_p99_ms,
                bars.fifty_to_ten.unwrap_or_default(),
            ));
        }
        say(&format!(
            "{}; {} in flight per wallet at most; {} cores, load average {} before, {} after\n",
            self.revision, self.in_flight, self.cores, self.load_before, self.load_after
        ));
    }
}
