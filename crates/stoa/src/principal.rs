//! `stoa principal`: who there is, and their roles, by the server's database.

use crate::{database::DatabaseOptions, say, terminal};
use anyhow::{Context, Result};
use app::{By, PrincipalView, role_decided};
use auth::Role;
use clap::{Args, Subcommand};
use db::{
    PgConnection,
    principal_roles::{self, CLAIMED, GRANTED, GrantRow},
    principals::{self, PrincipalFilter},
};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;
use vocab::PrincipalId;

/// Principals shown by `list`.
const LIST_MAX: i64 = 1_000;

#[derive(Subcommand, Debug)]
pub(crate) enum PrincipalCommand {
    /// Show principals with their roles, newest first.
    List(ListOptions),
    /// Grant a role. A server may not know of it for 10 s.
    Grant(GrantOptions),
    /// Take a role back. A server that has just seen its holder may let them go on for 10 s.
    Revoke(EndOptions),
}

#[derive(Args, Debug)]
pub(crate) struct ListOptions {
    /// Only those with this role.
    #[arg(long, value_parser = role, value_name = "ROLE")]
    role: Option<Role>,
    #[command(flatten)]
    database: DatabaseOptions,
}

#[derive(Args, Debug)]
pub(crate) struct GrantOptions {
    /// Id of the principal, as `list` shows it.
    id: PrincipalId,
    /// `organizer`, `verifier`, `operator` or `admin`.
    #[arg(value_parser = role)]
    role: Role,
    /// After so long it ends: a number and `m`, `h` or `d`. Without it, it does not.
    #[arg(long, value_parser = crate::key::span, value_name = "TIME")]
    expires_in: Option<Duration>,
    #[command(flatten)]
    database: DatabaseOptions,
}

#[derive(Args, Debug)]
pub(crate) struct EndOptions {
    /// Id of the principal, as `list` shows it.
    id: PrincipalId,
    #[arg(value_parser = role)]
    role: Role,
    #[command(flatten)]
    database: DatabaseOptions,
}

pub(crate) async fn run(command: PrincipalCommand) -> Result<()> {
    match command {
        PrincipalCommand::List(options) => list(&options).await,
        PrincipalCommand::Grant(options) => grant(&options).await,
        PrincipalCommand::Revoke(options) => end(&options).await,
    }
}

async fn list(options: &ListOptions) -> Result<()> {
    let db = options.database.connect().await?;
    let now = OffsetDateTime::now_utc();
    let connection = &mut *db.acquire().await?;
    let role = options.role.map(|role| (role.as_str(), now));
    let filter = PrincipalFilter { role, ..PrincipalFilter::default() };
    let rows = principals::list(connection, filter, LIST_MAX).await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let grants = principal_roles::load(connection, &ids, now).await?;
    say("id                                    kind      roles, name");
    for row in &rows {
        let own = grants.iter().filter(|grant| grant.principal_id == row.id);
        let roles: Vec<String> = own.map(shown).collect();
        let roles = if roles.is_empty() { "-".to_owned() } else { roles.join(" ") };
        say(&format!("{}  {:<8}  {} ({})", row.id, row.kind, roles, row.name.escape_default()));
    }
    if grants.iter().any(|grant| grant.source == CLAIMED) {
        say("* by the identity provider, at the last sign-in; ends by itself");
    }
    if rows.len() as i64 == LIST_MAX {
        say("… only the newest are shown");
    }
    Ok(())
}

/// What a provider said has a mark.
fn shown(grant: &GrantRow) -> String {
    let mark = if grant.source == CLAIMED { "*" } else { "" };
    format!("{}{mark}", grant.role)
}

async fn grant(options: &GrantOptions) -> Result<()> {
    let db = options.database.connect().await?;
    let now = OffsetDateTime::now_utc();
    let mut transaction = db::begin(&db).await?;
    let before = load(&mut transaction, options.id, now).await?;
    let grant = GrantRow {
        principal_id: options.id.0,
        role: options.role.to_string(),
        source: GRANTED.to_owned(),
        granted_by: None,
        granted_at: now,
        expires_at: options.expires_in.map(|span| now + span),
    };
    if before.has(&grant) {
        say(&format!("{} was {} before", before.row.name.escape_default(), options.role));
        return Ok(());
    }
    principal_roles::record(&mut transaction, &grant).await?;
    let after = load(&mut transaction, options.id, now).await?;
    let fact = role_decided(By::Terminal(&terminal::account()), "role_granted", (&before, &after));
    journal::record(&mut transaction, &[fact]).await?;
    transaction.commit().await?;
    say(&format!("{} is {}", after.row.name.escape_default(), options.role));
    Ok(())
}

async fn end(options: &EndOptions) -> Result<()> {
    let db = options.database.connect().await?;
    let now = OffsetDateTime::now_utc();
    let mut transaction = db::begin(&db).await?;
    let before = load(&mut transaction, options.id, now).await?;
    let role = options.role.as_str();
    if !principal_roles::record_end(&mut transaction, options.id, role).await? {
        say(&format!("{} was no {role}", before.row.name.escape_default()));
        return Ok(());
    }
    let after = load(&mut transaction, options.id, now).await?;
    let fact = role_decided(By::Terminal(&terminal::account()), "role_ended", (&before, &after));
    journal::record(&mut transaction, &[fact]).await?;
    transaction.commit().await?;
    say(&format!("{} is no {role} any more", after.row.name.escape_default()));
    Ok(())
}

async fn load(
    db: &mut PgConnection,
    id: PrincipalId,
    now: OffsetDateTime,
) -> Result<PrincipalView> {
    let row = principals::lock(db, id).await?;
    let row = row.with_context(|| format!("there is no principal {id}"))?;
    let roles = principal_roles::load(db, &[id.0], now).await?;
    Ok(PrincipalView { row, roles })
}

fn role(text: &str) -> Result<Role, String> {
    text.parse().map_err(|()| "a role is organizer, verifier, operator or admin".to_owned())
}
