//! `stoa tx …`

use super::{
    arguments::{CallOptions, Terms, Urgency, set},
    client::Client,
    table::{self, ether, text},
};
use anyhow::{Context, Result};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use std::{process::ExitCode, time::Duration};
use uuid::Uuid;

const PATH: &str = "/transactions";
/// Between two looks while waiting.
const LOOK: Duration = Duration::from_millis(250);
const FAILED: u8 = 4;

#[derive(Subcommand, Debug)]
pub(crate) enum TxCommand {
    /// Send a call, or a plain transfer, from a wallet of the engine.
    ///
    /// Examples:
    ///   stoa tx send 0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed --value 1
    ///   stoa tx send default_collection 'grantRole(bytes32,address)' 0x00…00 0x5aAe…Aed
    #[command(verbatim_doc_comment)]
    Send(SendOptions),
    /// Try a call: what it would do and cost. Nothing is sent.
    Quote(CallOptions),
    /// List transactions, newest first.
    List(List),
    /// Show a transaction with its attempts.
    Show { id: Uuid },
    /// Wait until a transaction is so sure, or has ended.
    Wait(Wait),
    /// Print the history of a transaction.
    Facts { id: Uuid },
    /// Stop a transaction; it may still be mined first.
    Cancel(Stop),
    /// Let a transaction offer more.
    SpeedUp(SpeedUp),
    /// Cancel a transaction and send another in its place: never both.
    Replace(Replace),
    /// Queue a failed or expired transaction again.
    Redrive(Redrive),
    /// Bring an operator's consent to a transaction that waits for it.
    Approve(Approve),
    /// Print what is to be approved of a transaction, for `stoa signer approve --intent`.
    Intent { id: Uuid },
}

#[derive(Args, Debug)]
pub(crate) struct SendOptions {
    #[command(flatten)]
    call: CallOptions,
    #[command(flatten)]
    terms: Terms,
    #[command(flatten)]
    once: OnceOptions,
    #[command(flatten)]
    patience: Patience,
}

#[derive(Args, Debug)]
pub(crate) struct OnceOptions {
    /// Idempotency-Key: the same one never does it twice [default: a new one]
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct Patience {
    /// Wait until it is so sure, or has ended otherwise.
    #[arg(long, value_enum, value_name = "LEVEL")]
    wait: Option<Level>,
    /// Seconds to wait at most.
    #[arg(long, default_value_t = 300, value_name = "SECONDS")]
    patience: u64,
}

#[derive(Args, Debug)]
pub(crate) struct Wait {
    id: Uuid,
    /// For which level; any end will do when absent.
    #[arg(long = "for", value_enum, value_name = "LEVEL")]
    level: Option<Level>,
    /// Seconds to wait at most.
    #[arg(long, default_value_t = 300, value_name = "SECONDS")]
    patience: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Level {
    Tentative,
    Auditable,
    Final,
}

#[derive(Args, Debug)]
pub(crate) struct List {
    /// Id of the chain
    #[arg(long, value_name = "ID")]
    chain: Option<u64>,
    #[arg(long)]
    status: Option<String>,
    #[arg(long)]
    kind: Option<String>,
    #[arg(long)]
    role: Option<String>,
    #[arg(long, value_name = "ADDRESS")]
    wallet: Option<String>,
    #[arg(long, value_name = "KEY")]
    ordering_key: Option<String>,
    /// Asked for at this time or later (RFC 3339).
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only those that wait for operators' approvals.
    #[arg(long)]
    awaiting_approval: bool,
    /// How many at most.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=200))]
    limit: u32,
    /// Go on where the last page ended.
    #[arg(long)]
    cursor: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct Stop {
    id: Uuid,
    #[command(flatten)]
    once: OnceOptions,
}

#[derive(Args, Debug)]
pub(crate) struct SpeedUp {
    id: Uuid,
    #[arg(long, value_enum)]
    urgency: Option<Urgency>,
    /// Wei per gas.
    #[arg(long, value_name = "WEI")]
    fee_cap: Option<String>,
    #[command(flatten)]
    once: OnceOptions,
}

#[derive(Args, Debug)]
pub(crate) struct Replace {
    id: Uuid,
    #[command(flatten)]
    call: CallOptions,
    #[command(flatten)]
    terms: Terms,
    #[command(flatten)]
    once: OnceOptions,
}

#[derive(Args, Debug)]
pub(crate) struct Redrive {
    id: Uuid,
    /// A new deadline (RFC 3339); one that has passed is dropped.
    #[arg(long, value_name = "TIME")]
    deadline: Option<String>,
    #[command(flatten)]
    once: OnceOptions,
}

#[derive(Args, Debug)]
pub(crate) struct Approve {
    id: Uuid,
    /// What `stoa signer approve` printed: the JSON itself, or a file that has it.
    #[arg(long, value_name = "JSON|FILE")]
    signature: String,
    #[command(flatten)]
    once: OnceOptions,
}

impl Approve {
    fn body(&self) -> Result<Value> {
        let text = match self.signature.trim_start().starts_with('{') {
            true => self.signature.clone(),
            false => std::fs::read_to_string(&self.signature)
                .with_context(|| format!("cannot read {}", self.signature))?,
        };
        serde_json::from_str(&text).context("--signature is no JSON")
    }
}

pub(super) async fn run(client: &Client, json: bool, command: TxCommand) -> Result<ExitCode> {
    match command {
        TxCommand::Send(options) => return send(client, json, options).await,
        TxCommand::Wait(options) => return wait(client, json, &options).await,
        TxCommand::Quote(call) => return quote(client, json, &call).await,
        TxCommand::List(options) => list(client, json, options).await?,
        TxCommand::Show { id } => {
            let shown = client.get(&format!("{PATH}/{id}"), &[]).await?;
            show(&shown, json, detail);
        }
        TxCommand::Facts { id } => {
            let facts = client.get(&format!("{PATH}/{id}/facts"), &[]).await?;
            show(&facts, json, history);
        }
        TxCommand::Cancel(stop) => {
            let path = format!("{PATH}/{}/cancel", stop.id);
            let answer = client.post(&path, stop.once.key.as_deref(), &json!({})).await?;
            show(&answer, json, summary);
        }
        TxCommand::SpeedUp(options) => {
            let mut body = json!({});
            set(&mut body, "urgency", options.urgency.map(Urgency::name));
            set(&mut body, "fee_cap", options.fee_cap);
            let path = format!("{PATH}/{}/speed-up", options.id);
            let answer = client.post(&path, options.once.key.as_deref(), &body).await?;
            show(&answer, json, summary);
        }
        TxCommand::Replace(options) => {
            let body = options.call.body_with(&options.terms)?;
            let path = format!("{PATH}/{}/replace", options.id);
            let answer = client.post(&path, options.once.key.as_deref(), &body).await?;
            show(&answer, json, summary);
        }
        TxCommand::Redrive(options) => {
            let mut body = json!({});
            set(&mut body, "deadline", options.deadline);
            let path = format!("{PATH}/{}/redrive", options.id);
            let answer = client.post(&path, options.once.key.as_deref(), &body).await?;
            show(&answer, json, summary);
        }
        TxCommand::Approve(options) => {
            let path = format!("{PATH}/{}/approvals", options.id);
            let answer = client.post(&path, options.once.key.as_deref(), &options.body()?).await?;
            show(&answer, json, summary);
        }
        TxCommand::Intent { id } => {
            let shown = client.get(&format!("{PATH}/{id}"), &[]).await?;
            let intent = shown["approval"].get("intent");
            let intent = intent.context("the signer has not asked for approvals of it")?;
            crate::say(&format!("{intent:#}"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn show(answer: &Value, json: bool, people: impl Fn(&Value)) {
    if json {
        crate::say(&format!("{answer:#}"));
    } else {
        people(answer);
    }
}

async fn send(client: &Client, json: bool, options: SendOptions) -> Result<ExitCode> {
    let body = options.call.body_with(&options.terms)?;
    let accepted = client.post(PATH, options.once.key.as_deref(), &body).await?;
    let Some(level) = options.patience.wait else {
        show(&accepted, json, summary);
        return Ok(ExitCode::SUCCESS);
    };
    let (id, patience) = (text(&accepted, "id"), options.patience.patience);
    let shown = ended(client, &id, level, patience).await?;
    show(&shown, json, summary);
    Ok(verdict(&shown, level))
}

async fn wait(client: &Client, json: bool, options: &Wait) -> Result<ExitCode> {
    let level = options.level.unwrap_or(Level::Final);
    let shown = ended(client, &options.id.to_string(), level, options.patience).await?;
    show(&shown, json, summary);
    Ok(match options.level {
        Some(level) => verdict(&shown, level),
        None => ExitCode::SUCCESS,
    })
}

/// Did it take effect, and is that so sure?
fn verdict(shown: &Value, level: Level) -> ExitCode {
    let status = Level::from_str(&text(shown, "status"), false);
    let good = status.is_ok_and(|reached| reached >= level) && shown["reverted"] != true;
    if good { ExitCode::SUCCESS } else { ExitCode::from(FAILED) }
}

/// The transaction once it is so sure, or has ended; waits so many seconds at most.
async fn ended(client: &Client, id: &str, level: Level, patience: u64) -> Result<Value> {
    let patience = Duration::from_secs(patience);
    match tokio::time::timeout(patience, until_ended(client, id, level)).await {
        Ok(ended) => ended,
        Err(_) => {
            anyhow::bail!("{id} is accepted, but neither {level:?} nor ended after {patience:?}")
        }
    }
}

async fn until_ended(client: &Client, id: &str, level: Level) -> Result<Value> {
    loop {
        let shown = client.get(&format!("{PATH}/{id}"), &[]).await?;
        let status = text(&shown, "status");
        let reached = Level::from_str(&status, false).is_ok_and(|reached| reached >= level);
        if reached || matches!(status.as_str(), "failed" | "expired" | "cancelled") {
            return Ok(shown);
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn quote(client: &Client, json: bool, call: &CallOptions) -> Result<ExitCode> {
    let quote = client.post(&format!("{PATH}/quote"), None, &call.body()?).await?;
    show(&quote, json, |quote| {
        let failure = &quote["failure"];
        table::lines(&[
            ("succeeds", text(quote, "succeeds")),
            ("from", text(quote, "from")),
            ("to", text(quote, "to")),
            ("gas", text(quote, "gas_estimate")),
            ("gas limit", text(quote, "gas_limit")),
            ("base fee", text(quote, "base_fee")),
            ("max fee", text(quote, "max_fee")),
            ("costs likely", ether(&text(quote, "fee_likely"))),
            ("costs at most", ether(&text(quote, "fee_max"))),
            ("returns", text(quote, "returns")),
            ("fails with", text(failure, "code")),
            ("because", text(failure, "text")),
            ("error", text(failure, "signature")),
            ("arguments", text(failure, "args")),
        ]);
    });
    let good = quote["succeeds"] == true;
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

async fn list(client: &Client, json: bool, options: List) -> Result<()> {
    let asked = table::query([
        ("chain_id", options.chain.map(|id| id.to_string())),
        ("status", options.status),
        ("kind", options.kind),
        ("role", options.role),
        ("wallet", options.wallet),
        ("ordering_key", options.ordering_key),
        ("since", options.since),
        ("awaiting_approval", options.awaiting_approval.then(|| "true".to_owned())),
        ("limit", Some(options.limit.to_string())),
        ("cursor", options.cursor),
    ]);
    let page = client.get(PATH, &asked).await?;
    let heading = ["ID", "STATUS", "KIND", "ROLE", "NONCE", "TO", "CREATED"];
    let fields = ["id", "status", "kind", "role", "nonce", "to", "created_at"];
    show(&page, json, |page| table::page(&heading, &fields, page));
    Ok(())
}

pub(super) fn summary(shown: &Value) {
    table::lines(&[
        ("id", text(shown, "id")),
        ("status", text(shown, "status")),
        ("reason", text(shown, "reason")),
        ("kind", text(shown, "kind")),
        ("function", text(shown, "label")),
        ("chain", text(shown, "chain_id")),
        ("role", text(shown, "role")),
        ("wallet", text(shown, "wallet")),
        ("to", text(shown, "to")),
        ("value", ether(&text(shown, "value"))),
        ("nonce", text(shown, "nonce")),
        ("transaction", text(shown, "tx_hash")),
        ("block", text(&shown["block"], "number")),
        ("replaces", text(shown, "replaces")),
        ("stop asked for", text(shown, "cancel_requested_at")),
        ("created", text(shown, "created_at")),
    ]);
}

fn detail(shown: &Value) {
    summary(shown);
    table::lines(&[
        ("ordering key", text(shown, "ordering_key")),
        ("deadline", text(shown, "deadline")),
        ("urgency", text(shown, "urgency")),
        ("fee cap", text(shown, "fee_cap")),
        ("arguments", text(&shown["call"], "args")),
        ("fails with", text(&shown["failure"], "signature")),
        ("with", text(&shown["failure"], "args")),
    ]);
    approval(&shown["approval"]);
    let attempts = shown["attempts"].as_array().map(Vec::as_slice).unwrap_or_default();
    if attempts.is_empty() {
        return;
    }
    crate::say("");
    let fields = ["attempt", "nonce", "void", "max_fee", "max_priority_fee", "sent", "tx_hash"];
    let rows: Vec<Vec<String>> = attempts
        .iter()
        .map(|attempt| fields.iter().map(|field| text(attempt, field)).collect())
        .collect();
    table::print(&["ATTEMPT", "NONCE", "VOID", "MAX FEE", "TIP", "SENT", "HASH"], &rows);
}

/// What is to be approved, and what was.
fn approval(approval: &Value) {
    if approval.is_null() {
        return;
    }
    crate::say("");
    table::lines(&[
        ("approval wanted", text(approval, "wanted_at")),
        ("act", text(approval, "act")),
        ("by rule of", text(approval, "role")),
        ("policy", text(approval, "policy")),
        ("approvals needed", text(approval, "needed")),
        ("of", text(approval, "operators")),
        ("good for at most", format!("{} s", text(approval, "expires_seconds_max"))),
        ("did not count", text(approval, "refused")),
    ]);
    for given in approval["given"].as_array().into_iter().flatten() {
        let (operator, until) = (text(given, "operator"), text(given, "expires_at"));
        crate::say(&format!("approved by {operator} until {until}"));
    }
}

fn history(answer: &Value) {
    let facts = answer["facts"].as_array().map(Vec::as_slice).unwrap_or_default();
    let rows: Vec<Vec<String>> = facts
        .iter()
        .map(|fact| {
            vec![
                text(fact, "seq"),
                text(fact, "at"),
                text(fact, "type"),
                text(&fact["data"], "status"),
                text(&fact["data"]["reason"], "code"),
                text(&fact["block"], "number"),
                text(&fact["data"], "tx_hash"),
            ]
        })
        .collect();
    table::print(&["SEQ", "AT", "TYPE", "STATUS", "REASON", "BLOCK", "HASH"], &rows);
}
