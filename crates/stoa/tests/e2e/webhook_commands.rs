//! `stoa webhook`, as its owner uses it.

use crate::server::{Home, Options, Server, fresh_address};
use serde_json::{Value, json};
use std::{
    process::{Command, Output},
    sync::{
        Arc,
        atomic::{AtomicU16, AtomicUsize, Ordering},
    },
};
use testkit::eventually;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// Somebody else's program that is told: answers with a status, and counts.
#[derive(Clone)]
struct Endpoint {
    status: Arc<AtomicU16>,
    asked: Arc<AtomicUsize>,
}

impl Endpoint {
    async fn start() -> (Self, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hooks", listener.local_addr().unwrap());
        let endpoint = Self { status: Arc::new(AtomicU16::new(200)), asked: Arc::default() };
        let shared = endpoint.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(shared.clone().answer(stream));
            }
        });
        (endpoint, url)
    }

    /// One request of a connection, which then ends.
    async fn answer(self, mut stream: TcpStream) -> Option<()> {
        let mut bytes = Vec::new();
        loop {
            let head = bytes.windows(4).position(|four| four == b"\r\n\r\n");
            let length = head.and_then(|end| {
                let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
                let line = head.lines().find_map(|line| line.strip_prefix("content-length:"))?;
                line.trim().parse::<usize>().ok()
            });
            if head.zip(length).is_some_and(|(end, length)| bytes.len() >= end + 4 + length) {
                break;
            }
            if stream.read_buf(&mut bytes).await.ok()? == 0 {
                return None;
            }
        }
        self.asked.fetch_add(1, Ordering::SeqCst);
        let status = self.status.load(Ordering::SeqCst);
        let text =
            format!("HTTP/1.1 {status} x\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok");
        stream.write_all(text.as_bytes()).await.ok()
    }
}

fn stoa(home: &Home, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stoa"));
    command.arg("webhook").args(words).arg("--data-dir").arg(home.path()).output().unwrap()
}

/// What it prints, when it is done.
fn done(home: &Home, words: &[&str]) -> String {
    let output = stoa(home, words);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{words:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

/// The same as JSON.
fn asked(home: &Home, words: &[&str]) -> Value {
    serde_json::from_str(&done(home, &[words, &["--json"]].concat())).unwrap()
}

fn text(of: &Value, field: &str) -> String {
    of[field].as_str().unwrap().to_owned()
}

async fn deliveries(home: &Home, id: &str, state: &str, count: usize) -> Value {
    eventually(&format!("{count} are {state}"), || async {
        let found = asked(home, &["deliveries", id, "--state", state]);
        (found["items"].as_array()?.len() >= count).then_some(found)
    })
    .await
}

async fn transfer(server: &Server, key: &str) {
    let request = json!({ "to": fresh_address(), "value": "1" });
    let (status, sent) = server.post("/transactions", Some(key), &request).await;
    assert!(status.is_success(), "{sent}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_looked_after_from_a_terminal() {
    let home = Home::new();
    let file = home.path().with_extension("toml");
    std::fs::write(&file, "[webhooks]\nallowed_networks = [\"127.0.0.1\"]\n").unwrap();
    let server = home.start(&Options { config: Some(&file), ..Options::default() }).await;
    let (endpoint, url) = Endpoint::start().await;

    let create = ["create", &url, "--topic", "transactions", "--event", "transaction_*"];
    let made = asked(&home, &[&create[..], &["--description", "till", "--key", "one"]].concat());
    let (id, secret) = (text(&made, "id"), text(&made, "secret"));
    assert_eq!((&made["topics"], &made["description"]), (&json!(["transactions"]), &json!("till")));
    let again = asked(&home, &[&create[..], &["--description", "till", "--key", "one"]].concat());
    assert_eq!(again["id"], made["id"], "the same key never does it twice");
    let listed = done(&home, &["list"]);
    assert!(listed.contains(&id) && listed.contains("active") && !listed.contains(&secret));
    let shown = done(&home, &["show", &id]);
    assert!(shown.contains(&url) && shown.contains("transaction_*") && !shown.contains("whsec_"));

    let tried = done(&home, &["test", &id]);
    assert!(tried.contains("delivered") && tried.contains("200"), "{tried}");
    endpoint.status.store(500, Ordering::SeqCst);
    let tried = stoa(&home, &["test", &id]);
    assert_eq!(tried.status.code(), Some(4), "it did not take it");
    assert!(String::from_utf8_lossy(&tried.stdout).contains("500"));

    // What fails waits; once the endpoint is well it is sent at once when somebody asks for that.
    transfer(&server, "a").await;
    let waiting = deliveries(&home, &id, "ready", 1).await;
    let first = text(&waiting["items"][0], "id");
    eventually("it was tried", || async {
        let found = asked(&home, &["deliveries", &id, "--state", "ready"]);
        let tried = found["items"].as_array()?.iter().find(|one| one["id"] == json!(first))?;
        (tried["attempts"].as_u64()? > 0).then_some(())
    })
    .await;
    endpoint.status.store(200, Ordering::SeqCst);
    assert!(done(&home, &["retry", &id, &first]).contains(&first));
    deliveries(&home, &id, "delivered", 1).await;

    // Told again from the beginning: more requests, under the ids that there were.
    let before = endpoint.asked.load(Ordering::SeqCst);
    let replayed = done(&home, &["replay", &id, "--from", "0"]);
    assert!(replayed.contains("transactions is told again from 0"), "{replayed}");
    eventually("it is told again", || async {
        (endpoint.asked.load(Ordering::SeqCst) > before).then_some(())
    })
    .await;

    let rotated = asked(&home, &["rotate-secret", &id]);
    assert_eq!(rotated["secret_version"], 2);
    assert_ne!(text(&rotated, "secret"), secret);
    let paused = asked(&home, &["update", &id, "--pause", "--description", "closed"]);
    assert_eq!((&paused["state"], &paused["description"]), (&json!("paused"), &json!("closed")));
    assert_eq!(paused["events"], json!(["transaction_*"]), "what is not named stays");
    let resumed = asked(&home, &["update", &id, "--resume", "--chain", "31337"]);
    assert_eq!((&resumed["state"], &resumed["chain_ids"]), (&json!("active"), &json!([31337])));

    assert_eq!(done(&home, &["delete", &id]), format!("{id} is deleted\n"));
    let gone = stoa(&home, &["show", &id]);
    assert_eq!(gone.status.code(), Some(3), "refused");
    assert!(String::from_utf8_lossy(&gone.stderr).contains("webhook_unknown"));
    let refused = stoa(&home, &["create", "ftp://x", "--topic", "items"]);
    assert_eq!(refused.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("/url"));
    assert_eq!(stoa(&home, &["create", &url]).status.code(), Some(2), "no topic");
    assert_eq!(server.stop(), Some(0));
}
