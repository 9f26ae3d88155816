//! `stoa config …`

use super::{Settings, show};
use anyhow::{Context, Result, bail};
use clap::Subcommand;
use std::{
    fs,
    path::{Path, PathBuf},
};

#[derive(Subcommand, Debug)]
pub(crate) enum ConfigCommand {
    /// Say all that is wrong with a file. Ends with 0 if nothing is.
    Check { file: PathBuf },
    /// Print every option as it holds, as a file; without a FILE what is usual. Of addresses only
    /// the host is shown.
    Show { file: Option<PathBuf> },
    /// Print what can be decided: each option with what is usual, what is allowed, what it means.
    Options,
}

pub(crate) fn run(command: ConfigCommand) -> Result<()> {
    match command {
        ConfigCommand::Check { file } => {
            Settings::load(Some(&file))?;
            crate::say(&format!("{} is good", file.display()));
        }
        ConfigCommand::Show { file } => {
            crate::say(Settings::load(file.as_deref())?.show().trim_end());
        }
        ConfigCommand::Options => crate::say(show::manual().trim()),
    }
    Ok(())
}

impl Settings {
    /// Those of a file; of none what is usual.
    ///
    /// # Errors
    /// All faults, a line each.
    pub(crate) fn load(file: Option<&Path>) -> Result<Self> {
        let Some(file) = file else { return Ok(Self::default()) };
        let text =
            fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        Self::parse(&text).or_else(|faults| {
            let lines: Vec<String> = faults.iter().map(|fault| format!("\n  {fault}")).collect();
            let faults = if lines.len() == 1 { "fault" } else { "faults" };
            bail!("{} has {} {faults}:{}", file.display(), lines.len(), lines.concat())
        })
    }
}
