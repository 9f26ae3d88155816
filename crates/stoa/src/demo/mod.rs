//! `stoa demo`: one picture's way to the chain, step by step, against a running server.

mod client;

use crate::dev::DevFile;
use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use client::Client;
use serde_json::{Value, json};
use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

#[derive(Args, Debug)]
pub struct DemoOptions {
    /// The picture to mint: PNG, JPEG, GIF or WebP.
    #[arg(long, value_name = "FILE")]
    picture: PathBuf,
    /// Who gets it; by default the first account of the development chain.
    #[arg(long, value_name = "ADDRESS")]
    to: Option<String>,
    /// Name of the item; by default the file's name.
    #[arg(long)]
    name: Option<String>,
    /// Where the server keeps its data.
    #[arg(long, default_value = ".dev", value_name = "DIR")]
    data_dir: PathBuf,
    /// How sure to be before the end: tentative (one block), auditable (12) or final (32).
    #[arg(long, value_enum, default_value = "tentative")]
    until: Until,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum Until {
    Tentative,
    Auditable,
    Final,
}

impl Until {
    fn of(status: &str) -> Option<Self> {
        <Self as ValueEnum>::from_str(status, false).ok()
    }
}

/// A step's line: seconds since the start, what, and where to look.
struct Steps(Instant);

impl Steps {
    fn say(&self, what: &str, link: &str) {
        crate::say(&format!("{:>8.3} s  {what:<44} {link}", self.0.elapsed().as_secs_f64()));
    }
}

pub async fn run(options: DemoOptions) -> Result<()> {
    let dev = DevFile::load(&options.data_dir)?;
    let client = Client::new(&dev)?;
    let steps = Steps(Instant::now());
    let to = match &options.to {
        Some(address) => address.clone(),
        None => {
            dev.accounts.first().context("dev.json names no account; give --to")?.address.clone()
        }
    };

    let upload = client.upload(&options.picture).await?;
    let picture = text(&upload, "uri")?;
    let size = format!("{} × {}", upload["width"], upload["height"]);
    steps.say(
        &format!("picture stored ({}, {size})", text(&upload, "media_type")?),
        &format!("{}/ipfs/{}", dev.content, text(&upload, "cid")?),
    );

    let metadata = client.metadata(&describe(&options, picture)).await?;
    steps.say("metadata stored", &format!("{}/ipfs/{}", dev.content, text(&metadata, "cid")?));

    let mint = client.mint(&json!({ "to": to, "uri": text(&metadata, "uri")? })).await?;
    let id = text(&mint, "id")?.to_owned();
    steps.say("mint accepted", &format!("{}/api/v1/mints/{id}", dev.http));
    watch(&client, &id, options.until, &steps).await?;

    let mint = client.get(&format!("/api/v1/mints/{id}")).await?;
    let path = format!(
        "/api/v1/items/{}/{}/{}",
        dev.chain_id,
        text(&mint, "contract")?,
        text(&mint, "token_id")?
    );
    let item = client.get(&path).await?;
    steps.say(&format!("owned by {}", text(&item, "owner")?), &format!("{}{path}", dev.http));
    let owner = client.owner_on_chain(text(&mint, "contract")?, text(&mint, "token_id")?).await?;
    if !owner.eq_ignore_ascii_case(text(&item, "owner")?) {
        bail!("the chain says that {owner} owns it");
    }
    steps.say("the chain agrees", &format!("transaction {}", text(&mint, "tx_hash")?));
    Ok(())
}

fn describe(options: &DemoOptions, picture: &str) -> Value {
    let stem = options.picture.file_stem().map(|s| s.to_string_lossy().into_owned());
    let name = options.name.clone().or(stem).unwrap_or_else(|| "Untitled".to_owned());
    json!({ "name": name, "description": "Minted by `stoa demo`.", "image": picture })
}

/// Print each state of the mint as it arrives on the stream.
async fn watch(client: &Client, id: &str, until: Until, steps: &Steps) -> Result<()> {
    let mut stream = client.subscribe(id).await?;
    let limit = Duration::from_secs(300);
    loop {
        let data = tokio::time::timeout(limit, stream.next())
            .await
            .with_context(|| format!("nothing on the stream for {limit:?}"))??;
        let Some(status) = data["status"].as_str() else { continue };
        let link = match data["tx_hash"].as_str() {
            Some(hash) => format!("transaction {hash}"),
            None => String::new(),
        };
        steps.say(&format!("on the stream: {status}"), &link);
        if Until::of(status).is_some_and(|reached| reached >= until) {
            return Ok(());
        }
        if matches!(status, "failed" | "expired" | "cancelled") {
            bail!("the mint ended as {status}: {}", data["reason"]);
        }
    }
}

/// A string field of an answer.
fn text<'a>(answer: &'a Value, field: &str) -> Result<&'a str> {
    answer[field].as_str().with_context(|| format!("the answer has no `{field}`: {answer}"))
}
