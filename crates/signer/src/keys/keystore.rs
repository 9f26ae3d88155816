//! Encrypted keystore v3 files on disk, plain only in this process's memory.

use std::{
    fmt,
    fs::{self, File},
    io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use eth_keystore::{EthKeystore, KdfparamsType, KeystoreError};
use rand_core::{OsRng, RngCore};
use zeroize::Zeroizing;

use super::{
    LocalKey,
    files::{lock, private_dir, read_password, read_private},
};
use crate::{error::ServeError, policy::role_name_is_valid};

const LOCK_FILE: &str = ".lock";
const NEW_FILE: &str = ".new";
/// scrypt at n = 2^18, r = 8, p = 1 is what geth writes; a file that asks for much more is an
/// attack on memory.
const SCRYPT_N_MAX: u32 = 1 << 20;
const SCRYPT_R_MAX: u32 = 16;
const SCRYPT_P_MAX: u32 = 16;
const PBKDF2_C_MAX: u32 = 10_000_000;

/// A directory of key files, which this process holds alone.
pub(super) struct Keystore {
    dir: PathBuf,
    password: Zeroizing<String>,
    /// Held for its lock.
    _lock: File,
}

impl fmt::Debug for Keystore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keystore").field("dir", &self.dir).finish_non_exhaustive()
    }
}

/// A key with its role and its number in it.
pub(super) type Named = (String, u32, LocalKey);

impl Keystore {
    /// Locks the directory (made with mode 0700 if missing).
    pub(super) fn open(dir: &Path, password_file: &Path) -> Result<Self, ServeError> {
        private_dir(dir)?;
        let lock = lock(&dir.join(LOCK_FILE))?;
        Ok(Self { dir: dir.to_owned(), password: read_password(password_file)?, _lock: lock })
    }

    /// Decrypts every key; fails at the first file that is none.
    pub(super) fn load(&self, keys_max: usize) -> Result<Vec<Named>, ServeError> {
        let mut keys = Vec::new();
        for entry in fs::read_dir(&self.dir).map_err(|e| ServeError::file(&self.dir, e))? {
            let name = entry.map_err(|e| ServeError::file(&self.dir, e))?.file_name();
            if name == LOCK_FILE || name == NEW_FILE {
                continue;
            }
            let path = self.dir.join(&name);
            let bad = |reason: &str| ServeError::keystore(&path, reason);
            let (role, index) = name
                .to_str()
                .and_then(parse_file_name)
                .ok_or_else(|| bad("a key file is named <role>.<index>.json"))?;
            if keys.len() == keys_max {
                return Err(bad("too many keys"));
            }
            keys.push((role, index, decrypt(&path, &self.password)?));
        }
        Ok(keys)
    }

    pub(super) fn path(&self, role: &str, index: u32) -> PathBuf {
        self.dir.join(format!("{role}.{index}.json"))
    }

    /// Writes a key's file, durably. Replaces none that exists.
    pub(super) fn save(&self, role: &str, index: u32, bytes: &[u8; 32]) -> Result<(), ServeError> {
        let path = self.path(role, index);
        if path.exists() {
            return Err(ServeError::keystore(&path, "this file exists already"));
        }
        let new = self.dir.join(NEW_FILE);
        remove_if_there(&new).map_err(|e| ServeError::file(&new, e))?;
        let password = self.password.as_bytes();
        eth_keystore::encrypt_key(&self.dir, &mut OsRng, bytes, password, Some(NEW_FILE))
            .map_err(|error| ServeError::keystore(&new, &error.to_string()))?;
        publish(&new, &path, &self.dir).map_err(|e| ServeError::file(&path, e))
    }
}

/// A fresh key and its bytes.
pub(super) fn random_key() -> (Zeroizing<[u8; 32]>, LocalKey) {
    loop {
        let mut bytes = Zeroizing::new([0u8; 32]);
        OsRng.fill_bytes(&mut *bytes);
        // All but one in 2^128 random numbers are keys.
        if let Some(key) = LocalKey::new(&*bytes) {
            return (bytes, key);
        }
    }
}

fn decrypt(path: &Path, password: &str) -> Result<LocalKey, ServeError> {
    let bytes = decrypt_bytes(path, password)?;
    LocalKey::new(&bytes).ok_or_else(|| ServeError::keystore(path, "holds no secp256k1 key"))
}

/// The key in a keystore v3 file that only this user may read.
pub(super) fn decrypt_bytes(path: &Path, password: &str) -> Result<Zeroizing<Vec<u8>>, ServeError> {
    check_key_file(path)?;
    match eth_keystore::decrypt_key(path, password.as_bytes()) {
        Ok(bytes) => Ok(Zeroizing::new(bytes)),
        Err(KeystoreError::MacMismatch) => Err(ServeError::WrongPassword { path: path.to_owned() }),
        Err(error) => Err(ServeError::keystore(path, &error.to_string())),
    }
}

fn publish(new: &Path, path: &Path, dir: &Path) -> io::Result<()> {
    let file = File::open(new)?;
    file.set_permissions(fs::Permissions::from_mode(0o600))?;
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
