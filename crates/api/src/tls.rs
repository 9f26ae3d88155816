//! TLS of our own: 1.3 only, by ring, with a certificate that can be replaced while it is used.

use rustls::{
    ServerConfig, SupportedProtocolVersion,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
    version::TLS13,
};
use std::{
    fmt, io,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// TLS 1.2 has choices that can be wrong; every client of today speaks 1.3.
const VERSIONS: [&SupportedProtocolVersion; 1] = [&TLS13];
/// What is spoken inside.
const PROTOCOL: &[u8] = b"http/1.1";
/// The first byte of a handshake (RFC 8446, section 5.1).
const HANDSHAKE: u8 = 22;
/// For whoever speaks plain HTTP: so long they are listened to, and so much, for them to read this.
const PLAIN_TIME: Duration = Duration::from_secs(1);
const PLAIN_MAX: u64 = 64 * 1024;
const PLAIN: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\nconnection: close\r\n\
    content-length: 45\r\n\r\nThis port speaks TLS: ask it by https://...\r\n";
const CHAIN_MAX: usize = 10;

/// Why a certificate can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    #[error("the certificate is no PEM file of one to ten certificates")]
    Certificate,
    #[error("the key is no PEM file of a private key")]
    Key,
    #[error("the key is of no kind that is supported")]
    KeyKind,
    #[error("the key is not the certificate's")]
    Mismatch,
}

/// How a listener speaks TLS. Cheap to clone; clones share the certificate.
#[derive(Clone)]
pub struct Tls {
    shown: Arc<Shown>,
    acceptor: TlsAcceptor,
    handshake_time: Duration,
}

/// The certificate of now.
#[derive(Debug)]
struct Shown(RwLock<Arc<CertifiedKey>>);

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("handshake_time", &self.handshake_time).finish_non_exhaustive()
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

impl Tls {
    /// Of a certificate with those above it, and its key, both PEM. A handshake may take so long.
    ///
    /// # Errors
    /// [`TlsError`]
    pub fn new(certificate: &[u8], key: &[u8], handshake_time: Duration) -> Result<Self, TlsError> {
        let shown = Arc::new(Shown(RwLock::new(Arc::new(certified(certificate, key)?))));
        let provider = Arc::new(ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&VERSIONS)
            .map_err(|_| TlsError::KeyKind)?
            .with_no_client_auth()
            .with_cert_resolver(shown.clone());
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        Ok(Self { shown, acceptor: TlsAcceptor::from(Arc::new(config)), handshake_time })
    }

    /// From the next handshake on this is shown.
    ///
    /// # Errors
    /// [`TlsError`]; then the present one stays.
    pub fn replace(&self, certificate: &[u8], key: &[u8]) -> Result<(), TlsError> {
        let certified = Arc::new(certified(certificate, key)?);
        *self.shown.0.write().unwrap_or_else(PoisonError::into_inner) = certified;
        Ok(())
    }

    /// Shake hands with a client. None: it did not in time, or not as it must. One that speaks
    /// plain HTTP is told.
    pub(crate) async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: TcpStream,
        guard: impl FnOnce(TcpStream) -> S,
    ) -> Option<TlsStream<S>> {
        let shaken = timeout(self.handshake_time, async {
            let mut first = [0];
            let seen = stream.peek(&mut first).await?;
            if seen == 1 && first != [HANDSHAKE] {
                return refuse_plain(stream).await.map(|()| None);
            }
            self.acceptor.accept(guard(stream)).await.map(Some)
        });
        let outcome = match shaken.await {
            Ok(Ok(Some(stream))) => return Some(stream),
            Ok(Ok(None)) => "plain",
            Ok(Err(_)) => "failed",
            Err(_) => "timed_out",
        };
        metrics::counter!("tls_handshakes_refused_total", "outcome" => outcome).increment(1);
        None
    }
}

/// What they sent is taken, so that the answer is not lost by a reset.
async fn refuse_plain(mut stream: TcpStream) -> io::Result<()> {
    stream.write_all(PLAIN).await?;
    stream.shutdown().await?;
    let mut rest = stream.take(PLAIN_MAX);
    let mut nowhere = tokio::io::sink();
    let taken = tokio::io::copy(&mut rest, &mut nowhere);
    timeout(PLAIN_TIME, taken).await.map_or(Ok(()), |taken| taken.map(drop))
}

fn certified(certificate: &[u8], key: &[u8]) -> Result<CertifiedKey, TlsError> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificate).collect();
    let chain = chain.map_err(|_| TlsError::Certificate)?;
    if chain.is_empty() || chain.len() > CHAIN_MAX {
        return Err(TlsError::Certificate);
    }
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| TlsError::Key)?;
    let key = ring::sign::any_supported_type(&key).map_err(|_| TlsError::KeyKind)?;
    let certified = CertifiedKey::new(chain, key);
    certified.keys_match().map_err(|_| TlsError::Mismatch)?;
    Ok(certified)
}
