//! `stoa signer key`: what the operator does with the signer's keys.

use crate::sign::KeyOptions;
use alloy_primitives::Address;
use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use signer::{HeldKey, KeyInfo, KeyState, Safe};
use std::{
    io::{IsTerminal, Read},
    path::PathBuf,
};
use zeroize::Zeroizing;

/// Of what stands on standard input: 64 digits, `0x`, and an end of line.
const INPUT_BYTES_MAX: u64 = 80;

#[derive(Subcommand, Debug)]
pub(crate) enum KeyCommand {
    /// Make a key in the keystore of a running signer, or print the one that is there.
    Create {
        /// The signer's Unix socket.
        #[arg(long)]
        socket: PathBuf,
        #[command(flatten)]
        place: Place,
    },
    /// Print every key's role, index, address, place and state. Stop the signer first.
    List {
        #[command(flatten)]
        keys: KeyOptions,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Take over a key made elsewhere: 64 hexadecimal digits from standard input, or a keystore
    /// file. Stop the signer first.
    Import {
        #[command(flatten)]
        keys: KeyOptions,
        #[command(flatten)]
        place: Place,
        /// A keystore file (version 3), mode 0600.
        #[arg(long, requires = "file_password")]
        file: Option<PathBuf>,
        /// File with its password, mode 0600.
        #[arg(long, requires = "file")]
        file_password: Option<PathBuf>,
    },
    /// Take a key out of service: it signs voids, other prices of what it has signed, and plain
    /// transfers to one address. Stop the signer first.
    Retire {
        #[command(flatten)]
        keys: KeyOptions,
        #[command(flatten)]
        place: Place,
        /// Where its funds may go; without it, nowhere.
        #[arg(long)]
        drain_to: Option<Address>,
    },
    /// Put a retired key back into service. Stop the signer first.
    Reinstate {
        #[command(flatten)]
        keys: KeyOptions,
        #[command(flatten)]
        place: Place,
    },
    /// Make a key in a back end, to be declared then. Stop the signer first.
    Generate {
        #[command(flatten)]
        keys: KeyOptions,
        /// Name of the back end in the file of back ends.
        #[arg(long)]
        backend: String,
        /// A label in a PKCS#11 token, or an alias (`alias/…`) in AWS KMS.
        #[arg(long)]
        id: String,
    },
    /// Accept keys that the record has never seen. Right only for keys that never signed under
    /// another record. Stop the signer first.
    Adopt {
        #[command(flatten)]
        keys: KeyOptions,
    },
}

/// A key's place.
#[derive(Args, Debug)]
pub(crate) struct Place {
    /// Its role in the policy.
    #[arg(long)]
    role: String,
    /// Its number in the role, from 0.
    #[arg(long)]
    index: u32,
}

pub(crate) fn run(command: KeyCommand) -> Result<()> {
    match command {
        KeyCommand::Create { socket, place } => {
            let client = signer::Client::connect(socket);
            let made = crate::block_on(async {
                client.ensure_key(&place.role, place.index).await.context("no key")
            });
            made.map(|address| crate::say(&address.to_string()))
        }
        KeyCommand::List { keys, json } => {
            let listed = in_safe(keys, false, |safe| Ok(safe.list()?))?;
            print_keys(&listed, json)
        }
        KeyCommand::Import { keys, place, file, file_password } => {
            let key = in_safe(keys, false, |safe| match file.zip(file_password) {
                Some((file, password)) => {
                    Ok(safe.import_file(&place.role, place.index, &file, &password)?)
                }
                None => Ok(safe.import(&place.role, place.index, &read_secret()?)?),
            })?;
            say_key("imported", &key);
            Ok(())
        }
        KeyCommand::Retire { keys, place, drain_to } => {
            let key = in_safe(keys, false, |safe| {
                Ok(safe.retire(&place.role, place.index, drain_to)?)
            })?;
            say_key("retired", &key);
            Ok(())
        }
        KeyCommand::Reinstate { keys, place } => {
            let key = in_safe(keys, false, |safe| Ok(safe.reinstate(&place.role, place.index)?))?;
            say_key("in service", &key);
            Ok(())
        }
        KeyCommand::Generate { keys, backend, id } => {
            let address = in_safe(keys, false, |safe| Ok(safe.generate(&backend, &id)?))?;
            crate::say(&address.to_string());
            Ok(())
        }
        KeyCommand::Adopt { keys } => {
            let listed = in_safe(keys, true, |safe| Ok(safe.list()?))?;
            print_keys(&listed, false)
        }
    }
}

fn in_safe<T>(
    keys: KeyOptions,
    adopt_keys: bool,
    work: impl FnOnce(&mut Safe) -> Result<T>,
) -> Result<T> {
    let config =
        signer::Config { adopt_keys, ..keys.config(PathBuf::default(), PathBuf::default()) };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut safe = Safe::open(&config, runtime.handle().clone())?;
    work(&mut safe)
}

/// Never from the command line, which every user of the machine can read.
fn read_secret() -> Result<Zeroizing<[u8; 32]>> {
    let input = std::io::stdin();
    if input.is_terminal() {
        bail!("the key comes from standard input, out of a file or a pipe: a terminal shows it");
    }
    let mut text = Zeroizing::new(String::with_capacity(INPUT_BYTES_MAX as usize + 1));
    input.take(INPUT_BYTES_MAX).read_to_string(&mut text)?;
    let mut secret = Zeroizing::new([0; 32]);
    let digits = text.trim();
    hex::decode_to_slice(digits.strip_prefix("0x").unwrap_or(digits), &mut *secret)
        // The error's own text may quote a digit.
        .map_err(|_| anyhow::anyhow!("no key of 64 hexadecimal digits on standard input"))?;
    Ok(secret)
}

fn say_key(what: &str, key: &KeyInfo) {
    crate::say(&format!("{}.{} {} {what}", key.role, key.index, key.address));
}

fn print_keys(keys: &[HeldKey], json: bool) -> Result<()> {
    if json {
        let rows: Vec<_> = keys.iter().map(json_of).collect();
        crate::say(&serde_json::to_string_pretty(&rows)?);
        return Ok(());
    }
    for key in keys {
        let place = if key.remote { "back end" } else { "keystore" };
        let state = match key.state {
            KeyState::Active => "active".to_owned(),
            KeyState::Retired { drain_to: None } => "retired".to_owned(),
            KeyState::Retired { drain_to: Some(to) } => format!("retired, drains to {to}"),
        };
        say_key(&format!("{place} {state}"), &key.info);
    }
    Ok(())
}

fn json_of(key: &HeldKey) -> serde_json::Value {
    let (state, drain_to) = match key.state {
        KeyState::Active => ("active", None),
        KeyState::Retired { drain_to } => ("retired", drain_to),
    };
    serde_json::json!({
        "role": key.info.role,
        "index": key.info.index,
        "address": key.info.address.to_string(),
        "backend": if key.remote { "remote" } else { "keystore" },
        "state": state,
        "drain_to": drain_to.map(|to| to.to_string()),
    })
}
