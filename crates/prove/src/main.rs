//! `prove`: the long proofs, from the command line. `cargo xtask prove` builds the server and runs
//! it. The last line printed is one JSON object; the exit code is 1 when something did not hold.

mod kept;

use anyhow::{Context, Result, bail};
use clap::{Args, Parser, Subcommand};
use kept::Kept;
use prove::{Found, NodeBroke, Report, faults, kills, reorgs};
use std::{io::Write, path::PathBuf, process::ExitCode};

/// Prove that what was accepted takes effect once.
#[derive(Parser, Debug)]
#[command(name = "prove")]
struct Cli {
    #[command(subcommand)]
    proof: Proof,
    #[command(flatten)]
    series: Series,
}

#[derive(Args, Clone, Debug)]
struct Series {
    /// Run for so many seeds, from `--seed` on.
    #[arg(long, global = true, default_value_t = 1)]
    seeds: u64,
    /// Keep what each run found in this file, and leave out the runs that it has.
    #[arg(long, global = true, value_name = "FILE")]
    resume: Option<PathBuf>,
}

#[derive(Subcommand, Clone, Debug)]
enum Proof {
    /// Kill -9 at random times and at failpoints. More than 50 kills are split into runs of 50,
    /// each with the next seed and a fresh node.
    Tx(kills::Options),
    /// Blocks taken back, once and repeatedly, under load; or storms over the index.
    Reorg(reorgs::Options),
    /// A node that errs, lies and hangs.
    Rpc(faults::Options),
    /// The names of the faults of `rpc`.
    Faults,
}

const KILLS_MAX: u64 = 50;
const STORMS_MAX: u64 = 50;
/// How often a run is done again because its node broke.
const VOID_MAX: u64 = 2;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "prove: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

fn run() -> Result<()> {
    let Cli { proof, series } = Cli::parse();
    if matches!(proof, Proof::Faults) {
        faults::names().for_each(say);
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut kept = Kept::open(series.resume.as_deref())?;
    let (first, mut sum, mut count) = (proof.seed(), Found::default(), 0);
    for one in proof.runs(series.seeds) {
        let found = match kept.find(&one.name()) {
            Some(found) => found,
            None => {
                say(&one.name());
                let found = judged(&runtime, &one).with_context(|| one.name())?;
                kept.add(&one.name(), &found)?;
                found
            }
        };
        sum.add(found);
        count += 1;
    }
    let holds = sum.holds();
    say(&serde_json::to_string(&Report::new(proof.words(), first, count, sum))?);
    if !holds {
        bail!("it does not hold");
    }
    Ok(())
}

/// A run that has a judge: one whose node broke is done again.
fn judged(runtime: &tokio::runtime::Runtime, one: &Proof) -> Result<Found> {
    let mut void = 0;
    loop {
        match runtime.block_on(one.prove()) {
            Ok(found) => return Ok(Found { void, ..found }),
            Err(error) if error.is::<NodeBroke>() && void < VOID_MAX => {
                say(&format!("once more: {error}"));
                void += 1;
            }
            Err(error) => return Err(error),
        }
    }
}

impl Proof {
    fn seed(&self) -> u64 {
        match self {
            Self::Tx(options) => options.parts.seed,
            Self::Reorg(options) => options.parts.seed,
            Self::Rpc(options) => options.parts.seed,
            Self::Faults => 0,
        }
    }

    fn words(&self) -> (&'static str, &'static str) {
        match self {
            Self::Tx(_) => ("tx", "kills"),
            Self::Reorg(options) if options.storms > 0 => ("reorg", "storms"),
            Self::Reorg(_) => ("reorg", "reorgs"),
            Self::Rpc(_) | Self::Faults => ("rpc", "faults"),
        }
    }

    /// Identifies a run: what it does and from which seed.
    fn name(&self) -> String {
        let what = match self {
            Self::Tx(options) => format!("{} kills", options.kills),
            Self::Reorg(options) if options.storms > 0 => {
                format!("{} storms to depth {}", options.storms, options.depth)
            }
            Self::Reorg(options) => format!("{} to depth {}", options.reorgs, options.depth),
            Self::Rpc(options) => format!("{} endpoints", options.endpoints),
            Self::Faults => String::new(),
        };
        format!("{} seed {}: {what}", self.words().0, self.seed())
    }

    /// The single runs.
    fn runs(&self, seeds: u64) -> Vec<Self> {
        let mut runs = Vec::new();
        let first = self.seed();
        let mut proof = self.clone();
        match &mut proof {
            Self::Tx(options) => {
                for part in parts(options.kills, KILLS_MAX, seeds) {
                    options.kills = part;
                    runs.push(Self::Tx(options.clone()));
                    options.parts.seed += 1;
                }
            }
            Self::Reorg(options) if options.storms > 0 => {
                for part in parts(options.storms, STORMS_MAX, seeds) {
                    options.storms = part;
                    runs.push(Self::Reorg(options.clone()));
                    options.parts.seed += 1;
                }
            }
            Self::Reorg(options) => {
                for seed in first..first + seeds {
                    options.parts.seed = seed;
                    runs.push(Self::Reorg(options.clone()));
                }
            }
            Self::Rpc(options) => {
                for seed in first..first + seeds {
                    options.parts.seed = seed;
                    runs.push(Self::Rpc(options.clone()));
                }
            }
            Self::Faults => {}
        }
        runs
    }

    async fn prove(&self) -> Result<Found> {
        match self {
            Self::Tx(options) => kills::run(options).await,
            Self::Reorg(options) => reorgs::run(options).await,
            Self::Rpc(options) => faults::run(options).await,
            Self::Faults => Ok(Found::default()),
        }
    }
}

/// `all` in parts of at most `most`, as often as there are seeds.
fn parts(all: u64, most: u64, seeds: u64) -> Vec<u64> {
    let rest = all % most;
    let full = (0..all / most).map(|_| most);
    let once: Vec<u64> = full.chain((rest > 0).then_some(rest)).collect();
    (0..seeds).flat_map(|_| once.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_kills_are_split_and_each_run_has_its_seed() {
        let words = ["prove", "tx", "--stoa", "x", "--kills", "120", "--seed", "7"];
        let proof = Cli::parse_from(words).proof;
        let names: Vec<String> = proof.runs(1).iter().map(Proof::name).collect();
        assert_eq!(names, ["tx seed 7: 50 kills", "tx seed 8: 50 kills", "tx seed 9: 20 kills"]);
        let words = ["prove", "reorg", "--stoa", "x", "--storms", "60", "--depth", "64"];
        let proof = Cli::parse_from(words).proof;
        let names: Vec<String> = proof.runs(2).iter().map(Proof::name).collect();
        let storms = |seed, count| format!("reorg seed {seed}: {count} storms to depth 64");
        assert_eq!(names, [storms(1, 50), storms(2, 10), storms(3, 50), storms(4, 10)]);
        let words = ["prove", "rpc", "--stoa", "x", "--seed", "3"];
        let proof = Cli::parse_from(words).proof;
        assert_eq!(proof.runs(2).len(), 2);
    }
}
