//! A whole API on a fresh database, and a client for it.

use app::{
    ApiKeys, App, AppConfig, ChainSettings, Changes, Replica, SignIn, SignInConfig, SignInOptions,
    StaffOptions, Users, WriteSettings,
};
use auth::{
    Authenticator, NewKey, Origin, Pepper, PrincipalKind, Scope, TokenKey, TokenPolicy, Tokens,
};
use axum::{Router, routing::get};
use chain::{Chain, Endpoint, EndpointOptions};
use content::{
    BlockStore,
    media::{Inspector, MediaLimits},
};
use db::{
    Db,
    collection_requests::{self, NewCollectionRequest},
};
use fields::{FieldKey, KeyRing};
use limits::Limiter;
use reqwest::{Client, Method, RequestBuilder, Response};
use runtime::{CancellationToken, Metrics};
use serde_json::{Value, json};
use std::sync::{Arc, Once};
use testkit::TestDatabase;
use time::{OffsetDateTime, macros::datetime};
use tokio::net::TcpListener;
use vocab::{Address, ChainId, CollectionRequestId, FixedClock, JobStatus, PrincipalId};

pub const OTHER_CHAIN: u64 = CHAIN + 1;
pub const CHAIN: u64 = 31337;
pub const READ_CHAIN: u64 = CHAIN + 2;
/// Deployed, in mode digest; the default one.
pub const DIGEST: &str = "0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512";
/// Deployed, in mode free_uri.
pub const FREE: &str = "0x9fE46736679d2D9a65F0992F2272dE9f3c7fa6e0";
/// Asked for, not deployed.
pub const PENDING: &str = "0xCf7Ed3AccA5a467e9e704C703E8D87F634fB0Fc9";
/// Never heard of.
pub const NOWHERE: &str = "0xDc64a140Aa3E981100a9becA4E685f962f0cF6C9";
pub const ALICE: &str = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
pub const BOB: &str = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC";
/// Some raw block.
pub const URI: &str = "ipfs://bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy";
pub const START: OffsetDateTime = datetime!(2026-11-20 12:00 UTC);
pub const PEPPER: [u8; 32] = [42; 32];
pub const FIELD_KEY: [u8; 32] = [43; 32];

pub struct Api {
    /// Under the server.
    pub app: App,
    pub client: Client,
    pub url: String,
    pub content_url: String,
    pub clock: Arc<FixedClock>,
    /// Key of an operator with every scope but `admin`.
    pub key: String,
    pub database: TestDatabase,
    pub chain: WriteSettings,
    /// Where contents are kept.
    pub directory: tempfile::TempDir,
    pub stop: CancellationToken,
    pub tokens: Tokens,
    pub sign_in: SignIn,
    pub authenticator: Authenticator,
    pub fields: KeyRing,
}

/// What an API is started with.
#[derive(Default)]
pub struct Setup {
    pub limits: api::Limits,
    /// Nodes of the chain; none answers when there is none.
    pub nodes: Vec<chain::Endpoint>,
    /// With the sequencer and the stream.
    pub stream: bool,
    /// Between two heartbeats of the stream; its usual time when it is absent.
    pub heartbeat: Option<std::time::Duration>,
    /// Where its nodes share a Redis.
    pub redis: Option<String>,
    /// Jobs that may wait per role; 0 stands for 1,000.
    pub queue_max: u64,
    /// Where it stands on the node; none of ours when it is absent.
    pub forwarder: Option<Address>,
    /// The node of another chain, [`OTHER_CHAIN`], which comes first.
    pub other: Option<chain::Endpoint>,
    pub sign_in: Option<SignInOptions>,
    pub staff: Option<StaffOptions>,
    /// No mail is sent without.
    pub email: Option<app::EmailOptions>,
    /// In the open without.
    pub tls: Option<api::Tls>,
    /// No limits without.
    pub limiter: Option<Limiter>,
    /// Believed about who calls them.
    pub trusted_proxies: Vec<std::net::IpAddr>,
    /// All keys must sign what is of value.
    pub signatures_required: bool,
    /// With [`READ_CHAIN`], to which nothing is sent.
    pub read_only: bool,
    /// With answers that are kept. Tests write past everything that tells of changes.
    pub hot: bool,
    /// Pages of the index may come from here.
    pub replica: Option<Arc<Replica>>,
    pub changes: Changes,
    /// Another node of the same deployment: its database. What is there is there already.
    pub beside: Option<Db>,
}

impl Drop for Api {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

pub async fn start() -> Api {
    start_with(api::Limits::default()).await
}

/// With a node to ask.
pub async fn start_on(node_url: &str) -> Api {
    let node = Endpoint::new(node_url, EndpointOptions::default()).unwrap();
    start_as(Setup { nodes: vec![node], ..Setup::default() }).await
}

/// With room for so many jobs in a queue.
pub async fn start_narrow(queue_max: u64) -> Api {
    start_as(Setup { queue_max, ..Setup::default() }).await
}

pub async fn start_with(limits: api::Limits) -> Api {
    start_as(Setup { limits, ..Setup::default() }).await
}

pub async fn start_as(setup: Setup) -> Api {
    let hot_bytes = if setup.hot { setup.limits.hot_bytes } else { 0 };
    let limits = api::Limits { hot_bytes, ..setup.limits };
    static TLS: Once = Once::new();
    TLS.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
    let mut database = testkit::database().await;
    let is_first = setup.beside.is_none();
    database.db = setup.beside.unwrap_or_else(|| database.db.clone());
    let directory = tempfile::tempdir().unwrap();
    let clock = Arc::new(FixedClock::at(START));
    let mut chain = write_settings(CHAIN, &setup.nodes);
    chain.forwarder = setup.forwarder.unwrap_or(chain.forwarder);
    let read_only = setup.read_only.then(|| chain_settings(READ_CHAIN, Vec::new(), None));
    let other = setup.other.map(|node| {
        let writes = write_settings(OTHER_CHAIN, std::slice::from_ref(&node));
        chain_settings(OTHER_CHAIN, vec![node], Some(writes))
    });
    let own = chain_settings(CHAIN, setup.nodes, Some(chain.clone()));
    let queue_max = if setup.queue_max == 0 { 1_000 } else { setup.queue_max };
    let app = App::new(AppConfig {
        db: database.db.clone(),
        replica: setup.replica,
        changes: setup.changes,
        clock: clock.clone(),
        store: BlockStore::open_at(directory.path()).await.unwrap(),
        inspector: Inspector::new(MediaLimits::default()),
        chains: other.into_iter().chain([own]).chain(read_only).collect(),
        nudge: transactor::Nudge::default(),
        intake: transactor::Intake::new(queue_max),
        signer: signer::Client::connect(directory.path().join("run/signer.sock")),
        webhooks: webhook_settings(),
    });
    let tokens = tokens(clock.clone());
    let authenticator = Authenticator::new(database.db.clone(), Pepper::new(PEPPER), clock.clone())
        .with_tokens(tokens.clone())
        .requiring_signatures(setup.signatures_required);
    let sign_in = SignIn::new(SignInConfig {
        db: database.db.clone(),
        clock: clock.clone(),
        chains: vec![chain.node.clone()],
        tokens: tokens.clone(),
        pepper: Pepper::new(PEPPER),
        authenticator: authenticator.clone(),
        options: setup.sign_in.unwrap_or_else(|| SignInOptions::new(origins())),
        staff: setup.staff,
    });
    let fields = KeyRing::new(vec![
        FieldKey::new("first", &FIELD_KEY, START - time::Duration::DAY).unwrap(),
    ]);
    let users =
        Users::new(app.clone(), sign_in.clone(), fields.clone(), Pepper::new(PEPPER), setup.email);
    let state = api::ApiState::new(api::ApiConfig {
        app: app.clone(),
        authenticator: authenticator.clone(),
        sign_in: sign_in.clone(),
        users,
        principals: app::Principals::new(app.clone(), authenticator.clone()),
        keys: ApiKeys::new(app.clone(), Pepper::new(PEPPER), authenticator.clone()),
        limiter: setup.limiter.unwrap_or_else(|| Limiter::new(limits::Options::unlimited(), None)),
        trusted_proxies: setup.trusted_proxies,
        metrics: Metrics::detached().unwrap(),
        cursor_key: api::CursorKey::new([9; 32]),
        limits,
    });
    let stop = CancellationToken::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let content_listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let scheme = if setup.tls.is_some() { "https" } else { "http" };
    let url = format!("{scheme}://{}", listener.local_addr().unwrap());
    let content_url = format!("http://{}", content_listener.local_addr().unwrap());
    let mut others = Router::new().route("/panic", get(|| async { panic!("on purpose") as &str }));
    if setup.stream {
        others = others.merge(
            stream(
                (&database.db, &state),
                api::StreamPolicy::new(authenticator.clone(), sign_in.origins()),
                (setup.heartbeat, setup.redis.as_deref()),
                &stop,
            )
            .await,
        );
    }
    let entrance = api::Entrance { listener, tls: setup.tls };
    tokio::spawn(api::serve(entrance, state.clone(), others, stop.clone()));
    tokio::spawn(api::serve_content(content_listener, state, stop.clone()));
    let principal = principal(&database.db).await;
    if is_first {
        collections(&database.db, principal).await;
    }
    let scopes =
        [Scope::ContentWrite, Scope::MintsRead, Scope::MintsWrite, Scope::CollectionsWrite];
    let key = issue(&database.db, principal, &scopes).await;
    let client = Client::new();
    Api {
        client,
        url,
        content_url,
        clock,
        key,
        database,
        chain,
        app,
        directory,
        stop,
        tokens,
        sign_in,
        authenticator,
        fields,
    }
}

/// Endpoints of tests are on this machine.
pub fn webhook_options() -> app::WebhookOptions {
    app::WebhookOptions {
        allowed_networks: vec!["127.0.0.1".to_owned()],
        endpoints_max: 5,
        attempt_time: std::time::Duration::from_secs(6),
        ..app::WebhookOptions::default()
    }
}

pub const WEBHOOK_KEY: [u8; 32] = [77; 32];

fn webhook_settings() -> app::WebhookSettings {
    let options = webhook_options();
    app::WebhookSettings {
        key: app::WebhookKey::new(WEBHOOK_KEY),
        sender: app::WebhookSender::new(&options).unwrap(),
        endpoints_max: options.endpoints_max,
        log_time: options.log_time,
        log_max: options.log_max,
    }
}

/// Where users of tests sign in.
pub const PAGE: &str = "https://app.example.org";

pub fn origins() -> Vec<Origin> {
    vec![PAGE.parse().unwrap(), "http://localhost:3000".parse().unwrap()]
}

fn tokens(clock: Arc<FixedClock>) -> Tokens {
    let policy = TokenPolicy {
        issuer: "https://stoa.example.org".to_owned(),
        audience: "stoa".to_owned(),
        lifetime: time::Duration::minutes(10),
    };
    Tokens::new(policy, clock, vec![TokenKey::new(&[5; 32], START).unwrap()])
}

/// The stream with its feed and the sequencer, until `stop`.
async fn stream(
    (db, state): (&Db, &api::ApiState),
    policy: api::StreamPolicy,
    (heartbeat, redis): (Option<std::time::Duration>, Option<&str>),
    stop: &CancellationToken,
) -> Router {
    let sequencer = journal::run_sequencer(
        db.clone(),
        journal::SequencerOptions::default(),
        stop.clone().cancelled_owned(),
    );
    tokio::spawn(sequencer);
    let snapshots = api::StreamSnapshots::new(state.clone());
    let usual = push::HubOptions::default();
    let options = push::HubOptions { heartbeat: heartbeat.unwrap_or(usual.heartbeat), ..usual };
    let hub = push::Hub::start(db.clone(), snapshots, options);
    let (hub, feed) = hub.await.unwrap();
    let fanout = match redis {
        Some(url) => Some(push::Fanout::open(url, db, &[7; 32]).await.unwrap()),
        None => None,
    };
    tokio::spawn(feed.through(fanout).run(stop.clone().cancelled_owned()));
    api::nested(push::router(hub, Arc::new(policy)))
}

fn chain_settings(id: u64, nodes: Vec<Endpoint>, writes: Option<WriteSettings>) -> ChainSettings {
    ChainSettings { chain_id: ChainId(id), name: None, index_lag_max: 5, nodes, writes }
}

fn write_settings(id: u64, nodes: &[Endpoint]) -> WriteSettings {
    WriteSettings {
        chain_id: ChainId(id),
        node: node(nodes),
        urgency: vocab::Urgency::Normal,
        offers: transactor::Options::default(),
        call_roles: vec!["operator".to_owned(), "treasurer".to_owned()],
        roles: vec![],
        sponsor_role: Some("sponsor".to_owned()),
        factory: Address::repeat_byte(0xfa),
        implementation: Address::repeat_byte(0x1a),
        forwarder: Address::repeat_byte(0xf0),
        creator: Address::repeat_byte(0xc0),
        creator_role: "deployer".to_owned(),
        collection_admin: Address::repeat_byte(0xad),
        minters: vec![Address::repeat_byte(0x33)],
        default_collection: Some(DIGEST.parse().unwrap()),
    }
}

/// The chain behind these; behind none, port 9 answers nobody.
fn node(nodes: &[Endpoint]) -> Chain {
    let silent = || Endpoint::new("http://127.0.0.1:9", EndpointOptions::default()).unwrap();
    let nodes = if nodes.is_empty() { vec![silent()] } else { nodes.to_vec() };
    Chain {
        id: ChainId(CHAIN),
        endpoints: nodes.into(),
        ws_urls: Vec::new(),
        finality: vocab::Finality::default(),
        block_time: std::time::Duration::from_secs(1),
    }
}

/// A key of an operator.
pub async fn operator(db: &Db, scopes: &[Scope]) -> String {
    let id = PrincipalId::new();
    let mut connection = db.acquire().await.unwrap();
    let kind = PrincipalKind::Operator.as_str();
    db::principals::record(&mut connection, id, "an operator", kind).await.unwrap();
    issue(db, id, scopes).await
}

pub async fn principal(db: &Db) -> PrincipalId {
    let id = PrincipalId::new();
    let mut connection = db.acquire().await.unwrap();
    let kind = PrincipalKind::Machine.as_str();
    db::principals::record(&mut connection, id, "somebody", kind).await.unwrap();
    id
}

pub async fn issue(db: &Db, principal: PrincipalId, scopes: &[Scope]) -> String {
    let new = NewKey { env: "test", principal, scopes, expires_at: None };
    let mut connection = db.acquire().await.unwrap();
    let key = auth::issue_key(&mut connection, &Pepper::new(PEPPER), new).await.unwrap();
    key.reveal().to_owned()
}

async fn collections(db: &Db, principal: PrincipalId) {
    let mut connection = db.acquire().await.unwrap();
    let all = [
        (DIGEST, "digest", JobStatus::Final),
        (FREE, "free_uri", JobStatus::Tentative),
        (PENDING, "digest", JobStatus::Submitted),
    ];
    for (contract, mode, status) in all {
        let contract: Address = contract.parse().unwrap();
        let request = NewCollectionRequest {
            id: CollectionRequestId::new(),
            principal_id: principal,
            chain_id: ChainId(CHAIN),
            contract,
            salt: contract.into_word(),
            name: "Pictures",
            symbol: "PICT",
            content_mode: mode,
            base_uri: "",
            settings: &json!({}),
            status,
            transaction_id: None,
            now: START,
        };
        assert!(collection_requests::record(&mut connection, &request).await.unwrap());
    }
}

impl Api {
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    /// With the operator's key.
    pub fn get(&self, path: &str) -> RequestBuilder {
        self.request(Method::GET, path).bearer_auth(&self.key)
    }

    /// With another key.
    pub fn get_as(&self, who: &str, path: &str) -> RequestBuilder {
        self.request(Method::GET, path).bearer_auth(who)
    }

    /// With another key, under an Idempotency-Key.
    pub fn post_as(&self, who: &str, path: &str, key: &str) -> RequestBuilder {
        self.request(Method::POST, path).bearer_auth(who).header("idempotency-key", key)
    }

    /// With the operator's key and an Idempotency-Key.
    pub fn post(&self, path: &str, key: &str) -> RequestBuilder {
        self.request(Method::POST, path).bearer_auth(&self.key).header("idempotency-key", key)
    }

    pub async fn mint(&self, key: &str, body: &Value) -> Response {
        self.post("/api/v1/mints", key).json(body).send().await.unwrap()
    }
}

/// The body of an answer with this status.
pub async fn body(response: Response, status: u16) -> Value {
    let got = response.status().as_u16();
    assert!(response.headers().contains_key("x-request-id"));
    let text = response.text().await.unwrap();
    assert_eq!(got, status, "{text}");
    serde_json::from_str(&text).unwrap()
}

/// The problem with this code, as it must look; `operation` must declare it.
pub async fn problem(response: Response, operation: &str, code: &str) -> Value {
    let status = response.status().as_u16();
    let media = response.headers()["content-type"].to_str().unwrap().to_owned();
    let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    let text = response.text().await.unwrap();
    assert_eq!(media, "application/problem+json", "{text}");
    let problem: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(problem["code"], code, "{text}");
    assert_eq!(problem["status"], status);
    assert_eq!(problem["request_id"], id);
    assert_eq!(problem["type"], format!("/docs/errors#{code}"));
    assert!(
        operation.is_empty() || api::declares(operation, code),
        "{operation} does not declare {code}"
    );
    problem
}
