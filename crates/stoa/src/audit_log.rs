//! `stoa audit …`: whether audit logs are whole, and who did what.

use std::{
    fmt,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, Result};
use audit::{Broken, Head, VerifyError};
use clap::Subcommand;

use crate::{
    database::DatabaseOptions,
    dev,
    operate::{self, AuditListOptions, Connection, EXIT_CODES},
    say,
};

/// A line may be read while it is being written; so many looks, so far apart, tell.
const LOOKS: u32 = 5;
const BETWEEN: Duration = Duration::from_millis(100);

#[derive(Subcommand, Debug)]
pub(crate) enum AuditCommand {
    /// Check the hash chains of audit logs: that no line was edited, removed, moved or added, and
    /// that no end was cut off. Ends with 0 if they hold, else with 1 and the place of the first
    /// break.
    Verify {
        /// A log's directory, or one of its files. Default: both logs of the development server in
        /// --data-dir, the signer's and the engine's.
        path: Option<PathBuf>,
        /// What the log at PATH must end with, SEQ:HASH. For a log that nobody writes any more.
        #[arg(long)]
        head: Option<String>,
        /// The first lines are kept elsewhere.
        #[arg(long)]
        partial: bool,
        /// The engine's log must hold the line that the database knows as its last.
        #[arg(long)]
        with_database: bool,
        /// Where the server was told to keep the engine's log, if not in its data directory.
        #[arg(long, value_name = "DIR")]
        audit_dir: Option<PathBuf>,
        #[command(flatten)]
        database: DatabaseOptions,
    },
    /// Show who did what that is privileged, and who was refused it, newest first.
    #[command(after_help = EXIT_CODES)]
    List {
        #[command(flatten)]
        connection: Connection,
        #[command(flatten)]
        options: Box<AuditListOptions>,
    },
}

pub(crate) async fn run(command: AuditCommand) -> Result<ExitCode> {
    match command {
        AuditCommand::List { connection, options } => {
            operate::run_audit_list(connection, *options).await
        }
        AuditCommand::Verify { path, head, partial, with_database, audit_dir, database } => {
            let asked = Asked { path, head, partial, with_database, audit_dir };
            let whole = verify_logs(asked, &database).await?;
            Ok(if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
    }
}

struct Asked {
    path: Option<PathBuf>,
    head: Option<String>,
    partial: bool,
    with_database: bool,
    audit_dir: Option<PathBuf>,
}

/// Returns whether the logs are whole.
async fn verify_logs(asked: Asked, database: &DatabaseOptions) -> Result<bool> {
    let Asked { path, head, partial, with_database, audit_dir } = asked;
    let head = head.map(|head| head.parse::<Head>()).transpose().context("--head")?;
    if let Some(path) = path {
        let known = if with_database { engine_head(database).await? } else { None };
        return verify(&path, known.as_ref(), head, partial).await;
    }
    let home = database.data_dir();
    let running = database.is_running();
    if !running {
        say("the server is not running: whether the logs' ends were cut off can't be seen");
    }
    let mut whole = true;
    for (path, expected) in [
        (
            home.join("signer/signed.audit"),
            match running {
                true => signer_head(&dev::signer_socket(home)?).await?,
                false => None,
            },
        ),
        (
            audit_dir.unwrap_or_else(|| home.join(dev::AUDIT)),
            match running {
                true => engine_head(database).await?,
                false => None,
            },
        ),
    ] {
        // A log that has no line yet has no files either.
        if running && expected.is_none() && !has_files(&path) {
            say(&format!("{}: no lines yet", path.display()));
            continue;
        }
        whole &= verify(&path, expected.as_ref(), None, partial).await?;
    }
    Ok(whole)
}

/// Check what is at `path`, whose log must hold the line `expected` and end with `end`.
async fn verify(
    path: &Path,
    expected: Option<&Known>,
    end: Option<Head>,
    partial: bool,
) -> Result<bool> {
    let mut looks = 0;
    let (logs, held) = loop {
        looks += 1;
        match look(path, expected) {
            Ok(found) => break found,
            Err(VerifyError::Broken(broken)) if looks == LOOKS => {
                say(&describe(&broken));
                return Ok(false);
            }
            Err(VerifyError::Broken(_)) => tokio::time::sleep(BETWEEN).await,
            Err(error) => return Err(error.into()),
        }
    };
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
    if let Some(expected) = expected.filter(|_| !held) {
        say(&format!(
            "{}: line {}, {expected}, is missing or another: the end was cut off or written anew",
            path.display(),
            expected.head.seq
        ));
        whole = false;
    }
    if let Some(end) = end {
        let found = |log: &audit::Summary| (log.head.seq, log.head.hash) == (end.seq, end.hash);
        if !logs.iter().any(found) {
            say("no log ends with the expected head: its end is missing, or it has grown since");
            whole = false;
        }
    }
    Ok(whole)
}

/// A line that a log must hold, by the word of somebody else.
struct Known {
    head: Head,
    /// Who says so.
    witness: &'static str,
}

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "which {} knows", self.witness)
    }
}

/// The logs at `path`, and whether one of them holds the line.
fn look(path: &Path, known: Option<&Known>) -> Result<(Vec<audit::Summary>, bool), VerifyError> {
    let mut held = false;
    let logs = audit::verify_each(path, |_, line| {
        let head = line.head();
        held |= known.is_some_and(|k| (k.head.seq, k.head.hash) == (head.seq, head.hash));
    })?;
    Ok((logs, held))
}

fn describe(broken: &Broken) -> String {
    format!("the chain is broken: {broken}")
}

fn has_files(directory: &Path) -> bool {
    !matches!(audit::verify(directory), Err(VerifyError::Nothing(_) | VerifyError::File { .. }))
}

async fn engine_head(database: &DatabaseOptions) -> Result<Option<Known>> {
    let db = database.connect().await?;
    let witness = db::audit_logs::load(&mut *db.acquire().await?, auditor::NAME).await?;
    Ok(witness.map(|known| Known {
        head: Head { seq: known.seq.cast_unsigned(), hash: known.hash.0, time_ms: 0 },
        witness: "the database",
    }))
}

async fn signer_head(socket: &Path) -> Result<Option<Known>> {
    let health = signer::Client::connect(socket).health().await.context("the signer is silent")?;
    let head = Head { seq: health.audit_seq, hash: health.audit_hash.0, time_ms: 0 };
    Ok((head.seq > 0).then_some(Known { head, witness: "the signer" }))
}
