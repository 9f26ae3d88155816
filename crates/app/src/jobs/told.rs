//! Facts about mint jobs and collection requests before the index sees them; from then on
//! `projections` tells them, in the same shape.

use journal::NewFact;
use serde_json::json;
use uuid::Uuid;
use vocab::{Address, B256, ChainId, JobStatus, U256, topic};

/// A mint job as it is told.
#[derive(Clone, Debug)]
pub(crate) struct MintTold {
    pub(crate) id: Uuid,
    pub(crate) principal_id: Uuid,
    pub(crate) chain: ChainId,
    pub(crate) contract: Address,
    pub(crate) recipient: Address,
    pub(crate) intent: Option<U256>,
    pub(crate) transaction_id: Option<Uuid>,
    pub(crate) tx_hash: Option<B256>,
    pub(crate) status: JobStatus,
    pub(crate) reason: Option<String>,
}

impl MintTold {
    /// Addresses with their EIP-55 checksum, numbers that may be large in decimal.
    pub(crate) fn fact(&self) -> NewFact {
        let (chain_id, contract) = (self.chain.to_string(), self.contract.to_string());
        let to = self.recipient.to_string();
        NewFact {
            topic: topic::MINTS,
            kind: "mint_status_changed",
            reverting: false,
            attributes: json!({
                "mint_id": self.id, "principal_id": self.principal_id, "chain_id": chain_id,
                "contract": contract, "to": to, "status": self.status,
            }),
            chain_id: Some(self.chain),
            block: None,
            data: json!({
                "mint_id": self.id, "status": self.status, "reason": self.reason,
                "chain_id": chain_id, "contract": contract, "to": to, "token_id": null,
                "intent": self.intent.map(|intent| intent.to_string()),
                "transaction_id": self.transaction_id, "tx_hash": self.tx_hash, "block": null,
            }),
        }
    }
}

/// A collection request as it is told.
#[derive(Clone, Debug)]
pub(crate) struct CollectionTold {
    pub(crate) id: Uuid,
    pub(crate) principal_id: Uuid,
    pub(crate) chain: ChainId,
    pub(crate) contract: Address,
    pub(crate) transaction_id: Option<Uuid>,
    pub(crate) tx_hash: Option<B256>,
    pub(crate) status: JobStatus,
    pub(crate) reason: Option<String>,
}

impl CollectionTold {
    pub(crate) fn fact(&self) -> NewFact {
        let (chain_id, contract) = (self.chain.to_string(), self.contract.to_string());
        NewFact {
            topic: topic::COLLECTIONS,
            kind: "collection_status_changed",
            reverting: false,
            attributes: json!({
                "request_id": self.id, "principal_id": self.principal_id, "chain_id": chain_id,
                "contract": contract, "status": self.status,
            }),
            chain_id: Some(self.chain),
            block: None,
            data: json!({
                "request_id": self.id, "status": self.status, "reason": self.reason,
                "chain_id": chain_id, "contract": contract,
                "transaction_id": self.transaction_id, "tx_hash": self.tx_hash,
            }),
        }
    }
}
