//! `stoa key`: API keys of a server, by its database.

use crate::{database::DatabaseOptions, say};
use anyhow::{Context, Result, bail, ensure};
use app::Decision;
use auth::{NewKey, PrincipalKind, Scope};
use clap::{Args, Subcommand};
use db::{
    PgConnection,
    api_keys::{self, ApiKeyRow},
};
use serde_json::{Value, json};
use std::{io::Write, path::PathBuf};
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};
use vocab::PrincipalId;

/// Keys shown by `list`.
const LIST_MAX: i64 = 1_000;
const EXPIRY_MAX: Duration = Duration::days(3_650);

#[derive(Subcommand, Debug)]
pub(crate) enum KeyCommand {
    /// Make a key and print it, once: it is not stored and can't be shown again.
    Create(CreateOptions),
    /// Show all keys, newest first, without their secrets.
    List(DatabaseOptions),
    /// Revoke a key for good. A server that has just seen it may take it for 10 s more.
    Revoke(RevokeOptions),
}

#[derive(Args, Debug)]
pub(crate) struct CreateOptions {
    /// Name of a new principal, who shall hold the key: what it makes belongs to them.
    #[arg(long, required_unless_present = "principal", conflicts_with = "principal")]
    name: Option<String>,
    /// Id of a principal who is known already, as `list` shows it: for a second key.
    #[arg(long, value_name = "ID")]
    principal: Option<PrincipalId>,
    /// What it may be used for; to be given once for each.
    #[arg(long = "scope", required = true, value_parser = scope, value_name = "SCOPE")]
    scopes: Vec<Scope>,
    /// After so long it ends: a number and `m`, `h` or `d`. Without it, it does not.
    #[arg(long, value_parser = span, value_name = "TIME")]
    expires_in: Option<Duration>,
    /// What it says of itself: `sk_<env>_…`.
    #[arg(long, default_value = "dev", value_parser = env_name)]
    env: String,
    /// File with the pepper, 32 bytes in hexadecimal; without it, the data directory's.
    #[arg(long, value_name = "FILE")]
    pepper_file: Option<PathBuf>,
    #[command(flatten)]
    database: DatabaseOptions,
}

#[derive(Args, Debug)]
pub(crate) struct RevokeOptions {
    /// The key's public id, 16 characters: `sk_<env>_<id>_…`.
    id: String,
    #[command(flatten)]
    database: DatabaseOptions,
}

pub(crate) async fn run(command: KeyCommand) -> Result<()> {
    match command {
        KeyCommand::Create(options) => create(options).await,
        KeyCommand::List(database) => list(&database).await,
        KeyCommand::Revoke(options) => revoke(&options).await,
    }
}

/// The key alone goes to standard output, so that a script can catch it; the rest to the error.
async fn create(options: CreateOptions) -> Result<()> {
    let pepper = options.database.pepper(options.pepper_file.as_ref())?;
    let db = options.database.connect().await?;
    let mut transaction = db::begin(&db).await?;
    let (principal, name) = match (options.principal, options.name) {
        (Some(id), _) => {
            let name = db::principals::load_name(&mut transaction, id).await?;
            (id, name.with_context(|| format!("there is no principal {id}"))?)
        }
        (None, name) => {
            let name = name.unwrap_or_default();
            let length = name.chars().count();
            let sound = (1..=200).contains(&length) && !name.chars().any(char::is_control);
            ensure!(sound, "a name has 1 to 200 characters and no control characters");
            let (id, kind) = (PrincipalId::new(), PrincipalKind::Machine.as_str());
            db::principals::record(&mut transaction, id, &name, kind).await?;
            (id, name)
        }
    };
    let expires_at = options.expires_in.map(|span| OffsetDateTime::now_utc() + span);
    let new = NewKey { env: &options.env, principal, scopes: &options.scopes, expires_at };
    let key = auth::issue_key(&mut transaction, &pepper, new).await?;
    let after = json!({ "principal_id": principal, "scopes": join(&options.scopes),
        "expires_at": expires_at.map(time_of) });
    tell_decision(&mut transaction, key.id(), "created", (Value::Null, after)).await?;
    transaction.commit().await?;
    tell(&format!("key        {}", key.id()));
    tell(&format!("principal  {principal} ({name})"));
    tell(&format!("scopes     {}", join(&options.scopes)));
    tell(&format!("expires    {}", expires_at.map_or_else(|| "never".to_owned(), time_of)));
    tell("Keep what follows: it is shown this once.");
    say(key.reveal());
    Ok(())
}

async fn list(database: &DatabaseOptions) -> Result<()> {
    let db = database.connect().await?;
    let keys = api_keys::list(&mut *db.acquire().await?, None, LIST_MAX).await?;
    let now = OffsetDateTime::now_utc();
    say("id                state    expires               last used             principal, scopes");
    for key in &keys {
        let or_dash = |at: Option<OffsetDateTime>| at.map_or_else(|| "-".to_owned(), time_of);
        say(&format!(
            "{}  {:<7}  {:<20}  {:<20}  {} ({}): {}",
            key.id,
            state(key, now),
            or_dash(key.expires_at),
            or_dash(key.last_used_at),
            key.principal_id,
            key.principal_name,
            key.scopes.join(" "),
        ));
    }
    if keys.len() as i64 == LIST_MAX {
        say("… only the newest are shown");
    }
    Ok(())
}

async fn revoke(options: &RevokeOptions) -> Result<()> {
    let sound = options.id.len() == 16 && options.id.bytes().all(|b| b.is_ascii_alphanumeric());
    // What is no id may be a secret, and is not repeated.
    ensure!(sound, "an id has 16 letters and digits: the part after `sk_<env>_`");
    let db = options.database.connect().await?;
    let mut transaction = db::begin(&db).await?;
    let found = api_keys::list(&mut transaction, Some(&options.id), 1).await?;
    let Some(key) = found.first() else { bail!("there is no key {}", options.id) };
    let now = OffsetDateTime::now_utc();
    if auth::revoke_key(&mut transaction, &key.id, now).await? {
        let before = json!({ "principal_id": key.principal_id, "scopes": key.scopes.join(" "),
            "expires_at": key.expires_at.map(time_of) });
        tell_decision(&mut transaction, &key.id, "revoked", (before, Value::Null)).await?;
        transaction.commit().await?;
        say(&format!("revoked {} of {}", key.id, key.principal_name));
    } else {
        say(&format!("{} was revoked before", key.id));
    }
    Ok(())
}

/// For the audit log. A key's secret is in neither state.
async fn tell_decision(
    db: &mut PgConnection,
    id: &str,
    act: &'static str,
    (before, after): (Value, Value),
) -> Result<()> {
    let about = ("api_key", id.to_owned());
    let decision = Decision { by: None, about, act, chain_id: None, before, after };
    Ok(journal::record(db, &[decision.fact()]).await?)
}

fn state(key: &ApiKeyRow, now: OffsetDateTime) -> &'static str {
    if key.revoked_at.is_some() {
        "revoked"
    } else if key.expires_at.is_some_and(|end| end <= now) {
        "expired"
    } else {
        "valid"
    }
}

fn time_of(at: OffsetDateTime) -> String {
    let seconds = at.replace_nanosecond(0).unwrap_or(at);
    seconds.format(&Rfc3339).unwrap_or_default()
}

fn join(scopes: &[Scope]) -> String {
    scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" ")
}

/// One line beside the output.
fn tell(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn scope(text: &str) -> Result<Scope, String> {
    text.parse().map_err(|()| format!("a scope is one of: {}", join(&Scope::ALL)))
}

fn env_name(text: &str) -> Result<String, String> {
    let sound = (2..=16).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase());
    sound.then(|| text.to_owned()).ok_or_else(|| "2 to 16 lower-case letters".to_owned())
}

fn span(text: &str) -> Result<Duration, String> {
    let said = || "a number and m, h or d, from 1m to 3650d, for example 90d".to_owned();
    let (number, unit) = text.split_at(text.len() - text.chars().last().map_or(0, char::len_utf8));
    let number: i32 = number.parse().map_err(|_| said())?;
    let unit = match unit {
        "m" => Duration::MINUTE,
        "h" => Duration::HOUR,
        "d" => Duration::DAY,
        _ => return Err(said()),
    };
    let span = unit.checked_mul(number).filter(|span| (unit..=EXPIRY_MAX).contains(span));
    span.ok_or_else(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_bounded() {
        assert_eq!(span("90d"), Ok(Duration::days(90)));
        assert_eq!(span("1m"), Ok(Duration::MINUTE));
        assert_eq!(span("3650d"), Ok(EXPIRY_MAX));
        for bad in ["", "d", "0d", "-1d", "1", "1w", "3651d", "99999999999d", "2147483647d", "1 d"]
        {
            assert!(span(bad).is_err(), "{bad}");
        }
    }
}
