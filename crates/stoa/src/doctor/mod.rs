//! `stoa doctor`: whether everything that a server depends on is as it should be, and what to do
//! where it is not.
//!
//! ```text
//! configuration ─► machine ─┐
//!                  database ─┤ at once, each within its time
//!                  redis ────┤
//!                  signer ───┤
//!                  chains ───┘─► wallets (of the database, in the signer, on the chains)
//! ```
//! Nothing is changed but for a file in the content store, which is removed again. No finding holds
//! a secret: of addresses only the host is told.

mod chains;
mod database;
mod machine;
mod redis;
mod report;
mod signer;
mod wallets;

use crate::{
    configuration::{ConfigurationOptions, LoadError, Loaded},
    database::DatabaseOptions,
    dev,
};
use anyhow::Result;
use clap::Args;
use report::{Finding, Report};
use std::{path::PathBuf, process::ExitCode, time::Duration};

#[derive(Args, Debug)]
pub(crate) struct DoctorOptions {
    #[command(flatten)]
    configuration: ConfigurationOptions,
    #[command(flatten)]
    database: DatabaseOptions,
    /// A node of the chain, where the configuration names none [default: that of the running
    /// development server]
    #[arg(long, value_name = "URL")]
    rpc: Vec<String>,
    /// The signer's socket [default: that of the data directory]
    #[arg(long, value_name = "PATH")]
    signer: Option<PathBuf>,
    /// Seconds that each check may take.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=120))]
    timeout: u64,
    /// Warnings count as failures.
    #[arg(long)]
    strict: bool,
    /// As JSON: one object with all findings.
    #[arg(long)]
    json: bool,
}

/// What checks are made of.
struct Patient {
    options: DoctorOptions,
    loaded: Loaded,
    /// What a running development server says of itself.
    dev: Option<dev::DevFile>,
    /// For one check.
    time: Duration,
}

/// Ends with 0 if nothing fails, else with 1.
pub(crate) async fn run(options: DoctorOptions) -> Result<ExitCode> {
    ::chain::install_tls();
    let report = examine(&options).await;
    match options.json {
        true => crate::say(&format!("{:#}", report.json())),
        false => report.lines().for_each(|line| crate::say(&line)),
    }
    let well = report.is_well(options.strict);
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn examine(options: &DoctorOptions) -> Report {
    let mut report = Report::default();
    let loaded = match options.configuration.layers().load() {
        Ok(loaded) => loaded,
        Err(error) => {
            report.add(faults(&error));
            return report;
        }
    };
    report.add(configuration(&loaded));
    let options = options.clone_for(&loaded);
    let dev = dev::DevFile::load(options.database.data_dir()).ok();
    let time = Duration::from_secs(options.timeout);
    let patient = Patient { options, loaded, dev, time };
    let (machine, database, redis, signer, chains) = tokio::join!(
        machine::examine(&patient),
        database::examine(&patient),
        redis::examine(&patient),
        signer::examine(&patient),
        chains::examine(&patient),
    );
    let ((database, db), (signer, keys), (of_chains, chains)) = (database, signer, chains);
    for findings in [machine, database, redis, signer, of_chains] {
        report.add(findings);
    }
    report.add(wallets::examine(&patient, db, keys, &chains).await);
    report
}

impl DoctorOptions {
    /// With the database that the configuration names, if the command line names none.
    fn clone_for(&self, loaded: &Loaded) -> Self {
        Self {
            configuration: self.configuration.clone(),
            database: self.database.above(&loaded.settings),
            rpc: self.rpc.clone(),
            signer: self.signer.clone(),
            ..*self
        }
    }
}

fn configuration(loaded: &Loaded) -> Vec<Finding> {
    let profile = loaded.profile;
    let mut findings: Vec<Finding> = loaded
        .warnings
        .iter()
        .map(|fault| {
            Finding::warn("configuration", fault.to_string(), "change it before others rely on it")
        })
        .collect();
    if findings.is_empty() {
        findings.push(Finding::ok("configuration", format!("good for the profile {profile}")));
    }
    findings
}

/// Each fault by itself. Without settings nothing else can be checked.
fn faults(error: &LoadError) -> Vec<Finding> {
    let mend = "mend it (docs/reference/configuration.md); the other checks need it";
    match error {
        LoadError::Faults { faults, .. } => faults
            .iter()
            .map(|fault| Finding::fail("configuration", fault.to_string(), mend))
            .collect(),
        LoadError::Unreadable { .. } => {
            let todo = "name a file that this user may read";
            vec![Finding::fail("configuration", error.to_string(), todo)]
        }
    }
}
