//! What `bench tx` prints: a table for people, and one JSON object as the last line.

use super::{Options, Round, round::Measured};
use crate::{
    cpu::Cpu,
    quantile::{Quantiles, median, rounded},
    report::load_average,
    say,
};
use anyhow::Result;
use serde::Serialize;

#[derive(Clone, Debug, Serialize)]
pub struct Report {
    bench: &'static str,
    clients: u32,
    /// Of a round.
    transfers: u32,
    /// Transactions of one wallet that wait to be mined, at most.
    in_flight: u16,
    pub runs: Vec<Run>,
    bars: Option<Bars>,
    cores: usize,
    load_before: String,
    load_after: String,
    revision: String,
}

/// Rates and ratios are medians of the rounds, times are of all requests of all rounds.
#[derive(Clone, Debug, Serialize)]
pub struct Run {
    wallets: u32,
    /// None: each transaction is mined at once.
    block_time_s: Option<f64>,
    accepted_per_second: f64,
    /// By the handler that commits one row.
    bare_per_second: f64,
    accepted_to_bare: f64,
    /// From the first request until the last transfer is in a block.
    confirmed_per_second: f64,
    /// Raw pushes to the same node.
    ceiling_per_second: f64,
    confirmed_to_ceiling: f64,
    api: Quantiles,
    bare_api: Quantiles,
    /// Asked for at half the rate at which it accepts, whether answered or not.
    half_rate_api: Quantiles,
    rounds: Vec<Row>,
}

/// A round.
#[derive(Clone, Debug, Serialize)]
struct Row {
    accepted_per_second: f64,
    bare_per_second: f64,
    confirmed_per_second: f64,
    ceiling_per_second: f64,
    half_rate_p99_ms: f64,
    cpu_seconds: Cpu,
}

/// At ten wallets on blocks of a second.
#[derive(Clone, Debug, Serialize)]
struct Bars {
    /// Confirmed, of the raw pushes; bar 0.60.
    confirmed_to_ceiling: f64,
    /// Accepted, of the bare handler; bar 0.50.
    accepted_to_bare: f64,
    /// Of acceptance at half that rate, in milliseconds; bar 50.
    half_rate_p99_ms: f64,
    /// Confirmed with fifty wallets, of confirmed with ten; bar 1.
    fifty_to_ten: Option<f64>,
}

impl Run {
    pub fn new(wallets: u32, block_time_s: Option<f64>, rounds: Vec<Round>) -> Self {
        let of = |pick: fn(&Round) -> f64| median(rounds.iter().map(pick).collect());
        let times = |pick: fn(&Round) -> &Measured| {
            Quantiles::of(rounds.iter().flat_map(|round| pick(round).took.clone()).collect())
        };
        Self {
            wallets,
            block_time_s,
            accepted_per_second: rounded(of(|r| r.engine.accepted.accepted_per_second)),
            bare_per_second: rounded(of(|r| r.bare.accepted_per_second)),
            accepted_to_bare: thousandths(of(Round::accepted_to_bare)),
            confirmed_per_second: rounded(of(|r| r.engine.confirmed_per_second)),
            ceiling_per_second: rounded(of(|r| r.ceiling.confirmed_per_second)),
            confirmed_to_ceiling: thousandths(of(Round::confirmed_to_ceiling)),
            api: times(|r| &r.engine.accepted),
            bare_api: times(|r| &r.bare),
            half_rate_api: times(|r| &r.half.accepted),
            rounds: rounds.iter().map(Row::of).collect(),
        }
    }
}

impl Row {
    fn of(round: &Round) -> Self {
        Self {
            accepted_per_second: rounded(round.engine.accepted.accepted_per_second),
            bare_per_second: rounded(round.bare.accepted_per_second),
            confirmed_per_second: rounded(round.engine.confirmed_per_second),
            ceiling_per_second: rounded(round.ceiling.confirmed_per_second),
            half_rate_p99_ms: Quantiles::of(round.half.accepted.took.clone()).p99_ms,
            cpu_seconds: round.cpu.clone(),
        }
    }
}

fn thousandths(ratio: f64) -> f64 {
    (ratio * 1e3).round() / 1e3
}

impl Report {
    pub fn new(options: &Options) -> Self {
        Self {
            bench: "tx",
            clients: options.clients,
            transfers: options.transfers,
            in_flight: options.in_flight,
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
        let to_ten = |fifty: &Run| fifty.confirmed_per_second / ten.confirmed_per_second.max(0.1);
        Some(Bars {
            confirmed_to_ceiling: ten.confirmed_to_ceiling,
            accepted_to_bare: ten.accepted_to_bare,
            half_rate_p99_ms: ten.half_rate_api.p99_ms,
            fifty_to_ten: at(50).map(|fifty| thousandths(to_ten(fifty))),
        })
    }

    fn table(&self) {
        say(&format!(
            "{:<8} {:>7} {:>10} {:>8} {:>6} {:>7} {:>7} {:>10} {:>8} {:>6} {:>14}",
            "blocks",
            "wallets",
            "accepted/s",
            "bare",
            "ratio",
            "p50 ms",
            "p99 ms",
            "confirmed",
            "ceiling",
            "ratio",
            "p99 half rate"
        ));
        for run in &self.runs {
            let blocks = run.block_time_s.map_or("at once".to_owned(), |time| format!("{time} s"));
            say(&format!(
                "{blocks:<8} {:>7} {:>10.1} {:>8.1} {:>6.2} {:>7.1} {:>7.1} {:>10.1} {:>8.1} \
                 {:>6.2} {:>14.1}",
                run.wallets,
                run.accepted_per_second,
                run.bare_per_second,
                run.accepted_to_bare,
                run.api.p50_ms,
                run.api.p99_ms,
                run.confirmed_per_second,
                run.ceiling_per_second,
                run.confirmed_to_ceiling,
                run.half_rate_api.p99_ms,
            ));
        }
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
