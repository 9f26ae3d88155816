//! The keys that encrypt fields, in files: as those of access tokens, one file `NAME.key` for each
//! with the time from which it seals and 32 secret bytes. No key is ever removed here: what it
//! sealed would be lost.

use crate::token_keys::{key_paths, new_key_file, read_key_file};
use anyhow::{Context, Result, ensure};
use fields::FieldKey;
use std::path::{Path, PathBuf};
use time::OffsetDateTime;

/// Where the keys are.
#[derive(Clone, Debug)]
pub(crate) struct FieldKeyFiles {
    directory: PathBuf,
    /// The first one is ours to make.
    own: bool,
}

impl FieldKeyFiles {
    /// Keys that the operator makes.
    pub(crate) fn given(directory: &str) -> Self {
        Self { directory: directory.into(), own: false }
    }

    /// In a directory that only we may enter.
    pub(crate) fn own(directory: PathBuf) -> Self {
        Self { directory, own: true }
    }

    /// All of them; in our own directory the first is made when there is none.
    ///
    /// # Errors
    /// When a file can't be read or is none of a key, or none may seal yet.
    pub(crate) fn load(&self, now: OffsetDateTime) -> Result<Vec<FieldKey>> {
        let mut keys = self.read()?;
        if keys.is_empty() && self.own {
            self.add(now)?;
            keys = self.read()?;
        }
        let place = self.directory.display();
        let seals = keys.iter().any(|key| key.activates_at() <= now);
        ensure!(seals, "no key in {place} may encrypt fields yet");
        Ok(keys)
    }

    /// Make another one, which seals from `from` on; where it is.
    pub(crate) fn add(&self, from: OffsetDateTime) -> Result<PathBuf> {
        Ok(new_key_file(&self.directory, from)?.0)
    }

    fn read(&self) -> Result<Vec<FieldKey>> {
        let paths = key_paths(&self.directory)?;
        let read =
            |path: &PathBuf| read_key(path).with_context(|| format!("no key: {}", path.display()));
        paths.iter().map(read).collect()
    }
}

fn read_key(path: &Path) -> Result<FieldKey> {
    let (from, secret) = read_key_file(path)?;
    let id = path.file_stem().and_then(|name| name.to_str()).context("its name is no id")?;
    Ok(FieldKey::new(id, secret.as_slice(), from)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use fields::{KeyRing, Place};
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-11-20 12:00 UTC);

    #[test]
    fn the_first_key_is_made_and_all_are_kept() {
        let place = tempfile::tempdir().unwrap();
        let given = FieldKeyFiles::given(place.path().to_str().unwrap());
        assert!(given.load(NOW).is_err(), "there is none");
        let files = FieldKeyFiles::own(place.path().to_owned());
        let ring = KeyRing::new(files.load(NOW).unwrap());
        let field = Place { table: "t", column: "c", row: b"r" };
        let sealed = ring.seal(field, b"x", NOW).unwrap();
        let later = NOW + time::Duration::hours(1);
        files.add(later).unwrap();
        ring.replace(given.load(later).unwrap());
        assert_ne!(ring.current(later).unwrap(), sealed.key_id);
        assert!(ring.open(field, &sealed).is_ok(), "what an older key sealed still opens");
        assert!(given.load(NOW - time::Duration::hours(1)).is_err(), "too early for all");
    }
}
