//! From raw logs to what they say.

use crate::{abi, cid::raw_uri};
use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::{SolEvent, SolValue};
use db::raw_logs::RawLog;
use std::collections::HashMap;
use time::OffsetDateTime;
use vocab::BlockRef;

/// Names and symbols are cut to this many characters.
const NAME_CHARS_MAX: usize = 256;

/// What one log says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    CollectionCreated {
        collection: Address,
        admin: Address,
        salt: B256,
    },
    Transfer {
        from: Address,
        to: Address,
        token_id: U256,
    },
    BaseUriUpdated {
        base_uri: String,
    },
    /// ERC-4906, both forms: the range includes both ends.
    MetadataUpdate {
        first: U256,
        last: U256,
    },
}

/// A log that says something, with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodedLog {
    pub contract: Address,
    pub log_index: u32,
    pub tx_index: u32,
    pub tx_hash: B256,
    pub said: Said,
}

/// What an `ItemsMinted` log says of one of its items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// word × 256 + bit; none for words so high that the product is no uint256 (never ours).
    pub intent: Option<U256>,
    /// None in base-URI mode.
    pub uri: Option<String>,
}

/// What a `CollectionInitialized` log says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pub name: String,
    pub symbol: String,
    pub content_mode: Option<&'static str>,
    pub base_uri: String,
}

/// A block's logs, decoded.
///
/// Logs that describe what another log of the same transaction brings about (`ItemsMinted` a
/// `Transfer`, `CollectionInitialized` a `CollectionCreated`) are kept apart, so that their order
/// does not matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodedBlock {
    pub block: BlockRef,
    pub mined_at: OffsetDateTime,
    pub logs: Vec<DecodedLog>,
    /// By (transaction index, contract, token id).
    pub contents: HashMap<(u32, Address, U256), Content>,
    /// By (transaction index, contract).
    pub settings: HashMap<(u32, Address), Settings>,
    /// Logs with a topic of ours that could not be read.
    pub undecoded: u64,
}

/// First topics of all logs that are read.
#[must_use]
pub fn topics() -> Vec<B256> {
    vec![
        abi::CollectionCreated::SIGNATURE_HASH,
        abi::CollectionInitialized::SIGNATURE_HASH,
        abi::ItemsMinted::SIGNATURE_HASH,
        abi::BaseURIUpdated::SIGNATURE_HASH,
        abi::Transfer::SIGNATURE_HASH,
        abi::MetadataUpdate::SIGNATURE_HASH,
        abi::BatchMetadataUpdate::SIGNATURE_HASH,
    ]
}

/// The collection that this log of a factory announces.
#[must_use]
pub fn announced(factories: &[Address], log: &RawLog) -> Option<Address> {
    if !factories.contains(&log.address) {
        return None;
    }
    Some(event::<abi::CollectionCreated>(log)?.collection)
}

/// Decode the logs of one block, all of which are of factories or of collections.
#[must_use]
pub fn decode(
    factories: &[Address],
    block: BlockRef,
    mined_at: OffsetDateTime,
    logs: &[RawLog],
) -> DecodedBlock {
    let mut decoded = DecodedBlock {
        block,
        mined_at,
        logs: Vec::with_capacity(logs.len()),
        contents: HashMap::new(),
        settings: HashMap::new(),
        undecoded: 0,
    };
    for log in logs {
        let read = if factories.contains(&log.address) {
            decoded.read_factory(log)
        } else {
            decoded.read_collection(log)
        };
        if read.is_none() {
            decoded.undecoded += 1;
        }
    }
    decoded
}

impl DecodedBlock {
    fn read_factory(&mut self, log: &RawLog) -> Option<()> {
        let abi::CollectionCreated { collection, admin, salt } = event(log)?;
        self.push(log, Said::CollectionCreated { collection, admin, salt });
        Some(())
    }

    fn read_collection(&mut self, log: &RawLog) -> Option<()> {
        match *log.topics.first()? {
            abi::Transfer::SIGNATURE_HASH => {
                let abi::Transfer { from, to, tokenId: token_id } = event(log)?;
                self.push(log, Said::Transfer { from, to, token_id });
            }
            abi::ItemsMinted::SIGNATURE_HASH => self.read_contents(log)?,
            abi::CollectionInitialized::SIGNATURE_HASH => {
                let init: abi::CollectionInitialized = event(log)?;
                let settings = Settings {
                    name: name(&init.name),
                    symbol: name(&init.symbol),
                    content_mode: match init.contentMode {
                        0 => Some("digest"),
                        1 => Some("base_uri"),
                        2 => Some("free_uri"),
                        _ => None,
                    },
                    base_uri: text(&init.baseURI),
                };
                self.settings.insert((log.tx_index, log.address), settings);
            }
            abi::BaseURIUpdated::SIGNATURE_HASH => {
                let update: abi::BaseURIUpdated = event(log)?;
                self.push(log, Said::BaseUriUpdated { base_uri: text(&update.baseURI) });
            }
            abi::MetadataUpdate::SIGNATURE_HASH => {
                let token_id = event::<abi::MetadataUpdate>(log)?.tokenId;
                self.push(log, Said::MetadataUpdate { first: token_id, last: token_id });
            }
            abi::BatchMetadataUpdate::SIGNATURE_HASH => {
                let update: abi::BatchMetadataUpdate = event(log)?;
                let (first, last) = (update.fromTokenId, update.toTokenId);
                self.push(log, Said::MetadataUpdate { first, last });
            }
            _ => return None,
        }
        Some(())
    }

    fn read_contents(&mut self, log: &RawLog) -> Option<()> {
        let abi::ItemsMinted { word, mask, firstTokenId, contents } = event(log)?;
        let uris = uris(&contents, mask.count_ones())?;
        let bits = (0..256usize).filter(|bit| mask.bit(*bit));
        for ((bit, uri), place) in bits.zip(uris).zip(0u64..) {
            let token_id = firstTokenId.checked_add(U256::from(place))?;
            let intent = word
                .checked_mul(U256::from(256))
                .and_then(|first| first.checked_add(U256::from(bit)));
            self.contents.insert((log.tx_index, log.address, token_id), Content { intent, uri });
        }
        Some(())
    }

    fn push(&mut self, log: &RawLog, said: Said) {
        self.logs.push(DecodedLog {
            contract: log.address,
            log_index: log.log_index,
            tx_index: log.tx_index,
            tx_hash: log.tx_hash,
            said,
        });
    }
}

/// The URI of each of `items` items. The three content modes can be told apart by length: nothing,
/// 32 bytes each, or an ABI-encoded list, which is longer.
fn uris(contents: &[u8], items: usize) -> Option<Vec<Option<String>>> {
    if contents.is_empty() {
        return Some(vec![None; items]);
    }
    if contents.len() == items * 32 {
        let (digests, _) = contents.as_chunks::<32>();
        return Some(digests.iter().map(|digest| Some(raw_uri(digest))).collect());
    }
    let uris = Vec::<String>::abi_decode(contents).ok()?;
    (uris.len() == items).then(|| uris.iter().map(|uri| Some(text(uri))).collect())
}

fn event<E: SolEvent>(log: &RawLog) -> Option<E> {
    E::decode_raw_log(log.topics.iter().copied(), &log.data).ok()
}

/// Postgres holds no NUL in text.
fn text(from_chain: &str) -> String {
    from_chain.replace('\0', "\u{fffd}")
}

fn name(from_chain: &str) -> String {
    text(from_chain).chars().take(NAME_CHARS_MAX).collect()
}
