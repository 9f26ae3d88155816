//! One database, one node, one signer, and what tests ask of them.

use crate::follower::follow;
use alloy_primitives::{Address, U256, keccak256};
use chain::{Chain, Endpoint, EndpointOptions};
use db::{Db, DbError, PgConnection};
use serde_json::json;
use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};
use testkit::{NodeOptions, TestDatabase, TestNode, eventually_within};
use tokio::{sync::oneshot, task::JoinHandle};
use transactor::{
    Cancelled, Config, Ignored, InterveneError, Moved, NewTransaction, Nudge, Options,
    OutcomeFuture, Outcomes, Role, run,
};
use vocab::{ChainId, Finality, JobStatus, TransactionId, Urgency};

pub const ROLE: &str = "minter";
pub const TREASURY: &str = "treasury";
/// Long enough for a loaded machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// No more than 1,000 wei at once: for refusals by the signer.
const POLICY: &str = r#"
version = 1
[roles.minter]
chains = [31337]
keys_max = 64
signatures_per_minute = 1000000
gas_limit_max = 16777216
max_fee_per_gas_max = "1000000000000"
value_wei_max = "1000"
value_wei_day_max = "1000000000"
void_gas_limit_max = 100000
[[roles.minter.calls]]
to = "any"
transfer = true
functions = ["poke()"]
[roles.treasury]
chains = [31337]
keys_max = 1
signatures_per_minute = 1000
gas_limit_max = 100000
max_fee_per_gas_max = "1000000000000"
value_wei_max = "1000000000000000000"
value_wei_day_max = "10000000000000000000"
[[roles.treasury.calls]]
to = "any"
transfer = true
"#;

pub struct Rig {
    pub database: TestDatabase,
    pub node: TestNode,
    pub nudge: Nudge,
    pub signer: Signer,
    pub wallets: Vec<Address>,
    pub options: Options,
    pub finality: Finality,
    pub outcomes: Arc<Recorder>,
    in_flight_max: u16,
    follower: JoinHandle<()>,
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.follower.abort();
    }
}

/// Which parts a test wants different.
pub struct Wanted {
    pub block_time: Option<f64>,
    pub wallets: u32,
    pub in_flight_max: u16,
    pub finality: Finality,
    pub extra: Vec<String>,
}

impl Default for Wanted {
    fn default() -> Self {
        Self {
            block_time: Some(0.3),
            wallets: 1,
            in_flight_max: 16,
            finality: Finality { auditable: 2, final_: 4 },
            extra: Vec::new(),
        }
    }
}

impl Rig {
    pub async fn new(wanted: Wanted) -> Self {
        let database = testkit::database().await;
        let extra = [vec!["--order".to_owned(), "fifo".to_owned()], wanted.extra].concat();
        let options = NodeOptions { block_time: wanted.block_time, extra };
        let node = testkit::anvil(options).await;
        let signer = Signer::start().await;
        let mut wallets = Vec::new();
        for index in 0..wanted.wallets {
            let wallet = signer.client().ensure_key(ROLE, index).await.unwrap();
            node.call("anvil_setBalance", json!([wallet, "0xde0b6b3a7640000"])).await;
            wallets.push(wallet);
        }
        let chain = (node.chain_id, wanted.finality);
        let follower = tokio::spawn(follow(database.db.clone(), node.endpoint.clone(), chain));
        let options = Options {
            lease: Duration::from_secs(2),
            tick: Duration::from_millis(50),
            retry: Duration::from_millis(300),
            // A lane that took two would wait for ever.
            lane_connections: 1,
            ..Options::default()
        };
        Self {
            database,
            node,
            nudge: Nudge::default(),
            signer,
            wallets,
            options,
            finality: wanted.finality,
            outcomes: Arc::new(Recorder::default()),
            in_flight_max: wanted.in_flight_max,
            follower,
        }
    }

    pub fn config(&self) -> Config {
        self.config_with(&[&self.node.anvil.http_url()], Duration::from_secs(5))
    }

    pub fn config_with(&self, urls: &[&str], timeout: Duration) -> Config {
        Config {
            db: self.database.db.clone(),
            chain: chain_at(urls, timeout, self.finality),
            signer: signer::Client::connect(self.signer.socket()),
            outcomes: self.outcomes.clone(),
            nudge: self.nudge.clone(),
            roles: vec![Role {
                name: ROLE.to_owned(),
                wallets: u32::try_from(self.wallets.len()).unwrap(),
                in_flight_max: self.in_flight_max,
                top_up: None,
            }],
            error_names: [(selector("NotYet()"), "NotYet")].into_iter().collect(),
            options: self.options.clone(),
        }
    }

    pub fn start(&self) -> Worker {
        Worker::start(self.config())
    }

    /// Queue `count` transfers of one wei to recipients that nobody else pays.
    pub async fn queue_transfers(&self, seed: &str, count: u32) -> Vec<(TransactionId, Address)> {
        let mut queued = Vec::new();
        let mut transaction = self.database.db.begin().await.unwrap();
        for index in 0..count {
            let to = Address::from_word(keccak256(format!("{seed}{index}")));
            queued.push((self.queue(&mut transaction, transfer(to)).await, to));
        }
        transaction.commit().await.unwrap();
        self.nudge.wake(self.node.chain_id, ROLE);
        queued
    }

    pub async fn queue(&self, db: &mut PgConnection, new: NewTransaction) -> TransactionId {
        transactor::enqueue(db, new).await.unwrap()
    }

    pub async fn queue_one(&self, new: NewTransaction) -> TransactionId {
        let mut connection = self.database.db.acquire().await.unwrap();
        let id = self.queue(&mut connection, new).await;
        self.nudge.wake(self.node.chain_id, ROLE);
        id
    }

    pub async fn cancel(&self, id: TransactionId) -> Result<Cancelled, InterveneError> {
        let mut transaction = self.database.db.begin().await.unwrap();
        let done = transactor::cancel(&mut transaction, &*self.outcomes, id).await?;
        transaction.commit().await.unwrap();
        Ok(done)
    }

    pub async fn redrive(&self, id: TransactionId) -> Result<(), InterveneError> {
        let mut transaction = self.database.db.begin().await.unwrap();
        transactor::redrive(&mut transaction, &*self.outcomes, id, None).await?;
        transaction.commit().await.unwrap();
        Ok(())
    }

    pub async fn replace(
        &self,
        id: TransactionId,
        new: NewTransaction,
    ) -> Result<TransactionId, InterveneError> {
        let mut transaction = self.database.db.begin().await.unwrap();
        let new = transactor::replace(&mut transaction, &*self.outcomes, id, new).await?;
        transaction.commit().await.unwrap();
        Ok(new)
    }

    pub async fn speed_up(&self, id: TransactionId) -> Result<(), InterveneError> {
        let mut transaction = self.database.db.begin().await.unwrap();
        transactor::speed_up(&mut transaction, id, Some(Urgency::Urgent), None).await?;
        transaction.commit().await.unwrap();
        Ok(())
    }

    /// Wait until so many wallets are served.
    pub async fn leases_held(&self, count: i64) {
        eventually_within(PATIENCE, &format!("{count} wallets are served"), || async {
            let held: i64 = sqlx::query_scalar(
                "select count(*) from leases where name like 'wallet:%' and expires_at > now()",
            )
            .fetch_one(&self.database.db)
            .await
            .unwrap();
            (held == count).then_some(())
        })
        .await;
    }

    /// Wait until our header chain is the node's.
    pub async fn headers_at_head(&self) {
        let head = self.node.endpoint.head().await.unwrap().number.to::<i64>();
        eventually_within(PATIENCE, "our headers are at the head", || async {
            let height: i64 = sqlx::query_scalar("select max(number) from blocks")
                .fetch_one(&self.database.db)
                .await
                .unwrap();
            (height == head).then_some(())
        })
        .await;
    }

    pub async fn load(&self, id: TransactionId) -> db::transactions::Transaction {
        let mut connection = self.database.db.acquire().await.unwrap();
        db::transactions::load(&mut connection, id.0).await.unwrap().unwrap()
    }

    /// Wait until the job is in one of these states.
    pub async fn until(&self, id: TransactionId, states: &[JobStatus]) -> JobStatus {
        eventually_within(PATIENCE, &format!("{id} becomes one of {states:?}"), || async {
            let status: JobStatus = self.load(id).await.status.parse().unwrap();
            states.contains(&status).then_some(status)
        })
        .await
    }

    /// Wait until all are final, and check that each recipient got one wei.
    pub async fn all_final_once(&self, queued: &[(TransactionId, Address)]) {
        let ids: Vec<uuid::Uuid> = queued.iter().map(|(id, _)| id.0).collect();
        let counts = || async {
            sqlx::query_as::<_, (String, i64)>(
                "select status, count(*) from transactions where id = any($1) group by 1",
            )
            .bind(&ids)
            .fetch_all(&self.database.db)
            .await
            .unwrap()
        };
        eventually_within(PATIENCE, "all jobs are final", || async {
            let counts = counts().await;
            (counts.len() == 1 && counts[0].0 == "final").then_some(())
        })
        .await;
        for (id, to) in queued {
            assert_eq!(self.balance(*to).await, U256::ONE, "{id} to {to}");
        }
    }

    pub async fn balance(&self, address: Address) -> U256 {
        self.node.endpoint.balance(address).await.unwrap()
    }

    /// States that the journal tells of a job, in order.
    pub async fn told(&self, id: TransactionId) -> Vec<(String, bool)> {
        sqlx::query_as(
            "select data->>'status', reverting from outbox
              where topic = 'transactions' and attributes->>'transaction_id' = $1 order by id",
        )
        .bind(id.to_string())
        .fetch_all(&self.database.db)
        .await
        .unwrap()
    }

    /// Attempts of a job: number, void, hash.
    pub async fn attempts(&self, id: TransactionId) -> Vec<(i16, bool, Option<Vec<u8>>)> {
        sqlx::query_as(
            "select attempt, void, tx_hash from attempts where transaction_id = $1 order by 1",
        )
        .bind(id.0)
        .fetch_all(&self.database.db)
        .await
        .unwrap()
    }
}

/// What an attempt offered.
#[derive(Debug, PartialEq, sqlx::FromRow)]
pub struct Offer {
    pub max_fee: i64,
    pub tip: i64,
    pub gas_limit: i64,
    pub legacy: bool,
    pub void: bool,
    pub tx_hash: Option<Vec<u8>>,
}

impl Rig {
    /// As if the job's deadline passed at this moment.
    pub async fn end_deadline(&self, id: TransactionId) {
        sqlx::query("update transactions set deadline_at = now() where id = $1")
            .bind(id.0)
            .execute(&self.database.db)
            .await
            .unwrap();
    }

    /// All attempts of a job, oldest first; fees must fit 63 bits.
    pub async fn offers(&self, id: TransactionId) -> Vec<Offer> {
        sqlx::query_as(
            "select max_fee_wei::int8 as max_fee, max_priority_fee_wei::int8 as tip, gas_limit,
                    legacy, void, tx_hash
               from attempts where transaction_id = $1 order by attempt",
        )
        .bind(id.0)
        .fetch_all(&self.database.db)
        .await
        .unwrap()
    }

    /// When the newest attempt of a job was last handed over, by the database's clock.
    pub async fn sent_at(&self, id: TransactionId) -> Option<time::OffsetDateTime> {
        sqlx::query_scalar("select max(sent_at) from attempts where transaction_id = $1")
            .bind(id.0)
            .fetch_one(&self.database.db)
            .await
            .unwrap()
    }

    /// Wait until a job's bytes went out again `times` times from now.
    pub async fn until_sent_again(&self, id: TransactionId, times: usize) {
        for _ in 0..times {
            let before = self.sent_at(id).await;
            eventually_within(PATIENCE, "the bytes go out again", || async {
                (self.sent_at(id).await > before).then_some(())
            })
            .await;
        }
    }

    pub async fn next_base_fee(&self, wei: u64) {
        self.node.call("anvil_setNextBlockBaseFeePerGas", json!([format!("{wei:#x}")])).await;
    }

    /// Kinds of facts about wallets, in order.
    pub async fn wallet_facts(&self) -> Vec<String> {
        sqlx::query_scalar("select kind from outbox where kind like 'wallet_%' order by id")
            .fetch_all(&self.database.db)
            .await
            .unwrap()
    }
}

pub fn chain_at(urls: &[&str], timeout: Duration, finality: Finality) -> Chain {
    let options = EndpointOptions { timeout, ..EndpointOptions::default() };
    Chain {
        id: ChainId(31_337),
        endpoints: urls.iter().map(|url| Endpoint::new(url, options).unwrap()).collect(),
        ws_urls: Vec::new(),
        finality,
        block_time: Duration::from_millis(300),
    }
}

pub fn transfer(to: Address) -> NewTransaction {
    NewTransaction {
        to: Some(to),
        value: U256::ONE,
        request_id: Some("request-1".to_owned()),
        ..NewTransaction::new(ChainId(31_337), ROLE, "transfer")
    }
}

pub fn selector(signature: &str) -> alloy_primitives::Selector {
    alloy_primitives::Selector::from_slice(&keccak256(signature)[..4])
}

/// A running transactor.
pub struct Worker {
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Worker {
    pub fn start(config: Config) -> Self {
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            run(config, async {
                let _ = stopped.await;
            })
            .await
            .unwrap();
        });
        Self { stop: Some(stop), task }
    }

    pub async fn stop(mut self) {
        drop(self.stop.take());
        (&mut self.task).await.unwrap();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Keeps what it is told. A change that is rolled back is told again.
#[derive(Default)]
pub struct Recorder(pub Mutex<Vec<Moved>>);

impl Outcomes for Recorder {
    fn record<'a>(&'a self, _: &'a mut PgConnection, moved: &'a [Moved]) -> OutcomeFuture<'a> {
        Box::pin(async move {
            self.0.lock().unwrap().extend_from_slice(moved);
            Ok::<(), DbError>(())
        })
    }
}

impl Recorder {
    pub fn of(&self, id: TransactionId) -> Vec<Moved> {
        self.0.lock().unwrap().iter().filter(|moved| moved.id == id).cloned().collect()
    }
}

/// The real signer, served inside this process.
pub struct Signer {
    directory: tempfile::TempDir,
    running: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

impl Signer {
    pub async fn start() -> Self {
        let directory = tempfile::Builder::new().prefix("stoa-signer").tempdir().unwrap();
        std::fs::write(directory.path().join("policy.toml"), POLICY).unwrap();
        let mut signer = Self { directory, running: None };
        signer.resume().await;
        signer
    }

    /// Transfers of more than 100 wei need one of these operators' consent from now on.
    pub async fn require_approvals(&mut self, operators: &[Address]) {
        let operators: Vec<String> = operators.iter().map(|o| format!("\"{o}\"")).collect();
        let rules = format!(
            r#"value_wei_max = "100"
[[roles.minter.calls]]
to = "any"
transfer = true
approvals = {{ from = [{}], count = 1, expires_max_s = 3600 }}
[roles.treasury]"#,
            operators.join(", ")
        );
        self.pause().await;
        let policy = POLICY.replacen("[roles.treasury]", &rules, 1);
        std::fs::write(self.directory.path().join("policy.toml"), policy).unwrap();
        self.resume().await;
    }

    /// Consent to an act by this signer's first minter: another signer's operator.
    pub fn approve(&self, act: vocab::B256, seconds: u64) -> signer::Approval {
        let key = self.directory.path().join("keys/minter.0.json");
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let password = self.directory.path().join("password");
        signer::approve(act, now.as_secs() + seconds, &key, &password).unwrap().1
    }

    pub fn socket(&self) -> PathBuf {
        self.directory.path().join("run/signer.sock")
    }

    /// As patient as the tests themselves.
    pub fn client(&self) -> signer::Client {
        signer::Client::connect_with_timeout(self.socket(), PATIENCE)
    }

    /// Where a proxy before it may listen.
    pub fn other_socket(&self) -> PathBuf {
        self.directory.path().join("proxy.sock")
    }

    pub async fn resume(&mut self) {
        let path = |name: &str| self.directory.path().join(name);
        signer::ensure_password_file(&path("password")).unwrap();
        let config = signer::Config {
            harden: false,
            ..signer::Config::new(
                self.socket(),
                path("keys"),
                path("password"),
                path("policy.toml"),
                path("store.redb"),
            )
        };
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            signer::serve(config, async {
                let _ = stopped.await;
            })
            .await
            .unwrap();
        });
        self.running = Some((stop, task));
        self.client().health().await.unwrap();
    }

    pub async fn pause(&mut self) {
        let (stop, task) = self.running.take().unwrap();
        drop(stop);
        task.await.unwrap();
    }
}

/// A transactor whose outcomes nobody hears, for processes of their own.
pub fn config_for(db: Db, rpc: &str, socket: &str, wallets: u32) -> Config {
    Config {
        db,
        chain: chain_at(&[rpc], Duration::from_secs(5), Finality { auditable: 2, final_: 4 }),
        signer: signer::Client::connect(socket),
        outcomes: Arc::new(Ignored),
        nudge: Nudge::default(),
        roles: vec![Role::new(ROLE, wallets)],
        error_names: Default::default(),
        options: Options {
            lease: Duration::from_millis(500),
            tick: Duration::from_millis(20),
            retry: Duration::from_millis(300),
            // A lane that took two would wait for ever.
            lane_connections: 1,
            ..Options::default()
        },
    }
}
