//! Documents from hosts that are slow, large, lying, or not there at all.

use crate::host::{Answer, Host};
use flate2::{Compression, write::GzEncoder};
use metadata::{Options, Reason, fetch::Fetcher};
use std::{
    io::Write,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::io::AsyncWriteExt;

fn options(hosts: &[&Host]) -> Options {
    Options {
        allow_private: hosts.iter().map(|host| host.name()).collect(),
        fetch_time: Duration::from_secs(3),
        ..Options::default()
    }
}

async fn fetch(options: &Options, url: &str) -> Result<Vec<u8>, Reason> {
    Fetcher::new(options).unwrap().fetch(url.parse().unwrap()).await
}

#[tokio::test]
async fn a_document_comes_as_it_is() {
    let host = Host::answering(|path, _| Answer::json(format!("{{\"path\":\"{path}\"}}"))).await;
    let got = fetch(&options(&[&host]), &host.url("/1?a=b")).await;
    assert_eq!(got, Ok(b"{\"path\":\"/1?a=b\"}".to_vec()));
}

/// Each way to name an address that is not public is refused before anything is connected.
#[tokio::test]
async fn private_addresses_are_refused_in_all_their_forms() {
    let host = Host::answering(|_, _| Answer::json("{}")).await;
    let strict = Options { http: true, ..Options::default() };
    let refused = [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "0x7f.0.0.1",
        "0",
        "0.0.0.0",
        "10.0.0.1",
        "192.168.0.1",
        "172.16.0.1",
        "100.64.0.1",
        "169.254.169.254",
        "224.0.0.1",
        "255.255.255.255",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[fe80::1]",
        "[fd00:ec2::254]",
        // Names that resolve to loopback.
        "localhost",
    ];
    for address in refused {
        for scheme in ["http", "https"] {
            let url = format!("{scheme}://{address}/latest/meta-data/");
            assert_eq!(fetch(&strict, &url).await, Err(Reason::AddressRefused), "{url}");
        }
    }
    let others = [
        (host.url("/"), Reason::PortRefused),
        ("http://user@1.1.1.1/".to_owned(), Reason::CredentialsInUri),
        ("https://:password@1.1.1.1/".to_owned(), Reason::CredentialsInUri),
        ("https://1.1.1.1:22/".to_owned(), Reason::PortRefused),
        ("ftp://1.1.1.1/".to_owned(), Reason::SchemeUnsupported),
        ("https://nobody.invalid/".to_owned(), Reason::NameUnresolved),
    ];
    for (url, reason) in others {
        assert_eq!(fetch(&strict, &url).await, Err(reason), "{url}");
    }
    let usual = Options::default();
    assert_eq!(fetch(&usual, "http://1.1.1.1/").await, Err(Reason::HttpRefused));
    assert_eq!(host.asked(), 0);
}

/// What is allowed is one place, not the address, and not where it passes us on to.
#[tokio::test]
async fn redirects_are_checked_like_the_first_address() {
    let secret = Host::answering(|_, _| Answer::json("{\"name\":\"secret\"}")).await;
    let targets = [
        (secret.url("/"), Reason::HttpRefused),
        (secret.url("/").replace("http:", "https:"), Reason::PortRefused),
        ("https://127.0.0.1/".to_owned(), Reason::AddressRefused),
        ("https://localhost/".to_owned(), Reason::AddressRefused),
        ("https://[::ffff:169.254.169.254]/".to_owned(), Reason::AddressRefused),
        ("https://a:b@1.1.1.1/".to_owned(), Reason::CredentialsInUri),
        ("file:///etc/passwd".to_owned(), Reason::SchemeUnsupported),
        ("data:,{}".to_owned(), Reason::SchemeUnsupported),
        ("http://[".to_owned(), Reason::RedirectMalformed),
        (format!("/{}", "x".repeat(5_000)), Reason::RedirectMalformed),
    ];
    for (target, reason) in targets {
        let to = target.clone();
        let host = Host::answering(move |_, _| Answer::redirect(&to)).await;
        assert_eq!(fetch(&options(&[&host]), &host.url("/")).await, Err(reason), "{target}");
    }
    assert_eq!(secret.asked(), 0, "nobody was led to it");

    let host = Host::answering(|_, _| Answer::status(302)).await;
    let got = fetch(&options(&[&host]), &host.url("/")).await;
    assert_eq!(got, Err(Reason::RedirectMalformed), "without a place to go to");
}

#[tokio::test]
async fn redirects_end() {
    let host = Host::answering(|_, place| Answer::redirect(&format!("/{place}"))).await;
    let got = fetch(&options(&[&host]), &host.url("/")).await;
    assert_eq!((got, host.asked()), (Err(Reason::RedirectsTooMany), 4));
    let host = Host::answering(|_, place| match place {
        0..3 => Answer::redirect("next"),
        _ => Answer::json("{}"),
    })
    .await;
    assert_eq!(fetch(&options(&[&host]), &host.url("/a/b")).await, Ok(b"{}".to_vec()));
}

/// A gigabyte is cut at the limit, whether its length was announced or not.
#[tokio::test]
async fn a_gigabyte_is_cut() {
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = sent.clone();
    let host = Host::start(move |path, _, mut stream| {
        let counter = counter.clone();
        Box::pin(async move {
            let length = if path == "/told" { "content-length: 1073741824\r\n" } else { "" };
            let head = format!("HTTP/1.1 200 OK\r\n{length}connection: close\r\n\r\n");
            let piece = vec![b' '; 64 << 10];
            let mut going = stream.write_all(head.as_bytes()).await;
            for _ in 0..(1 << 14) {
                if going.is_err() {
                    break;
                }
                going = stream.write_all(&piece).await;
                counter.fetch_add(piece.len(), Ordering::SeqCst);
            }
        })
    })
    .await;
    for path in ["/told", "/untold"] {
        assert_eq!(
            fetch(&options(&[&host]), &host.url(path)).await,
            Err(Reason::TooLarge),
            "{path}"
        );
    }
    // What the kernel held for us, at most.
    assert!(sent.load(Ordering::SeqCst) < 64 << 20, "{sent:?} bytes were taken");
}

#[tokio::test]
async fn packed_documents_are_bounded_unpacked() {
    let gzip = |bytes: &[u8]| {
        let mut packed = GzEncoder::new(Vec::new(), Compression::best());
        packed.write_all(bytes).unwrap();
        packed.finish().unwrap()
    };
    let bomb = gzip(&vec![b' '; 200 << 20]);
    assert!(bomb.len() < 256 << 10, "it passes as it comes: {}", bomb.len());
    let sound = gzip(b"{\"name\":\"Dawn\"}");
    let host = Host::answering(move |path, _| {
        let (encoding, body) = match path {
            "/bomb" => ("gzip", bomb.clone()),
            "/twice" => ("gzip, gzip", gzip(&sound)),
            "/odd" => ("br", sound.clone()),
            "/broken" => ("gzip", b"{}".to_vec()),
            _ => ("GZIP", sound.clone()),
        };
        Answer { status: 200, headers: format!("content-encoding: {encoding}\r\n"), body }
    })
    .await;
    let cases = [
        ("/bomb", Err(Reason::TooLarge)),
        ("/twice", Err(Reason::EncodingUnsupported)),
        ("/odd", Err(Reason::EncodingUnsupported)),
        ("/broken", Err(Reason::EncodingUnsupported)),
        ("/sound", Ok(b"{\"name\":\"Dawn\"}".to_vec())),
    ];
    for (path, expect) in cases {
        assert_eq!(fetch(&options(&[&host]), &host.url(path)).await, expect, "{path}");
    }
}

/// One byte now and then keeps a connection alive, but not us.
#[tokio::test]
async fn slow_hosts_are_left() {
    let host = Host::start(|path, _, mut stream| {
        Box::pin(async move {
            if path == "/head" {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nx: ").await;
            } else {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
            }
            let mut beat = tokio::time::interval(Duration::from_millis(50));
            loop {
                beat.tick().await;
                if stream.write_all(b" ").await.is_err() {
                    return;
                }
            }
        })
    })
    .await;
    for path in ["/head", "/body"] {
        let (options, begun) = (options(&[&host]), Instant::now());
        assert_eq!(fetch(&options, &host.url(path)).await, Err(Reason::TimedOut), "{path}");
        assert!(begun.elapsed() < options.fetch_time + Duration::from_secs(5));
    }
}

#[tokio::test]
async fn statuses_and_breaks_have_their_reasons() {
    let cases = [
        (404, Reason::NotFound),
        (410, Reason::NotFound),
        (403, Reason::Forbidden),
        (429, Reason::HostBusy),
        (500, Reason::HostFailed),
        (503, Reason::HostFailed),
        (204, Reason::StatusUnexpected),
        (304, Reason::StatusUnexpected),
    ];
    for (status, reason) in cases {
        let host = Host::answering(move |_, _| Answer::status(status)).await;
        assert_eq!(fetch(&options(&[&host]), &host.url("/")).await, Err(reason), "{status}");
    }
    let broken: [&[u8]; 4] = [
        b"",
        b"garbage\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\n",
    ];
    for bytes in broken {
        let host = Host::start(move |_, _, mut stream| {
            Box::pin(async move {
                let _ = stream.write_all(bytes).await;
            })
        })
        .await;
        let got = fetch(&options(&[&host]), &host.url("/")).await;
        assert_eq!(got, Err(Reason::Unreachable), "{}", String::from_utf8_lossy(bytes));
    }
    let gone = Host::answering(|_, _| Answer::json("{}")).await;
    let (options, url) = (options(&[&gone]), gone.url("/"));
    drop(gone);
    // The port is free again, or about to be.
    testkit::eventually("nobody listens", || async {
        (fetch(&options, &url).await == Err(Reason::Unreachable)).then_some(())
    })
    .await;
}
