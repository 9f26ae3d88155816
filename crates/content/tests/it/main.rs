//! The crate from outside: media from good and hostile hands, and answers over HTTP.

#![allow(clippy::unwrap_used)]

mod hostile;
mod media;
mod serve;

use std::path::PathBuf;

use content::media::{Examined, Inspector, MediaError, MediaLimits};

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn fixture_bytes(name: &str) -> Vec<u8> {
    std::fs::read(fixture(name)).unwrap()
}

fn inspector() -> Inspector {
    Inspector::new(MediaLimits::default())
}

/// Examines bytes as they would lie in a temporary file.
async fn examine(bytes: &[u8]) -> Result<Examined, MediaError> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    inspector().examine(file.path()).await
}

async fn refused(bytes: &[u8]) -> &'static str {
    match examine(bytes).await {
        Ok(found) => panic!("accepted: {found:?}"),
        Err(error) => error.code(),
    }
}
