//! One upload: bytes in, a durable file under its CID out.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::Path;

use tempfile::TempPath;

use super::{BlockStore, StoreError, Stored, blocking, sync_dir};
use crate::unixfs::Importer;

/// Bytes collected before a trip to the blocking pool; what an upload holds in memory.
const BUFFER_LEN: usize = 128 * 1024;

/// An upload under way. Dropped unfinished, it leaves nothing behind.
#[derive(Debug)]
pub struct Upload {
    store: BlockStore,
    /// Absent while a write runs; an interrupted write never gives it back.
    work: Option<Work>,
    buffer: Vec<u8>,
    received: u64,
    limit: u64,
}

#[derive(Debug)]
struct Work {
    file: File,
    temp: TempPath,
    importer: Importer,
}

/// All bytes of an upload, hashed and on disk, but not yet under their CID: the moment to look at
/// the content and to refuse it. Dropped, it leaves nothing behind.
#[derive(Debug)]
pub struct Sealed {
    store: BlockStore,
    stored: Stored,
    file: File,
    temp: TempPath,
}

impl Upload {
    pub(super) async fn begin(store: BlockStore, limit: u64) -> Result<Self, StoreError> {
        let dirs = store.dirs.clone();
        let work = blocking(move || {
            let (file, temp) = create_locked(&dirs.tmp)?;
            Ok(Work { file, temp, importer: Importer::default() })
        })
        .await?;
        Ok(Self { store, work: Some(work), buffer: Vec::new(), received: 0, limit })
    }

    /// Takes the next bytes. After an error, or if the returned future is dropped before it is
    /// done, the upload is over.
    pub async fn write(&mut self, mut bytes: &[u8]) -> Result<(), StoreError> {
        self.received = self.received.saturating_add(bytes.len() as u64);
        if self.received > self.limit {
            self.work = None;
            return Err(StoreError::TooLarge { limit: self.limit });
        }
        while !bytes.is_empty() {
            let room = BUFFER_LEN - self.buffer.len();
            let (now, later) = bytes.split_at(bytes.len().min(room));
            self.buffer.extend_from_slice(now);
            bytes = later;
            if self.buffer.len() == BUFFER_LEN {
                self.flush().await?;
            }
        }
        Ok(())
    }

    /// Ends the content: computes its CID and syncs the file.
    pub async fn seal(mut self) -> Result<Sealed, StoreError> {
        self.flush().await?;
        let Work { file, temp, importer } = self.work.take().ok_or(StoreError::Interrupted)?;
        let store = self.store;
        blocking(move || {
            file.sync_all()?;
            let stored = Stored { size: importer.size(), cid: importer.finish() };
            Ok(Sealed { store, stored, file, temp })
        })
        .await
    }

    /// `seal` and `commit` at once.
    pub async fn finish(self) -> Result<Stored, StoreError> {
        self.seal().await?.commit().await
    }

    async fn flush(&mut self) -> Result<(), StoreError> {
        let mut work = self.work.take().ok_or(StoreError::Interrupted)?;
        let mut buffer = std::mem::take(&mut self.buffer);
        let (work, buffer) = blocking(move || {
            work.file.write_all(&buffer)?;
            work.importer.update(&buffer);
            buffer.clear();
            Ok((work, buffer))
        })
        .await?;
        self.work = Some(work);
        self.buffer = buffer;
        Ok(())
    }
}

impl Sealed {
    /// The file as it lies now, for inspection. Do not write to it.
    pub fn path(&self) -> &Path {
        &self.temp
    }

    /// What `commit` will return.
    pub fn stored(&self) -> Stored {
        self.stored
    }

    /// Moves the file under its CID, durably. Content which is there already is replaced by the
    /// same bytes, which also heals a damaged copy.
    pub async fn commit(self) -> Result<Stored, StoreError> {
        let Self { store, stored, file, temp } = self;
        blocking(move || {
            let target = store.path_of(&stored.cid);
            let shard = target.parent().ok_or(StoreError::Interrupted)?;
            fs::DirBuilder::new().recursive(true).mode(0o750).create(shard)?;
            temp.persist(&target).map_err(|refused| refused.error)?;
            // From the new name up to the directory that `open_at` made: a shard that is new
            // here, or was made by another upload a moment ago, must survive a crash too.
            for dir in shard.ancestors().take(3) {
                sync_dir(dir)?;
            }
            drop(file);
            Ok(stored)
        })
        .await
    }
}

/// Makes a temporary file and holds a lock on it, by which `sweep` knows that it is alive.
fn create_locked(tmp: &Path) -> io::Result<(File, TempPath)> {
    // A sweep may win the moment between creation and lock, and unlinks the file: then try again.
    for _ in 0..8 {
        let (file, temp) =
            tempfile::Builder::new().prefix("upload-").tempfile_in(tmp)?.into_parts();
        file.lock()?;
        if file.metadata()?.nlink() > 0 {
            return Ok((file, temp));
        }
    }
    Err(io::Error::other("temporary files vanish"))
}
