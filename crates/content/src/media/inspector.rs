//! Inspecting uploads within one memory budget for the whole process.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::Semaphore;

use super::{Media, MediaError, MediaLimits, Preview, inspect, preview};

/// Bytes that all decoders together may hold. Together with the buffers of 50 uploads this stays
/// below 100 MB; a picture whose decoder alone needs more gets no preview.
const DECODE_MEMORY: u64 = 56 * 1024 * 1024;

/// A semaphore counts in these, since its permits are 32 bits wide.
const PERMIT_BYTES: u64 = 1024;

/// Inspects pictures and makes their previews. Cheap to clone; clones share one budget.
#[derive(Clone, Debug)]
pub struct Inspector {
    limits: MediaLimits,
    memory: Arc<Semaphore>,
}

/// An accepted picture.
#[derive(Clone, Debug)]
pub struct Examined {
    pub media: Media,
    /// Absent if decoding needs more memory than a preview is worth, or a feature that our
    /// decoder lacks. The picture is valid all the same.
    pub preview: Option<Preview>,
}

impl Inspector {
    pub fn new(limits: MediaLimits) -> Self {
        let permits = (DECODE_MEMORY / PERMIT_BYTES) as usize;
        Self { limits, memory: Arc::new(Semaphore::new(permits)) }
    }

    pub fn limits(&self) -> &MediaLimits {
        &self.limits
    }

    /// Checks the file at `path` and decodes it for a preview. Waits while other decoders use up
    /// the budget, in order of arrival.
    pub async fn examine(&self, path: impl Into<PathBuf>) -> Result<Examined, MediaError> {
        let (path, limits) = (path.into(), self.limits);
        let walked = path.clone();
        let media = run(move || inspect(&walked, &limits)).await?;
        if media.decode_memory > DECODE_MEMORY {
            return Ok(Examined { media, preview: None });
        }
        let permits = media.decode_memory.div_ceil(PERMIT_BYTES) as u32;
        let held = self.memory.clone().acquire_many_owned(permits).await;
        let held = held.expect("invariant: the budget is never closed");
        // The permits move into the work: a caller that goes away does not free memory in use.
        run(move || {
            let preview = preview(&path, &media)?;
            drop(held);
            Ok(Examined { media, preview })
        })
        .await
    }
}

async fn run<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, MediaError> + Send + 'static,
) -> Result<T, MediaError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        // A decoder that panics has met a file which no sound encoder writes.
        Err(_) => Err(MediaError::Corrupt("decoder failed")),
    }
}
