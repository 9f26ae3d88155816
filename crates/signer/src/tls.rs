//! The way to a signer on another machine: TLS 1.3 only, both sides with certificates.

use std::{fmt, io, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use alloy_primitives::B256;
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
    server::WebPkiClientVerifier,
    version::TLS13,
};
use sha2::{Digest, Sha256};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, TlsConnector, client, server};

use crate::{
    error::ServeError,
    keys::{read_closed, read_private},
};

/// Greetings in progress: strangers share these, and take no place from clients that are known.
const GREETINGS_MAX: usize = 64;
const CONNECTIONS_MAX: usize = 64;
const GREETING_MAX: Duration = Duration::from_secs(5);
const CERTIFICATES_BYTES_MAX: u64 = 256 * 1024;

/// A listener for clients on other machines. All files are PEM.
#[derive(Clone, Debug)]
pub struct TlsConfig {
    /// Address and port.
    pub listen: SocketAddr,
    /// The signer's certificate, and those between it and the clients' root.
    pub certificate: PathBuf,
    /// Its private key, mode 0600.
    pub key: PathBuf,
    /// The authority that signs clients' certificates. Its own, not one that signs for others.
    pub client_ca: PathBuf,
    /// SHA-256 of the clients' certificates (DER) that may connect; empty: all by `client_ca`.
    pub client_fingerprints: Vec<B256>,
}

/// A client's way to a signer on another machine. All files are PEM.
#[derive(Clone, Debug)]
pub struct TlsTarget {
    /// `host:port`.
    pub address: String,
    /// The name in the signer's certificate.
    pub server_name: String,
    /// The authority that signed the signer's certificate.
    pub server_ca: PathBuf,
    /// The client's certificate, and those between it and the signer's `client_ca`.
    pub certificate: PathBuf,
    /// Its private key, mode 0600.
    pub key: PathBuf,
}

/// Only this file's choice of cryptography, whatever the rest of the process has installed.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn bad(what: impl fmt::Display) -> ServeError {
    ServeError::Tls { reason: what.to_string() }
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn identity(certificate: &std::path::Path, key: &std::path::Path) -> Result<Identity, ServeError> {
    let chain = certificates(certificate)?;
    let key = PrivateKeyDer::from_pem_slice(read_private(key)?.as_bytes())
        .map_err(|_| bad(format!("no private key in {}", key.display())))?;
    Ok((chain, key))
}

fn certificates(path: &std::path::Path) -> Result<Vec<CertificateDer<'static>>, ServeError> {
    let none = || bad(format!("no certificates in {}", path.display()));
    let text = read_closed(path, 0o022, CERTIFICATES_BYTES_MAX)?;
    let found: Vec<_> = CertificateDer::pem_slice_iter(text.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|_| none())?;
    if found.is_empty() { Err(none()) } else { Ok(found) }
}

fn roots(path: &std::path::Path) -> Result<Arc<RootCertStore>, ServeError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(bad)?;
    }
    Ok(Arc::new(roots))
}

/// Listens, and knows who may come in.
pub(crate) struct TlsListener {
    listener: TcpListener,
    acceptor: TlsAcceptor,
    fingerprints: Arc<[B256]>,
    greetings: Arc<Semaphore>,
    connections: Arc<Semaphore>,
}

impl TlsListener {
    pub(crate) async fn bind(config: &TlsConfig) -> Result<Self, ServeError> {
        let (chain, key) = identity(&config.certificate, &config.key)?;
        let verifier =
            WebPkiClientVerifier::builder_with_provider(roots(&config.client_ca)?, provider())
                .build()
                .map_err(bad)?;
        let mut server = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13])
            .map_err(bad)?
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain, key)
            .map_err(bad)?;
        // A ticket would let a client in that has been taken off the list since.
        server.send_tls13_tickets = 0;
        let listener = TcpListener::bind(config.listen)
            .await
            .map_err(|error| bad(format!("{}: {error}", config.listen)))?;
        Ok(Self {
            listener,
            acceptor: TlsAcceptor::from(Arc::new(server)),
            fingerprints: config.client_fingerprints.clone().into(),
            greetings: Arc::new(Semaphore::new(GREETINGS_MAX)),
            connections: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
        })
    }

    pub(crate) fn address(&self) -> String {
        self.listener.local_addr().map_or_else(|_| "unknown".to_owned(), |a| a.to_string())
    }

    /// The next arrival that there is room for.
    pub(crate) async fn accept(&self) -> io::Result<Visit> {
        loop {
            let (stream, from) = self.listener.accept().await?;
            let Ok(greeting) = self.greetings.clone().try_acquire_owned() else { continue };
            let (acceptor, fingerprints) = (self.acceptor.clone(), self.fingerprints.clone());
            let connections = self.connections.clone();
            return Ok(Visit { stream, from, greeting, acceptor, fingerprints, connections });
        }
    }
}

/// A connection of somebody unknown yet.
pub(crate) struct Visit {
    stream: TcpStream,
    from: SocketAddr,
    greeting: OwnedSemaphorePermit,
    acceptor: TlsAcceptor,
    fingerprints: Arc<[B256]>,
    connections: Arc<Semaphore>,
}

impl Visit {
    /// Makes sure who it is. `None`: hung up.
    pub(crate) async fn greet(
        self,
    ) -> Option<(server::TlsStream<TcpStream>, OwnedSemaphorePermit)> {
        let refuse = |why: &dyn fmt::Display| {
            tracing::warn!(peer = %self.from, reason = %why, "TLS connection refused");
        };
        let _ = self.stream.set_nodelay(true);
        let stream = match timeout(GREETING_MAX, self.acceptor.accept(self.stream)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                refuse(&error);
                return None;
            }
            Err(_) => {
                refuse(&"too slow");
                return None;
            }
        };
        let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default();
        let print = certificates.first().map(|own| B256::from_slice(&Sha256::digest(own)));
        if !print.is_some_and(|p| self.fingerprints.is_empty() || self.fingerprints.contains(&p)) {
            refuse(&format_args!("certificate {print:?} is not listed"));
            return None;
        }
        drop(self.greeting);
        let Ok(slot) = self.connections.try_acquire_owned() else {
            refuse(&"too many connections");
            return None;
        };
        Some((stream, slot))
    }
}

/// What a client dials with.
pub(crate) struct TlsDialer {
    address: String,
    name: ServerName<'static>,
    connector: TlsConnector,
}

impl TlsDialer {
    pub(crate) fn new(target: &TlsTarget) -> Result<Self, ServeError> {
        let (chain, key) = identity(&target.certificate, &target.key)?;
        let client = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13])
            .map_err(bad)?
            .with_root_certificates(roots(&target.server_ca)?)
            .with_client_auth_cert(chain, key)
            .map_err(bad)?;
        Ok(Self {
            address: target.address.clone(),
            name: ServerName::try_from(target.server_name.clone()).map_err(bad)?,
            connector: TlsConnector::from(Arc::new(client)),
        })
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) async fn dial(&self) -> io::Result<client::TlsStream<TcpStream>> {
        let stream = TcpStream::connect(&self.address).await?;
        let _ = stream.set_nodelay(true);
        self.connector.connect(self.name.clone(), stream).await
    }
}
