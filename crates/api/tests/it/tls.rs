//! TLS of our own: only 1.3, only in time, only TLS, and with the certificate of now.

use crate::harness::{Api, Setup, start_as};
use api::{ConnectionLimits, Tls, TlsError};
use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use rustls::{
    ClientConfig, RootCertStore, SupportedProtocolVersion,
    crypto::ring::default_provider,
    pki_types::{CertificateDer, ServerName},
    version::{TLS12, TLS13},
};
use std::{sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

const HEALTH: &[u8] = b"GET /health HTTP/1.1\r\nhost: stoa.example\r\nconnection: close\r\n\r\n";
const PATIENCE: Duration = Duration::from_secs(10);

fn certificate() -> CertifiedKey<KeyPair> {
    generate_simple_self_signed(vec!["stoa.example".to_owned()]).unwrap()
}

fn tls(shown: &CertifiedKey<KeyPair>, handshake_time: Duration) -> Tls {
    let (certificate, key) = (shown.cert.pem(), shown.signing_key.serialize_pem());
    Tls::new(certificate.as_bytes(), key.as_bytes(), handshake_time).unwrap()
}

async fn start(shown: &CertifiedKey<KeyPair>, limits: ConnectionLimits) -> (Api, Tls) {
    let tls = tls(shown, Duration::from_millis(500));
    let limits = api::Limits { connections: limits, ..api::Limits::default() };
    let api = start_as(Setup { tls: Some(tls.clone()), limits, ..Setup::default() }).await;
    (api, tls)
}

fn place(api: &Api) -> String {
    api.url.strip_prefix("https://").unwrap().to_owned()
}

async fn connect(
    api: &Api,
    trusted: &CertificateDer<'static>,
    versions: &[&'static SupportedProtocolVersion],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let stream = TcpStream::connect(place(api)).await?;
    let name = ServerName::try_from("stoa.example").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

async fn said(stream: &mut (impl AsyncReadExt + Unpin)) -> String {
    let mut text = Vec::new();
    let read = stream.read_to_end(&mut text);
    tokio::time::timeout(PATIENCE, read).await.expect("it ends").unwrap();
    String::from_utf8(text).unwrap()
}

#[tokio::test]
async fn it_speaks_tls_1_3_and_nothing_older() {
    let shown = certificate();
    let (api, _) = start(&shown, ConnectionLimits::default()).await;
    let mut stream = connect(&api, shown.cert.der(), &[&TLS13, &TLS12]).await.unwrap();
    let (_, session) = stream.get_ref();
    assert_eq!(session.protocol_version(), Some(rustls::ProtocolVersion::TLSv1_3));
    assert_eq!(session.alpn_protocol(), Some(&b"http/1.1"[..]));
    stream.write_all(HEALTH).await.unwrap();
    let answer = said(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("strict-transport-security: max-age=31536000\r\n"), "{answer}");

    let old = connect(&api, shown.cert.der(), &[&TLS12]).await.unwrap_err();
    assert!(old.to_string().contains("ProtocolVersion"), "{old}");
    // Whom it is not trusted by, it does not serve; and in the open nothing is promised.
    let other = connect(&api, certificate().cert.der(), &[&TLS13]).await.unwrap_err();
    assert!(other.to_string().contains("certificate"), "{other}");
    let plain = crate::harness::start().await;
    let answer = plain.request(reqwest::Method::GET, "/health").send().await.unwrap();
    assert!(!answer.headers().contains_key("strict-transport-security"));
}

#[tokio::test]
async fn whoever_speaks_plain_http_is_told() {
    let (api, _) = start(&certificate(), ConnectionLimits::default()).await;
    let mut stream = TcpStream::connect(place(&api)).await.unwrap();
    stream.write_all(HEALTH).await.unwrap();
    let answer = said(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{answer}");
    assert!(
        answer.ends_with("\r\n\r\nThis port speaks TLS: ask it by https://...\r\n"),
        "{answer}"
    );
}

/// With room for one: whoever does not finish a handshake gives it up.
#[tokio::test]
async fn slow_handshakes_hold_no_place() {
    let shown = certificate();
    let limits = ConnectionLimits { connections_max: 1, ..ConnectionLimits::default() };
    let (api, _) = start(&shown, limits).await;
    for begun in [&b""[..], &[22], &[22, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]] {
        let mut slow = TcpStream::connect(place(&api)).await.unwrap();
        slow.write_all(begun).await.unwrap();
        let versions = [&TLS13];
        let good = connect(&api, shown.cert.der(), &versions);
        let mut good = tokio::time::timeout(PATIENCE, good).await.expect("a place").unwrap();
        good.write_all(HEALTH).await.unwrap();
        assert!(said(&mut good).await.starts_with("HTTP/1.1 200"));
        // Cut, and not only left aside.
        let mut rest = Vec::new();
        let end = tokio::time::timeout(PATIENCE, slow.read_to_end(&mut rest)).await;
        drop(end.expect("cut"));
    }
}

#[tokio::test]
async fn another_certificate_is_shown_at_once_and_a_bad_one_never() {
    let (first, second) = (certificate(), certificate());
    let (api, tls) = start(&first, ConnectionLimits::default()).await;
    let mut under_way = connect(&api, first.cert.der(), &[&TLS13]).await.unwrap();
    let (pem, key) = (second.cert.pem(), second.signing_key.serialize_pem());
    let old_key = first.signing_key.serialize_pem();
    for (pem, key, expected) in [
        (pem.as_str(), old_key.as_str(), TlsError::Mismatch),
        ("", key.as_str(), TlsError::Certificate),
        ("no PEM", key.as_str(), TlsError::Certificate),
        (pem.as_str(), "", TlsError::Key),
        (pem.as_str(), pem.as_str(), TlsError::Key),
    ] {
        assert_eq!(tls.replace(pem.as_bytes(), key.as_bytes()), Err(expected));
        connect(&api, first.cert.der(), &[&TLS13]).await.unwrap();
    }
    tls.replace(pem.as_bytes(), key.as_bytes()).unwrap();
    connect(&api, second.cert.der(), &[&TLS13]).await.unwrap();
    connect(&api, first.cert.der(), &[&TLS13]).await.unwrap_err();
    // Who was there before is served to the end.
    under_way.write_all(HEALTH).await.unwrap();
    assert!(said(&mut under_way).await.starts_with("HTTP/1.1 200"));
}
