//! `stoa config …`

use super::{AboveFile, LoadError, Loaded, Settings, show};
use anyhow::Result;
use clap::{Args, Subcommand};
use std::{path::PathBuf, process::ExitCode};

/// Of `stoa config check`, when there is nothing to be checked.
const UNREADABLE: u8 = 3;

#[derive(Subcommand, Debug)]
pub(crate) enum ConfigCommand {
    /// Say all that is wrong, and what is to be warned of. Ends with 0 if nothing is wrong, with 1
    /// if something is, with 3 if the file can't be read.
    Check {
        #[command(flatten)]
        of: Subject,
    },
    /// Print every option as it holds and where it was named, as a file. Of addresses only the host
    /// is shown, of secrets nothing.
    Show {
        #[command(flatten)]
        of: Subject,
        /// As JSON: options by their full names, with value, usual value and origin.
        #[arg(long)]
        json: bool,
    },
    /// Print what can be decided: each option with what is usual, what is allowed, what it means.
    Options,
}

/// Of which configuration.
#[derive(Args, Debug)]
pub(crate) struct Subject {
    /// The file; without, what is usual, and what stands above it.
    file: Option<PathBuf>,
    #[command(flatten)]
    above: AboveFile,
}

impl Subject {
    fn load(&self) -> Result<Loaded, LoadError> {
        self.above.layers(self.file.clone()).load()
    }

    fn name(&self) -> String {
        let file = self.file.as_ref().map(|file| file.display().to_string());
        file.unwrap_or_else(|| "what is usual".to_owned())
    }
}

pub(crate) fn run(command: ConfigCommand) -> Result<ExitCode> {
    match command {
        ConfigCommand::Check { of } => match of.load() {
            Ok(loaded) => {
                loaded.warn();
                crate::say(&format!("{} is good (profile {})", of.name(), loaded.profile));
            }
            Err(error @ LoadError::Unreadable { .. }) => {
                crate::note(&format!("stoa: {:#}", anyhow::Error::from(error)));
                return Ok(ExitCode::from(UNREADABLE));
            }
            Err(error) => return Err(error.into()),
        },
        ConfigCommand::Show { of, json } => {
            let loaded = of.load()?;
            if json {
                crate::say(&format!("{:#}", loaded.show_json()));
            } else {
                loaded.warn();
                crate::say(loaded.show().trim_end());
            }
        }
        ConfigCommand::Options => crate::say(show::manual().trim()),
    }
    Ok(ExitCode::SUCCESS)
}

impl Loaded {
    /// Say beside the output what should not stay so.
    pub(crate) fn warn(&self) {
        for warning in &self.warnings {
            crate::note(&format!("warning: {warning}"));
        }
    }

    /// The same for the log.
    pub(crate) fn log_warnings(&self) {
        for warning in &self.warnings {
            tracing::warn!(%warning, "the configuration");
        }
    }
}

impl Settings {
    /// What a file says, in the profile `dev` and with nothing above it.
    ///
    /// # Errors
    /// All faults.
    #[cfg(test)]
    pub(crate) fn parse(text: &str) -> Result<Self, Vec<super::Fault>> {
        super::Layers::default().read(text).map(|loaded| loaded.settings)
    }

    #[cfg(test)]
    pub(super) fn show(&self) -> String {
        super::Profile::Dev.loaded(self.clone()).show()
    }
}
