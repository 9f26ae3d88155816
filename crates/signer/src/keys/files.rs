//! Files that must be closed to other users.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::Path,
};

use rand_core::{OsRng, RngCore};
use zeroize::Zeroizing;

use crate::error::ServeError;

/// Of key files, passwords, credentials, certificates.
const SECRET_BYTES_MAX: u64 = 16 * 1024;
const POLICY_BYTES_MAX: u64 = 1 << 20;

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

pub(crate) fn read_password(path: &Path) -> Result<Zeroizing<String>, ServeError> {
    let text = read_private(path)?;
    let password = Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned());
    if password.is_empty() {
        return Err(ServeError::keystore(path, "the password is empty"));
    }
    Ok(password)
}

/// Reads a small file that only this user may read.
pub(crate) fn read_private(path: &Path) -> Result<Zeroizing<String>, ServeError> {
    read_closed(path, 0o077, SECRET_BYTES_MAX)
}

/// Reads the policy, which all may read but only this user may write.
pub(crate) fn read_policy(path: &Path) -> Result<Zeroizing<String>, ServeError> {
    read_closed(path, 0o022, POLICY_BYTES_MAX)
}

pub(crate) fn read_closed(
    path: &Path,
    closed: u32,
    size_max: u64,
) -> Result<Zeroizing<String>, ServeError> {
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

/// Makes sure that others may at most pass through `dir`, not list it and not write to it.
pub(crate) fn check_passage(dir: &Path) -> Result<(), ServeError> {
    let about = fs::metadata(dir).map_err(|error| ServeError::file(dir, error))?;
    check_owner(dir, &about, 0o066)
}

pub(super) fn lock(path: &Path) -> Result<File, ServeError> {
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
