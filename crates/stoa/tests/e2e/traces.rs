//! Traces, as a collector gets them: a request and the transaction that it led to are of one trace,
//! which a caller may name.

use crate::server::{Home, Options, Server, fresh_address};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use serde_json::json;
use std::{
    fs,
    sync::{Arc, Mutex},
    time::Duration,
};
use testkit::eventually_within;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

const SECRET: &str = "Bearer canary-collector-77d0";

/// A collector: somebody else's program, which takes what it is sent.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<Sent>>>);

/// The head and the body of a request.
type Sent = (String, Vec<u8>);

#[derive(Debug)]
struct Span {
    trace: String,
    name: String,
    text: String,
}

impl Collector {
    async fn start() -> (Self, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/", listener.local_addr().unwrap());
        let collector = Self::default();
        let shared = collector.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(shared.clone().take(stream));
            }
        });
        (collector, address)
    }

    async fn take(self, mut stream: TcpStream) -> Option<()> {
        let mut bytes = Vec::new();
        loop {
            let head = bytes.windows(4).position(|four| four == b"\r\n\r\n");
            let length = head.and_then(|end| {
                let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
                let line = head.lines().find_map(|line| line.strip_prefix("content-length:"))?;
                line.trim().parse::<usize>().ok()
            });
            if let (Some(end), Some(length)) = (head, length)
                && bytes.len() >= end + 4 + length
            {
                let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
                let rest = bytes.split_off(end + 4 + length);
                self.0.lock().unwrap().push((head, bytes.split_off(end + 4)));
                bytes = rest;
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.ok()?;
                continue;
            }
            let mut more = [0; 4_096];
            let read = stream.read(&mut more).await.ok().filter(|read| *read > 0)?;
            bytes.extend_from_slice(&more[..read]);
        }
    }

    fn spans(&self) -> Vec<Span> {
        let mut all = Vec::new();
        for (_, body) in self.0.lock().unwrap().iter() {
            let sent = ExportTraceServiceRequest::decode(&body[..]).unwrap();
            let scopes = sent.resource_spans.into_iter().flat_map(|of| of.scope_spans);
            all.extend(scopes.flat_map(|of| of.spans).map(|span| Span {
                trace: span.trace_id.iter().map(|byte| format!("{byte:02x}")).collect(),
                name: span.name.clone(),
                text: format!("{span:?}"),
            }));
        }
        all
    }

    async fn has(&self, what: &str, is: impl Fn(&Span) -> bool) {
        eventually_within(Duration::from_secs(60), what, || async {
            self.spans().iter().any(&is).then_some(())
        })
        .await;
    }
}

async fn send(server: &Server, headers: &[(&str, &str)]) -> String {
    let key = uuid::Uuid::now_v7().to_string();
    let body = json!({ "to": fresh_address(), "value": "1" });
    let request = server.request(reqwest::Method::POST, "/transactions");
    let mut request = request.header("Idempotency-Key", key).json(&body);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 202);
    response.headers()["x-request-id"].to_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_and_its_transaction_are_of_one_trace() {
    let (collector, address) = Collector::start().await;
    let home = Home::new();
    fs::create_dir_all(home.path()).unwrap();
    let (config, secret) = (home.path().join("stoa.toml"), home.path().join("collector"));
    fs::write(&secret, SECRET).unwrap();
    let text =
        format!("[telemetry]\notlp_endpoint = {address:?}\notlp_authorization_file = {secret:?}\n");
    fs::write(&config, text).unwrap();
    let server = home.start(&Options { config: Some(&config), ..Options::default() }).await;

    // The caller names the trace.
    let id = "4bf92f3577b34da6a3ce929d0e0e4736";
    let header = format!("00-{id}-00f067aa0ba902b7-01");
    assert_eq!(send(&server, &[("traceparent", &header)]).await, id);
    // Nobody does: then it is that of the request's id.
    let own = send(&server, &[]).await.replace('-', "");
    for trace in [id, &own] {
        collector.has("the request", |span| span.name == "request" && span.trace == trace).await;
        let sent = |span: &Span| span.name == "transaction" && span.trace == trace;
        collector.has("its transaction", sent).await;
    }
    collector
        .has("who caused it", |span| span.trace == id && span.text.contains("[0, 240, 103, 170"))
        .await;
    // What is no traceparent is nobody's.
    let bad = send(&server, &[("traceparent", "00-zz-yy-01")]).await;
    assert_ne!(bad, "zz");

    let key = server.text("operator_api_key");
    let address = server.text("http");
    let mut doctor = std::process::Command::new(env!("CARGO_BIN_EXE_stoa"));
    doctor.args(["doctor", "--data-dir"]).arg(home.path()).arg("--config").arg(&config);
    let said = String::from_utf8(doctor.output().unwrap().stdout).unwrap();
    assert!(said.contains("the collector takes traces"), "{said}");
    let metrics = server.metrics().await;
    assert!(metrics.contains("trace_exports_total{outcome=\"sent\"}"), "{metrics}");

    // What was done last is sent before the end.
    let last = send(&server, &[("traceparent", &header.replace("4bf9", "5bf9"))]).await;
    assert_eq!(server.stop(), Some(0));
    assert!(collector.spans().iter().any(|span| span.trace == last), "the last is sent: {address}");
    for span in collector.spans() {
        let whole = span.text;
        assert!(!whole.contains(key.trim()) && !whole.contains("canary"), "{whole}");
    }
    let sent = collector.0.lock().unwrap();
    let head = format!("authorization: {SECRET}");
    assert!(sent.iter().all(|(head_of, _)| head_of.contains(&head)), "each with its header");
}

/// Nobody waits for a collector that is away.
#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_away_is_no_trouble() {
    let home = Home::new();
    fs::create_dir_all(home.path()).unwrap();
    let config = home.path().join("stoa.toml");
    fs::write(&config, "[telemetry]\notlp_endpoint = \"http://127.0.0.1:9/hush\"\n").unwrap();
    let server = home.start(&Options { config: Some(&config), ..Options::default() }).await;
    send(&server, &[]).await;
    eventually_within(Duration::from_secs(60), "it is counted", || async {
        let metrics = server.metrics().await;
        metrics.contains("trace_exports_total{outcome=\"failed\"}").then_some(())
    })
    .await;
    let mut doctor = std::process::Command::new(env!("CARGO_BIN_EXE_stoa"));
    doctor.args(["doctor", "--data-dir"]).arg(home.path()).arg("--config").arg(&config);
    let said = String::from_utf8(doctor.output().unwrap().stdout).unwrap();
    assert!(said.contains("the collector does not answer") && !said.contains("hush"), "{said}");
    assert!(!server.log_tail().contains("hush"), "{}", server.log_tail());
    assert_eq!(server.stop(), Some(0));
}
