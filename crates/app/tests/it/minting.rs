//! A database with one principal, and what tests ask of it.

use alloy_sol_types::SolCall;
use app::jobs::{
    batch_mints::{BatchMints, BatchOptions, Round},
    outcomes::ProductOutcomes,
};
use contracts::{StoaCollection::mintBatchCall, intent_bits};
use db::{Addr, Db, Numeric};
use sqlx::Row;
use std::time::Duration;
use testkit::TestDatabase;
use transactor::{Moved, Nudge, Outcomes, Reason};
use uuid::Uuid;
use vocab::{Address, B256, BlockRef, ChainId, JobStatus, TransactionId, U256};

pub const CHAIN: ChainId = ChainId(31337);

#[derive(Debug)]
pub struct Minting {
    pub database: TestDatabase,
    pub principal: Uuid,
}

/// A mint job as the tests look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    pub id: Uuid,
    pub status: JobStatus,
    pub reason: Option<String>,
    pub recipient: Address,
    pub intent: Option<U256>,
    pub transaction: Option<Uuid>,
}

/// A queued `mintBatch`: what it would mint, by its call alone.
#[derive(Clone, Debug)]
pub struct Call {
    pub id: Uuid,
    pub status: JobStatus,
    pub contract: Address,
    pub items: Vec<(U256, Address)>,
    pub contents: usize,
}

impl Minting {
    pub async fn new() -> Self {
        let database = testkit::database().await;
        let principal = Uuid::now_v7();
        let mut connection = database.db.acquire().await.unwrap();
        db::principals::record(&mut connection, principal.into(), "ann", "machine").await.unwrap();
        drop(connection);
        Self { database, principal }
    }

    pub fn db(&self) -> &Db {
        &self.database.db
    }

    pub fn batcher(&self, options: impl FnOnce(&mut BatchOptions)) -> BatchMints {
        let mut chosen = BatchOptions::new(CHAIN);
        // No machine is so slow; who is done gives it back.
        chosen.lease = Duration::from_secs(600);
        options(&mut chosen);
        BatchMints::new(self.db().clone(), chosen, Nudge::default())
    }

    /// Batch until nothing more is queued.
    pub async fn batch_all(&self, batcher: &BatchMints) -> usize {
        let (mut leader, mut total) = (batcher.leader(), 0);
        loop {
            match batcher.round(&mut leader).await.unwrap() {
                Round::Queued(0) => break,
                Round::Queued(n) => total += n,
                Round::StandBy => panic!("somebody else has the lease"),
            }
        }
        leader.resign(self.db()).await;
        total
    }

    pub async fn collection(&self, mode: &str, status: &str) -> Address {
        let contract = fresh_address();
        sqlx::query(
            "insert into collection_requests
                 (id, principal_id, chain_id, contract, salt, name, symbol, content_mode,
                  base_uri, status)
             values ($1, $2, $3, $4, $5, 'n', 's', $6, 'https://x/', $7)",
        )
        .bind(Uuid::now_v7())
        .bind(self.principal)
        .bind(CHAIN.as_i64())
        .bind(contract.as_slice())
        .bind(B256::ZERO.as_slice())
        .bind(mode)
        .bind(status)
        .execute(self.db())
        .await
        .unwrap();
        contract
    }

    pub async fn job(&self, contract: Address, recipient: Address, uri: Option<&str>) -> Uuid {
        let id = Uuid::now_v7();
        sqlx::query(
            "insert into mint_jobs (id, principal_id, request_id, fingerprint, chain_id, contract,
                                    recipient, uri)
             values ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(id)
        .bind(self.principal)
        .bind(id.to_string())
        .bind(B256::ZERO.as_slice())
        .bind(CHAIN.as_i64())
        .bind(contract.as_slice())
        .bind(recipient.as_slice())
        .bind(uri)
        .execute(self.db())
        .await
        .unwrap();
        id
    }

    /// So many jobs in free-URI mode; job `i` is for recipient `i + 1`.
    pub async fn jobs_for(&self, contract: Address, count: usize) -> Vec<Uuid> {
        let mut ids = Vec::new();
        for i in 0..count {
            let uri = format!("ipfs://item/{i}");
            ids.push(self.job(contract, recipient(i), Some(&uri)).await);
        }
        ids
    }

    /// All jobs of a collection, in the order of their ids.
    pub async fn jobs(&self, contract: Address) -> Vec<Job> {
        let rows = sqlx::query(
            "select id, status, reason, recipient, intent, transaction_id from mint_jobs
              where contract = $1 order by id",
        )
        .bind(contract.as_slice())
        .fetch_all(self.db())
        .await
        .unwrap();
        rows.iter()
            .map(|row| Job {
                id: row.get("id"),
                status: row.get::<String, _>("status").parse().unwrap(),
                reason: row.get("reason"),
                recipient: row.get::<Addr, _>("recipient").0,
                intent: row.get::<Option<Numeric>, _>("intent").map(Into::into),
                transaction: row.get("transaction_id"),
            })
            .collect()
    }

    /// All mint transactions, oldest first.
    pub async fn calls(&self) -> Vec<Call> {
        let rows = sqlx::query(
            "select id, status, recipient, input from transactions
              where kind = 'mint_batch' order by id",
        )
        .fetch_all(self.db())
        .await
        .unwrap();
        rows.iter()
            .map(|row| {
                let call = mintBatchCall::abi_decode(&row.get::<Vec<u8>, _>("input")).unwrap();
                let intents: Vec<U256> =
                    intent_bits(call.mask).map(|bit| (call.word << 8) + U256::from(bit)).collect();
                assert_eq!(intents.len(), call.recipients.len(), "the contract would refuse it");
                Call {
                    id: row.get("id"),
                    status: row.get::<String, _>("status").parse().unwrap(),
                    contract: row.get::<Addr, _>("recipient").0,
                    items: intents.into_iter().zip(call.recipients).collect(),
                    contents: call.contents.len(),
                }
            })
            .collect()
    }

    /// What the transactor does on a change of state: the row and the hook, in one commit.
    pub async fn moves(&self, id: Uuid, fate: Move) {
        let mut transaction = self.db().begin().await.unwrap();
        let moved = fate.moved(id);
        sqlx::query(
            "update transactions set status = $2, reverted = $3, block_hash = $4 where id = $1",
        )
        .bind(id)
        .bind(moved.to.as_str())
        .bind(moved.reverted)
        .bind(moved.block.map(|block| block.hash.to_vec()))
        .execute(&mut *transaction)
        .await
        .unwrap();
        ProductOutcomes.record(&mut transaction, std::slice::from_ref(&moved)).await.unwrap();
        transaction.commit().await.unwrap();
    }

    /// What the index does when it sees (or, `status` submitted, loses) these intents.
    pub async fn indexed(&self, contract: Address, intents: &[U256], status: JobStatus) {
        let intents: Vec<Numeric> = intents.iter().copied().map(Numeric).collect();
        sqlx::query(
            "update mint_jobs set status = $3, reason = null
              where contract = $1 and intent = any($2)
                and (status in ('tentative', 'auditable') or $3 <> 'submitted')",
        )
        .bind(contract.as_slice())
        .bind(&intents)
        .bind(status.as_str())
        .execute(self.db())
        .await
        .unwrap();
    }

    /// How many facts of a job were recorded, with their last status.
    pub async fn last_fact(&self, id: Uuid) -> Option<serde_json::Value> {
        sqlx::query(
            "select jsonb_build_object('topic', topic, 'attributes', attributes, 'data', data) as f
               from outbox where attributes->>'mint_id' = $1 or attributes->>'request_id' = $1
              order by id desc limit 1",
        )
        .bind(id.to_string())
        .fetch_optional(self.db())
        .await
        .unwrap()
        .map(|row| row.get("f"))
    }
}

/// A change of state as the transactor tells it.
#[derive(Clone, Debug)]
pub struct Move {
    pub kind: &'static str,
    pub to: JobStatus,
    pub reverted: bool,
    pub reason: Option<&'static str>,
}

impl Move {
    pub fn to(to: JobStatus) -> Self {
        Self { kind: "mint_batch", to, reverted: false, reason: None }
    }

    pub fn reverted(to: JobStatus, reason: &'static str) -> Self {
        Self { reverted: true, ..Self::failed_at(to, reason) }
    }

    pub fn failed_at(to: JobStatus, reason: &'static str) -> Self {
        Self { reason: Some(reason), ..Self::to(to) }
    }

    fn moved(&self, id: Uuid) -> Moved {
        let sent = !matches!(self.to, JobStatus::Queued | JobStatus::Reserved);
        let mined = self.to.is_mined();
        Moved {
            id: TransactionId(id),
            kind: self.kind.to_owned(),
            chain_id: CHAIN,
            from: JobStatus::Queued,
            to: self.to,
            reason: self.reason.map(|code| Reason { code: code.to_owned(), text: "0x".to_owned() }),
            tx_hash: sent.then(|| B256::left_padding_from(id.as_bytes())),
            block: mined.then_some(BlockRef { number: 7, hash: B256::repeat_byte(7) }),
            reverted: self.reverted,
        }
    }
}

pub fn recipient(i: usize) -> Address {
    Address::left_padding_from(&(i as u64 + 1).to_be_bytes())
}

/// An address that no other has.
fn fresh_address() -> Address {
    Address::left_padding_from(Uuid::now_v7().as_bytes())
}
