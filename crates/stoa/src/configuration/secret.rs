//! Secrets: how they are held, and the files that hold nothing else.

use super::layers::Profile;
use std::{
    fmt, fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
};
use zeroize::Zeroizing;

const BYTES_MAX: u64 = 16 * 1024;

/// A text that nobody else may know, if there is one. Never shown; wiped when it is dropped.
#[derive(Clone, Default)]
pub(crate) struct Secret(Option<Zeroizing<String>>);

impl Secret {
    pub(crate) fn new(text: String) -> Self {
        Self(Some(Zeroizing::new(text)))
    }

    /// The text itself: for whoever uses it, and never for a message.
    pub(crate) fn expose(&self) -> Option<&str> {
        self.0.as_ref().map(|text| text.as_str())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Secret(…)" } else { "Secret(none)" })
    }
}

/// What a file of a secret holds, without the end of its line, and what should be better about it.
///
/// # Errors
/// What is wrong with it.
pub(super) fn read(path: &Path, profile: Profile) -> Result<(String, Option<String>), String> {
    let shown = path.display();
    let status = fs::metadata(path).map_err(|error| format!("cannot read {shown}: {error}"))?;
    if !status.is_file() || status.len() > BYTES_MAX {
        return Err(format!("{shown} is no file of at most {BYTES_MAX} bytes"));
    }
    let loose = looseness(path);
    if let (Some(loose), Profile::Prod) = (&loose, profile) {
        return Err(loose.clone());
    }
    let text = Zeroizing::new(fs::read_to_string(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::InvalidData => format!("{shown} is no text"),
        _ => format!("cannot read {shown}: {error}"),
    })?);
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        return Err(format!("{shown} is empty"));
    }
    Ok((text.to_owned(), loose))
}

/// Who else may read or write a file of a secret, if anybody may.
pub(super) fn looseness(path: &Path) -> Option<String> {
    let status = fs::metadata(path).ok()?;
    let shown = path.display();
    let mode = status.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Some(format!(
            "others may read or write {shown} (mode {mode:03o}): chmod 600 {shown}"
        ));
    }
    let us = nix::unistd::geteuid().as_raw();
    let owner = status.uid();
    (owner != us && owner != 0).then(|| format!("{shown} belongs to the user {owner}: chown it"))
}
