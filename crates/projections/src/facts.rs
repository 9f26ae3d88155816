//! What is told about changes. Facts of logs are made from the logs alone, so that a reorg can
//! tell the same ones again, taking them back. `README.md` lists kinds and attributes.

use crate::{
    decode::{DecodedBlock, DecodedLog, Said},
    told::{CollectionTold, MintTold, block_data},
};
use alloy_primitives::{Address, B256, U256};
use db::{collections::requests::RequestEffect, mint_jobs::effects::MintEffect};
use journal::NewFact;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use vocab::{BlockRef, ChainId, JobStatus, Level, topic};

/// Facts of the logs of one block, in order.
#[must_use]
pub fn of_block(chain: ChainId, block: &DecodedBlock) -> Vec<NewFact> {
    let told = |log: &&DecodedLog| !is_told_with_its_collection(block, log);
    block.logs.iter().filter(told).map(|log| of_log(chain, block, log)).collect()
}

/// What a collection is made with is told as one.
fn is_told_with_its_collection(block: &DecodedBlock, log: &DecodedLog) -> bool {
    let made_here = |other: &DecodedLog| {
        other.tx_index == log.tx_index
            && matches!(other.said, Said::CollectionCreated { collection, .. }
                            if collection == log.contract)
    };
    matches!(log.said, Said::RoyaltyUpdated { .. }) && block.logs.iter().any(made_here)
}

/// The facts that take back these, newest first.
#[must_use]
pub fn reverting(facts: Vec<NewFact>) -> Vec<NewFact> {
    facts.into_iter().rev().map(|fact| NewFact { reverting: true, ..fact }).collect()
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

/// A level as a job status.
#[must_use]
pub fn status_of(level: Level) -> JobStatus {
    match level {
        Level::Final => JobStatus::Final,
        Level::Auditable => JobStatus::Auditable,
        Level::Tentative => JobStatus::Tentative,
    }
}

/// Where a log is.
pub(crate) struct Place {
    pub(crate) block: BlockRef,
    pub(crate) mined_at: OffsetDateTime,
    pub(crate) tx_hash: B256,
    pub(crate) log_index: u32,
}

impl Place {
    fn in_data(&self, mut data: Value) -> Value {
        data["tx_hash"] = json!(self.tx_hash);
        data["log_index"] = json!(self.log_index);
        data["block"] = block_data(self.block);
        data["mined_at"] = json!(self.mined_at.format(&Rfc3339).ok());
        data
    }
}

fn of_log(chain: ChainId, block: &DecodedBlock, log: &DecodedLog) -> NewFact {
    let DecodedLog { tx_hash, log_index, .. } = *log;
    let place = Place { block: block.block, mined_at: block.mined_at, tx_hash, log_index };
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
            if let Some(royalty) = block.royalties.get(&(log.tx_index, *collection)) {
                data["royalty_receiver"] = json!(royalty.receiver.map(|to| to.to_string()));
                data["royalty_bps"] = json!(royalty.bps.to_string());
            }
            about.fact(topic::COLLECTIONS, "collection_deployed", &place, data)
        }
        Said::Transfer { from, to, token_id } => {
            let content = block.contents.get(&(log.tx_index, log.contract, *token_id));
            let about = About::new(chain, log.contract).and("token_id", token_id);
            let mut told = item_moved(about, &place, (*from, *to));
            if let Some(content) = content.filter(|_| from.is_zero()) {
                told.data["uri"] = json!(content.uri);
                told.data["intent"] = json!(content.intent.map(|intent| intent.to_string()));
            }
            told
        }
        Said::MetadataUpdate { first, last } => {
            metadata_updated(About::new(chain, log.contract), &place, *first, *last)
        }
        Said::BaseUriUpdated { base_uri } => {
            let about = About::new(chain, log.contract);
            let mut data = about.data(&["chain_id", "contract"]);
            data["base_uri"] = json!(base_uri);
            about.fact(topic::COLLECTIONS, "collection_base_uri_updated", &place, data)
        }
        Said::RoyaltyUpdated { royalty } => {
            let about = About::new(chain, log.contract);
            let mut data = about.data(&["chain_id", "contract"]);
            data["royalty_receiver"] = json!(royalty.receiver.map(|to| to.to_string()));
            data["royalty_bps"] = json!(royalty.bps.to_string());
            about.fact(topic::COLLECTIONS, "collection_royalty_updated", &place, data)
        }
    }
}

/// An item that has a new owner, or none any more.
pub(crate) fn item_moved(about: About, place: &Place, parties: (Address, Address)) -> NewFact {
    let kinds = ["item_minted", "item_transferred", "item_burned"];
    let (kind, about) = about.moved(kinds, parties);
    let about = if parties.1.is_zero() { about } else { about.and("owner", parties.1) };
    let data = about.data(&["chain_id", "contract", "token_id", "from", "to"]);
    about.fact(topic::ITEMS, kind, place, data)
}

pub(crate) fn metadata_updated(about: About, place: &Place, first: U256, last: U256) -> NewFact {
    let about = if first == last { about.and("token_id", first) } else { about };
    let mut data = about.data(&["chain_id", "contract"]);
    data["first_token_id"] = json!(first.to_string());
    data["last_token_id"] = json!(last.to_string());
    about.fact(topic::ITEMS, "metadata_updated", place, data)
}

/// The attributes of a fact: string values that subscribers filter by.
pub(crate) struct About {
    chain: ChainId,
    attributes: Map<String, Value>,
}

impl About {
    pub(crate) fn new(chain: ChainId, contract: Address) -> Self {
        let about = Self { chain, attributes: Map::new() };
        about.and("chain_id", chain).and("contract", contract)
    }

    /// Addresses print with their EIP-55 checksum, numbers in decimal.
    pub(crate) fn and(mut self, name: &str, value: impl ToString) -> Self {
        self.attributes.insert(name.to_owned(), Value::String(value.to_string()));
        self
    }

    /// Who gave and who got something; and which of the kinds (minted, transferred, burned) it is.
    pub(crate) fn moved(
        self,
        [minted, transferred, burned]: [&'static str; 3],
        (from, to): (Address, Address),
    ) -> (&'static str, Self) {
        if from.is_zero() {
            (minted, self.and("to", to))
        } else if to.is_zero() {
            (burned, self.and("from", from))
        } else {
            (transferred, self.and("from", from).and("to", to))
        }
    }

    /// Those of these attributes that there are, to be part of the fact's data.
    pub(crate) fn data(&self, names: &[&str]) -> Value {
        let found = names
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), self.attributes.get(*name)?.clone())));
        Value::Object(found.collect())
    }

    pub(crate) fn fact(
        self,
        topic: &'static str,
        kind: &'static str,
        place: &Place,
        data: Value,
    ) -> NewFact {
        NewFact {
            topic,
            kind,
            reverting: false,
            attributes: Value::Object(self.attributes),
            chain_id: Some(self.chain),
            block: Some(place.block),
            data: place.in_data(data),
        }
    }
}
