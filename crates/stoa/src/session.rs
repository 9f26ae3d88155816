//! `stoa session`: where users are signed in, by the server's database.

use crate::{database::DatabaseOptions, say, terminal};
use anyhow::{Result, bail};
use app::{By, Decision};
use auth::Action;
use clap::{Args, Subcommand};
use db::user_sessions::{self, SessionFilter, SessionRow};
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::Uuid;
use vocab::PrincipalId;

/// Sessions shown by `list`.
const LIST_MAX: i64 = 1_000;

#[derive(Subcommand, Debug)]
pub(crate) enum SessionCommand {
    /// Show open sessions, newest first.
    List(ListOptions),
    /// End a session, or all of a user, for good. A server may take their access tokens for 10 s
    /// more.
    End(EndOptions),
}

#[derive(Args, Debug)]
pub(crate) struct ListOptions {
    /// Only those of this user, by the id of their principal.
    #[arg(long, value_name = "ID")]
    user: Option<PrincipalId>,
    #[command(flatten)]
    database: DatabaseOptions,
}

#[derive(Args, Debug)]
pub(crate) struct EndOptions {
    /// The session's id, as `list` shows it.
    #[arg(value_name = "ID", required_unless_present = "user", conflicts_with = "user")]
    id: Option<Uuid>,
    /// All sessions of this user, by the id of their principal.
    #[arg(long, value_name = "ID")]
    user: Option<PrincipalId>,
    #[command(flatten)]
    database: DatabaseOptions,
}

pub(crate) async fn run(command: SessionCommand) -> Result<()> {
    match command {
        SessionCommand::List(options) => list(options).await,
        SessionCommand::End(options) => end(options).await,
    }
}

async fn list(options: ListOptions) -> Result<()> {
    let db = options.database.connect().await?;
    let now = OffsetDateTime::now_utc();
    let connection = &mut *db.acquire().await?;
    let sessions = user_sessions::list(connection, options.user, None, now, LIST_MAX).await?;
    say("id                                    last used             until                 \
         wallet, from, user");
    for session in &sessions {
        say(&line(session));
    }
    if sessions.len() as i64 == LIST_MAX {
        say("… only the newest are shown");
    }
    Ok(())
}

/// The client named itself: what is not plain text could do things to a terminal.
fn line(session: &SessionRow) -> String {
    let agent: String = session.user_agent.as_deref().unwrap_or("-").chars().take(60).collect();
    format!(
        "{}  {:<20}  {:<20}  {} {} {} ({})",
        session.id,
        time_of(session.last_used_at),
        time_of(session.expires_at),
        session.address.map_or_else(|| "provider".to_owned(), |address| address.0.to_string()),
        session.client,
        session.principal_id,
        agent.escape_default(),
    )
}

async fn end(options: EndOptions) -> Result<()> {
    let db = options.database.connect().await?;
    let mut transaction = db::begin(&db).await?;
    let filter = SessionFilter { id: options.id, principal_id: options.user, except: None };
    let now = OffsetDateTime::now_utc();
    let ended = user_sessions::record_end(&mut transaction, filter, "operator", now).await?;
    if ended.is_empty() {
        bail!("there is no such open session");
    }
    let account = terminal::account();
    let facts: Vec<_> = ended
        .iter()
        .map(|id| {
            let about = ("session", id.to_string());
            let (before, after) = (json!({ "state": "open" }), Value::Null);
            let (by, deed) = (By::Terminal(&account), Action::EndSession.into());
            Decision { by, deed, about, act: "ended", chain_id: None, before, after }.fact()
        })
        .collect();
    journal::record(&mut transaction, &facts).await?;
    transaction.commit().await?;
    for id in ended {
        say(&format!("ended {id}"));
    }
    Ok(())
}

fn time_of(at: OffsetDateTime) -> String {
    let seconds = at.replace_nanosecond(0).unwrap_or(at);
    seconds.format(&Rfc3339).unwrap_or_default()
}
