//! What a line tells.

use alloy_consensus::TxEnvelope;
use alloy_eips::eip2718::Decodable2718;
use alloy_primitives::{Address, B256, U256};
use db::audit_logs::{Decided, Ended};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Entry {
    /// It came to its end on chain.
    Transaction(Told),
    /// A reorg deeper than finality: what was told of it before no longer holds.
    TakenBack(Told),
    /// Somebody changed what the engine may do.
    Decision(DecisionTold),
}

#[derive(Debug, Serialize)]
pub(crate) struct DecisionTold {
    /// Number of the fact, in the topic `transactions`.
    fact: i64,
    /// Who: principal, key and request; all null: somebody at a terminal of the server.
    principal_id: Value,
    key_id: Value,
    request_id: Value,
    chain_id: Option<i64>,
    /// What was done (`created`, `changed`, …) to which thing.
    act: Value,
    object: Value,
    object_id: Value,
    before: Value,
    after: Value,
    #[serde(skip_serializing_if = "Value::is_null")]
    session_id: Value,
    /// In the name of which action, by what, with which roles, from where. Older facts lack it.
    #[serde(skip_serializing_if = "Value::is_null")]
    by: Value,
}

impl From<Decided> for DecisionTold {
    fn from(mut decided: Decided) -> Self {
        let mut attribute = |name: &str| decided.attributes[name].take();
        let (act, object) = (attribute("act"), attribute("object"));
        let object_id = attribute("object_id");
        let mut told = |name: &str| decided.data[name].take();
        let by = told("by");
        // Lines of older facts are made again as they were.
        let session_id = if by.is_null() { Value::Null } else { told("session_id") };
        Self {
            fact: decided.fact_seq,
            principal_id: told("principal_id"),
            key_id: told("key_id"),
            request_id: told("request_id"),
            chain_id: decided.chain_id,
            act,
            object,
            object_id,
            before: told("before"),
            after: told("after"),
            session_id,
            by,
        }
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct Told {
    /// Number of the fact, in the topic `transactions`.
    fact: i64,
    transaction_id: Uuid,
    kind: String,
    /// `final` took effect; `failed`, `cancelled` and `expired` are mined without effect.
    status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Who asked for it; none: the engine itself.
    principal_id: Option<Uuid>,
    request_id: Option<String>,
    chain_id: i64,
    role: String,
    wallet: Option<Address>,
    nonce: Option<i64>,
    tx_hash: Option<B256>,
    block_number: Option<i64>,
    block_hash: Option<B256>,
    /// What was mined is not the call but the void of its nonce.
    void: bool,
    signature: Option<Signed>,
}

/// The wallet's signature over the transaction.
#[derive(Debug, Serialize)]
struct Signed {
    r: U256,
    s: U256,
    y_parity: u8,
}

impl Entry {
    pub fn ended(ended: Ended) -> Self {
        let taken_back = ended.taken_back;
        let signature = ended.raw.as_deref().and_then(signature);
        if signature.is_none() {
            tracing::error!(transaction.id = %ended.transaction_id, fact = ended.fact_seq,
                "the signed bytes of what was mined are missing or can't be read");
        }
        let told = Told {
            fact: ended.fact_seq,
            transaction_id: ended.transaction_id,
            kind: ended.kind,
            status: ended.status,
            reason: ended.reason_code,
            principal_id: ended.principal_id,
            request_id: ended.request_id,
            chain_id: ended.chain_id,
            role: ended.role,
            wallet: ended.wallet.map(Into::into),
            nonce: ended.nonce,
            tx_hash: ended.tx_hash.map(Into::into),
            block_number: ended.block_number,
            block_hash: ended.block_hash.map(Into::into),
            void: ended.void.unwrap_or(false),
            signature,
        };
        if taken_back { Self::TakenBack(told) } else { Self::Transaction(told) }
    }
}

fn signature(raw: &[u8]) -> Option<Signed> {
    let envelope = TxEnvelope::decode_2718_exact(raw).ok()?;
    let signature = envelope.signature();
    Some(Signed { r: signature.r(), s: signature.s(), y_parity: u8::from(signature.v()) })
}

/// The fact that a line names; none: it is no line of ours.
pub(crate) fn fact_of(line: &str) -> Option<i64> {
    #[derive(Deserialize)]
    struct Line {
        entry: Kind,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Kind {
        Transaction(Fact),
        TakenBack(Fact),
        Decision(Fact),
    }
    #[derive(Deserialize)]
    struct Fact {
        fact: i64,
    }
    match serde_json::from_str::<Line>(line).ok()?.entry {
        Kind::Transaction(told) | Kind::TakenBack(told) | Kind::Decision(told) => Some(told.fact),
    }
}
