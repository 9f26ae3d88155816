//! What only the operator may do with keys, while no signer runs on them.
//!
//! None of it is a request of the protocol: whoever reaches the socket could otherwise put a key
//! of theirs in, or take one of ours out of service.

use std::path::Path;

use alloy_primitives::Address;
use zeroize::Zeroizing;

use crate::{
    desk::{Clock, reconcile},
    error::ServeError,
    journal::{self, Entry, Journal},
    keys::{Custody, read_keystore_file},
    server::{Config, Held, open_keys},
    wire::KeyInfo,
};

/// A key with its state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldKey {
    /// Role, index and address.
    pub info: KeyInfo,
    /// Whether another back end holds it, and not the keystore.
    pub remote: bool,
    /// What it may do.
    pub state: KeyState,
}

/// What a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// What the policy lets its role do.
    Active,
    /// Voids, other prices of what it has signed, and transfers to this address.
    Retired {
        /// Where its funds may go; `None`: nowhere.
        drain_to: Option<Address>,
    },
}

/// Keystore, store and declared keys, locked against any signer.
pub struct Safe {
    held: Held,
    journal: Journal,
    clock: Clock,
    runtime: tokio::runtime::Handle,
}

impl std::fmt::Debug for Safe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Safe").finish_non_exhaustive()
    }
}

impl Safe {
    /// Opens what `config` names of keys: keystore, password, store, back ends. Its other fields
    /// play no part, but for `adopt_keys`. Blocks, and so do all methods: not to be called on a
    /// thread of the `runtime`, which drives the calls to back ends.
    ///
    /// Fails as the signer's start would, with [`ServeError::Locked`] while a signer runs.
    pub fn open(config: &Config, runtime: tokio::runtime::Handle) -> Result<Self, ServeError> {
        crate::process::harden_if(config.harden)?;
        let held = open_keys(config, &runtime)?;
        reconcile(&held.keyring, &held.store, config.adopt_keys)?;
        let audit_dir = journal::dir_of(&config.store_file);
        let journal = Journal::open(&audit_dir, &held.store, config.adopt_keys)?;
        Ok(Self { held, journal, clock: config.clock.clone(), runtime })
    }

    /// All keys, by role and index.
    pub fn list(&self) -> Result<Vec<HeldKey>, ServeError> {
        let retired = self.held.store.retired().map_err(ServeError::Store)?;
        let keys = self.held.keyring.list().map(|info| {
            let state = retired
                .iter()
                .find(|((role, index), _)| *role == info.role && *index == info.index)
                .map_or(KeyState::Active, |(_, to)| KeyState::Retired { drain_to: *to });
            let key = self.held.keyring.find(&info.address);
            let remote = key.is_some_and(|key| matches!(key.custody, Custody::Remote(_)));
            HeldKey { info: info.clone(), remote, state }
        });
        Ok(keys.collect())
    }

    /// Takes a key made elsewhere into the keystore, encrypted with its password. What that key
    /// signed before is not known here: the caller answers for its nonces.
    pub fn import(
        &mut self,
        role: &str,
        index: u32,
        secret: &Zeroizing<[u8; 32]>,
    ) -> Result<KeyInfo, ServeError> {
        if !crate::policy::role_name_is_valid(role) {
            let reason = format!("{role:?} is no name of a role: 1 to 32 of a-z, 0-9, - and _");
            return Err(ServeError::Mismatch { reason });
        }
        let Held { keyring, store, .. } = &mut self.held;
        let announce = |key: &KeyInfo| store.set_key(key, false).map_err(ServeError::Store);
        let key = keyring.import(role, index, secret, announce)?;
        store.set_key(&key, true).map_err(ServeError::Store)?;
        self.note(Entry::KeyImported { role: role.to_owned(), index, key: key.address })?;
        Ok(key)
    }

    /// Like [`Safe::import`], from a keystore v3 file and its password's file, both mode 0600.
    pub fn import_file(
        &mut self,
        role: &str,
        index: u32,
        file: &Path,
        password_file: &Path,
    ) -> Result<KeyInfo, ServeError> {
        let secret = read_keystore_file(file, password_file)?;
        self.import(role, index, &secret)
    }

    /// Takes a key out of service, for ever or until [`Safe::reinstate`]: from the next start of
    /// the signer on it gives no new nonce to a call, but to plain transfers to `drain_to`.
    pub fn retire(
        &mut self,
        role: &str,
        index: u32,
        drain_to: Option<Address>,
    ) -> Result<KeyInfo, ServeError> {
        let key = self.key(role, index)?;
        let (role, address) = (key.role.clone(), key.address);
        // In the log before it is in force.
        self.note(Entry::KeyRetired { role, index, key: address, drain_to })?;
        self.held.store.retire(&key, drain_to).map_err(ServeError::Store)?;
        Ok(key)
    }

    /// Puts a retired key back into service.
    pub fn reinstate(&mut self, role: &str, index: u32) -> Result<KeyInfo, ServeError> {
        let key = self.key(role, index)?;
        let (role, address) = (key.role.clone(), key.address);
        self.note(Entry::KeyReinstated { role, index, key: address })?;
        self.held.store.reinstate(&key).map_err(ServeError::Store)?;
        Ok(key)
    }

    /// Makes a key in a back end: in a token under this label, in KMS under this alias. To use it,
    /// declare it, and adopt it.
    pub fn generate(&self, backend: &str, id: &str) -> Result<Address, ServeError> {
        let unknown = || ServeError::Backend { reason: format!("no back end {backend:?}") };
        let backend = self.held.declared.backend(backend).ok_or_else(unknown)?;
        self.runtime
            .block_on(backend.generate(id))
            .map_err(|error| ServeError::Backend { reason: format!("{id}: {error}") })
    }

    /// Puts one line into the audit log, durably.
    fn note(&mut self, entry: Entry) -> Result<(), ServeError> {
        let tx = self.held.store.begin().map_err(ServeError::Store)?;
        let lines = self.journal.record(&tx, self.clock.now_ms(), &[entry])?;
        tx.commit().map_err(|error| ServeError::Store(error.into()))?;
        self.journal.publish(&lines)
    }

    fn key(&self, role: &str, index: u32) -> Result<KeyInfo, ServeError> {
        let key = self.held.keyring.get(role, index).map(|key| key.info.clone());
        key.ok_or_else(|| ServeError::Mismatch {
            reason: format!("there is no key {role}.{index}"),
        })
    }
}
