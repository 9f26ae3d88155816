//! Inspecting uploads within one memory budget for the whole process.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use super::{Media, MediaError, MediaLimits, Preview, inspect, preview};

/// Bytes that all decoders together may hold. Together with the buffers of 50 uploads this stays
/// below 100 MB; a picture whose decoder alone needs more gets no preview.
const DECODE_MEMORY: u64 = 56 * 1024 * 1024;

/// A semaphore counts in these, since its permits are 32 bits wide.
const PERMIT_BYTES: u64 = 1024;

/// Threads that decode. Few and lasting, not those of tokio's pool: an allocator keeps what a
/// thread has freed for that thread, so that decoding on any of fifty threads held 200 MB more.
const DECODERS: usize = 2;

/// Inspects pictures and makes their previews. Cheap to clone; clones share one budget and one
/// set of threads, which end with the last clone.
#[derive(Clone, Debug)]
pub struct Inspector {
    limits: MediaLimits,
    memory: Arc<Semaphore>,
    jobs: mpsc::Sender<Job>,
}

/// An accepted picture.
#[derive(Clone, Debug)]
pub struct Examined {
    pub media: Media,
    /// Absent if decoding needs more memory than a preview is worth, or a feature that our
    /// decoder lacks. The picture is valid all the same.
    pub preview: Option<Preview>,
}

#[derive(Debug)]
struct Job {
    path: PathBuf,
    media: Media,
    /// Held until the work is done: a caller that goes away does not free memory in use.
    memory: OwnedSemaphorePermit,
    done: oneshot::Sender<Result<Examined, MediaError>>,
}

impl Inspector {
    pub fn new(limits: MediaLimits) -> Self {
        let permits = (DECODE_MEMORY / PERMIT_BYTES) as usize;
        let (jobs, queue) = mpsc::channel(1);
        let queue = Arc::new(Mutex::new(queue));
        for index in 0..DECODERS {
            let queue = queue.clone();
            let thread = std::thread::Builder::new().name(format!("decoder-{index}"));
            // A process that can start no thread cannot decode: `examine` then says so.
            drop(thread.spawn(move || decode(&queue)));
        }
        Self { limits, memory: Arc::new(Semaphore::new(permits)), jobs }
    }

    pub fn limits(&self) -> &MediaLimits {
        &self.limits
    }

    /// Checks the file at `path` and decodes it for a preview. Waits while other decoders use up
    /// the budget, in order of arrival.
    pub async fn examine(&self, path: impl Into<PathBuf>) -> Result<Examined, MediaError> {
        let (path, limits) = (path.into(), self.limits);
        let walked = path.clone();
        let media = tokio::task::spawn_blocking(move || inspect(&walked, &limits))
            .await
            .map_err(|_| stopped())??;
        if media.decode_memory > DECODE_MEMORY {
            return Ok(Examined { media, preview: None });
        }
        let permits = media.decode_memory.div_ceil(PERMIT_BYTES) as u32;
        let memory = self.memory.clone().acquire_many_owned(permits).await;
        let memory = memory.map_err(|_| stopped())?;
        let (done, result) = oneshot::channel();
        self.jobs.send(Job { path, media, memory, done }).await.map_err(|_| stopped())?;
        result.await.map_err(|_| stopped())?
    }
}

fn stopped() -> MediaError {
    MediaError::Io(std::io::Error::other("decoders have stopped"))
}

/// One decoder: takes jobs until the last inspector is gone.
fn decode(queue: &Mutex<mpsc::Receiver<Job>>) {
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv();
        let Some(Job { path, media, memory, done }) = next else { return };
        let made = std::panic::catch_unwind(|| preview(&path, &media));
        // A decoder that panics has met a file which no sound encoder writes.
        let made = made.unwrap_or(Err(MediaError::Corrupt("decoder failed")));
        drop(memory);
        // The caller may have gone.
        let _ = done.send(made.map(|preview| Examined { media, preview }));
    }
}
