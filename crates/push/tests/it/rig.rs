//! A server with its log, and a client that checks the chain of what it gets.

use axum::Router;
use db::Db;
use futures_util::{SinkExt, StreamExt, future::BoxFuture};
use journal::NewFact;
use push::{
    Authorize, Denied, Feed, Filter, Grant, Hub, HubOptions, Snapshot, SnapshotError, Snapshots,
    TopicGrant,
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use testkit::TestDatabase;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::timeout,
};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};
use tokio_util::sync::CancellationToken;
use vocab::topic;

pub const WAIT: Duration = Duration::from_secs(60);

/// Items are public; mints belong to the principal, whose key is `key-<principal>`.
#[derive(Debug)]
pub struct Policy;

fn items() -> TopicGrant {
    let mandatory = Filter::default();
    TopicGrant { topic: topic::ITEMS, attributes: &["owner", "contract"], mandatory }
}

impl Authorize for Policy {
    fn anonymous(&self) -> Grant {
        Grant { topics: vec![items()], ..Grant::default() }
    }

    fn authenticate<'a>(
        &'a self,
        credential: &'a str,
        _: Option<IpAddr>,
    ) -> BoxFuture<'a, Result<Grant, Denied>> {
        let grant = credential.strip_prefix("key-").map(|principal| {
            let mandatory =
                Filter(BTreeMap::from([("principal_id".to_owned(), principal.to_owned())]));
            let attributes: &[&str] = &["mint_id", "principal_id"];
            let mints = TopicGrant { topic: topic::MINTS, attributes, mandatory };
            let valid_for = (principal == "brief").then_some(Duration::from_secs(1));
            Grant { principal: Some(principal.to_owned()), topics: vec![items(), mints], valid_for }
        });
        Box::pin(std::future::ready(grant.ok_or(Denied::Unauthenticated)))
    }

    fn knows(&self, topic: &str) -> bool {
        topic::ALL.contains(&topic)
    }
}

/// A running server, its sequencer and its log. Tasks end with it.
#[derive(Debug)]
pub struct Rig {
    pub database: TestDatabase,
    pub hub: Hub,
    pub address: SocketAddr,
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.stop.cancel();
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

pub async fn rig(options: HubOptions) -> Rig {
    rig_through(options, None).await
}

/// Where nodes share a Redis.
pub async fn rig_through(options: HubOptions, redis: Option<&str>) -> Rig {
    let database = testkit::database().await;
    let stop = CancellationToken::new();
    let sequencer = journal::run_sequencer(
        database.db.clone(),
        journal::SequencerOptions::default(),
        stop.clone().cancelled_owned(),
    );
    let sequencer = tokio::spawn(sequencer);
    let Node { hub, address, tasks } = Node::start(&database.db, options, redis, &stop).await;
    let tasks = tasks.into_iter().chain([sequencer]).collect();
    Rig { database, hub, address, stop, tasks }
}

/// What nodes seal facts with.
pub const KEY: [u8; 32] = [7; 32];

/// One of several nodes, which ends with `stop`.
pub struct Node {
    hub: Hub,
    pub address: SocketAddr,
    tasks: Vec<JoinHandle<()>>,
}

impl Node {
    pub async fn start(
        db: &Db,
        options: HubOptions,
        redis: Option<&str>,
        stop: &CancellationToken,
    ) -> Self {
        let (hub, feed) = node(db, options).await;
        let fanout = match redis {
            Some(url) => Some(push::Fanout::open(url, db, &KEY).await.unwrap()),
            None => None,
        };
        let feed = tokio::spawn(feed.through(fanout).run(stop.clone().cancelled_owned()));
        let (address, server) = serve(hub.clone()).await;
        Self { hub, address, tasks: vec![feed, server] }
    }
}

pub async fn node(db: &Db, options: HubOptions) -> (Hub, Feed) {
    Hub::start(db.clone(), Counts(db.clone()), options).await.unwrap()
}

/// The state of a topic here: how many of its facts the filter lets through.
#[derive(Debug)]
struct Counts(Db);

impl Snapshots for Counts {
    fn snapshot<'a>(
        &'a self,
        topic: &'a str,
        filter: &'a Filter,
    ) -> BoxFuture<'a, Result<Snapshot, SnapshotError>> {
        Box::pin(async move {
            let mut view = db::begin_view(&self.0).await.unwrap();
            let heads = journal::load_heads(&mut view).await.unwrap();
            let head = heads.into_iter().find(|head| head.topic == topic).unwrap();
            let facts = journal::load_after(&mut view, topic, 0, None, 10_000).await.unwrap();
            let counted = facts.iter().filter(|f| filter.matches(&f.attributes, f.reverting));
            let state = json!({"count": counted.count()});
            Ok(Snapshot { epoch: head.epoch, seq: head.seq, state })
        })
    }
}

pub async fn serve(hub: Hub) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().nest("/api/v1", push::router(hub, Arc::new(Policy)));
    let server = tokio::spawn(async move {
        let listener = axum::serve::ListenerExt::tap_io(listener, |socket| {
            socket.set_nodelay(true).unwrap();
        });
        axum::serve(listener, app).await.unwrap();
    });
    (address, server)
}

impl Rig {
    /// Another node of the same log, with connections to the database of its own.
    pub async fn beside(&self, db: &Db, redis: &str) -> Node {
        Node::start(db, HubOptions::default(), Some(redis), &self.stop).await
    }

    /// Tell the feed, and so every connection, to end.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    pub async fn connect(&self) -> Client {
        Client::connect(self.address, None).await
    }

    /// Number of a topic's newest fact, as this process has it.
    pub async fn head(&self, topic: &str) -> Option<i64> {
        let mut connection = self.database.db.acquire().await.unwrap();
        let heads = journal::load_heads(&mut connection).await.unwrap();
        heads.into_iter().find(|head| head.topic == topic).map(|head| head.seq)
    }

    pub async fn record(&self, facts: &[NewFact]) {
        let mut transaction = self.database.db.begin().await.unwrap();
        journal::record(&mut transaction, facts).await.unwrap();
        transaction.commit().await.unwrap();
    }
}

pub fn item_fact(owner: &str, n: i64) -> NewFact {
    NewFact {
        topic: topic::ITEMS,
        kind: "item_transferred",
        reverting: false,
        attributes: json!({"owner": owner}),
        chain_id: None,
        block: None,
        data: json!({"n": n}),
    }
}

pub fn mint_fact(principal: &str, n: i64) -> NewFact {
    NewFact {
        topic: topic::MINTS,
        kind: "mint_status_changed",
        attributes: json!({"principal_id": principal, "mint_id": format!("m{n}")}),
        ..item_fact("", n)
    }
}

pub type Socket = WebSocketStream<TcpStream>;

pub struct Client {
    pub socket: Socket,
}

/// How a connection ended: the close code, or none when it was cut.
pub type Ended = Option<u16>;

impl Client {
    pub async fn connect(address: SocketAddr, bearer: Option<&str>) -> Self {
        Self::try_connect(address, bearer).await.unwrap()
    }

    /// The HTTP status instead, when the server does not upgrade.
    pub async fn try_connect(address: SocketAddr, bearer: Option<&str>) -> Result<Self, u16> {
        use tokio_tungstenite::tungstenite::{Error, client::IntoClientRequest};
        let tcp = TcpStream::connect(address).await.unwrap();
        let mut request = format!("ws://{address}/api/v1/stream").into_client_request().unwrap();
        if let Some(key) = bearer {
            let value = format!("Bearer {key}").parse().unwrap();
            request.headers_mut().insert("authorization", value);
        }
        match client_async(request, tcp).await {
            Ok((socket, _)) => Ok(Self { socket }),
            Err(Error::Http(answer)) => Err(answer.status().as_u16()),
            Err(error) => panic!("no handshake: {error}"),
        }
    }

    pub async fn send(&mut self, frame: Value) {
        self.socket.send(Message::text(frame.to_string())).await.unwrap();
    }

    /// The next frame, or how it ended.
    pub async fn read(&mut self) -> Result<Value, Ended> {
        loop {
            match timeout(WAIT, self.socket.next()).await.expect("nothing came") {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(frame))) => return Err(frame.map(|f| f.code.into())),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(None),
            }
        }
    }

    pub async fn next(&mut self) -> Value {
        self.read().await.expect("the connection ended")
    }

    /// The next message that is no heartbeat.
    pub async fn message(&mut self) -> Value {
        loop {
            let message = self.next().await;
            if message["type"] != "heartbeat" {
                return message;
            }
        }
    }

    /// Subscribe and give the answer and, when it starts without `from_seq`, the snapshot.
    pub async fn subscribe(&mut self, topic: &str, filter: Value) -> (Value, Value) {
        self.send(json!({"op": "subscribe", "id": "s", "topic": topic, "filter": filter})).await;
        let (answer, snapshot) = (self.message().await, self.message().await);
        assert_eq!((&answer["op"], &snapshot["type"]), (&json!("subscribed"), &json!("snapshot")));
        (answer, snapshot)
    }

    pub async fn resume(&mut self, topic: &str, filter: Value, from_seq: i64) -> Value {
        let wanted = json!({"op": "subscribe", "id": "s", "topic": topic, "filter": filter,
                            "from_seq": from_seq, "epoch": 1});
        self.send(wanted).await;
        self.message().await
    }

    /// Read to the end and give its code.
    pub async fn ended(&mut self) -> Ended {
        loop {
            if let Err(ended) = self.read().await {
                return ended;
            }
        }
    }
}
