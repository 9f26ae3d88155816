//! Secrets of a development server: made once, kept in files of mode 0600.

use super::file::write_private;
use anyhow::{Context, Result, ensure};
use rand::TryRngCore;
use std::{fs, os::unix::fs::PermissionsExt, path::Path};

/// 32 random bytes kept in `path`; made at the first call.
pub(super) fn ensure_secret(path: &Path) -> Result<[u8; 32]> {
    if !path.exists() {
        let mut fresh = [0; 32];
        rand::rngs::OsRng.try_fill_bytes(&mut fresh).context("no randomness")?;
        write_private(path, hex::encode(fresh).as_bytes())?;
    }
    let text = fs::read_to_string(path)
        .with_context(|| format!("cannot read the secret in {}", path.display()))?;
    let mut secret = [0; 32];
    hex::decode_to_slice(text.trim(), &mut secret)
        .with_context(|| format!("{} holds no secret of 32 bytes", path.display()))?;
    Ok(secret)
}

/// A directory that only we may enter.
pub(crate) fn private_directory(path: &Path) -> Result<()> {
    fs::create_dir_all(path).with_context(|| format!("cannot make {}", path.display()))?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
    ensure!(path.is_dir(), "{} is no directory", path.display());
    Ok(())
}
