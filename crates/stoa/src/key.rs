//! `stoa key`: API keys of a server, by its database. The API has the same for who holds a key.

use crate::{database::DatabaseOptions, say, terminal};
use anyhow::{Context, Result, ensure};
use app::{By, Decision};
use auth::{Action, IssuedKey, Networks, OVERLAP_MAX, PrincipalKind, Scope};
use clap::{Args, Subcommand};
use db::{
    PgConnection,
    api_keys::{self, ApiKeyFilter, ApiKeyRow, KeyTerms},
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
    /// Give a key another secret and print it, once. The present one goes on for a while.
    Rotate(RotateOptions),
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
    /// What it is called, for people.
    #[arg(long, value_name = "NAME", default_value = "")]
    label: String,
    /// Address or network that it may be used from; to be given once for each. Without, from
    /// anywhere.
    #[arg(long = "allow-ip", value_name = "IP or CIDR")]
    allowed_ips: Vec<String>,
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
pub(crate) struct RotateOptions {
    /// The key's public id, 16 characters: `sk_<env>_<id>_…`.
    id: String,
    /// For how long the present secret goes on: a number and `m`, `h` or `d`, up to 7 days; or `0`,
    /// which ends those before it as well.
    #[arg(long, value_parser = overlap, value_name = "TIME", default_value = "24h")]
    overlap: Duration,
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
        KeyCommand::Rotate(options) => rotate(&options).await,
        KeyCommand::Revoke(options) => revoke(&options).await,
    }
}

/// The key alone goes to standard output, so that a script can catch it; the rest to the error.
async fn create(options: CreateOptions) -> Result<()> {
    let pepper = options.database.pepper(options.pepper_file.as_ref())?;
    let terms = terms(&options)?;
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
    let place = (options.env.as_str(), principal);
    let issued = auth::issue_key_as(&mut transaction, &pepper, place, &terms).await?;
    let id = issued.key.id();
    let row = load(&mut transaction, id).await?;
    let states = (Value::Null, app::key_terms(&row));
    tell_decision(&mut transaction, id, "created", states).await?;
    transaction.commit().await?;
    tell(&format!("key        {id}"));
    tell(&format!("principal  {principal} ({name})"));
    tell(&format!("scopes     {}", join(&options.scopes)));
    tell(&format!("from       {}", or_any(&terms.allowed_ips)));
    tell(&format!("expires    {}", terms.expires_at.map_or_else(|| "never".to_owned(), time_of)));
    reveal(&issued);
    Ok(())
}

/// The key alone on standard output.
fn reveal(issued: &IssuedKey) {
    tell("Keep what follows: it is shown this once.");
    tell(&format!("signing secret  {}", *issued.signing_secret));
    say(issued.key.reveal());
}

fn terms(options: &CreateOptions) -> Result<KeyTerms> {
    let allowed = Networks::parse(&options.allowed_ips);
    let allowed = allowed.map_err(|fault| {
        anyhow::anyhow!("{}: {fault}", options.allowed_ips.get(fault.place).map_or("", |t| t))
    })?;
    let label = options.label.chars();
    let sound = label.clone().count() <= 100 && !label.clone().any(char::is_control);
    ensure!(sound, "a label has at most 100 characters and no control characters");
    Ok(KeyTerms {
        name: options.label.clone(),
        scopes: options.scopes.iter().map(ToString::to_string).collect(),
        allowed_ips: allowed.texts(),
        expires_at: options.expires_in.map(|span| OffsetDateTime::now_utc() + span),
        ..KeyTerms::default()
    })
}

fn or_any(networks: &[String]) -> String {
    if networks.is_empty() { "anywhere".to_owned() } else { networks.join(" ") }
}

async fn load(db: &mut PgConnection, id: &str) -> Result<ApiKeyRow> {
    let filter = ApiKeyFilter { id: Some(id), ..ApiKeyFilter::default() };
    let found = api_keys::list(db, filter, 1).await?.pop();
    found.with_context(|| format!("there is no key {id}"))
}

async fn list(database: &DatabaseOptions) -> Result<()> {
    let db = database.connect().await?;
    let filter = ApiKeyFilter::default();
    let keys = api_keys::list(&mut *db.acquire().await?, filter, LIST_MAX).await?;
    let now = OffsetDateTime::now_utc();
    say(
        "id                state    expires               last used             principal, scopes, \
         from",
    );
    for key in &keys {
        let or_dash = |at: Option<OffsetDateTime>| at.map_or_else(|| "-".to_owned(), time_of);
        say(&format!(
            "{}  {:<7}  {:<20}  {:<20}  {} ({}): {}; {}",
            key.id,
            state(key, now),
            or_dash(key.expires_at),
            or_dash(key.last_used_at),
            key.principal_id,
            key.principal_name,
            key.scopes.join(" "),
            or_any(&key.allowed_ips),
        ));
    }
    if keys.len() as i64 == LIST_MAX {
        say("… only the newest are shown");
    }
    Ok(())
}

async fn rotate(options: &RotateOptions) -> Result<()> {
    check_id(&options.id)?;
    let pepper = options.database.pepper(options.pepper_file.as_ref())?;
    let db = options.database.connect().await?;
    let mut transaction = db::begin(&db).await?;
    let found = api_keys::lock(&mut transaction, &options.id).await?;
    let key = found.with_context(|| format!("there is no key {}", options.id))?;
    ensure!(key.revoked_at.is_none(), "{} is revoked: make another key", key.id);
    let times = (OffsetDateTime::now_utc(), options.overlap);
    let place = (key.prefix.as_str(), key.id.as_str());
    let issued = auth::rotate_key(&mut transaction, &pepper, place, times).await?;
    let after = json!({ "overlap_seconds": options.overlap.whole_seconds() });
    tell_decision(&mut transaction, &key.id, "rotated", (Value::Null, after)).await?;
    transaction.commit().await?;
    tell(&format!("key        {} of {}", key.id, key.principal_name));
    reveal(&issued);
    Ok(())
}

/// What is no id may be a secret, and is not repeated.
fn check_id(id: &str) -> Result<()> {
    let sound = id.len() == 16 && id.bytes().all(|b| b.is_ascii_alphanumeric());
    ensure!(sound, "an id has 16 letters and digits: the part after `sk_<env>_`");
    Ok(())
}

async fn revoke(options: &RevokeOptions) -> Result<()> {
    check_id(&options.id)?;
    let db = options.database.connect().await?;
    let mut transaction = db::begin(&db).await?;
    let key = load(&mut transaction, &options.id).await?;
    let now = OffsetDateTime::now_utc();
    if auth::revoke_key(&mut transaction, &key.id, now).await? {
        let states = (app::key_terms(&key), Value::Null);
        tell_decision(&mut transaction, &key.id, "revoked", states).await?;
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
    let account = terminal::account();
    let (by, deed) = (By::Terminal(&account), Action::ChangeApiKey.into());
    let decision = Decision { by, deed, about, act, chain_id: None, before, after };
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

pub(crate) fn span(text: &str) -> Result<Duration, String> {
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

/// How long a replaced secret may go on.
fn overlap(text: &str) -> Result<Duration, String> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let found = span(text).ok().filter(|span| *span <= OVERLAP_MAX);
    found.ok_or_else(|| "0, or a number and m, h or d, up to 7d".to_owned())
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
        assert_eq!(overlap("0"), Ok(Duration::ZERO));
        assert_eq!(overlap("7d"), Ok(OVERLAP_MAX));
        assert!(overlap("8d").is_err() && overlap("0d").is_err());
    }
}
