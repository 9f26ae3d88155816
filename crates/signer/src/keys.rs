//! Keys: where each is held, and how it is asked to sign.

mod aws_kms;
mod declared;
mod files;
mod keystore;
mod pkcs11;
mod remote;
mod sigv4;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::Path,
};

use alloy_primitives::{Address, B256, Signature, keccak256};
use secp256k1::{Message, PublicKey, SecretKey, ecdsa::RecoverableSignature};
use zeroize::Zeroizing;

pub use self::files::ensure_password_file;
use self::keystore::Keystore;
pub(crate) use self::{
    declared::Declared,
    files::{check_passage, private_dir, read_closed, read_policy, read_private},
    remote::{BackendError, RemoteKey},
};
use crate::{error::ServeError, wire::KeyInfo};

const KEYS_MAX: usize = 1024;

/// A secret key in this process. Wiped when dropped, never shown.
pub(crate) struct LocalKey {
    address: Address,
    /// Boxed, so that moving a key leaves no copy behind.
    secret: Box<SecretKey>,
}

impl fmt::Debug for LocalKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalKey").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Drop for LocalKey {
    fn drop(&mut self) {
        self.secret.non_secure_erase();
    }
}

impl LocalKey {
    /// `None` if `bytes` are no key of secp256k1.
    fn new(bytes: &[u8]) -> Option<Self> {
        let bytes: Zeroizing<[u8; 32]> = Zeroizing::new(bytes.try_into().ok()?);
        let secret = Box::new(SecretKey::from_secret_bytes(*bytes).ok()?);
        Some(Self { address: address_of(&secret.public_key()), secret })
    }

    /// Deterministic (RFC 6979) and with low s (EIP-2).
    pub(crate) fn sign(&self, hash: B256) -> Signature {
        let signature = RecoverableSignature::sign_ecdsa_recoverable(
            Message::from_digest(hash.0),
            &self.secret,
        );
        let (id, bytes) = signature.serialize_compact();
        Signature::from_bytes_and_parity(&bytes, id.to_u8() & 1 == 1)
    }
}

fn address_of(public: &PublicKey) -> Address {
    Address::from_slice(&keccak256(&public.serialize_uncompressed()[1..])[12..])
}

/// Where a key's secret is.
#[derive(Debug)]
pub(crate) enum Custody {
    /// In this process: signs at once, always the same.
    Here(LocalKey),
    /// Elsewhere: signs by a call that may fail, each time another valid signature.
    Remote(RemoteKey),
}

/// A key, and whose it is.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) info: KeyInfo,
    pub(crate) custody: Custody,
}

impl Key {
    fn here(role: &str, index: u32, key: LocalKey) -> Self {
        let info = KeyInfo { address: key.address, role: role.to_owned(), index };
        Self { info, custody: Custody::Here(key) }
    }
}

/// All keys that this signer may use.
#[derive(Debug)]
pub(crate) struct Keyring {
    keystore: Keystore,
    keys: BTreeMap<(String, u32), Key>,
    by_address: BTreeMap<Address, (String, u32)>,
    /// Roles whose keys are declared: none of theirs is ever made here.
    remote_roles: BTreeSet<String>,
}

impl Keyring {
    /// Locks the keystore's directory (made with mode 0700 if missing) and decrypts every key.
    pub(crate) fn open(dir: &Path, password_file: &Path) -> Result<Self, ServeError> {
        let keystore = Keystore::open(dir, password_file)?;
        let keys = keystore.load(KEYS_MAX)?;
        let mut ring = Self {
            keystore,
            keys: BTreeMap::new(),
            by_address: BTreeMap::new(),
            remote_roles: BTreeSet::new(),
        };
        for (role, index, key) in keys {
            let path = ring.keystore.path(&role, index);
            ring.insert(Key::here(&role, index, key))
                .map_err(|_| ServeError::keystore(&path, "holds the same key as another file"))?;
        }
        Ok(ring)
    }

    /// Adds a key of another back end.
    pub(crate) fn add_remote(
        &mut self,
        role: &str,
        index: u32,
        key: RemoteKey,
    ) -> Result<(), ServeError> {
        let info = KeyInfo { address: key.address(), role: role.to_owned(), index };
        self.remote_roles.insert(role.to_owned());
        let twice = self.is_full() || self.get(role, index).is_some();
        let added = if twice {
            Err(())
        } else {
            self.insert(Key { info, custody: Custody::Remote(key) }).map_err(|_| ())
        };
        added.map_err(|()| ServeError::Mismatch {
            reason: format!("{role}.{index} is declared, but held already, or one too many"),
        })
    }

    fn insert(&mut self, key: Key) -> Result<(), Key> {
        let (address, id) = (key.info.address, (key.info.role.clone(), key.info.index));
        if self.by_address.contains_key(&address) {
            return Err(key);
        }
        self.by_address.insert(address, id.clone());
        self.keys.insert(id, key);
        Ok(())
    }

    pub(crate) fn find(&self, address: &Address) -> Option<&Key> {
        self.keys.get(self.by_address.get(address)?)
    }

    pub(crate) fn get(&self, role: &str, index: u32) -> Option<&Key> {
        self.keys.get(&(role.to_owned(), index))
    }

    pub(crate) fn list(&self) -> impl Iterator<Item = &KeyInfo> {
        self.keys.values().map(|key| &key.info)
    }

    pub(crate) fn is_full(&self) -> bool {
        self.keys.len() >= KEYS_MAX
    }

    /// Whether keys of this role are declared by the operator, and so never made here.
    pub(crate) fn is_remote(&self, role: &str) -> bool {
        self.remote_roles.contains(role)
    }

    /// Makes a key, tells `announce` of it, and then writes its file, durably.
    pub(crate) fn create(
        &mut self,
        role: &str,
        index: u32,
        announce: impl FnOnce(&KeyInfo) -> Result<(), ServeError>,
    ) -> Result<KeyInfo, ServeError> {
        let (bytes, key) = keystore::random_key();
        self.keep(Key::here(role, index, key), &bytes, announce)
    }

    /// Takes over a key made elsewhere: as [`Keyring::create`], with these 32 bytes.
    pub(crate) fn import(
        &mut self,
        role: &str,
        index: u32,
        bytes: &Zeroizing<[u8; 32]>,
        announce: impl FnOnce(&KeyInfo) -> Result<(), ServeError>,
    ) -> Result<KeyInfo, ServeError> {
        let path = self.keystore.path(role, index);
        let bad = |reason: &str| ServeError::keystore(&path, reason);
        let key = LocalKey::new(&bytes[..]).ok_or_else(|| bad("no secp256k1 key"))?;
        if self.by_address.contains_key(&key.address) {
            return Err(bad("this key is held already"));
        }
        if self.get(role, index).is_some() || self.is_remote(role) || self.is_full() {
            return Err(bad("role and index are taken, or the role's keys are held elsewhere"));
        }
        self.keep(Key::here(role, index, key), bytes, announce)
    }

    fn keep(
        &mut self,
        key: Key,
        bytes: &Zeroizing<[u8; 32]>,
        announce: impl FnOnce(&KeyInfo) -> Result<(), ServeError>,
    ) -> Result<KeyInfo, ServeError> {
        announce(&key.info)?;
        let info = key.info.clone();
        self.keystore.save(&info.role, info.index, bytes)?;
        let path = self.keystore.path(&info.role, info.index);
        self.insert(key).map_err(|_| ServeError::keystore(&path, "this key exists already"))?;
        Ok(info)
    }
}

/// The 32 bytes in a keystore v3 file of mode 0600, opened by the password in another.
pub(crate) fn read_keystore_file(
    path: &Path,
    password_file: &Path,
) -> Result<Zeroizing<[u8; 32]>, ServeError> {
    let password = files::read_password(password_file)?;
    let bytes = keystore::decrypt_bytes(path, &password)?;
    let bytes: [u8; 32] =
        bytes[..].try_into().map_err(|_| ServeError::keystore(path, "holds no secp256k1 key"))?;
    Ok(Zeroizing::new(bytes))
}
