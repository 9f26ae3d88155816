//! `[tls]`: when the server encrypts by itself.

use super::{
    Settings,
    option::{
        Kind::{Millis, Text},
        Opt, option,
    },
};
use std::time::Duration;

/// Files of a certificate. Without them nothing is encrypted here.
#[derive(Clone, Debug)]
pub(crate) struct TlsSettings {
    pub certificate: String,
    pub key: String,
    pub handshake_time: Duration,
}

impl Default for TlsSettings {
    fn default() -> Self {
        let (certificate, key) = (String::new(), String::new());
        Self { certificate, key, handshake_time: Duration::from_secs(10) }
    }
}

impl TlsSettings {
    pub(crate) fn is_on(&self) -> bool {
        !self.certificate.is_empty()
    }
}

pub(super) fn options() -> Vec<Opt<Settings>> {
    vec![
        option!("certificate", Text,
            "PEM file of the certificate and those above it; looked at every 10 s, so that another \
             one is taken without a restart; empty: plain HTTP",
            s => s.tls.certificate),
        option!("key", Text, "PEM file of its private key (chmod 600)", s => s.tls.key),
        option!("handshake_ms", Millis(100, 60_000), "time for a handshake",
            s => s.tls.handshake_time),
    ]
}

/// The option, whether it is broken, and what it must be.
pub(super) fn rules(settings: &Settings) -> [(&'static str, bool, &'static str); 1] {
    let tls = &settings.tls;
    let half = tls.certificate.is_empty() != tls.key.is_empty();
    [("tls", half, "certificate and key belong together")]
}
