//! `stoa wallet …`

use super::{
    arguments::set,
    client::Client,
    table::{self, ether, text},
    tx::{show, summary},
};
use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::process::ExitCode;

#[derive(Subcommand, Debug)]
pub(crate) enum WalletCommand {
    /// Make another wallet for a role: the signer's next key. It needs money before it can send.
    Create {
        /// A role of the signer's policy.
        role: String,
        /// Id of the chain [default: the server's first]
        #[arg(long, value_name = "ID")]
        chain: Option<u64>,
        /// Idempotency-Key [default: a new one]
        #[arg(long, value_name = "KEY")]
        key: Option<String>,
    },
    /// Says how to bring a key of your own: not by the API, which no key ever passes.
    Import,
    /// List wallets with balances, nonces and lanes.
    List {
        /// Id of the chain
        #[arg(long, value_name = "ID")]
        chain: Option<u64>,
        #[arg(long)]
        role: Option<String>,
    },
    /// Print what a wallet has, in ether.
    Balance(Place),
    /// Give the wallet's place to a new key; the old one finishes what it has.
    Rotate(Once),
    /// Send all that a wallet has, less the fee, to an address. Only when all of it is final.
    Drain {
        #[command(flatten)]
        at: Once,
        /// Who gets it.
        #[arg(long, value_name = "ADDRESS")]
        to: String,
    },
    /// Let a wallet take nothing new until it is resumed.
    Pause(Once),
    /// Let a paused wallet take transactions again.
    Resume(Once),
    /// Let a wallet finish what it has, and never take anything again.
    Retire(Once),
}

/// What brings a key here: the engine is not told of it at any step.
const IMPORT: &str = "\
a key is not sent over the API: neither the engine nor its database may ever see one.
Where the signer's files are, with the signer stopped:
  stoa signer key import --keystore DIR/keys --password-file DIR/password \\
    --store DIR/signed.redb --role ROLE --index N < key.hex
Start the signer again, then let the engine take it as a wallet:
  stoa wallet create ROLE
N is the lowest number of the role that has no wallet yet. Import only keys whose transactions are
all final. See docs/operate/signer.md and docs/operate/wallets.md.";

/// No server is asked: there is nothing that it could do.
pub(super) fn refuse_import() -> Result<()> {
    bail!(IMPORT)
}

#[derive(Args, Debug)]
pub(crate) struct Place {
    #[arg(value_name = "ADDRESS")]
    address: String,
    /// Id of the chain [default: that of the only wallet with this address]
    #[arg(long, value_name = "ID")]
    chain: Option<u64>,
}

#[derive(Args, Debug)]
pub(crate) struct Once {
    #[command(flatten)]
    place: Place,
    /// Idempotency-Key [default: a new one]
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
}

pub(super) async fn run(client: &Client, json: bool, command: WalletCommand) -> Result<ExitCode> {
    match command {
        WalletCommand::Create { role, chain, key } => {
            let mut body = json!({ "role": role });
            set(&mut body, "chain_id", chain);
            let made = client.post("/wallets", key.as_deref(), &body).await?;
            show(&made, json, describe);
        }
        WalletCommand::Import => refuse_import()?,
        WalletCommand::List { chain, role } => {
            let asked =
                table::query([("chain_id", chain.map(|id| id.to_string())), ("role", role)]);
            let found = client.get("/wallets", &asked).await?;
            show(&found, json, list);
        }
        WalletCommand::Balance(place) => {
            let path = path(client, &place).await?;
            let wallet = client.get(&path, &[]).await?;
            let balance = text(&wallet, "balance");
            if balance.is_empty() {
                bail!("the node does not tell");
            }
            show(&wallet, json, |_| crate::say(&ether(&balance)));
        }
        WalletCommand::Rotate(at) => {
            let rotated = act(client, &at, "rotate", &json!({})).await?;
            show(&rotated, json, |rotated| {
                crate::say(&format!("old  {}", text(&rotated["old"], "address")));
                crate::say(&format!("new  {}", text(&rotated["new"], "address")));
                crate::say("The new one needs money before it can send.");
            });
        }
        WalletCommand::Drain { at, to } => {
            let sent = act(client, &at, "drain", &json!({ "to": to })).await?;
            show(&sent, json, summary);
        }
        WalletCommand::Pause(at) => {
            show(&act(client, &at, "pause", &json!({})).await?, json, describe);
        }
        WalletCommand::Resume(at) => {
            show(&act(client, &at, "resume", &json!({})).await?, json, describe);
        }
        WalletCommand::Retire(at) => {
            show(&act(client, &at, "retire", &json!({})).await?, json, describe);
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn act(client: &Client, at: &Once, what: &str, body: &Value) -> Result<Value> {
    let path = path(client, &at.place).await?;
    client.post(&format!("{path}/{what}"), at.key.as_deref(), body).await
}

/// The wallet's path; without a chain the one where it is.
async fn path(client: &Client, place: &Place) -> Result<String> {
    if let Some(chain) = place.chain {
        return Ok(format!("/wallets/{chain}/{}", place.address));
    }
    let all = client.get("/wallets", &[]).await?;
    let found: Vec<String> = all["items"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|wallet| text(wallet, "address").eq_ignore_ascii_case(&place.address))
        .map(|wallet| text(wallet, "chain_id"))
        .collect();
    match found.as_slice() {
        [chain] => Ok(format!("/wallets/{chain}/{}", place.address)),
        [] => bail!("the server has no wallet {}", place.address),
        _ => bail!("{} is on several chains: choose one with --chain", place.address),
    }
}

fn describe(wallet: &Value) {
    let lane = &wallet["lane"];
    table::lines(&[
        ("address", text(wallet, "address")),
        ("chain", text(wallet, "chain_id")),
        ("role", text(wallet, "role")),
        ("key", text(wallet, "key_index")),
        ("state", text(wallet, "state")),
        ("paused because", text(wallet, "paused_reason")),
        ("balance", ether(&text(wallet, "balance"))),
        ("nonce on chain", text(wallet, "chain_nonce")),
        ("next nonce", text(wallet, "next_nonce")),
        ("in flight", text(wallet, "in_flight")),
        ("not final", text(wallet, "open")),
        ("served by", text(lane, "holder")),
        ("until", text(lane, "expires_at")),
    ]);
}

fn list(found: &Value) {
    let row = |wallet: &Value| -> Vec<String> {
        vec![
            text(wallet, "address"),
            text(wallet, "chain_id"),
            text(wallet, "role"),
            text(wallet, "state"),
            ether(&text(wallet, "balance")),
            text(wallet, "chain_nonce"),
            text(wallet, "next_nonce"),
            text(wallet, "in_flight"),
            if wallet["lane"].is_null() { "no".to_owned() } else { "yes".to_owned() },
            text(wallet, "paused_reason"),
        ]
    };
    let rows: Vec<Vec<String>> = found["items"].as_array().into_iter().flatten().map(row).collect();
    let heading = [
        "ADDRESS",
        "CHAIN",
        "ROLE",
        "STATE",
        "BALANCE",
        "ON CHAIN",
        "NEXT",
        "IN FLIGHT",
        "SERVED",
        "PAUSED",
    ];
    table::print(&heading, &rows);
}
