//! `<data-dir>/dev.json`: where everything is, for scripts and for `stoa demo`.

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};
use vocab::Address;

pub const NAME: &str = "dev.json";

/// A funded account of the development chain. Worthless anywhere else.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Account {
    pub address: String,
    pub private_key: String,
}

/// What a running development server says about itself. Mode 0600: it holds an API key.
#[derive(Clone, Serialize, Deserialize)]
pub struct DevFile {
    /// Origin of the API and its pages.
    pub http: String,
    /// WebSocket address of the stream.
    pub stream: String,
    /// Origin of user content.
    pub content: String,
    pub rpc_url: String,
    pub chain_id: u64,
    /// Name → address, EIP-55. `default_collection` is where mints go that name no other.
    pub contracts: BTreeMap<String, String>,
    pub operator_api_key: String,
    /// Origin of the port for profiles, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    pub accounts: Vec<Account>,
}

impl DevFile {
    pub fn load(data_dir: &Path) -> Result<Self> {
        let path = data_dir.join(NAME);
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => bail!(
                "no development server is running in {} (start one: `make dev`)",
                data_dir.display()
            ),
            read => read.with_context(|| format!("cannot read {}", path.display()))?,
        };
        serde_json::from_str(&text).with_context(|| format!("{} is damaged", path.display()))
    }

    pub fn store(&self, data_dir: &Path) -> Result<PathBuf> {
        let path = data_dir.join(NAME);
        write_private(&path, serde_json::to_string_pretty(self)?.as_bytes())?;
        Ok(path)
    }
}

/// The addresses in EIP-55 form.
pub fn contracts(
    pairs: impl IntoIterator<Item = (&'static str, Address)>,
) -> BTreeMap<String, String> {
    pairs.into_iter().map(|(name, address)| (name.to_owned(), address.to_string())).collect()
}

/// Write a whole file that only we may read; a reader sees the old one or the new one.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<()> {
    let draft = path.with_extension("draft");
    let what = || format!("cannot write {}", path.display());
    let mut file = fs::OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&draft)
        .with_context(what)?;
    file.set_permissions(fs::Permissions::from_mode(0o600)).with_context(what)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).with_context(what)?;
    fs::rename(&draft, path).with_context(what)
}

/// anvil's first accounts, from its well-known mnemonic.
pub(super) fn accounts() -> Vec<Account> {
    const KNOWN: [(&str, &str); 3] = [
        (
            "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
            "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
        ),
        (
            "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
            "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
        ),
        (
            "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC",
            "0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
        ),
    ];
    KNOWN
        .map(|(address, key)| Account { address: address.to_owned(), private_key: key.to_owned() })
        .to_vec()
}
