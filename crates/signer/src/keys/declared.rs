//! The operator's list of keys that are held elsewhere: a TOML file, read at start.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use alloy_primitives::Address;
use serde::Deserialize;

use super::{
    aws_kms::{Kms, KmsOptions},
    files::read_policy,
    pkcs11::{Token, TokenOptions},
    remote::{Backend, BackendError, RemoteKey},
};
use crate::{error::ServeError, policy::role_name_is_valid};

const TIMEOUT_MS: u64 = 4_000;
const TIMEOUT_MS_MAX: u64 = 15_000;
const CONCURRENCY: usize = 32;
const SESSIONS: usize = 4;
const PARALLEL_MAX: usize = 256;
const ID_BYTES_MAX: usize = 2_048;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BackendsFile {
    version: u32,
    #[serde(default)]
    aws_kms: BTreeMap<String, KmsFile>,
    #[serde(default)]
    pkcs11: BTreeMap<String, TokenFile>,
    #[serde(default)]
    keys: Vec<KeyFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KmsFile {
    region: String,
    endpoint: Option<String>,
    credentials_file: PathBuf,
    timeout_ms: Option<u64>,
    concurrency: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenFile {
    module: PathBuf,
    token: String,
    pin_file: PathBuf,
    timeout_ms: Option<u64>,
    sessions: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    role: String,
    index: u32,
    backend: String,
    id: String,
}

/// A key as declared.
#[derive(Debug)]
pub(crate) struct DeclaredKey {
    pub(crate) role: String,
    pub(crate) index: u32,
    backend: Arc<Backend>,
    id: String,
}

/// What one file declares.
#[derive(Debug, Default)]
pub(crate) struct Declared {
    pub(crate) keys: Vec<DeclaredKey>,
    backends: BTreeMap<String, Arc<Backend>>,
}

impl Declared {
    /// Reads the file, which only this user may write, and opens its back ends: loads modules,
    /// reads PINs and credentials, connects to nothing.
    pub(crate) fn read(path: &Path) -> Result<Self, ServeError> {
        let text = read_policy(path)?;
        let bad = |reason: String| ServeError::Backend {
            reason: format!("{}: {reason}", path.display()),
        };
        // The text of a syntax error quotes the file, which holds no secrets: those have theirs.
        let file: BackendsFile = toml::from_str(&text).map_err(|error| bad(error.to_string()))?;
        if file.version != 1 {
            return Err(bad(format!("version {} is not known, only 1", file.version)));
        }
        let mut backends = BTreeMap::new();
        for (name, kms) in file.aws_kms {
            let options = kms.options().map_err(|reason| bad(format!("{name}: {reason}")))?;
            backends.insert(name, Arc::new(Backend::AwsKms(Box::new(Kms::new(options)?))));
        }
        for (name, token) in file.pkcs11 {
            let options = token.options().map_err(|reason| bad(format!("{name}: {reason}")))?;
            let backend = Arc::new(Backend::Pkcs11(Token::open(&options)?));
            if backends.insert(name.clone(), backend).is_some() {
                return Err(bad(format!("two back ends are named {name:?}")));
            }
        }
        let keys = declare(file.keys, &backends).map_err(bad)?;
        Ok(Self { keys, backends })
    }

    /// A back end by its name.
    pub(crate) fn backend(&self, name: &str) -> Option<&Backend> {
        self.backends.get(name).map(AsRef::as_ref)
    }
}

fn declare(
    files: Vec<KeyFile>,
    backends: &BTreeMap<String, Arc<Backend>>,
) -> Result<Vec<DeclaredKey>, String> {
    let (mut places, mut ids) = (BTreeSet::new(), BTreeSet::new());
    let mut keys = Vec::with_capacity(files.len());
    for KeyFile { role, index, backend, id } in files {
        let held = backends
            .get(&backend)
            .ok_or_else(|| format!("{role}.{index}: no back end {backend:?}"))?;
        if !role_name_is_valid(&role) || id.is_empty() || id.len() > ID_BYTES_MAX {
            return Err(format!("{role}.{index}: a bad name of a role, or a bad id"));
        }
        if !places.insert((role.clone(), index)) || !ids.insert((backend, id.clone())) {
            return Err(format!("{role}.{index}: declared twice, or its key is"));
        }
        keys.push(DeclaredKey { role, index, backend: held.clone(), id });
    }
    Ok(keys)
}

impl DeclaredKey {
    /// The key, after asking its back end who it is. Without an answer it is `cached`, if known:
    /// a restart must not need the back end. A back end that has another key is an error, as is
    /// silence about a key never seen.
    pub(crate) async fn resolve(&self, cached: Option<Address>) -> Result<RemoteKey, ServeError> {
        let name = || format!("{}.{}", self.role, self.index);
        let address = match (self.backend.address(&self.id).await, cached) {
            (Ok(address), None) => address,
            (Ok(address), Some(known)) if address == known => address,
            (Ok(address), Some(known)) => {
                let reason = format!("{} is {known}, but its back end has {address}", name());
                return Err(ServeError::Mismatch { reason });
            }
            (Err(BackendError::Slow(_) | BackendError::Unavailable(_)), Some(known)) => {
                tracing::warn!(key.role = %self.role, key.index = self.index,
                    "the key's back end is away; its address is from the store");
                known
            }
            (Err(error), _) => {
                return Err(ServeError::Backend { reason: format!("{}: {error}", name()) });
            }
        };
        Ok(RemoteKey::new(self.backend.clone(), &self.id, address))
    }
}

fn bounded(
    timeout_ms: Option<u64>,
    parallel: Option<usize>,
    default: usize,
) -> Result<(Duration, usize), String> {
    let (ms, parallel) = (timeout_ms.unwrap_or(TIMEOUT_MS), parallel.unwrap_or(default));
    if !(1..=TIMEOUT_MS_MAX).contains(&ms) || !(1..=PARALLEL_MAX).contains(&parallel) {
        return Err("timeout_ms is 1 to 15000, concurrency and sessions 1 to 256".to_owned());
    }
    Ok((Duration::from_millis(ms), parallel))
}

impl KmsFile {
    fn options(self) -> Result<KmsOptions, String> {
        let (timeout, concurrency) = bounded(self.timeout_ms, self.concurrency, CONCURRENCY)?;
        let region = self.region;
        if region.is_empty() || !region.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            return Err("region is no name of a region".to_owned());
        }
        let (endpoint, credentials_file) = (self.endpoint, self.credentials_file);
        Ok(KmsOptions { region, endpoint, credentials_file, timeout, concurrency })
    }
}

impl TokenFile {
    fn options(self) -> Result<TokenOptions, String> {
        let (timeout, sessions) = bounded(self.timeout_ms, self.sessions, SESSIONS)?;
        let Self { module, token, pin_file, .. } = self;
        Ok(TokenOptions { module, token, pin_file, timeout, sessions })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example in the operator's guide can be copied.
    #[test]
    fn the_documented_example_is_valid() {
        let text = include_str!("../../../../docs/operate/signer.md");
        let mut blocks = text.split("```toml\n").skip(1).filter_map(|b| b.split("```").next());
        let example = blocks.find(|block| block.contains("[[keys]]")).unwrap();
        let file: BackendsFile = toml::from_str(example).unwrap();
        assert_eq!((file.version, file.keys.len()), (1, 2));
        for kms in file.aws_kms.into_values() {
            kms.options().unwrap();
        }
        for token in file.pkcs11.into_values() {
            token.options().unwrap();
        }
    }
}
