//! The block store: files on disk, each under its CID.
//!
//! ```text
//! <root>/tmp/…                         uploads under way
//! <root>/content/ab/cd/bafkreiabcd…    finished files (ab, cd: first bytes of the digest)
//! ```
//!
//! A file is flat: the content itself, whether its CID names a raw block or a UnixFS tree. It
//! appears under its CID by rename, whole and synced, or not at all. Paths are built only from a
//! parsed [`Cid`], so that no request can name a path.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Read};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cid::Cid;
use crate::unixfs::{CHUNK_LEN, Importer};

mod upload;

pub use upload::{Sealed, Upload};

/// A file that is in the store for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    pub cid: Cid,
    /// Bytes of content.
    pub size: u64,
}

/// Stored content, open for reading at offset 0.
#[derive(Debug)]
pub struct ContentFile {
    pub file: tokio::fs::File,
    /// Bytes of content.
    pub len: u64,
}

/// What a check of stored bytes against their CID found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Intact,
    Missing,
    /// The bytes on disk are not those the CID names. Storing the content again heals it.
    Corrupt,
}

/// Why the store did not take or give content.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// More bytes than the caller allowed.
    #[error("content is larger than {limit} bytes")]
    TooLarge { limit: u64 },
    /// The disk failed; nothing was stored. May be tried again.
    #[error("content storage failed")]
    Io(#[from] io::Error),
    /// An earlier write of this upload failed or was cancelled.
    #[error("upload was interrupted")]
    Interrupted,
}

/// Content-addressed files below one directory. Cheap to clone. Several processes may use one
/// directory at once.
#[derive(Clone, Debug)]
pub struct BlockStore {
    dirs: Arc<Dirs>,
}

#[derive(Debug)]
struct Dirs {
    content: PathBuf,
    tmp: PathBuf,
}

impl BlockStore {
    /// Opens the store at `root`, makes its directories if missing and removes what uploads of
    /// dead processes left behind.
    pub async fn open_at(root: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let root = root.into();
        let dirs = Dirs { content: root.join("content"), tmp: root.join("tmp") };
        blocking(move || {
            for dir in [&dirs.content, &dirs.tmp] {
                DirBuilder::new().recursive(true).mode(0o750).create(dir)?;
            }
            sync_dir(&root)?;
            sweep(&dirs.tmp)?;
            Ok(Self { dirs: Arc::new(dirs) })
        })
        .await
    }

    /// Begins an upload of at most `limit` bytes.
    pub async fn begin(&self, limit: u64) -> Result<Upload, StoreError> {
        Upload::begin(self.clone(), limit).await
    }

    /// Stores `bytes` of any length under their CID.
    pub async fn put(&self, bytes: &[u8]) -> Result<Stored, StoreError> {
        let mut upload = self.begin(bytes.len() as u64).await?;
        upload.write(bytes).await?;
        upload.finish().await
    }

    /// Stores `bytes` as one raw block of at most 1 MiB.
    pub async fn put_raw(&self, bytes: &[u8]) -> Result<Cid, StoreError> {
        if bytes.len() > CHUNK_LEN {
            return Err(StoreError::TooLarge { limit: CHUNK_LEN as u64 });
        }
        // One chunk or less is one raw block in our profile.
        Ok(self.put(bytes).await?.cid)
    }

    /// Opens stored content, or `None` if we do not have it.
    pub async fn open(&self, cid: &Cid) -> Result<Option<ContentFile>, StoreError> {
        let path = self.path_of(cid);
        blocking(move || {
            let Some(file) = open_if_present(&path)? else { return Ok(None) };
            let len = file.metadata()?.len();
            Ok(Some(ContentFile { file: tokio::fs::File::from_std(file), len }))
        })
        .await
    }

    /// Reads all of some small content: `None` if we do not have it, `TooLarge` if it is longer
    /// than `limit` bytes.
    pub async fn read(&self, cid: &Cid, limit: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let path = self.path_of(cid);
        blocking(move || {
            let Some(file) = open_if_present(&path)? else { return Ok(None) };
            if file.metadata()?.len() > limit {
                return Err(StoreError::TooLarge { limit });
            }
            let mut bytes = Vec::new();
            file.take(limit).read_to_end(&mut bytes)?;
            Ok(Some(bytes))
        })
        .await
    }

    /// Hashes stored content again and compares it with its name.
    pub async fn verify(&self, cid: &Cid) -> Result<Verdict, StoreError> {
        let (path, cid) = (self.path_of(cid), *cid);
        blocking(move || {
            let Some(mut file) = open_if_present(&path)? else { return Ok(Verdict::Missing) };
            let found = hash(&mut file)?;
            Ok(if found == cid { Verdict::Intact } else { Verdict::Corrupt })
        })
        .await
    }

    /// Where content with this CID lies, whether or not we have it.
    pub fn path_of(&self, cid: &Cid) -> PathBuf {
        let [first, second, ..] = cid.digest();
        let mut path = self.dirs.content.join(format!("{first:02x}"));
        path.push(format!("{second:02x}"));
        path.push(cid.to_string());
        path
    }
}

/// Runs file and CPU work off the async threads.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(_) => Err(StoreError::Interrupted),
    }
}

fn open_if_present(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn hash(file: &mut File) -> io::Result<Cid> {
    let mut importer = Importer::default();
    let mut buffer = vec![0; 128 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(importer.finish()),
            n => importer.update(&buffer[..n]),
        }
    }
}

fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Removes files of uploads whose process died: theirs are the ones that nobody holds a lock on.
fn sweep(tmp: &Path) -> io::Result<()> {
    for entry in fs::read_dir(tmp)? {
        let path = entry?.path();
        let Some(file) = open_if_present(&path)? else { continue };
        if file.metadata()?.is_file() && file.try_lock().is_ok() {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
