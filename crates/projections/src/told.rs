//! How mint jobs and collection requests are told: one shape, whoever sets the state. Whoever asks
//! and sends tells the states before the index sees them, [`crate::facts`] those from then on.

use db::{collections::requests::RequestEffect, mint_jobs::effects::MintEffect};
use journal::NewFact;
use serde_json::{Value, json};
use vocab::{
    Address, B256, BlockRef, ChainId, CollectionRequestId, JobStatus, MintId, PrincipalId,
    TransactionId, U256, topic,
};

/// A mint job as it is told.
#[derive(Clone, Debug)]
pub struct MintTold {
    pub id: MintId,
    pub principal_id: PrincipalId,
    pub chain: ChainId,
    pub contract: Address,
    pub recipient: Address,
    pub intent: Option<U256>,
    pub transaction_id: Option<TransactionId>,
    pub tx_hash: Option<B256>,
    pub status: JobStatus,
    pub reason: Option<String>,
    /// The item and its block, once the chain shows them.
    pub token_id: Option<U256>,
    pub block: Option<BlockRef>,
    /// The state that a reorg has taken back: `token_id` and `block` are those of then.
    pub taken_back: Option<JobStatus>,
    /// Of the HTTP request that asked for it.
    pub request_id: Option<String>,
}

impl MintTold {
    /// Attributes name what is told and, where something is taken back, the state before and the
    /// item: filters by either state hear of the way back. Addresses with their EIP-55 checksum,
    /// large numbers in decimal.
    #[must_use]
    pub fn fact(&self) -> NewFact {
        let (chain_id, contract) = (self.chain.to_string(), self.contract.to_string());
        let to = self.recipient.to_string();
        let reverting = self.taken_back.is_some();
        let mut attributes = json!({
            "mint_id": self.id, "principal_id": self.principal_id, "chain_id": chain_id,
            "contract": contract, "to": to, "status": self.status,
        });
        if let Some(before) = self.taken_back {
            attributes["previous_status"] = json!(before);
        }
        if let Some(token_id) = self.token_id {
            attributes["token_id"] = json!(token_id.to_string());
        }
        let token_id = self.token_id.filter(|_| !reverting).map(|id| id.to_string());
        let block = self.block.filter(|_| !reverting).map(block_data);
        NewFact {
            topic: topic::MINTS,
            kind: "mint_status_changed",
            reverting,
            attributes,
            chain_id: Some(self.chain),
            block: self.block,
            data: json!({
                "mint_id": self.id, "status": self.status, "reason": self.reason,
                "chain_id": chain_id, "contract": contract, "to": to, "token_id": token_id,
                "intent": self.intent.map(|intent| intent.to_string()),
                "transaction_id": self.transaction_id, "tx_hash": self.tx_hash, "block": block,
                "request_id": self.request_id,
            }),
        }
    }

    pub(crate) fn of(chain: ChainId, effect: &MintEffect) -> Self {
        Self {
            id: effect.id,
            principal_id: effect.principal_id,
            chain,
            contract: effect.contract,
            recipient: effect.recipient,
            intent: effect.intent,
            transaction_id: effect.transaction_id,
            tx_hash: effect.tx_hash,
            status: known(&effect.status),
            reason: None,
            token_id: effect.token_id,
            block: effect.block,
            taken_back: effect.taken_back.as_deref().map(known),
            request_id: effect.http_request_id.clone(),
        }
    }
}

/// A collection request as it is told.
#[derive(Clone, Debug)]
pub struct CollectionTold {
    pub id: CollectionRequestId,
    pub principal_id: PrincipalId,
    pub chain: ChainId,
    pub contract: Address,
    pub transaction_id: Option<TransactionId>,
    pub tx_hash: Option<B256>,
    pub status: JobStatus,
    pub reason: Option<String>,
    /// The state that a reorg has taken back.
    pub taken_back: Option<JobStatus>,
}

impl CollectionTold {
    /// As [`MintTold::fact`].
    #[must_use]
    pub fn fact(&self) -> NewFact {
        let (chain_id, contract) = (self.chain.to_string(), self.contract.to_string());
        let mut attributes = json!({
            "request_id": self.id, "principal_id": self.principal_id, "chain_id": chain_id,
            "contract": contract, "status": self.status,
        });
        if let Some(before) = self.taken_back {
            attributes["previous_status"] = json!(before);
        }
        NewFact {
            topic: topic::COLLECTIONS,
            kind: "collection_status_changed",
            reverting: self.taken_back.is_some(),
            attributes,
            chain_id: Some(self.chain),
            block: None,
            data: json!({
                "request_id": self.id, "status": self.status, "reason": self.reason,
                "chain_id": chain_id, "contract": contract,
                "transaction_id": self.transaction_id, "tx_hash": self.tx_hash,
            }),
        }
    }

    pub(crate) fn of(chain: ChainId, effect: &RequestEffect) -> Self {
        Self {
            id: effect.id,
            principal_id: effect.principal_id,
            chain,
            contract: effect.contract,
            transaction_id: effect.transaction_id,
            tx_hash: effect.tx_hash,
            status: known(&effect.status),
            reason: None,
            taken_back: effect.taken_back.as_deref().map(known),
        }
    }
}

pub(crate) fn block_data(block: BlockRef) -> Value {
    json!({ "number": block.number, "hash": block.hash })
}

fn known(status: &str) -> JobStatus {
    status.parse().expect("invariant: the table takes no other state")
}
