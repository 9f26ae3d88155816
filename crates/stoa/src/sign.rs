//! `stoa sign`: the signer process; `stoa signer …`: tools around it.

mod tools;

use anyhow::{Context, Result};
use clap::Args;
use std::path::PathBuf;

pub(crate) use tools::{SignerCommand, run as run_tool};

#[derive(Args, Debug)]
pub(crate) struct SignOptions {
    /// Unix socket to serve; its directory is made with mode 0700, or must have it.
    #[arg(long)]
    socket: PathBuf,
    /// Directory of keystore files (version 3).
    #[arg(long)]
    keystore: PathBuf,
    /// File with the keystore's password, mode 0600.
    #[arg(long)]
    password_file: PathBuf,
    /// What each role may sign (TOML).
    #[arg(long)]
    policy: PathBuf,
    /// The signer's own record of what it signed at each nonce.
    #[arg(long)]
    store: PathBuf,
    /// Take over keys that the store has never seen, and an audit log that disagrees with the
    /// store. Only where no key here has signed before: see the operator's guide.
    #[arg(long)]
    adopt: bool,
    /// End when this process, our parent, ends.
    #[arg(long)]
    parent: Option<u32>,
}

pub(crate) fn run(options: SignOptions) -> Result<()> {
    let config = signer::Config {
        parent: options.parent,
        adopt_keys: options.adopt,
        ..signer::Config::new(
            options.socket,
            options.keystore,
            options.password_file,
            options.policy,
            options.store,
        )
    };
    crate::block_on(async {
        signer::serve(config, crate::dev::stop_signal()).await.context("the signer ended")
    })
}
