//! The way in from other machines: only TLS 1.3, only with a certificate that is expected here.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use alloy_primitives::B256;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, date_time_ymd,
};
use rustls::{
    ClientConfig, HandshakeKind, RootCertStore, SupportedProtocolVersion,
    crypto::ring,
    pki_types::{CertificateDer, ServerName},
    version::{TLS12, TLS13},
};
use sha2::{Digest, Sha256};
use signer::{Client, ClientError, Config, REQUEST_BYTES_MAX, ServeError, TlsConfig, TlsTarget};

use crate::{
    backends::write_private,
    rig::{DEADLINE, Rig, Server, send, sign_one},
};

const SHORT: Duration = Duration::from_millis(700);

struct Authority {
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self { certificate, issuer: Issuer::new(params, key) }
    }

    fn issue(&self, purpose: ExtendedKeyUsagePurpose, expired: bool) -> (Certificate, KeyPair) {
        let mut params = CertificateParams::new(vec!["signer.internal".to_owned()]).unwrap();
        params.extended_key_usages = vec![purpose];
        if expired {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2020, 2, 1);
        }
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }
}

/// Signer and authorities; clients get theirs one by one.
struct Site {
    rig: Rig,
    servers: Authority,
    clients: Authority,
    address: SocketAddr,
}

impl Site {
    fn new() -> Self {
        let (servers, clients) = (Authority::new(), Authority::new());
        // Free now; nobody else here asks for this one.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let site = Self { rig: Rig::new(), servers, clients, address };
        let own = site.servers.issue(ExtendedKeyUsagePurpose::ServerAuth, false);
        site.write("server", &own);
        write_private(&site.rig.path("server-ca.pem"), &site.servers.certificate.pem());
        write_private(&site.rig.path("client-ca.pem"), &site.clients.certificate.pem());
        site
    }

    fn write(&self, name: &str, (certificate, key): &(Certificate, KeyPair)) {
        write_private(&self.rig.path(&format!("{name}.pem")), &certificate.pem());
        write_private(&self.rig.path(&format!("{name}.key")), &key.serialize_pem());
    }

    fn config(&self, client_fingerprints: Vec<B256>) -> Config {
        let tls = TlsConfig {
            listen: self.address,
            certificate: self.rig.path("server.pem"),
            key: self.rig.path("server.key"),
            client_ca: self.rig.path("client-ca.pem"),
            client_fingerprints,
        };
        Config { tls: Some(tls), ..self.rig.config() }
    }

    async fn start(&self, fingerprints: Vec<B256>) -> Server {
        let server = self.rig.start_with(self.config(fingerprints));
        self.rig.client().health().await.unwrap();
        server
    }

    /// A client with this certificate.
    fn client(&self, name: &str, own: &(Certificate, KeyPair), timeout: Duration) -> Client {
        self.write(name, own);
        Client::connect_tls(&self.target(name), timeout).unwrap()
    }

    fn target(&self, name: &str) -> TlsTarget {
        let file = |end: &str| -> PathBuf { self.rig.path(&format!("{name}.{end}")) };
        TlsTarget {
            address: self.address.to_string(),
            server_name: "signer.internal".to_owned(),
            server_ca: self.rig.path("server-ca.pem"),
            certificate: file("pem"),
            key: file("key"),
        }
    }

    fn good(&self) -> (Certificate, KeyPair) {
        self.clients.issue(ExtendedKeyUsagePurpose::ClientAuth, false)
    }
}

fn print_of(certificate: &Certificate) -> B256 {
    B256::from_slice(&Sha256::digest(certificate.der()))
}

async fn is_refused(client: &Client) -> bool {
    matches!(client.health().await, Err(ClientError::Unavailable { .. }))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_right_certificate_signs_and_every_other_is_refused() {
    let site = Site::new();
    let (listed, unlisted) = (site.good(), site.good());
    let server = site.start(vec![print_of(&listed.0)]).await;
    let client = site.client("listed", &listed, DEADLINE);
    let key = client.ensure_key("minter", 0).await.unwrap();
    assert!(sign_one(&client, &send(key, 0, 1, 1)).await.is_ok());

    let purpose = ExtendedKeyUsagePurpose::ClientAuth;
    let strangers = [
        ("unlisted", unlisted),
        ("expired", site.clients.issue(purpose.clone(), true)),
        ("another-authority", Authority::new().issue(purpose.clone(), false)),
        ("signed-by-the-servers'", site.servers.issue(purpose, false)),
        ("for-servers", site.clients.issue(ExtendedKeyUsagePurpose::ServerAuth, false)),
    ];
    for (name, own) in &strangers {
        assert!(is_refused(&site.client(name, own, SHORT)).await, "{name}");
    }
    // The listed certificate without its key.
    let stolen = (listed.0.clone(), KeyPair::generate().unwrap());
    site.write("stolen", &stolen);
    assert!(Client::connect_tls(&site.target("stolen"), SHORT).is_err());
    assert!(client.health().await.is_ok(), "the listed one goes on");
    server.stop().await;

    // Without a list any of the authority's will do, and still no other.
    let server = site.start(Vec::new()).await;
    assert!(site.client("unlisted", &strangers[0].1, DEADLINE).health().await.is_ok());
    for (name, own) in &strangers[1..] {
        assert!(is_refused(&site.client(name, own, SHORT)).await, "{name}, no list");
    }
    server.stop().await;
}

/// What a client that is none of ours connects with.
fn client_config(
    site: &Site,
    own: Option<&(Certificate, KeyPair)>,
    version: &'static SupportedProtocolVersion,
) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(site.servers.certificate.der().to_vec())).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots);
    Arc::new(match own {
        None => config.with_no_client_auth(),
        Some((certificate, key)) => {
            let key = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
            config.with_client_auth_cert(vec![certificate.der().clone()], key).unwrap()
        }
    })
}

fn session(site: &Site, config: Arc<ClientConfig>) -> (rustls::ClientConnection, TcpStream) {
    let name = ServerName::try_from("signer.internal").unwrap();
    let socket = TcpStream::connect(site.address).unwrap();
    socket.set_read_timeout(Some(DEADLINE)).unwrap();
    (rustls::ClientConnection::new(config, name).unwrap(), socket)
}

/// Whether a health request has an answer.
fn is_answered(
    site: &Site,
    own: Option<&(Certificate, KeyPair)>,
    version: &'static SupportedProtocolVersion,
) -> bool {
    let (mut session, mut socket) = session(site, client_config(site, own, version));
    ask(&mut session, &mut socket)
}

fn ask(session: &mut rustls::ClientConnection, socket: &mut TcpStream) -> bool {
    let mut stream = rustls::Stream::new(session, socket);
    let body = br#"{"id":1,"call":{"health":{}}}"#;
    let frame = [&u32::try_from(body.len()).unwrap().to_be_bytes(), &body[..]].concat();
    let sent = stream.write_all(&frame).and_then(|()| stream.flush());
    // How a refusal shows depends on who is faster: an alert, an end, a broken pipe.
    sent.and_then(|()| stream.read(&mut [0; 64])).is_ok_and(|read| read > 0)
}

/// Else who was taken off the list could come back by a ticket.
#[tokio::test(flavor = "multi_thread")]
async fn each_session_begins_with_the_certificate() {
    let site = Site::new();
    let server = site.start(Vec::new()).await;
    let config = client_config(&site, Some(&site.good()), &TLS13);
    for _ in 0..3 {
        let (mut session, mut socket) = session(&site, config.clone());
        assert!(ask(&mut session, &mut socket));
        assert_eq!(session.handshake_kind(), Some(HandshakeKind::Full));
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_certificate_or_with_older_tls_there_is_no_answer() {
    let site = Site::new();
    let server = site.start(Vec::new()).await;
    let good = site.good();
    assert!(is_answered(&site, Some(&good), &TLS13), "so it can be");
    assert!(!is_answered(&site, None, &TLS13), "no certificate");
    assert!(!is_answered(&site, Some(&good), &TLS12), "older TLS");
    // Plain text, as to the Unix socket.
    let mut plain = TcpStream::connect(site.address).unwrap();
    plain.set_read_timeout(Some(DEADLINE)).unwrap();
    plain.write_all(b"\0\0\0\x1d{\"id\":1,\"call\":{\"health\":{}}}").unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer);
    assert!(!String::from_utf8_lossy(&answer).contains("health"), "{answer:?}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_gone_takes_no_place() {
    let site = Site::new();
    let server = site.start(Vec::new()).await;
    let good = site.good();
    // More than may greet, or be in, at a time.
    for visit in 0..70 {
        assert!(is_answered(&site, Some(&good), &TLS13), "{visit}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_speaks_to_no_other_signer() {
    let site = Site::new();
    let server = site.start(Vec::new()).await;
    let good = site.good();
    site.write("good", &good);
    let other_name =
        TlsTarget { server_name: "another.internal".to_owned(), ..site.target("good") };
    let other_ca = TlsTarget { server_ca: site.rig.path("client-ca.pem"), ..site.target("good") };
    for target in [other_name, other_ca] {
        assert!(is_refused(&Client::connect_tls(&target, SHORT).unwrap()).await, "{target:?}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_strangers_and_huge_frames_hold_nobody_up() {
    let site = Site::new();
    let server = site.start(Vec::new()).await;
    let client = site.client("good", &site.good(), DEADLINE);
    let key = client.ensure_key("minter", 0).await.unwrap();
    // More than may greet at a time, and half a greeting each.
    let mut silent: Vec<_> = (0..80).map(|_| TcpStream::connect(site.address).unwrap()).collect();
    for stream in &mut silent {
        let _ = stream.write_all(&[22, 3, 1, 2, 0]);
    }
    assert!(sign_one(&client, &send(key, 0, 1, 1)).await.is_ok(), "who is in stays in");
    let late = site.client("late", &site.good(), DEADLINE);
    assert!(late.health().await.is_ok(), "and others come in when the silent are gone");
    for mut stream in silent {
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        // An alert, an end or a reset: not a silence.
        if let Err(error) = stream.read(&mut [0; 64]) {
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
        }
    }
    let mut intent = send(key, 1, 1, 1);
    intent.kind = signer::TxKind::Create {
        value: Default::default(),
        init_code: vec![0; REQUEST_BYTES_MAX / 2].into(),
    };
    let error = client.sign_transactions(&[intent]).await.unwrap_err();
    assert!(matches!(error, ClientError::TooLarge { .. }), "{error}");
    gigabyte_frame(&site);
    assert!(client.health().await.is_ok());
    server.stop().await;
}

/// A known client that claims to send a gigabyte is hung up on at once.
fn gigabyte_frame(site: &Site) {
    let (mut session, mut socket) = session(site, client_config(site, Some(&site.good()), &TLS13));
    let mut stream = rustls::Stream::new(&mut session, &mut socket);
    stream.write_all(&1_000_000_000u32.to_be_bytes()).unwrap();
    stream.flush().unwrap();
    let ended = stream.read(&mut [0; 64]);
    assert!(matches!(ended, Ok(0) | Err(_)), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn unusable_or_open_files_stop_the_start() {
    let site = Site::new();
    let start = async || {
        let end = signer::serve(site.config(Vec::new()), std::future::pending());
        tokio::time::timeout(DEADLINE, end).await.unwrap().unwrap_err()
    };
    let key = std::fs::read_to_string(site.rig.path("server.key")).unwrap();
    write_private(&site.rig.path("server.key"), "no key");
    assert!(matches!(start().await, ServeError::Tls { .. }));
    write_private(&site.rig.path("server.key"), &KeyPair::generate().unwrap().serialize_pem());
    assert!(matches!(start().await, ServeError::Tls { .. }), "another's key");
    write_private(&site.rig.path("server.key"), &key);
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o640);
    std::fs::set_permissions(site.rig.path("server.key"), open).unwrap();
    assert!(matches!(start().await, ServeError::TooOpen { .. }));
    write_private(&site.rig.path("server.key"), &key);
    // Whoever can write these decides who comes in.
    for name in ["server.pem", "client-ca.pem"] {
        let mode = std::os::unix::fs::PermissionsExt::from_mode;
        std::fs::set_permissions(site.rig.path(name), mode(0o664)).unwrap();
        assert!(matches!(start().await, ServeError::TooOpen { .. }), "{name}");
        std::fs::set_permissions(site.rig.path(name), mode(0o644)).unwrap();
    }
    write_private(&site.rig.path("client-ca.pem"), "");
    assert!(matches!(start().await, ServeError::Tls { .. }), "an empty list trusts nobody");
}
