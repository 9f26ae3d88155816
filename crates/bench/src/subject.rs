//! What is measured: the option of every benchmark that runs the product itself.

use anyhow::{Context, Result};
use clap::Args;
use std::path::PathBuf;

#[derive(Args, Clone, Debug)]
pub struct Subject {
    /// The program to measure; an optimised one.
    #[arg(long, value_name = "FILE")]
    stoa: PathBuf,
    /// What was built, for the report.
    #[arg(long, default_value = "unknown")]
    pub revision: String,
}

impl Subject {
    pub fn program(&self) -> Result<PathBuf> {
        self.stoa.canonicalize().context("there is no such program")
    }
}
