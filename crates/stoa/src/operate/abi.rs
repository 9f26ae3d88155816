//! `stoa abi …`

use super::{
    arguments::set,
    client::Client,
    table::{self, query, text},
    tx::show,
};
use anyhow::{Context, Result, bail};
use clap::Subcommand;
use serde_json::{Value, json};
use std::{
    fs,
    io::{Read, stdin},
    path::{Path, PathBuf},
    process::ExitCode,
};

const PATH: &str = "/abis";
/// The server takes less.
const FILE_BYTES_MAX: u64 = 16 << 20;
/// Pages that are looked through for a name; the server keeps 1,000 contracts per chain.
const PAGES_MAX: usize = 100;

#[derive(Subcommand, Debug)]
pub(crate) enum AbiCommand {
    /// Let a contract be called by name and types.
    Add {
        /// What calls may name it by.
        name: String,
        /// Where it is.
        address: String,
        /// What the compiler wrote: the ABI, or an artifact with a field `abi`; `-` reads standard
        /// input.
        file: PathBuf,
        /// Id of the chain [default: the server's first]
        #[arg(long, value_name = "ID")]
        chain: Option<u64>,
        /// Idempotency-Key: the same one never does it twice [default: a new one]
        #[arg(long, value_name = "KEY")]
        key: Option<String>,
    },
    /// List the contracts that can be called by name and types.
    List {
        /// Id of the chain
        #[arg(long, value_name = "ID")]
        chain: Option<u64>,
        /// How many at most.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=200))]
        limit: u32,
        /// Go on where the last page ended.
        #[arg(long)]
        cursor: Option<String>,
    },
    /// Show what can be called of a contract.
    Show {
        /// Its name or its address.
        #[arg(value_name = "CONTRACT")]
        contract: String,
        /// Id of the chain [default: that of the only contract with this name or address]
        #[arg(long, value_name = "ID")]
        chain: Option<u64>,
    },
}

pub(super) async fn run(client: &Client, json: bool, command: AbiCommand) -> Result<ExitCode> {
    match command {
        AbiCommand::Add { name, address, file, chain, key } => {
            let mut body = json!({ "name": name, "address": address, "abi": read(&file)? });
            set(&mut body, "chain_id", chain);
            let added = client.post(PATH, key.as_deref(), &body).await?;
            show(&added, json, describe);
        }
        AbiCommand::List { chain, limit, cursor } => {
            let page = client.get(PATH, &page(chain, limit, cursor)).await?;
            show(&page, json, list);
        }
        AbiCommand::Show { contract, chain } => {
            let path = path(client, &contract, chain).await?;
            let shown = client.get(&path, &[]).await?;
            show(&shown, json, describe);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn page(chain: Option<u64>, limit: u32, cursor: Option<String>) -> Vec<(&'static str, String)> {
    query([
        ("chain_id", chain.map(|id| id.to_string())),
        ("limit", Some(limit.to_string())),
        ("cursor", cursor),
    ])
}

/// The ABI in a file: an array, or the field `abi` of an artifact.
fn read(file: &Path) -> Result<Value> {
    let mut text = String::new();
    let read = match file.to_str() {
        Some("-") => stdin().lock().take(FILE_BYTES_MAX + 1).read_to_string(&mut text),
        _ => fs::File::open(file)
            .and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text)),
    };
    read.with_context(|| format!("cannot read {}", file.display()))?;
    if text.len() as u64 > FILE_BYTES_MAX {
        bail!("{} is larger than {FILE_BYTES_MAX} bytes", file.display());
    }
    let value: Value =
        serde_json::from_str(&text).with_context(|| format!("{} is not JSON", file.display()))?;
    match value {
        Value::Array(_) => Ok(value),
        Value::Object(mut artifact) if artifact.get("abi").is_some_and(Value::is_array) => {
            Ok(artifact.remove("abi").unwrap_or_default())
        }
        _ => bail!("{} is neither an ABI nor an artifact with one", file.display()),
    }
}

/// Where the server shows the contract.
async fn path(client: &Client, contract: &str, chain: Option<u64>) -> Result<String> {
    if let (Some(chain), true) = (chain, contract.starts_with("0x")) {
        return Ok(format!("{PATH}/{chain}/{contract}"));
    }
    let (mut found, mut cursor) = (Vec::new(), None);
    for _ in 0..PAGES_MAX {
        let answer = client.get(PATH, &page(chain, 200, cursor.take())).await?;
        let named = answer["items"].as_array().into_iter().flatten().filter(|entry| {
            text(entry, "name") == contract || text(entry, "address").eq_ignore_ascii_case(contract)
        });
        found.extend(
            named.map(|e| format!("{PATH}/{}/{}", text(e, "chain_id"), text(e, "address"))),
        );
        cursor = answer["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    match found.as_slice() {
        [only] => Ok(only.clone()),
        [] => bail!("the server lists no contract {contract}"),
        _ => bail!("{contract} is on several chains: choose one with --chain"),
    }
}

fn describe(shown: &Value) {
    table::lines(&[
        ("name", text(shown, "name")),
        ("address", text(shown, "address")),
        ("chain", text(shown, "chain_id")),
        ("source", text(shown, "source")),
        ("since", text(shown, "created_at")),
    ]);
    for function in shown["functions"].as_array().into_iter().flatten() {
        crate::say(&format!("  {}", function.as_str().unwrap_or_default()));
    }
}

fn list(page: &Value) {
    let fields = ["name", "address", "chain_id", "source", "created_at"];
    table::page(&["NAME", "ADDRESS", "CHAIN", "SOURCE", "SINCE"], &fields, page);
}
