use super::{Fault, Rule, answer, http};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    future::pending,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};
use tokio::{
    io::{AsyncWriteExt, BufReader, copy_bidirectional},
    net::{TcpListener, TcpStream},
    sync::{RwLock, RwLockWriteGuard, watch},
    task::{JoinHandle, JoinSet},
};

/// What happens to WebSocket connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WsFault {
    /// Frames pass.
    None,
    /// Open connections are cut, new ones refused.
    Cut,
    /// Connections stay open, but nothing passes any more: the silent drop. Lost frames stay lost:
    /// back at `None`, the client must reconnect.
    Silent,
}

/// A JSON-RPC proxy on HTTP and WebSocket in front of a node. Ends with its connections when
/// dropped.
///
/// Faults are rules, asked in the order they were added; each call, or each element of a batch, is
/// met by the first that fits and has calls left. On WebSocket only [`WsFault`] applies: frames are
/// passed as they are.
#[derive(Debug)]
pub struct FaultProxy {
    address: SocketAddr,
    state: Arc<State>,
    ws: watch::Sender<WsFault>,
    accepting: JoinHandle<()>,
}

#[derive(Debug)]
struct State {
    /// `host:port` of the node.
    node: String,
    http: reqwest::Client,
    /// Read by each call while the node works on it.
    held: RwLock<()>,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    rules: Vec<Rule>,
    counts: BTreeMap<String, Count>,
    random: u64,
}

/// Calls of one method.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    all: u64,
    /// In requests that are being answered; and the most there were of those.
    open: u64,
    most: u64,
}

impl FaultProxy {
    /// In front of the node at `node` (`http://host:port`). The seed of probabilities is that of
    /// `STOA_TEST_SEED` or a fresh one, and printed.
    pub async fn start(node: &str) -> Self {
        let seed = std::env::var("STOA_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = seed.unwrap_or_else(|| uuid::Uuid::now_v7().as_u64_pair().1);
        #[expect(clippy::print_stdout, reason = "shown when the test fails")]
        {
            println!("fault proxy: STOA_TEST_SEED={seed}");
        }
        Self::start_seeded(node, seed).await
    }

    pub async fn start_seeded(node: &str, seed: u64) -> Self {
        let node = node.strip_prefix("http://").unwrap_or(node).trim_end_matches('/').to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let inner = Inner { rules: Vec::new(), counts: BTreeMap::new(), random: seed };
        // A second installation fails harmlessly.
        drop(rustls::crypto::ring::default_provider().install_default());
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let state =
            Arc::new(State { node, http, held: RwLock::default(), inner: Mutex::new(inner) });
        let (ws, watched) = watch::channel(WsFault::None);
        let accepting = tokio::spawn(accept(listener, state.clone(), watched));
        Self { address, state, ws, accepting }
    }

    #[must_use]
    pub fn http_url(&self) -> String {
        format!("http://{}", self.address)
    }

    #[must_use]
    pub fn ws_url(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// Add a rule, behind those there are.
    pub fn add(&self, rule: Rule) {
        self.state.lock().rules.push(rule);
    }

    /// Behave well again. Calls already swallowed stay swallowed.
    pub fn heal(&self) {
        self.state.lock().rules.clear();
        self.ws.send_replace(WsFault::None);
    }

    /// The node works on no call while this is held, and on none now; they wait. Not of WebSocket
    /// connections.
    pub async fn hold(&self) -> RwLockWriteGuard<'_, ()> {
        self.state.held.write().await
    }

    pub fn set_ws(&self, fault: WsFault) {
        self.ws.send_replace(fault);
    }

    /// Calls of `method` that arrived so far, met by a fault or not.
    #[must_use]
    pub fn count(&self, method: &str) -> u64 {
        self.state.lock().counts.get(method).map_or(0, |count| count.all)
    }

    /// The most calls of `method` that were under way at the same time, faults included.
    #[must_use]
    pub fn most_at_once(&self, method: &str) -> u64 {
        self.state.lock().counts.get(method).map_or(0, |count| count.most)
    }

    /// Calls by method.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<String, u64> {
        let inner = self.state.lock();
        inner.counts.iter().map(|(method, count)| (method.clone(), count.all)).collect()
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, state: Arc<State>, ws: watch::Receiver<WsFault>) {
    // Aborts the connections when this task is aborted.
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        // Else each small answer waits for the acknowledgement of the one before (Nagle).
        let _ = stream.set_nodelay(true);
        connections.spawn(serve(stream, state.clone(), ws.clone()));
        while connections.try_join_next().is_some() {}
    }
}

/// One connection until its end; an error ends it too.
async fn serve(
    stream: TcpStream,
    state: Arc<State>,
    ws: watch::Receiver<WsFault>,
) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    while let Some(request) = http::read(&mut stream).await? {
        if request.is_upgrade() {
            return tunnel(stream.into_inner(), &request.head, &state.node, ws).await;
        }
        let Ok(body) = serde_json::from_slice::<Value>(&request.body) else {
            http::write(&mut stream, 400, b"no JSON", false).await?;
            continue;
        };
        match state.answer(&body).await {
            Outcome::Answer(answer) => {
                http::write(&mut stream, 200, answer.to_string().as_bytes(), false).await?;
            }
            Outcome::Status(status) => http::write(&mut stream, status, b"", false).await?,
            Outcome::Limited(seconds) => http::write_limited(&mut stream, seconds).await?,
            Outcome::Truncated(answer) => {
                return http::write(&mut stream, 200, answer.to_string().as_bytes(), true).await;
            }
            Outcome::Silence => pending().await,
            Outcome::Cut => return Ok(()),
        }
    }
    Ok(())
}

/// What the caller gets for a request.
enum Outcome {
    Answer(Value),
    Status(u16),
    Limited(u64),
    Truncated(Value),
    Silence,
    Cut,
}

impl State {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    /// Answer a call or a batch. A fault of the connection in one element is the whole batch's.
    async fn answer(&self, body: &Value) -> Outcome {
        let calls = body.as_array().cloned().unwrap_or_else(|| vec![body.clone()]);
        let met: Vec<Option<Fault>> = calls.iter().map(|call| self.lock().meet(call)).collect();
        let _open = Open { state: self, calls: &calls };
        let whole = met.iter().flatten();
        for fault in whole.clone() {
            match fault {
                Fault::Drop => return Outcome::Cut,
                Fault::Status(status) => return Outcome::Status(*status),
                Fault::BatchMax(most) if calls.len() > *most => return Outcome::Status(413),
                Fault::Limited(seconds) => return Outcome::Limited(*seconds),
                Fault::Delay(delay) => tokio::time::sleep(*delay).await,
                _ => {}
            }
        }
        let mut answers = Vec::new();
        for (call, fault) in calls.iter().zip(&met) {
            match self.answer_one(call, fault.as_ref()).await {
                Some(answer) => answers.push(answer),
                None => return Outcome::Status(502),
            }
        }
        let answer = if body.is_array() { Value::Array(answers) } else { answers.swap_remove(0) };
        match whole.clone().find(|f| matches!(f, Fault::Swallow | Fault::Truncate)) {
            Some(Fault::Swallow) => Outcome::Silence,
            Some(_) => Outcome::Truncated(answer),
            None => Outcome::Answer(answer),
        }
    }

    /// None when the node can't be reached.
    async fn answer_one(&self, call: &Value, fault: Option<&Fault>) -> Option<Value> {
        let method = method_of(call);
        match fault {
            Some(Fault::Refuse { code, message }) => Some(refusal(call, *code, message)),
            Some(Fault::Lie { code, message }) => {
                self.forward(call).await?;
                Some(refusal(call, *code, message))
            }
            Some(Fault::Null) => {
                Some(json!({ "jsonrpc": "2.0", "id": call["id"], "result": null }))
            }
            Some(Fault::Answer(result)) => {
                Some(json!({ "jsonrpc": "2.0", "id": call["id"], "result": result }))
            }
            Some(Fault::Stale(blocks)) => {
                let ask = json!({ "jsonrpc": "2.0", "id": 0, "method": "eth_blockNumber" });
                let head = answer::quantity(&self.forward(&ask).await?["result"])?;
                let mut answer = self.forward(&answer::older(call, *blocks, head)).await?;
                answer::lower_number(method, &mut answer, *blocks);
                Some(answer)
            }
            Some(Fault::NoLogs) => {
                let mut answer = self.forward(call).await?;
                answer::without_logs(method, &mut answer);
                Some(answer)
            }
            Some(Fault::LogsMax(most)) => {
                let answer = self.forward(call).await?;
                let found = answer["result"].as_array().map_or(0, Vec::len);
                let words = format!("query returned more than {most} results");
                Some(if found > *most { refusal(call, -32_005, &words) } else { answer })
            }
            Some(Fault::ChainId(id)) => {
                let mut answer = self.forward(call).await?;
                answer::with_chain_id(method, &mut answer, *id);
                Some(answer)
            }
            _ => self.forward(call).await,
        }
    }

    async fn forward(&self, call: &Value) -> Option<Value> {
        let _held = self.held.read().await;
        let request = self.http.post(format!("http://{}", self.node));
        let request = request.header("content-type", "application/json").body(call.to_string());
        let answer = request.timeout(Duration::from_secs(30)).send().await.ok()?;
        serde_json::from_slice(&answer.bytes().await.ok()?).ok()
    }
}

/// Calls under way until this is dropped, be it because the caller has gone.
struct Open<'p> {
    state: &'p State,
    calls: &'p [Value],
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        let mut inner = self.state.lock();
        for call in self.calls {
            if let Some(count) = inner.counts.get_mut(method_of(call)) {
                count.open -= 1;
            }
        }
    }
}

fn method_of(call: &Value) -> &str {
    call["method"].as_str().unwrap_or_default()
}

fn refusal(call: &Value, code: i64, message: &str) -> Value {
    let error = json!({ "code": code, "message": message });
    json!({ "jsonrpc": "2.0", "id": call["id"], "error": error })
}

impl Inner {
    /// Count a call and find the fault that meets it.
    fn meet(&mut self, call: &Value) -> Option<Fault> {
        let method = method_of(call);
        let count = self.counts.entry(method.to_owned()).or_default();
        count.all += 1;
        count.open += 1;
        count.most = count.most.max(count.open);
        let draw = self.draw();
        let rule = self.rules.iter_mut().find_map(|r| r.meets(method, draw).then_some(&r.fault));
        rule.cloned()
    }

    /// The next number in 0..1 (splitmix64).
    fn draw(&mut self) -> f64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        f64::from(u32::try_from(mixed >> 32).unwrap_or(0)) / f64::from(u32::MAX)
    }
}

/// Pass a WebSocket connection on, byte by byte.
async fn tunnel(
    mut client: TcpStream,
    head: &str,
    node: &str,
    mut ws: watch::Receiver<WsFault>,
) -> io::Result<()> {
    if *ws.borrow_and_update() == WsFault::Cut {
        return Ok(());
    }
    let mut upstream = TcpStream::connect(node).await?;
    upstream.write_all(head.as_bytes()).await?;
    let fault = tokio::select! {
        copied = copy_bidirectional(&mut client, &mut upstream) => return copied.map(drop),
        fault = fault(&mut ws) => fault,
    };
    if fault == WsFault::Silent {
        // Held open, unread, until it is cut. An error means that the proxy is gone.
        let _ = ws.wait_for(|fault| *fault == WsFault::Cut).await;
    }
    Ok(())
}

/// The next fault; a proxy that is gone cuts.
async fn fault(ws: &mut watch::Receiver<WsFault>) -> WsFault {
    ws.wait_for(|fault| *fault != WsFault::None).await.map_or(WsFault::Cut, |fault| *fault)
}
