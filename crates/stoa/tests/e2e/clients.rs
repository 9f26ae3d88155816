//! The client libraries against a server.

mod example;

use crate::server::{Home, Options, Server};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use std::{
    collections::BTreeSet, future::IntoFuture, path::Path, process::Command, time::Duration,
};
use stoa_client::{
    Error, Kind, Place, Retries, Stoa, Topic, WebhookRefused,
    types::{FactListQuery, MintListQuery, MintRequest, WebhookRequest},
    verify_webhook,
};
use testkit::TcpProxy;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

const ALICE: &str = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
const URI: &str = "ipfs://bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy";

/// Receivers of their webhooks are on this machine; how much they may ask for is tested elsewhere.
const CONFIG: &str = "[webhooks]\nallowed_networks = [\"127.0.0.1\"]\n\
                      [limits]\nip_units = 0\nkey_units = 0\n";

async fn start(home: &Home) -> (Server, tempfile::TempDir) {
    let place = tempfile::tempdir().unwrap();
    let config = place.path().join("stoa.toml");
    std::fs::write(&config, CONFIG).unwrap();
    (home.start(&Options { config: Some(&config), ..Options::default() }).await, place)
}

/// It is built, and its own tests are run: `web/packages/api-client/test`.
#[tokio::test(flavor = "multi_thread")]
async fn the_typescript_client_does_what_it_says() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web/packages/api-client");
    let installed = package.join("node_modules/typescript").exists();
    assert!(installed, "what it is built with is missing: scripts/install-tools.sh");
    let home = Home::new();
    let (server, _place) = start(&home).await;
    let mut npm = Command::new("npm");
    npm.arg("test").current_dir(package);
    npm.env("STOA_URL", server.text("http")).env("STOA_KEY", server.text("operator_api_key"));
    let output = tokio::task::spawn_blocking(move || npm.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(server.stop(), Some(0));
}

fn wanted(name: &str) -> MintRequest {
    let body = serde_json::json!({ "to": ALICE, "metadata": { "name": name, "image": URI } });
    serde_json::from_str(&body.to_string()).unwrap()
}

fn client(server: &Server, url: &str) -> Stoa {
    let quick = Retries {
        attempts: 1_000,
        first: Duration::from_millis(5),
        longest: Duration::from_millis(50),
        ..Retries::default()
    };
    Stoa::new(url).unwrap().with_key(server.text("operator_api_key")).with_retries(quick)
}

/// All connections are cut now, and others can be made again.
async fn cut(proxy: &TcpProxy) {
    proxy.cut();
    // It is noticed by the time that a new one has ended.
    let mut probe = TcpStream::connect(proxy.address()).await.unwrap();
    let _ = probe.read(&mut [0]).await;
    proxy.restore();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rust_client_loses_and_doubles_nothing() {
    const MINTS: usize = 30;
    let home = Home::new();
    let (server, _place) = start(&home).await;
    let proxy = TcpProxy::tcp(server.text("http").strip_prefix("http://").unwrap()).await;
    let stoa = client(&server, &format!("http://{}", proxy.address()));
    let asking = async {
        let mut asked = Vec::new();
        for n in 0..MINTS {
            let request = wanted(&format!("Stone {n}"));
            let (job, ()) = tokio::join!(stoa.request_mint(&request).into_future(), async {
                if n % 3 == 0 {
                    cut(&proxy).await;
                }
            });
            asked.push(job.unwrap().id.to_string());
        }
        asked
    };
    let listening = async {
        let (mut seen, mut following) = (Vec::new(), stoa.follow(Topic::Mints).from_start());
        let mut mined = BTreeSet::new();
        while mined.len() < MINTS {
            let told = following.next().await.unwrap();
            seen.push(told.seq);
            if told.data["status"] == "tentative" {
                mined.insert(told.data["mint_id"].as_str().unwrap().to_owned());
            }
            match seen.len() % 10 {
                0 => cut(&proxy).await,
                // As after a restart of the client.
                5 => following = stoa.follow(Topic::Mints).after(told.place()),
                _ => {}
            }
        }
        (seen, mined)
    };
    let (asked, (seen, mined)) = tokio::join!(asking, listening);
    assert_eq!(mined, asked.into_iter().collect());
    assert_eq!(seen, (1..=seen.len() as i64).collect::<Vec<_>>());

    // A page at a time, each row once.
    let query = MintListQuery { limit: Some(7), ..MintListQuery::default() };
    let (mut rows, mut listed) = (stoa.list_mints(&query).rows(), BTreeSet::new());
    while let Some(job) = rows.next().await.unwrap() {
        assert!(listed.insert(job.id.to_string()), "twice");
    }
    assert_eq!(listed, mined, "none was made twice");
    let all = FactListQuery { topic: "mints".to_owned(), ..FactListQuery::default() };
    assert!(stoa.list_facts(&all).await.unwrap().head >= *seen.last().unwrap());
    assert_eq!(server.stop(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rust_client_tells_refusals_and_checks_webhooks() {
    let home = Home::new();
    let (server, _place) = start(&home).await;
    let url = &server.text("http");
    example::run(url, &server.text("operator_api_key")).await.unwrap();
    example_is_that_of_the_guide();

    let stoa = client(&server, url);
    let once = wanted("Once");
    let first = stoa.request_mint(&once).key("order-1").await.unwrap();
    assert_eq!(stoa.request_mint(&once).key("order-1").await.unwrap().id, first.id);
    let other = stoa.request_mint(&wanted("Other")).key("order-1").await;
    let Err(Error::Problem(refused)) = other else { panic!("{other:?}") };
    assert_eq!((refused.status, refused.code.as_str()), (422, "idempotency_key_reused"));
    assert!(!refused.request_id.is_empty());
    let anonymous = Stoa::new(url).unwrap();
    let Err(Error::Problem(refused)) = anonymous.follow(Topic::Mints).next().await else {
        panic!("anybody may follow mints")
    };
    assert_eq!(refused.code, "key_missing");
    // Paths can't be left.
    for part in ["", ".", ".."] {
        assert!(matches!(stoa.get_mint(&part).await, Err(Error::Input(_))), "{part:?}");
    }
    let gone = Place { epoch: 1, seq: 1_000_000 };
    let told = stoa.follow(Topic::Items).after(gone).next().await.unwrap();
    assert_eq!(told.kind, Kind::Snapshot);
    // Where nobody answers, it is not known what came of a request.
    let nobody = Stoa::new("http://127.0.0.1:9").unwrap();
    let nobody = nobody.with_retries(Retries { attempts: 2, ..stoa_retries() });
    assert!(matches!(nobody.request_mint(&once).await, Err(Error::NoAnswer(_))));

    for signature in ["hmac", "ed25519"] {
        check_webhook(&stoa, signature).await;
    }
    assert_eq!(server.stop(), Some(0));
}

fn stoa_retries() -> Retries {
    Retries { first: Duration::from_millis(5), ..Retries::default() }
}

fn example_is_that_of_the_guide() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let guide = std::fs::read_to_string(here.join("../../docs/guide/clients.md")).unwrap();
    let block = guide.split("```rust\n").nth(1).unwrap().split("```").next().unwrap();
    let lines = |text: &str| -> Vec<String> {
        let lines = text.lines().map(|line| line.trim().to_owned());
        lines.filter(|line| !line.is_empty()).collect()
    };
    let (shown, run) = (lines(block), lines(include_str!("clients/example.rs")));
    assert!(run.windows(shown.len()).any(|part| part == shown), "the guide shows something else");
}

async fn check_webhook(stoa: &Stoa, signature: &str) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let request = serde_json::json!({ "url": url, "topics": ["items"], "signature": signature });
    let request: WebhookRequest = serde_json::from_value(request).unwrap();
    let endpoint = stoa.create_webhook(&request).await.unwrap();
    let receiving = async {
        let (mut socket, _) = listener.accept().await.unwrap();
        let delivered = receive(&mut socket).await;
        socket.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
        delivered
    };
    let trial = stoa.try_webhook(&endpoint.id).into_future();
    let ((headers, body), trial) = tokio::join!(receiving, trial);
    trial.unwrap();
    let secret = endpoint.secret.or(endpoint.public_key).unwrap();
    let told = verify_webhook(&secret, &headers, &body).unwrap();
    assert_eq!((told.kind.as_str(), told.id.as_str()), ("test", text(&headers, "webhook-id")));
    let altered = [body.as_slice(), b" "].concat();
    let refused = verify_webhook(&secret, &headers, &altered).unwrap_err();
    assert_eq!(refused, WebhookRefused::Signature);
    stoa.delete_webhook(&endpoint.id).await.unwrap();
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> &'h str {
    headers[name].to_str().unwrap()
}

/// Headers and body of one request.
async fn receive(socket: &mut TcpStream) -> (HeaderMap, Vec<u8>) {
    let mut bytes = Vec::new();
    loop {
        let mut part = [0; 4_096];
        let count = socket.read(&mut part).await.unwrap();
        assert!(count > 0, "it broke off");
        bytes.extend_from_slice(&part[..count]);
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let pairs = head.lines().skip(1).filter_map(|line| line.split_once(": "));
        let headers: HeaderMap = pairs
            .map(|(name, value)| {
                let name: HeaderName = name.parse().unwrap();
                (name, HeaderValue::from_str(value).unwrap())
            })
            .collect();
        let length: usize = headers["content-length"].to_str().unwrap().parse().unwrap();
        if bytes.len() >= end + 4 + length {
            return (headers, bytes.split_off(end + 4));
        }
    }
}
