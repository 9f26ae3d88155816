//! `stoa webhook …`

use super::{
    arguments::set,
    client::Client,
    table::{self, query, text},
    tx::show,
};
use anyhow::Result;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use std::process::ExitCode;

const PATH: &str = "/webhooks";
/// An endpoint did not take what it was sent.
const NOT_TAKEN: u8 = 4;

#[derive(Subcommand, Debug)]
pub(crate) enum WebhookCommand {
    /// Have an address told of facts. Prints its secret, once: it is not shown again.
    Create(Box<CreateOptions>),
    /// List webhooks, newest first: your own, or everybody's with the scope `admin`.
    List(Page),
    /// Show a webhook, with how far it was told.
    Show {
        #[arg(value_name = "ID")]
        id: String,
    },
    /// Change what it is told of, or where; lists that are given take the place of what there is.
    Update(Box<UpdateOptions>),
    /// Send an event that tells nothing, and show what came back. Ends with 4 if it was not taken.
    Test {
        #[arg(value_name = "ID")]
        id: String,
    },
    /// List what was sent or is to be, newest first.
    Deliveries {
        #[arg(value_name = "ID")]
        id: String,
        /// Only those in this state.
        #[arg(long, value_enum)]
        state: Option<State>,
        #[command(flatten)]
        page: Page,
    },
    /// Send a delivery now, whatever came of it before.
    Retry {
        #[arg(value_name = "ID")]
        id: String,
        #[arg(value_name = "DELIVERY")]
        delivery: String,
    },
    /// Tell it again all that follows on a number, also what was taken.
    Replay {
        #[arg(value_name = "ID")]
        id: String,
        /// The last number that its owner has; 0: everything.
        #[arg(long, value_name = "SEQ")]
        from: u64,
        /// Needed where it has several topics.
        #[arg(long)]
        topic: Option<String>,
    },
    /// Give it another secret and print that, once. For a day deliveries are signed by both.
    RotateSecret {
        #[arg(value_name = "ID")]
        id: String,
        /// Idempotency-Key: the same one never does it twice [default: a new one]
        #[arg(long, value_name = "KEY")]
        key: Option<String>,
    },
    /// Take it away, with all that waits for it.
    Delete {
        #[arg(value_name = "ID")]
        id: String,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum State {
    Ready,
    Held,
    Delivered,
    Failed,
}

impl State {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Held => "held",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }
}

#[derive(Args, Debug)]
pub(crate) struct Page {
    /// How many at most.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=200))]
    limit: u32,
    /// Go on where the last page ended.
    #[arg(long)]
    cursor: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct CreateOptions {
    /// Where to: https, at a public address.
    url: String,
    /// What it is told of: items, transfers, collections, chain, mints, transactions. Repeat it.
    #[arg(long = "topic", value_name = "TOPIC", required = true)]
    topics: Vec<String>,
    #[command(flatten)]
    wanted: Wanted,
    /// Sign by Ed25519, to be verified by a public key, and not by a secret that both know.
    #[arg(long)]
    ed25519: bool,
    /// Idempotency-Key: the same one never does it twice [default: a new one]
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct UpdateOptions {
    #[arg(value_name = "ID")]
    id: String,
    /// Where to.
    #[arg(long)]
    url: Option<String>,
    /// What it is told of. Repeat it.
    #[arg(long = "topic", value_name = "TOPIC")]
    topics: Vec<String>,
    #[command(flatten)]
    wanted: Wanted,
    /// Let it be told of nothing until it is resumed, and then of all.
    #[arg(long, conflicts_with = "resume")]
    pause: bool,
    /// Let it be told again: after a pause, or after it was disabled.
    #[arg(long)]
    resume: bool,
}

/// Of which facts.
#[derive(Args, Debug)]
pub(crate) struct Wanted {
    /// What people call it.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Only facts of this kind; with `*` at its end, that begin so. Repeat it.
    #[arg(long = "event", value_name = "KIND")]
    events: Vec<String>,
    /// Only facts of this chain. Repeat it.
    #[arg(long = "chain", value_name = "ID")]
    chain_ids: Vec<u64>,
    /// Only facts of this contract. Repeat it.
    #[arg(long = "contract", value_name = "ADDRESS")]
    contracts: Vec<String>,
    /// Only facts in which this one is owner, sender, recipient or creator. Repeat it.
    #[arg(long = "address", value_name = "ADDRESS")]
    addresses: Vec<String>,
}

impl Wanted {
    fn put(&self, body: &mut Value) {
        set(body, "description", self.description.as_ref());
        set(body, "events", some(&self.events));
        set(body, "chain_ids", some(&self.chain_ids));
        set(body, "contracts", some(&self.contracts));
        set(body, "addresses", some(&self.addresses));
    }
}

/// None stands for what was not given.
fn some<T>(all: &[T]) -> Option<&[T]> {
    Some(all).filter(|all| !all.is_empty())
}

pub(super) async fn run(client: &Client, json: bool, command: WebhookCommand) -> Result<ExitCode> {
    match command {
        WebhookCommand::Create(options) => {
            let made = create(client, &options).await?;
            show(&made, json, describe);
        }
        WebhookCommand::List(page) => {
            let found = client.get(PATH, &page.query([])).await?;
            show(&found, json, list);
        }
        WebhookCommand::Show { id } => {
            show(&client.get(&format!("{PATH}/{id}"), &[]).await?, json, describe);
        }
        WebhookCommand::Update(options) => {
            let changed = update(client, &options).await?;
            show(&changed, json, describe);
        }
        WebhookCommand::Test { id } => {
            let tried = client.act(&format!("{PATH}/{id}/test"), None).await?;
            show(&tried, json, describe_trial);
            if tried["outcome"] != "delivered" {
                return Ok(ExitCode::from(NOT_TAKEN));
            }
        }
        WebhookCommand::Deliveries { id, state, page } => {
            let state = state.map(|state| ("state", state.as_str().to_owned()));
            let found = client.get(&format!("{PATH}/{id}/deliveries"), &page.query(state)).await?;
            show(&found, json, list_deliveries);
        }
        WebhookCommand::Retry { id, delivery } => {
            let path = format!("{PATH}/{id}/deliveries/{delivery}/retry");
            show(&client.act(&path, None).await?, json, describe_delivery);
        }
        WebhookCommand::Replay { id, from, topic } => {
            let mut body = json!({ "from_seq": from });
            set(&mut body, "topic", topic);
            let begun = client.act(&format!("{PATH}/{id}/replay"), Some(&body)).await?;
            show(&begun, json, |begun| {
                let of = |field| text(begun, field);
                let (topic, from, head) = (of("topic"), of("from_seq"), of("head"));
                crate::say(&format!("{topic} is told again from {from} on; its latest is {head}"));
            });
        }
        WebhookCommand::RotateSecret { id, key } => {
            let path = format!("{PATH}/{id}/rotate-secret");
            let rotated = client.post(&path, key.as_deref(), &json!({})).await?;
            show(&rotated, json, describe);
        }
        WebhookCommand::Delete { id } => {
            client.delete(&format!("{PATH}/{id}")).await?;
            show(&json!({ "id": id, "deleted": true }), json, |_| {
                crate::say(&format!("{id} is deleted"));
            });
        }
    }
    Ok(ExitCode::SUCCESS)
}

impl Page {
    fn query(
        &self,
        more: impl IntoIterator<Item = (&'static str, String)>,
    ) -> Vec<(&'static str, String)> {
        let limit = Some(self.limit.to_string());
        let mut all = query([("limit", limit), ("cursor", self.cursor.clone())]);
        all.extend(more);
        all
    }
}

async fn create(client: &Client, options: &CreateOptions) -> Result<Value> {
    let mut body = json!({ "url": options.url, "topics": options.topics });
    options.wanted.put(&mut body);
    set(&mut body, "signature", options.ed25519.then_some("ed25519"));
    client.post(PATH, options.key.as_deref(), &body).await
}

async fn update(client: &Client, options: &UpdateOptions) -> Result<Value> {
    let mut body = json!({});
    set(&mut body, "url", options.url.as_ref());
    set(&mut body, "topics", some(&options.topics));
    options.wanted.put(&mut body);
    let state = options.pause.then_some("paused").or(options.resume.then_some("active"));
    set(&mut body, "state", state);
    client.patch(&format!("{PATH}/{}", options.id), &body).await
}

/// The texts or numbers of a list, with spaces between.
fn joined(of: &Value, field: &str) -> String {
    let all = of[field].as_array().into_iter().flatten();
    let texts = all.map(|one| one.as_str().map_or_else(|| one.to_string(), str::to_owned));
    texts.collect::<Vec<_>>().join(" ")
}

fn describe(webhook: &Value) {
    table::lines(&[
        ("id", text(webhook, "id")),
        ("url", text(webhook, "url")),
        ("description", text(webhook, "description")),
        ("state", text(webhook, "state")),
        ("because", text(webhook, "reason")),
        ("topics", joined(webhook, "topics")),
        ("events", joined(webhook, "events")),
        ("chains", joined(webhook, "chain_ids")),
        ("contracts", joined(webhook, "contracts")),
        ("addresses", joined(webhook, "addresses")),
        ("signed by", text(webhook, "signature")),
        ("public key", text(webhook, "public_key")),
        ("secret version", text(webhook, "secret_version")),
        ("before it until", text(webhook, "previous_secret_until")),
        ("failing since", text(webhook, "failing_since")),
        ("pending", text(webhook, "pending")),
    ]);
    for place in webhook["positions"].as_array().into_iter().flatten() {
        let of = |field| text(place, field);
        let behind = if place["behind"] == true { ", catching up" } else { "" };
        crate::say(&format!("  {} to {} of {}{behind}", of("topic"), of("seq"), of("head")));
    }
    let secret = text(webhook, "secret");
    if !secret.is_empty() {
        crate::note("Keep the secret: it is shown this once.");
        table::lines(&[("secret", secret)]);
    }
}

fn list(page: &Value) {
    let row = |webhook: &Value| -> Vec<String> {
        vec![
            text(webhook, "id"),
            text(webhook, "state"),
            text(webhook, "pending"),
            text(webhook, "failing_since"),
            joined(webhook, "topics"),
            text(webhook, "url"),
        ]
    };
    table_of(&["ID", "STATE", "PENDING", "FAILING SINCE", "TOPICS", "URL"], page, row);
}

fn list_deliveries(page: &Value) {
    let row = |delivery: &Value| -> Vec<String> {
        let last = delivery["log"].as_array().and_then(|log| log.iter().max_by_key(number));
        let of_last = |field| last.map_or_else(String::new, |attempt| text(attempt, field));
        vec![
            text(delivery, "id"),
            format!("{} {}", text(delivery, "topic"), text(delivery, "seq")),
            text(delivery, "kind"),
            text(delivery, "state"),
            text(delivery, "attempts"),
            of_last("outcome"),
            of_last("status"),
            text(delivery, "next_at"),
        ]
    };
    let heading = ["ID", "FACT", "KIND", "STATE", "ATTEMPTS", "LAST", "STATUS", "NEXT"];
    table_of(&heading, page, row);
}

fn number(attempt: &&Value) -> u64 {
    attempt["attempt"].as_u64().unwrap_or_default()
}

fn table_of(heading: &[&str], page: &Value, row: impl Fn(&Value) -> Vec<String>) {
    let rows: Vec<Vec<String>> = page["items"].as_array().into_iter().flatten().map(row).collect();
    table::print(heading, &rows);
    let cursor = text(page, "next_cursor");
    if !cursor.is_empty() {
        crate::say(&format!("\nmore: --cursor {cursor}"));
    }
}

fn describe_trial(trial: &Value) {
    table::lines(&[
        ("id", text(trial, "id")),
        ("outcome", text(trial, "outcome")),
        ("status", text(trial, "status")),
        ("after", format!("{} ms", text(trial, "latency_ms"))),
        ("answer", plain(&text(trial, "response"))),
    ]);
}

fn describe_delivery(delivery: &Value) {
    table::lines(&[
        ("id", text(delivery, "id")),
        ("fact", format!("{} {}", text(delivery, "topic"), text(delivery, "seq"))),
        ("kind", text(delivery, "kind")),
        ("state", text(delivery, "state")),
        ("attempts", text(delivery, "attempts")),
        ("next", text(delivery, "next_at")),
    ]);
}

/// What an endpoint answered could do things to a terminal.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect()
}
