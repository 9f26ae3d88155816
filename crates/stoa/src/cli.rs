use crate::{
    demo, dev,
    operate::{self, Connection, EXIT_CODES, TxCommand, WalletCommand},
    sign,
};
use anyhow::Result;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// A self-hosted engine for on-chain commerce.
#[derive(Parser, Debug)]
#[command(name = "stoa", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Write logs as JSON, one object a line.
    #[arg(long, global = true)]
    log_json: bool,
    /// Which log lines to write, for example `info,transactor=debug`.
    #[arg(long, global = true, env = "STOA_LOG", default_value = "info")]
    log: String,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Start everything on this machine: Postgres, a chain, the contracts and all roles.
    Dev(dev::DevOptions),
    /// Mint a picture on a running development server and watch it arrive.
    Demo(demo::DemoOptions),
    /// Run the signer, the only process that holds keys.
    Sign(sign::SignOptions),
    /// Send, look at and steer transactions of a running server.
    #[command(after_help = EXIT_CODES)]
    Tx {
        #[command(flatten)]
        connection: Connection,
        #[command(subcommand)]
        command: TxCommand,
    },
    /// Look after the wallets of a running server.
    #[command(after_help = EXIT_CODES)]
    Wallet {
        #[command(flatten)]
        connection: Connection,
        #[command(subcommand)]
        command: WalletCommand,
    },
}

pub(crate) fn run() -> Result<ExitCode> {
    let cli = Cli::parse();
    let format = if cli.log_json { runtime::LogFormat::Json } else { runtime::LogFormat::Text };
    let talks =
        matches!(cli.command, Command::Demo(_) | Command::Tx { .. } | Command::Wallet { .. });
    if !talks {
        runtime::install_logs(format, &cli.log)?;
    }
    match cli.command {
        Command::Dev(options) => dev::run(options, &cli.log, cli.log_json)?,
        Command::Demo(options) => crate::block_on(demo::run(options))?,
        Command::Sign(options) => sign::run(options)?,
        Command::Tx { connection, command } => {
            return crate::block_on(operate::run_tx(connection, command));
        }
        Command::Wallet { connection, command } => {
            return crate::block_on(operate::run_wallet(connection, command));
        }
    }
    Ok(ExitCode::SUCCESS)
}
