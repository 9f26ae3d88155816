//! The certificate of a server that encrypts by itself.

use crate::configuration::TlsSettings;
use anyhow::{Context, Result, ensure};
use api::Tls;
use std::{fs, path::PathBuf, sync::Mutex};
use zeroize::Zeroizing;

const FILE_BYTES_MAX: u64 = 256 * 1024;

/// What is shown, and the files that it came from.
#[derive(Debug)]
pub(super) struct Certificate {
    pub tls: Tls,
    paths: [PathBuf; 2],
    read: Mutex<Files>,
}

type Files = [Zeroizing<Vec<u8>>; 2];

impl Certificate {
    /// None: nothing is encrypted here.
    pub(super) fn open(settings: &TlsSettings) -> Result<Option<Self>> {
        if !settings.is_on() {
            return Ok(None);
        }
        let paths = [PathBuf::from(&settings.certificate), PathBuf::from(&settings.key)];
        let files = read(&paths)?;
        let tls = Tls::new(&files[0], &files[1], settings.handshake_time);
        let tls = tls.with_context(|| format!("no TLS by {}", settings.certificate))?;
        Ok(Some(Self { tls, paths, read: Mutex::new(files) }))
    }

    /// Take another certificate if the files hold one. What can't be used changes nothing: both
    /// files are seldom written at the same moment.
    pub(super) fn look(&self) {
        let Ok(mut known) = self.read.lock() else { return };
        let told = read(&self.paths).and_then(|files| {
            if files != *known {
                self.tls.replace(&files[0], &files[1])?;
                *known = files;
                tracing::info!("another certificate is shown from now on");
            }
            Ok(())
        });
        if let Err(error) = told {
            tracing::error!(error = %error, "the certificate stays as it is");
        }
    }
}

fn read(paths: &[PathBuf; 2]) -> Result<Files> {
    let [certificate, key] = paths.each_ref().map(|path| {
        let shown = path.display();
        let status = fs::metadata(path).with_context(|| format!("cannot read {shown}"))?;
        ensure!(status.is_file() && status.len() <= FILE_BYTES_MAX, "{shown} is no PEM file");
        fs::read(path).map(Zeroizing::new).with_context(|| format!("cannot read {shown}"))
    });
    Ok([certificate?, key?])
}
