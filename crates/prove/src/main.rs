//! `prove`: the long proofs, from the command line. `cargo xtask prove` builds the server and runs
//! it. The last line printed is one JSON object; the exit code is 1 when something did not hold.

use anyhow::{Result, bail};
use clap::{Parser, Subcommand};
use prove::{Report, faults, kills, reorgs};
use std::{io::Write, process::ExitCode};

/// Prove that what was accepted takes effect once.
#[derive(Parser, Debug)]
#[command(name = "prove")]
struct Cli {
    #[command(subcommand)]
    proof: Proof,
    /// Run for so many seeds, from `--seed` on.
    #[arg(long, global = true, default_value_t = 1)]
    seeds: u64,
}

#[derive(Subcommand, Debug)]
enum Proof {
    /// Kill -9 at random times and at failpoints.
    Tx(kills::Options),
    /// Blocks taken back, once and repeatedly.
    Reorg(reorgs::Options),
    /// A node that errs, lies and hangs.
    Rpc(faults::Options),
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "prove: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut failed = 0;
    for seed in 0..cli.seeds {
        let report = runtime.block_on(prove(&cli.proof, seed))?;
        failed += u64::from(!report.holds());
        let _ = writeln!(std::io::stdout(), "{}", serde_json::to_string(&report)?);
    }
    if failed > 0 {
        bail!("{failed} of {} runs did not hold", cli.seeds);
    }
    Ok(())
}

async fn prove(proof: &Proof, seed: u64) -> Result<Report> {
    match proof {
        Proof::Tx(options) => {
            let mut options = options.clone();
            options.parts.seed += seed;
            kills::run(&options).await
        }
        Proof::Reorg(options) => {
            let mut options = options.clone();
            options.parts.seed += seed;
            reorgs::run(&options).await
        }
        Proof::Rpc(options) => {
            let mut options = options.clone();
            options.parts.seed += seed;
            faults::run(&options).await
        }
    }
}
