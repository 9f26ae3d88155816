//! `stoa audit …`: whether an audit log is whole.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Subcommand;

use crate::say;

#[derive(Subcommand, Debug)]
pub(crate) enum AuditCommand {
    /// Check the hash chain of an audit log: that no line was edited, removed, moved or added.
    /// Ends with 0 if it holds, else with 1 and the place where it breaks.
    Verify {
        /// The log's directory, or one of its files.
        path: PathBuf,
        /// What the log must end with, SEQ:HASH: the only thing that shows a missing end.
        #[arg(long)]
        head: Option<String>,
        /// The first lines are kept elsewhere.
        #[arg(long)]
        partial: bool,
    },
}

/// Returns whether the log is whole.
pub(crate) fn run(command: AuditCommand) -> Result<bool> {
    let AuditCommand::Verify { path, head, partial } = command;
    let expected = head.map(|head| head.parse::<audit::Head>()).transpose().context("--head")?;
    let logs = audit::verify(&path)?;
    let mut whole = true;
    for log in &logs {
        say(&format!(
            "{}: {} lines in {} files, from line {}, head {}",
            log.name, log.lines, log.files, log.first_seq, log.head
        ));
        if log.first_seq != 1 && !partial {
            say(&format!("{}: the lines before {} are missing", log.name, log.first_seq));
            whole = false;
        }
    }
    if let Some(expected) = expected {
        let found =
            |log: &audit::Summary| (log.head.seq, log.head.hash) == (expected.seq, expected.hash);
        if !logs.iter().any(found) {
            say("no log ends with the expected head: its end is missing, or it has grown since");
            whole = false;
        }
    }
    Ok(whole)
}
