//! `stoa tx`, `stoa wallet`, `stoa sponsor`, `stoa abi`, `stoa webhook` and `stoa audit list`: what
//! operators do by the API, from a terminal.

mod abi;
mod arguments;
mod audit;
mod client;
mod sponsor;
mod table;
mod tx;
mod wallet;
mod webhook;

pub(crate) use abi::AbiCommand;
pub(crate) use audit::AuditListOptions;
pub(crate) use sponsor::SponsorCommand;
pub(crate) use tx::TxCommand;
pub(crate) use wallet::WalletCommand;
pub(crate) use webhook::WebhookCommand;

use crate::dev::DevFile;
use anyhow::{Context, Result};
use clap::Args;
use client::{Client, Failed};
use std::{path::PathBuf, process::ExitCode};

/// The exit codes, in the help of these commands.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  something else went wrong
  2  the command line makes no sense
  3  the server refused; nothing was changed
  4  the transaction failed, or the call would; an endpoint did not take a test
  5  no answer, or the server can't now: repeat it with the same --key

Server and key come from --server and --api-key, else from STOA_SERVER and STOA_API_KEY, else from
the dev.json of a development server in --data-dir.";

/// In the help of these commands, what all of them have.
const SERVER: &str = "Server";

/// Where the server is, and how to talk.
#[derive(Args, Clone, Debug)]
pub(crate) struct Connection {
    /// Address of the API, for example https://stoa.example.org
    #[arg(long, global = true, help_heading = SERVER, env = "STOA_SERVER", value_name = "URL")]
    server: Option<String>,
    /// An operator's key. Others on this machine can see it here: prefer the variable.
    #[arg(long, global = true, help_heading = SERVER, env = "STOA_API_KEY")]
    #[arg(value_name = "KEY", hide_env_values = true)]
    api_key: Option<String>,
    /// Of a development server, whose dev.json names server and key.
    #[arg(long, global = true, help_heading = SERVER, default_value = ".dev", value_name = "DIR")]
    data_dir: PathBuf,
    /// Print the server's answer as JSON.
    #[arg(long, global = true, help_heading = SERVER)]
    json: bool,
}

impl Connection {
    fn client(&self) -> Result<Client> {
        if let (Some(server), Some(key)) = (&self.server, &self.api_key) {
            return Client::new(server, key);
        }
        let dev = DevFile::load(&self.data_dir).context("give --server and --api-key")?;
        let server = self.server.as_deref().unwrap_or(&dev.http);
        Client::new(server, self.api_key.as_deref().unwrap_or(&dev.operator_api_key))
    }
}

/// `stoa tx …`
pub(crate) async fn run_tx(connection: Connection, command: TxCommand) -> Result<ExitCode> {
    let client = connection.client()?;
    finish(tx::run(&client, connection.json, command).await)
}

/// `stoa wallet …`
pub(crate) async fn run_wallet(connection: Connection, command: WalletCommand) -> Result<ExitCode> {
    if matches!(command, WalletCommand::Import) {
        wallet::refuse_import()?;
    }
    let client = connection.client()?;
    finish(wallet::run(&client, connection.json, command).await)
}

/// `stoa sponsor …`
pub(crate) async fn run_sponsor(
    connection: Connection,
    command: SponsorCommand,
) -> Result<ExitCode> {
    let client = connection.client()?;
    finish(sponsor::run(&client, connection.json, command).await)
}

/// `stoa abi …`
pub(crate) async fn run_abi(connection: Connection, command: AbiCommand) -> Result<ExitCode> {
    let client = connection.client()?;
    finish(abi::run(&client, connection.json, command).await)
}

/// `stoa webhook …`
pub(crate) async fn run_webhook(
    connection: Connection,
    command: WebhookCommand,
) -> Result<ExitCode> {
    let client = connection.client()?;
    finish(webhook::run(&client, connection.json, command).await)
}

/// `stoa audit list …`
pub(crate) async fn run_audit_list(
    connection: Connection,
    options: AuditListOptions,
) -> Result<ExitCode> {
    let client = connection.client()?;
    finish(audit::run(&client, connection.json, options).await)
}

fn finish(done: Result<ExitCode>) -> Result<ExitCode> {
    match done.map_err(anyhow::Error::downcast::<Failed>) {
        Ok(code) => Ok(code),
        Err(Ok(failed)) => {
            failed.tell();
            Ok(failed.code())
        }
        Err(Err(other)) => Err(other),
    }
}
