//! What is told about changes. Facts of logs are made from the logs alone, so that a reorg can
//! tell the same ones again, taking them back. `README.md` lists kinds and attributes.

use crate::{
    decode::{DecodedBlock, DecodedLog, Said},
    told::{CollectionTold, MintTold, block_data},
};
use alloy_primitives::{Address, U256};
use db::{collections::requests::RequestEffect, mint_jobs::effects::MintEffect};
use journal::NewFact;
use serde_json::{Map, Value, json};
use time::format_description::well_known::Rfc3339;
use vocab::{BlockRef, ChainId, JobStatus, topic};

/// Facts of the logs of one block, in order.
#[must_use]
pub fn of_block(chain: ChainId, block: &DecodedBlock) -> Vec<NewFact> {
    block.logs.iter().map(|log| of_log(chain, block, log)).collect()
}

/// The facts that take back those of these orphaned blocks, newest first.
#[must_use]
pub fn reverting(chain: ChainId, blocks: &[DecodedBlock]) -> Vec<NewFact> {
    let facts = blocks.iter().flat_map(|block| of_block(chain, block));
    let mut facts: Vec<NewFact> = facts.map(|f| NewFact { reverting: true, ..f }).collect();
    facts.reverse();
    facts
}

/// A mint job has moved.
#[must_use]
pub fn of_mint(chain: ChainId, effect: &MintEffect) -> NewFact {
    MintTold::of(chain, effect).fact()
}

/// A request for a collection has moved.
#[must_use]
pub fn of_request(chain: ChainId, effect: &RequestEffect) -> NewFact {
    CollectionTold::of(chain, effect).fact()
}

/// The level of a block at `number` under `head`, as a job status.
#[must_use]
pub fn status_at(finality: vocab::Finality, number: u64, head: u64) -> JobStatus {
    match finality.level(number, head) {
        Some(vocab::Level::Final) => JobStatus::Final,
        Some(vocab::Level::Auditable) => JobStatus::Auditable,
        Some(vocab::Level::Tentative) | None => JobStatus::Tentative,
    }
}

fn of_log(chain: ChainId, block: &DecodedBlock, log: &DecodedLog) -> NewFact {
    let at = |mut data: Value| {
        data["tx_hash"] = json!(log.tx_hash);
        data["log_index"] = json!(log.log_index);
        data["block"] = block_data(block.block);
        data["mined_at"] = json!(block.mined_at.format(&Rfc3339).ok());
        data
    };
    let told = Some(block.block);
    match &log.said {
        Said::CollectionCreated { collection, admin, salt } => {
            let about = About::new(chain, *collection).and("creator", admin);
            let mut data = about.data(&["chain_id", "contract", "creator"]);
            data["salt"] = json!(salt);
            if let Some(settings) = block.settings.get(&(log.tx_index, *collection)) {
                data["name"] = json!(settings.name);
                data["symbol"] = json!(settings.symbol);
                data["content_mode"] = json!(settings.content_mode);
                data["base_uri"] = json!(settings.base_uri);
            }
            about.fact(topic::COLLECTIONS, "collection_deployed", false, told, at(data))
        }
        Said::Transfer { from, to, token_id } => {
            let content = block.contents.get(&(log.tx_index, log.contract, *token_id));
            let about = About::new(chain, log.contract).and("token_id", token_id);
            let (kind, about) = if from.is_zero() {
                ("item_minted", about.and("to", to).and("owner", to))
            } else if to.is_zero() {
                ("item_burned", about.and("from", from))
            } else {
                ("item_transferred", about.and("from", from).and("to", to).and("owner", to))
            };
            let mut data = about.data(&["chain_id", "contract", "token_id", "from", "to"]);
            if let Some(content) = content.filter(|_| from.is_zero()) {
                data["uri"] = json!(content.uri);
                data["intent"] = json!(content.intent.map(|intent| intent.to_string()));
            }
            about.fact(topic::ITEMS, kind, false, told, at(data))
        }
        Said::MetadataUpdate { first, last } => {
            let about = About::new(chain, log.contract);
            let about = if first == last { about.and("token_id", first) } else { about };
            range_fact(about, *first, *last, told, at)
        }
        Said::BaseUriUpdated { base_uri } => {
            let about = About::new(chain, log.contract);
            let mut data = about.data(&["chain_id", "contract"]);
            data["base_uri"] = json!(base_uri);
            about.fact(topic::COLLECTIONS, "collection_base_uri_updated", false, told, at(data))
        }
    }
}

fn range_fact(
    about: About,
    first: U256,
    last: U256,
    told: Option<BlockRef>,
    at: impl Fn(Value) -> Value,
) -> NewFact {
    let mut data = about.data(&["chain_id", "contract"]);
    data["first_token_id"] = json!(first.to_string());
    data["last_token_id"] = json!(last.to_string());
    about.fact(topic::ITEMS, "metadata_updated", false, told, at(data))
}

/// The attributes of a fact: string values that subscribers filter by.
struct About {
    chain: ChainId,
    attributes: Map<String, Value>,
}

impl About {
    fn new(chain: ChainId, contract: Address) -> Self {
        let about = Self { chain, attributes: Map::new() };
        about.and("chain_id", chain).and("contract", contract)
    }

    /// Addresses print with their EIP-55 checksum, numbers in decimal.
    fn and(mut self, name: &str, value: impl ToString) -> Self {
        self.attributes.insert(name.to_owned(), Value::String(value.to_string()));
        self
    }

    /// Those of these attributes that there are, to be part of the fact's data.
    fn data(&self, names: &[&str]) -> Value {
        let found = names
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), self.attributes.get(*name)?.clone())));
        Value::Object(found.collect())
    }

    fn fact(
        self,
        topic: &'static str,
        kind: &'static str,
        reverting: bool,
        block: Option<BlockRef>,
        data: Value,
    ) -> NewFact {
        let attributes = Value::Object(self.attributes);
        NewFact { topic, kind, reverting, attributes, chain_id: Some(self.chain), block, data }
    }
}
