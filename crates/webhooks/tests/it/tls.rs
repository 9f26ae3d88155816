//! Certificates are checked.

use crate::rig::{Rig, options, terms};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio::{io::AsyncReadExt, net::TcpListener};
use tokio_rustls::{TlsAcceptor, rustls};

/// A receiver whose certificate nobody vouches for gets not a byte of a request.
#[tokio::test]
async fn who_is_not_who_it_says_is_told_nothing() {
    let rig = Rig::new().await;
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (connected, read) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (connections, bytes) = (connected.clone(), read.clone());
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let serving = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            connections.fetch_add(1, Ordering::SeqCst);
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut some = [0; 64];
            bytes.fetch_add(stream.read(&mut some).await.unwrap_or(0), Ordering::SeqCst);
        }
    });
    rig.endpoint_as(rig.principal, &terms(&format!("https://localhost:{port}/"), &["items"])).await;
    let _role = rig.run(options());
    rig.tell("a", 1).await;
    let refused = "select least(count(*), 2) from webhook_attempts where outcome = 'unreachable'";
    rig.counts("two attempts fail", refused, 2).await;
    assert!(connected.load(Ordering::SeqCst) >= 2, "it was there");
    assert_eq!(read.load(Ordering::SeqCst), 0);
    serving.abort();
}
