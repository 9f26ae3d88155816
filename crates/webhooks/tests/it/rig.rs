//! A database whose facts are numbered, endpoints, and the role.

use crate::receiver::Receiver;
use auth::{NewKey, Pepper, PrincipalKind, Scope};
use db::{
    Db,
    webhook_endpoints::{self as endpoints, EndpointRow, EndpointTerms, NewEndpoint},
    webhook_positions as positions,
};
use journal::{NewFact, SequencerOptions, run_sequencer};
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};
use testkit::{TestDatabase, eventually_within};
use tokio::task::JoinHandle;
use uuid::Uuid;
use vocab::{PrincipalId, topic};
use webhooks::{Config, Options, RootKey, delivery_id, run};

pub const PATIENCE: Duration = Duration::from_secs(60);
const KEY: [u8; 32] = [77; 32];

/// Short times, so that a test sees what takes days.
pub fn options() -> Options {
    Options {
        allowed_networks: vec!["127.0.0.1".to_owned()],
        attempt_time: Duration::from_secs(10),
        tick: Duration::from_millis(20),
        lease: Duration::from_millis(800),
        // 5 s become half a millisecond, and a day 8.6 s.
        time_scale: 0.000_1,
        // Failing for so long would take a year.
        patience: Duration::from_secs(400_000_000_000),
        ..Options::default()
    }
}

pub fn key() -> RootKey {
    RootKey::new(KEY)
}

pub struct Rig {
    pub database: TestDatabase,
    pub principal: PrincipalId,
    sequencer: JoinHandle<()>,
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.sequencer.abort();
    }
}

/// A role in this process; ends with the test.
pub struct Running(JoinHandle<()>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Running {
    /// Cut it off where it stands, and wait until it is gone.
    pub async fn kill(mut self) {
        self.0.abort();
        let _ = (&mut self.0).await;
    }
}

impl Rig {
    pub async fn new() -> Self {
        let filter = "warn,webhooks=debug";
        let _ = tracing_subscriber::fmt().with_env_filter(filter).with_test_writer().try_init();
        let database = testkit::database().await;
        let fast = SequencerOptions { idle: Duration::from_millis(2), ..Default::default() };
        let sequencer =
            tokio::spawn(run_sequencer(database.db.clone(), fast, std::future::pending()));
        let scopes = [Scope::MintsRead, Scope::WebhooksWrite];
        let (principal, _) = principal(&database.db, PrincipalKind::Machine, &scopes).await;
        Self { database, principal, sequencer }
    }

    pub fn db(&self) -> &Db {
        &self.database.db
    }

    pub fn run(&self, options: Options) -> Running {
        let config = Config { db: self.db().clone(), key: key(), options };
        Running(tokio::spawn(async move {
            run(config, std::future::pending()).await.unwrap();
        }))
    }

    /// An endpoint that is told of all items' facts from now on.
    pub async fn endpoint(&self, receiver: &Receiver) -> EndpointRow {
        self.endpoint_as(self.principal, &terms(&receiver.url(), &[topic::ITEMS])).await
    }

    pub async fn endpoint_as(&self, of: PrincipalId, terms: &EndpointTerms) -> EndpointRow {
        let mut transaction = self.db().begin().await.unwrap();
        let salt = RootKey::fresh_salt();
        let id = Uuid::now_v7();
        let new = NewEndpoint { id, principal_id: of, signature: "hmac", salt: &salt, terms };
        endpoints::record(&mut transaction, new).await.unwrap();
        positions::record_topics(&mut transaction, id, &terms.topics).await.unwrap();
        let row = endpoints::load(&mut transaction, id).await.unwrap().unwrap();
        transaction.commit().await.unwrap();
        row
    }

    pub async fn row(&self, id: Uuid) -> EndpointRow {
        let mut connection = self.db().acquire().await.unwrap();
        endpoints::load(&mut connection, id).await.unwrap().unwrap()
    }

    /// A fact about the item of this key, the `n`th.
    pub async fn tell(&self, key: &str, n: usize) {
        self.record(vec![fact(topic::ITEMS, key, n)]).await;
    }

    pub async fn record(&self, facts: Vec<NewFact>) {
        let mut connection = self.db().acquire().await.unwrap();
        journal::record(&mut connection, &facts).await.unwrap();
    }

    /// Wait until so many facts of the topic are numbered.
    pub async fn numbered(&self, topic: &str, count: i64) {
        eventually_within(PATIENCE, &format!("{count} facts of {topic}"), || async {
            let heads = journal::load_heads(&mut self.db().acquire().await.unwrap()).await;
            let heads = heads.unwrap();
            heads.iter().any(|head| head.topic == topic && head.seq >= count).then_some(())
        })
        .await;
    }

    pub async fn count(&self, sql: &str) -> i64 {
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql.to_owned())).fetch_one(self.db()).await.unwrap()
    }

    /// Deliveries in this state.
    pub async fn deliveries(&self, state: &str) -> i64 {
        self.count(&format!("select count(*) from webhook_deliveries where state = '{state}'"))
            .await
    }

    pub async fn execute(&self, sql: &str) {
        sqlx::query(sqlx::AssertSqlSafe(sql.to_owned())).execute(self.db()).await.unwrap();
    }

    /// Wait until some SQL counts that many.
    pub async fn counts(&self, what: &str, sql: &str, wanted: i64) {
        eventually_within(PATIENCE, what, || async {
            (self.count(sql).await == wanted).then_some(())
        })
        .await;
    }

    /// Wait until nothing waits any more, and so many were delivered.
    pub async fn settled(&self, delivered: i64) {
        eventually_within(PATIENCE, &format!("{delivered} are delivered"), || async {
            let waiting = self.deliveries("ready").await + self.deliveries("held").await;
            (waiting == 0 && self.deliveries("delivered").await == delivered).then_some(())
        })
        .await;
    }
}

pub async fn principal(db: &Db, kind: PrincipalKind, scopes: &[Scope]) -> (PrincipalId, String) {
    let id = PrincipalId::new();
    let mut connection = db.acquire().await.unwrap();
    db::principals::record(&mut connection, id, "somebody", kind.as_str()).await.unwrap();
    let new = NewKey { env: "test", principal: id, scopes, expires_at: None };
    let key = auth::issue_key(&mut connection, &Pepper::new([1; 32]), new).await.unwrap();
    (id, key.id().to_owned())
}

pub fn terms(url: &str, topics: &[&str]) -> EndpointTerms {
    EndpointTerms {
        url: url.to_owned(),
        description: String::new(),
        topics: topics.iter().map(|topic| (*topic).to_owned()).collect(),
        kinds: Vec::new(),
        chain_ids: Vec::new(),
        contracts: Vec::new(),
        addresses: Vec::new(),
    }
}

pub fn fact(topic: &'static str, key: &str, n: usize) -> NewFact {
    NewFact {
        topic,
        kind: "told",
        reverting: false,
        attributes: json!({ "chain_id": "1", "contract": "0xC", "token_id": key }),
        chain_id: None,
        block: None,
        data: json!({ "key": key, "n": n }),
    }
}

/// Each fact of this topic up to `head` was taken, under the id that it must have.
pub fn all_taken(receiver: &Receiver, endpoint: Uuid, topic: &str, head: i64) {
    let mut ids: BTreeMap<i64, String> = BTreeMap::new();
    for sent in receiver.taken() {
        let known = ids.insert(sent.seq(), sent.id.clone());
        assert!(known.is_none_or(|id| id == sent.id), "a repetition has the same id");
        assert_eq!(sent.id, delivery_id(endpoint, topic, 1, sent.seq()).to_string());
    }
    assert_eq!(ids.keys().copied().collect::<Vec<_>>(), (1..=head).collect::<Vec<_>>());
}

/// First takings of each key come in the order of their facts.
pub fn in_order(receiver: &Receiver) {
    in_order_of(receiver, |_| true);
}

/// The same of some facts.
pub fn in_order_of(receiver: &Receiver, of: impl Fn(i64) -> bool) {
    let mut last: BTreeMap<String, i64> = BTreeMap::new();
    let mut seen = std::collections::BTreeSet::new();
    for sent in receiver.taken() {
        if !of(sent.seq()) || !seen.insert(sent.seq()) {
            continue;
        }
        let before = last.insert(sent.key(), sent.seq()).unwrap_or(0);
        assert!(before < sent.seq(), "{} of {} came after {before}", sent.seq(), sent.key());
    }
}

pub fn verified(row: &EndpointRow, sent: &crate::receiver::Sent) -> Result<Value, String> {
    let verifier = standardwebhooks::Webhook::new(&key().reveal(row)).unwrap();
    verifier.verify(&sent.bytes, &sent.headers).map_err(|error| error.to_string())?;
    Ok(sent.body.clone())
}
