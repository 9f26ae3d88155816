//! The keys that sign access tokens, in files.
//!
//! One file `NAME.key` for each: the time from which it signs, RFC 3339, a space, and 32 secret
//! bytes in hexadecimal. A directory of ours gets a new one in time; one of the operator's is only
//! read.

use crate::dev::write_private;
use anyhow::{Context, Result, ensure};
use auth::TokenKey;
use rand::TryRngCore;
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use zeroize::Zeroizing;

/// How long a key is published before it signs: longer than anybody keeps the list of keys.
const LEAD: Duration = Duration::from_secs(15 * 60);
/// How long a file stays after its key has no use any more.
const KEPT: Duration = Duration::from_secs(60 * 60);
const FILES_MAX: usize = 64;
const FILE_BYTES_MAX: u64 = 1_024;

/// Where the keys are.
#[derive(Clone, Debug)]
pub(crate) struct KeyFiles {
    directory: PathBuf,
    /// Of our own keys: time after which the next one signs, and life of what they sign.
    rotation: Option<(Duration, Duration)>,
}

impl KeyFiles {
    /// Keys that the operator makes.
    pub(crate) fn given(directory: &str) -> Self {
        Self { directory: directory.into(), rotation: None }
    }

    /// Keys that we make, in a directory that only we may enter.
    pub(crate) fn own(directory: PathBuf, every: Duration, token_time: Duration) -> Self {
        Self { directory, rotation: Some((every, token_time)) }
    }

    /// The keys as of `now`; of our own directory the next one is made when it is time.
    ///
    /// # Errors
    /// When a file can't be read or is none of a key, or no key may sign yet.
    pub(crate) fn load(&self, now: OffsetDateTime) -> Result<Vec<TokenKey>> {
        let mut keys = self.read()?;
        if let Some((every, token_time)) = self.rotation {
            self.rotate(&mut keys, now, every)?;
            self.clear(&keys, now - token_time - KEPT)?;
        }
        let where_ = self.directory.display();
        let signs = keys.iter().any(|(_, key)| key.activates_at() <= now);
        ensure!(signs, "no key in {where_} may sign access tokens yet");
        Ok(keys.into_iter().map(|(_, key)| key).collect())
    }

    /// In the order of their times.
    fn read(&self) -> Result<Vec<(PathBuf, TokenKey)>> {
        let mut keys = Vec::new();
        for path in key_paths(&self.directory)? {
            let key = read_key(&path).with_context(|| format!("no key: {}", path.display()))?;
            keys.push((path, key));
        }
        keys.sort_by_key(|(_, key)| key.activates_at());
        Ok(keys)
    }

    fn rotate(
        &self,
        keys: &mut Vec<(PathBuf, TokenKey)>,
        now: OffsetDateTime,
        every: Duration,
    ) -> Result<()> {
        let activates_at = match keys.last() {
            None => now,
            Some((_, last)) if last.activates_at() + every <= now + LEAD => now + LEAD,
            Some(_) => return Ok(()),
        };
        let (path, seed) = new_key_file(&self.directory, activates_at)?;
        let activates_at = activates_at.replace_nanosecond(0)?;
        let key = TokenKey::new(&seed, activates_at).map_err(anyhow::Error::from)?;
        tracing::info!(key.id = key.id(), signs_from = %activates_at, "a key of tokens was made");
        keys.push((path, key));
        Ok(())
    }

    /// Remove files of keys whose successor signs since before `gone`.
    fn clear(&self, keys: &[(PathBuf, TokenKey)], gone: OffsetDateTime) -> Result<()> {
        for pair in keys.windows(2) {
            if let [(path, _), (_, next)] = pair
                && next.activates_at() < gone
                && path.exists()
            {
                fs::remove_file(path)
                    .with_context(|| format!("cannot remove {}", path.display()))?;
            }
        }
        Ok(())
    }
}

/// The files of keys in a directory.
pub(crate) fn key_paths(directory: &Path) -> Result<Vec<PathBuf>> {
    let fail = || format!("cannot read {}", directory.display());
    let mut paths = Vec::new();
    for entry in fs::read_dir(directory).with_context(fail)? {
        let path = entry.with_context(fail)?.path();
        if path.extension().is_some_and(|end| end == "key") {
            paths.push(path);
        }
        ensure!(paths.len() <= FILES_MAX, "{}: more than {FILES_MAX} keys", fail());
    }
    Ok(paths)
}

/// A fresh key, in a file of its own that only we may read.
pub(crate) fn new_key_file(
    directory: &Path,
    activates_at: OffsetDateTime,
) -> Result<(PathBuf, Zeroizing<[u8; 32]>)> {
    let activates_at = activates_at.replace_nanosecond(0)?;
    let mut seed = Zeroizing::new([0; 32]);
    rand::rngs::OsRng.try_fill_bytes(seed.as_mut_slice()).context("no randomness")?;
    let path = directory.join(format!("{}.key", activates_at.unix_timestamp()));
    ensure!(!path.exists(), "{} is there already", path.display());
    let hex = Zeroizing::new(hex::encode(seed.as_slice()));
    let text = Zeroizing::new(format!("{} {}\n", activates_at.format(&Rfc3339)?, *hex));
    write_private(&path, text.as_bytes())?;
    Ok((path, seed))
}

fn read_key(path: &Path) -> Result<TokenKey> {
    let (from, seed) = read_key_file(path)?;
    Ok(TokenKey::new(&seed, from)?)
}

/// From when on a key is used, and its secret. Errors say nothing of what the file holds.
pub(crate) fn read_key_file(path: &Path) -> Result<(OffsetDateTime, Zeroizing<[u8; 32]>)> {
    ensure!(fs::metadata(path)?.len() <= FILE_BYTES_MAX, "it is too large");
    let text = Zeroizing::new(fs::read_to_string(path)?);
    let (from, secret) = text.trim().split_once(' ').context("it has not two words")?;
    let from = OffsetDateTime::parse(from, &Rfc3339).ok().context("its time is none")?;
    let mut seed = Zeroizing::new([0; 32]);
    let read = hex::decode_to_slice(secret.trim(), seed.as_mut_slice());
    ensure!(read.is_ok(), "its secret has not 64 hexadecimal digits");
    Ok((from, seed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-11-20 12:00 UTC);
    const DAY: Duration = Duration::from_secs(86_400);

    fn ids(keys: &[TokenKey]) -> Vec<String> {
        keys.iter().map(|key| key.id().to_owned()).collect()
    }

    #[test]
    fn own_keys_are_made_in_time_and_removed_later() {
        let place = tempfile::tempdir().unwrap();
        let files = KeyFiles::own(place.path().to_owned(), DAY, Duration::from_secs(600));
        let first = files.load(NOW).unwrap();
        assert_eq!(first.len(), 1);
        assert_eq!(ids(&files.load(NOW + DAY / 2).unwrap()), ids(&first), "it is kept");
        let two = files.load(NOW + DAY - LEAD).unwrap();
        assert_eq!(two.len(), 2, "the next one is known before it signs");
        assert_eq!(two[1].activates_at(), NOW + DAY);
        for file in fs::read_dir(place.path()).unwrap() {
            let mode = file.unwrap().metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        let later = NOW + DAY + Duration::from_secs(600) + KEPT;
        assert_eq!(files.load(later).unwrap().len(), 2);
        files.load(later + Duration::from_secs(1)).unwrap();
        let left = files.load(later + Duration::from_secs(1)).unwrap();
        assert_eq!(ids(&left), ids(&two[1..]), "the old one is gone");
        // After a long sleep there is no key that signs for the first quarter of an hour but the
        // last one.
        assert_eq!(files.load(NOW + 100 * DAY).unwrap().len(), 2);
    }

    #[test]
    fn given_keys_are_read_and_never_written() {
        let place = tempfile::tempdir().unwrap();
        let files = KeyFiles::given(place.path().to_str().unwrap());
        assert!(files.load(NOW).is_err(), "there is none");
        let secret = "ab".repeat(32);
        let write = |name: &str, text: &str| fs::write(place.path().join(name), text).unwrap();
        write("a.key", &format!("2026-11-20T12:00:00Z {secret}\n"));
        write("README", "not a key");
        assert_eq!(files.load(NOW).unwrap().len(), 1);
        assert_eq!(files.load(NOW + 400 * DAY).unwrap().len(), 1);
        assert!(files.load(NOW - DAY).is_err(), "it does not sign yet");
        for bad in
            ["", "2026-11-20T12:00:00Z", &format!("today {secret}"), "2026-11-20T12:00:00Z 12"]
        {
            write("b.key", bad);
            let error = format!("{:#}", files.load(NOW).unwrap_err());
            assert!(error.contains("b.key") && !error.contains("abab"), "{error}");
        }
    }
}
