use crate::{
    audit_log, chain,
    configuration::{self, Layers, TelemetrySettings},
    demo, dev,
    doctor::{self, DoctorOptions},
    index, key,
    operate::{
        self, AbiCommand, Connection, EXIT_CODES, SponsorCommand, TxCommand, WalletCommand,
        WebhookCommand,
    },
    principal, session, sign,
};
use anyhow::Result;
use clap::{Args, Parser, Subcommand};
use runtime::{LogFormat, Telemetry};
use std::process::ExitCode;

/// A self-hosted engine for on-chain commerce.
#[derive(Parser, Debug)]
#[command(name = "stoa", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    logs: LogOptions,
}

/// How logs are written.
#[derive(Args, Clone, Debug)]
pub(crate) struct LogOptions {
    /// Write logs as JSON, one object a line.
    #[arg(long, global = true, help_heading = "Logs")]
    pub log_json: bool,
    /// Which log lines to write, for example `info,transactor=debug`; above `telemetry.log` of a
    /// configuration [default: info]
    #[arg(long, global = true, help_heading = "Logs", env = "STOA_LOG")]
    pub log: Option<String>,
}

impl LogOptions {
    /// Begin to write the log.
    pub(crate) fn install(&self, settings: &TelemetrySettings) -> Result<Telemetry> {
        // The collector may be asked by TLS.
        ::chain::install_tls();
        let format = if self.log_json { LogFormat::Json } else { LogFormat::Text };
        let traces = settings.traces();
        Ok(runtime::install_telemetry(format, &settings.log, traces.as_ref())?)
    }

    /// Let it stand above what a configuration says.
    pub(crate) fn above(&self, layers: &mut Layers) {
        if let Some(filter) = &self.log {
            layers.flag("--log", "telemetry.log", filter);
        }
    }
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Start everything on this machine: Postgres, a chain, the contracts and all roles.
    Dev(dev::DevOptions),
    /// Mint a picture on a running development server and watch it arrive.
    Demo(demo::DemoOptions),
    /// Make, show and revoke API keys.
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// Show principals, grant roles and take them back.
    #[command(subcommand)]
    Principal(principal::PrincipalCommand),
    /// Show and end sessions of users.
    #[command(subcommand)]
    Session(session::SessionCommand),
    /// Make keys that encrypt what is personal, and put newer ones in the place of older ones.
    #[command(subcommand)]
    Fields(crate::fields::FieldsCommand),
    /// Mend what stopped on a chain.
    #[command(subcommand)]
    Chain(chain::ChainCommand),
    /// Index a chain, look at how it gets on, pause and resume it.
    #[command(subcommand)]
    Index(index::IndexCommand),
    /// Run the signer, the only process that holds keys.
    Sign(Box<sign::SignOptions>),
    /// Send, look at and steer transactions of a running server.
    #[command(after_help = EXIT_CODES)]
    Tx {
        #[command(flatten)]
        connection: Connection,
        #[command(subcommand)]
        command: Box<TxCommand>,
    },
    /// Look after the wallets of a running server.
    #[command(after_help = EXIT_CODES)]
    Wallet {
        #[command(flatten)]
        connection: Connection,
        #[command(subcommand)]
        command: WalletCommand,
    },
    /// Look after the sponsors of a running server: who pays for what users sign.
    #[command(after_help = EXIT_CODES)]
    Sponsor {
        #[command(flatten)]
        connection: Connection,
        #[command(subcommand)]
        command: SponsorCommand,
    },
    /// Tell a running server which functions contracts have.
    #[command(after_help = EXIT_CODES)]
    Abi {
        #[command(flatten)]
        connection: Connection,
        #[command(subcommand)]
        command: AbiCommand,
    },
    /// Look after addresses that a running server tells of facts.
    #[command(after_help = EXIT_CODES)]
    Webhook {
        #[command(flatten)]
        connection: Connection,
        #[command(subcommand)]
        command: WebhookCommand,
    },
    /// Ask about a signer's policy, approve what needs a second person, read its metrics.
    #[command(subcommand)]
    Signer(Box<sign::SignerCommand>),
    /// Check a configuration file, and show what holds.
    #[command(subcommand)]
    Config(configuration::ConfigCommand),
    /// Check everything that a server depends on, and say what to do. Ends with 0 if nothing fails,
    /// else with 1.
    Doctor(Box<DoctorOptions>),
    /// Check audit logs, and show who did what.
    #[command(subcommand)]
    Audit(Box<audit_log::AuditCommand>),
}

pub(crate) fn run() -> Result<ExitCode> {
    let cli = Cli::parse();
    match cli.command {
        Command::Dev(options) => dev::run(options, &cli.logs)?,
        Command::Config(command) => return configuration::run(command),
        Command::Demo(options) => crate::block_on(demo::run(options))?,
        Command::Key(command) => crate::block_on(key::run(command))?,
        Command::Principal(command) => crate::block_on(principal::run(command))?,
        Command::Session(command) => crate::block_on(session::run(command))?,
        Command::Fields(command) => crate::block_on(crate::fields::run(command))?,
        Command::Chain(command) => crate::block_on(chain::run(command))?,
        Command::Index(command) => crate::block_on(index::run(command, &cli.logs))?,
        Command::Sign(options) => {
            // It sends no traces: it talks to nobody but its clients.
            let mut settings = TelemetrySettings::default();
            settings.log = cli.logs.log.clone().unwrap_or(settings.log);
            cli.logs.install(&settings)?;
            sign::run(*options)?;
        }
        Command::Doctor(options) => return crate::block_on(doctor::run(*options)),
        Command::Signer(command) => return sign::run_tool(*command).map(verdict),
        Command::Audit(command) => return crate::block_on(audit_log::run(*command)),
        Command::Tx { connection, command } => {
            return crate::block_on(operate::run_tx(connection, *command));
        }
        Command::Wallet { connection, command } => {
            return crate::block_on(operate::run_wallet(connection, command));
        }
        Command::Sponsor { connection, command } => {
            return crate::block_on(operate::run_sponsor(connection, command));
        }
        Command::Webhook { connection, command } => {
            return crate::block_on(operate::run_webhook(connection, command));
        }
        Command::Abi { connection, command } => {
            return crate::block_on(operate::run_abi(connection, command));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether what was asked is so.
fn verdict(is_so: bool) -> ExitCode {
    if is_so { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
