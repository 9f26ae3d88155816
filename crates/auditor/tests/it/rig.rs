//! A database whose facts are numbered, transactions that end, and a log's directory.

use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Signature, TxKind, U256};
use auditor::{NAME, Options, run};
use db::Db;
use journal::{NewFact, SequencerOptions, run_sequencer};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};
use testkit::{TestDatabase, eventually_within};
use tokio::task::JoinHandle;
use uuid::Uuid;
use vocab::{BlockRef, ChainId, topic};

pub const PATIENCE: Duration = Duration::from_secs(60);
pub const CHAIN: u64 = 31337;
const WALLET: Address = Address::repeat_byte(0x77);
pub const PRINCIPAL: Uuid = Uuid::from_u128(7);

pub struct Rig {
    pub database: TestDatabase,
    pub home: tempfile::TempDir,
    sequencer: JoinHandle<()>,
    nonce: AtomicU64,
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.sequencer.abort();
    }
}

/// How a transaction ends.
#[derive(Clone, Copy)]
pub struct End {
    pub status: &'static str,
    /// `failed` and the like, without ever being mined, if not.
    pub mined: bool,
}

pub const FINAL: End = End { status: "final", mined: true };

/// Options of a writer that works fast and dies fast.
pub fn options(directory: PathBuf) -> Options {
    Options { directory, idle: Duration::from_millis(5), lease: Duration::from_millis(600) }
}

impl Rig {
    pub async fn new() -> Self {
        let database = testkit::database().await;
        for sql in [
            format!(
                "insert into principals (id, name, kind) values ('{PRINCIPAL}', 'o', 'operator')"
            ),
            format!(
                "insert into wallets (chain_id, address, role) values ({CHAIN}, '\\x{}', 'minter')",
                "77".repeat(20)
            ),
        ] {
            sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&database.db).await.unwrap();
        }
        let fast = SequencerOptions { idle: Duration::from_millis(2), ..Default::default() };
        let sequencer =
            tokio::spawn(run_sequencer(database.db.clone(), fast, std::future::pending()));
        let home = tempfile::tempdir().unwrap();
        Self { database, home, sequencer, nonce: AtomicU64::new(0) }
    }

    pub fn db(&self) -> &Db {
        &self.database.db
    }

    pub fn directory(&self) -> PathBuf {
        self.home.path().join("audit")
    }

    /// A writer in this process, aborted when dropped.
    pub fn writer(&self, directory: PathBuf) -> Writer {
        Writer(tokio::spawn(run(self.db().clone(), options(directory), std::future::pending())))
    }

    /// A signed transaction that ended so, and the fact that tells it.
    pub async fn end(&self, end: End) -> (Uuid, B256) {
        let nonce = self.nonce.fetch_add(1, Ordering::Relaxed);
        let (raw, hash) = signed(nonce);
        let id = Uuid::now_v7();
        let mut transaction = self.db().begin().await.unwrap();
        sqlx::query(
            "insert into transactions (id, chain_id, role, kind, input, principal_id, request_id)
             values ($1, $2, 'minter', 'call', '', $3, 'r-1')",
        )
        .bind(id)
        .bind(CHAIN.cast_signed())
        .bind(PRINCIPAL)
        .execute(&mut *transaction)
        .await
        .unwrap();
        sqlx::query(
            "insert into nonces (chain_id, wallet, nonce, transaction_id, state)
             values ($1, $2, $3, $4, 'final')",
        )
        .bind(CHAIN.cast_signed())
        .bind(WALLET.as_slice())
        .bind(nonce.cast_signed())
        .bind(id)
        .execute(&mut *transaction)
        .await
        .unwrap();
        sqlx::query(
            "insert into attempts (transaction_id, attempt, chain_id, wallet, nonce, gas_limit,
                 max_fee_wei, max_priority_fee_wei, raw, tx_hash)
             values ($1, 1, $2, $3, $4, 21000, 7, 1, $5, $6)",
        )
        .bind(id)
        .bind(CHAIN.cast_signed())
        .bind(WALLET.as_slice())
        .bind(nonce.cast_signed())
        .bind(raw)
        .bind(hash.as_slice())
        .execute(&mut *transaction)
        .await
        .unwrap();
        journal::record(&mut transaction, &[fact(id, hash, end)]).await.unwrap();
        transaction.commit().await.unwrap();
        (id, hash)
    }

    /// A fact of the transaction, as the transactor tells it.
    pub async fn tell(&self, fact: NewFact) {
        journal::record(&mut self.db().acquire().await.unwrap(), &[fact]).await.unwrap();
    }

    /// Wait until the witness says that so many lines are written.
    pub async fn written(&self, lines: i64) {
        eventually_within(PATIENCE, &format!("{lines} lines are written"), || async {
            let witness = self.witness().await;
            (witness == lines).then_some(())
        })
        .await;
    }

    pub async fn witness(&self) -> i64 {
        let mut connection = self.db().acquire().await.unwrap();
        db::audit_logs::load(&mut connection, NAME).await.unwrap().map_or(0, |known| known.seq)
    }

    /// How many facts of this kind there are.
    pub async fn facts(&self, kind: &str) -> i64 {
        sqlx::query_scalar("select count(*) from facts where kind = $1")
            .bind(kind)
            .fetch_one(self.db())
            .await
            .unwrap()
    }
}

pub struct Writer(pub JoinHandle<()>);

impl Writer {
    /// End it at an await, as a shutdown that does not wait does.
    pub async fn stop(mut self) {
        self.0.abort();
        let _ = (&mut self.0).await;
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.0.abort();
    }
}

pub fn signature() -> Signature {
    Signature::new(U256::from(11), U256::from(22), true)
}

fn signed(nonce: u64) -> (Vec<u8>, B256) {
    let to = TxKind::Call(Address::repeat_byte(1));
    let call = TxEip1559 { chain_id: CHAIN, nonce, to, ..Default::default() };
    let envelope: TxEnvelope = call.into_signed(signature()).into();
    (envelope.encoded_2718(), *envelope.tx_hash())
}

pub fn fact(id: Uuid, hash: B256, end: End) -> NewFact {
    let block = BlockRef { number: 9, hash: B256::repeat_byte(9) };
    let reason = (end.status != "final").then(|| json!({ "code": "reverted", "text": "no" }));
    NewFact {
        topic: topic::TRANSACTIONS,
        kind: "transaction_status_changed",
        reverting: false,
        attributes: json!({ "chain_id": CHAIN.to_string(), "transaction_id": id, "kind": "call",
            "status": end.status }),
        chain_id: Some(ChainId::from_i64(CHAIN.cast_signed())),
        block: end.mined.then_some(block),
        data: json!({ "status": end.status, "previous_status": "auditable", "reason": reason,
            "tx_hash": end.mined.then_some(hash), "reverted": end.status != "final",
            "request_id": "r-1" }),
    }
}

/// All lines of a log, whose chain must hold.
pub fn lines(directory: &Path) -> Vec<Value> {
    let mut lines = Vec::new();
    let found = audit::verify_each(directory, |name, line| {
        assert_eq!(name, NAME);
        lines.push(serde_json::from_str(line.text()).unwrap());
    });
    let logs = found.unwrap();
    assert_eq!((logs.len(), logs[0].first_seq), (1, 1));
    lines
}

/// The one file of a short log.
pub fn file_of(directory: &Path) -> PathBuf {
    let mut files = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    files.find(|path| path.extension().is_some_and(|ext| ext == "jsonl")).unwrap()
}
