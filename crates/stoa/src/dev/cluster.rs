//! Where the private Postgres cluster lies: in the data directory, unless Postgres can't get there.
//!
//! Root may not run Postgres, so it runs as the user `postgres`, whom a home directory of root lets
//! through to nothing. Then the cluster lies under `/var/lib/stoa`, and the data directory has a
//! link to it.

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
};

/// In the data directory: the cluster, or the link to it.
pub(super) const NAME: &str = "postgres";
const ELSEWHERE: &str = "/var/lib/stoa";

/// The cluster's directory, or the place for one. `data_dir` is canonical.
pub(super) fn place(data_dir: &Path) -> Result<PathBuf> {
    let usual = data_dir.join(NAME);
    if usual.is_symlink() || usual.join("data").exists() || devstack::postgres_reaches(data_dir) {
        return Ok(usual);
    }
    let name = &hex::encode(Sha256::digest(data_dir.as_os_str().as_encoded_bytes()))[..16];
    let cluster = Path::new(ELSEWHERE).join(format!("dev-{name}"));
    let make = || {
        fs::create_dir_all(&cluster)?;
        fs::set_permissions(ELSEWHERE, fs::Permissions::from_mode(0o711))?;
        // Left empty by a start that failed.
        if usual.exists() {
            fs::remove_dir(&usual)?;
        }
        symlink(&cluster, &usual)
    };
    make().with_context(|| format!("cannot prepare {}", cluster.display()))?;
    let (from, to) = (usual.display(), cluster.display());
    tracing::info!("Postgres can't get to {from}; its data is in {to}");
    Ok(usual)
}

/// Throw the cluster away, wherever it lies.
pub(super) fn remove(data_dir: &Path) -> Result<()> {
    let usual = data_dir.join(NAME);
    if let Some(cluster) = usual.is_symlink().then(|| usual.canonicalize().ok()).flatten() {
        super::remove(&cluster)?;
    }
    super::remove(&usual)
}
