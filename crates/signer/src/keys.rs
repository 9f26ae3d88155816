//! Keys: encrypted keystore v3 files on disk, plain only in this process's memory.

use std::{
    collections::BTreeMap,
    fmt,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use alloy_primitives::{Address, B256, Signature, keccak256};
use eth_keystore::{EthKeystore, KdfparamsType, KeystoreError};
use rand_core::{OsRng, RngCore};
use secp256k1::{Message, SecretKey, ecdsa::RecoverableSignature};
use zeroize::Zeroizing;

use crate::{error::ServeError, policy::role_name_is_valid, wire::KeyInfo};

const KEY_FILE_BYTES_MAX: u64 = 16 * 1024;
const POLICY_BYTES_MAX: u64 = 1 << 20;
const KEYS_MAX: usize = 1024;
const LOCK_FILE: &str = ".lock";
const NEW_FILE: &str = ".new";
/// scrypt at n = 2^18, r = 8, p = 1 is what geth writes; a file that asks for much more is an
/// attack on memory.
const SCRYPT_N_MAX: u32 = 1 << 20;
const SCRYPT_R_MAX: u32 = 16;
const SCRYPT_P_MAX: u32 = 16;
const PBKDF2_C_MAX: u32 = 10_000_000;

/// A private key. Wiped when dropped, never shown.
pub(crate) struct Key {
    pub(crate) info: KeyInfo,
    /// Boxed, so that moving a `Key` leaves no copy behind.
    secret: Box<SecretKey>,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("info", &self.info).finish_non_exhaustive()
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        self.secret.non_secure_erase();
    }
}

impl Key {
    fn new(role: &str, index: u32, bytes: &[u8]) -> Option<Self> {
        let bytes: Zeroizing<[u8; 32]> = Zeroizing::new(bytes.try_into().ok()?);
        let secret = Box::new(SecretKey::from_secret_bytes(*bytes).ok()?);
        let public = secret.public_key().serialize_uncompressed();
        let address = Address::from_slice(&keccak256(&public[1..])[12..]);
        Some(Self { info: KeyInfo { address, role: role.to_owned(), index }, secret })
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

/// All keys of one keystore directory, which this process holds alone.
pub(crate) struct Keyring {
    dir: PathBuf,
    password: Zeroizing<String>,
    keys: BTreeMap<(String, u32), Key>,
    by_address: BTreeMap<Address, (String, u32)>,
    /// Held for its lock.
    _lock: File,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring").field("dir", &self.dir).finish_non_exhaustive()
    }
}

impl Keyring {
    /// Locks the directory (made with mode 0700 if missing) and decrypts every key in it.
    pub(crate) fn open(dir: &Path, password_file: &Path) -> Result<Self, ServeError> {
        private_dir(dir)?;
        let lock = lock(&dir.join(LOCK_FILE))?;
        let password = read_password(password_file)?;
        let mut ring = Self {
            dir: dir.to_owned(),
            password,
            keys: BTreeMap::new(),
            by_address: BTreeMap::new(),
            _lock: lock,
        };
        for entry in fs::read_dir(dir).map_err(|e| ServeError::file(dir, e))? {
            let name = entry.map_err(|e| ServeError::file(dir, e))?.file_name();
            if name == LOCK_FILE || name == NEW_FILE {
                continue;
            }
            ring.load(&dir.join(name))?;
        }
        Ok(ring)
    }

    fn load(&mut self, path: &Path) -> Result<(), ServeError> {
        let bad = |reason: &str| ServeError::keystore(path, reason);
        let (role, index) = path
            .file_name()
            .and_then(|name| parse_file_name(name.to_str()?))
            .ok_or_else(|| bad("a key file is named <role>.<index>.json"))?;
        if self.keys.len() == KEYS_MAX {
            return Err(bad("more than 1024 keys"));
        }
        check_key_file(path)?;
        let bytes = match eth_keystore::decrypt_key(path, self.password.as_bytes()) {
            Ok(bytes) => Zeroizing::new(bytes),
            Err(KeystoreError::MacMismatch) => {
                return Err(ServeError::WrongPassword { path: path.to_owned() });
            }
            Err(error) => return Err(bad(&error.to_string())),
        };
        let key = Key::new(&role, index, &bytes).ok_or_else(|| bad("holds no secp256k1 key"))?;
        self.insert(key).map_err(|_| bad("holds the same key as another file"))
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

    /// Makes a key, tells `announce` of it, and then writes its file, durably.
    pub(crate) fn create(
        &mut self,
        role: &str,
        index: u32,
        announce: impl FnOnce(&KeyInfo) -> Result<(), ServeError>,
    ) -> Result<KeyInfo, ServeError> {
        let (bytes, key) = loop {
            let mut bytes = Zeroizing::new([0u8; 32]);
            OsRng.fill_bytes(&mut *bytes);
            // All but one in 2^128 random numbers are keys.
            if let Some(key) = Key::new(role, index, &*bytes) {
                break (bytes, key);
            }
        };
        announce(&key.info)?;
        let new = self.dir.join(NEW_FILE);
        remove_if_there(&new).map_err(|e| ServeError::file(&new, e))?;
        let written = eth_keystore::encrypt_key(
            &self.dir,
            &mut OsRng,
            bytes.as_slice(),
            self.password.as_bytes(),
            Some(NEW_FILE),
        );
        written.map_err(|error| ServeError::keystore(&new, &error.to_string()))?;
        let path = self.dir.join(format!("{role}.{index}.json"));
        publish(&new, &path, &self.dir).map_err(|e| ServeError::file(&path, e))?;
        let info = key.info.clone();
        self.insert(key).map_err(|_| ServeError::keystore(&path, "this key exists already"))?;
        Ok(info)
    }
}

fn publish(new: &Path, path: &Path, dir: &Path) -> io::Result<()> {
    let file = File::open(new)?;
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    file.sync_all()?;
    fs::rename(new, path)?;
    File::open(dir)?.sync_all()
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn parse_file_name(name: &str) -> Option<(String, u32)> {
    let (role, index) = name.strip_suffix(".json")?.split_once('.')?;
    let number: u32 = index.parse().ok()?;
    (role_name_is_valid(role) && number.to_string() == index).then(|| (role.to_owned(), number))
}

/// Checks what the decrypting crate takes on trust.
fn check_key_file(path: &Path) -> Result<(), ServeError> {
    let bad = |reason: &str| ServeError::keystore(path, reason);
    let text = read_private(path)?;
    let file: EthKeystore = serde_json::from_str(&text).map_err(|error| bad(&error.to_string()))?;
    let crypto = &file.crypto;
    let kdf_is_sane = match &crypto.kdfparams {
        KdfparamsType::Scrypt { dklen, n, p, r, .. } => {
            *dklen == 32
                && n.is_power_of_two()
                && (2..=SCRYPT_N_MAX).contains(n)
                && (1..=SCRYPT_R_MAX).contains(r)
                && (1..=SCRYPT_P_MAX).contains(p)
        }
        KdfparamsType::Pbkdf2 { c, dklen, prf, .. } => {
            *dklen == 32 && (1..=PBKDF2_C_MAX).contains(c) && prf == "hmac-sha256"
        }
    };
    if file.version != 3 || crypto.cipher != "aes-128-ctr" || !kdf_is_sane {
        return Err(bad("no keystore of version 3, or of unusual parameters"));
    }
    if crypto.cipherparams.iv.len() != 16 || crypto.ciphertext.len() != 32 {
        return Err(bad("damaged: wrong lengths"));
    }
    Ok(())
}

/// Writes a new random password to `path` (mode 0600). Leaves a file that exists as it is.
pub fn ensure_password_file(path: &Path) -> Result<(), ServeError> {
    let mut bytes = Zeroizing::new([0u8; 32]);
    OsRng.fill_bytes(&mut *bytes);
    let text = Zeroizing::new(alloy_primitives::hex::encode(bytes.as_slice()));
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(mut file) => file
            .write_all(text.as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(|e| ServeError::file(path, e)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(ServeError::file(path, error)),
    }
}

fn read_password(path: &Path) -> Result<Zeroizing<String>, ServeError> {
    let text = read_private(path)?;
    let password = Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned());
    if password.is_empty() {
        return Err(ServeError::keystore(path, "the password is empty"));
    }
    Ok(password)
}

/// Reads a small file that only this user may read.
fn read_private(path: &Path) -> Result<Zeroizing<String>, ServeError> {
    read_closed(path, 0o077, KEY_FILE_BYTES_MAX)
}

/// Reads the policy, which all may read but only this user may write.
pub(crate) fn read_policy(path: &Path) -> Result<Zeroizing<String>, ServeError> {
    read_closed(path, 0o022, POLICY_BYTES_MAX)
}

fn read_closed(path: &Path, closed: u32, size_max: u64) -> Result<Zeroizing<String>, ServeError> {
    let file = File::open(path).map_err(|e| ServeError::file(path, e))?;
    let about = file.metadata().map_err(|e| ServeError::file(path, e))?;
    check_owner(path, &about, closed)?;
    if !about.is_file() || about.len() > size_max {
        return Err(ServeError::keystore(path, "no regular file, or too large"));
    }
    let mut text = Zeroizing::new(String::with_capacity(about.len() as usize));
    file.take(size_max).read_to_string(&mut text).map_err(|e| ServeError::file(path, e))?;
    Ok(text)
}

fn check_owner(path: &Path, about: &fs::Metadata, closed: u32) -> Result<(), ServeError> {
    if about.uid() != rustix::process::geteuid().as_raw() || about.mode() & closed != 0 {
        return Err(ServeError::TooOpen { path: path.to_owned() });
    }
    Ok(())
}

/// Makes sure that `dir` exists and belongs to this user alone.
pub(crate) fn private_dir(dir: &Path) -> Result<(), ServeError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(dir);
    let about =
        made.and_then(|()| fs::metadata(dir)).map_err(|error| ServeError::file(dir, error))?;
    check_owner(dir, &about, 0o077)
}

fn lock(path: &Path) -> Result<File, ServeError> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(path)
        .map_err(|e| ServeError::file(path, e))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(ServeError::Locked { path: path.to_owned() }),
        Err(fs::TryLockError::Error(error)) => Err(ServeError::file(path, error)),
    }
}
